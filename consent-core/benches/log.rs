//! How fast proofs are verified in a log of 100 million leaves, beside the least that any
//! implementation can do: hashing the nodes on the way.

use consent_core::log::{ConsistencyProof, Hash, InclusionProof, TreeHead};
use ct_merkle::RootHash;
use sha2::Sha256;

const SIZE: u64 = 100_000_000;
const INDEX: u64 = 12_345_678;
/// Not a power of two, so that the proof starts with a hash of its own.
const EARLIER: u64 = 33_333_333;

fn main() {
    divan::main();
}

/// Any hash will do as a subtree's: what is timed does not depend on it.
fn made_up(n: usize) -> Hash {
    Hash::of_leaf(&n.to_be_bytes())
}

fn leaf() -> [u8; 32] {
    *made_up(0).as_bytes()
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

/// A proof of made-up hashes, and the root they lead to (RFC 9162 §2.1.3.2).
fn inclusion() -> (InclusionProof, TreeHead) {
    let length = InclusionProof::make(INDEX, SIZE, |_| Ok::<_, ()>(made_up(0)));
    let hashes: Vec<Hash> = (1..=length.expect("inside").hashes().len()).map(made_up).collect();
    let (mut index, mut last) = (INDEX, SIZE - 1);
    let mut root = Hash::of_leaf(&leaf());
    for sibling in &hashes {
        if index % 2 == 1 || index == last {
            root = Hash::of_node(sibling, &root);
            while index % 2 == 0 && index != 0 {
                (index, last) = (index / 2, last / 2);
            }
        } else {
            root = Hash::of_node(&root, sibling);
        }
        (index, last) = (index / 2, last / 2);
    }
    let proof = InclusionProof::new(hashes).expect("short");
    (proof, TreeHead::new(SIZE, root).expect("a log"))
}

/// A proof of made-up hashes, and the two roots they lead to (RFC 9162 §2.1.4.2).
fn consistency() -> (ConsistencyProof, TreeHead, TreeHead) {
    let length = ConsistencyProof::make(EARLIER, SIZE, |_| Ok::<_, ()>(made_up(0)));
    let hashes: Vec<Hash> = (1..=length.expect("inside").hashes().len()).map(made_up).collect();
    let (mut index, mut last) = (EARLIER - 1, SIZE - 1);
    while index % 2 == 1 {
        (index, last) = (index / 2, last / 2);
    }
    let (mut before, mut after) = (hashes[0], hashes[0]);
    for sibling in &hashes[1..] {
        if index % 2 == 1 || index == last {
            before = Hash::of_node(sibling, &before);
            after = Hash::of_node(sibling, &after);
            while index % 2 == 0 && index != 0 {
                (index, last) = (index / 2, last / 2);
            }
        } else {
            after = Hash::of_node(&after, sibling);
        }
        (index, last) = (index / 2, last / 2);
    }
    let head = |size, root| TreeHead::new(size, root).expect("a log");
    let proof = ConsistencyProof::new(hashes).expect("short");
    (proof, head(EARLIER, before), head(SIZE, after))
}

fn theirs(head: &TreeHead) -> RootHash<Sha256> {
    RootHash::new((*head.root().as_bytes()).into(), head.size())
}

#[divan::bench_group]
mod inclusion_of_one_in_100_million {
    use divan::{Bencher, black_box};
    use sha2::{Digest, Sha256};

    use super::{Hash, INDEX, bytes, inclusion, leaf, theirs};

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let (proof, head) = inclusion();
        bencher.bench_local(|| {
            let leaf = Hash::of_leaf(black_box(&leaf()));
            proof.verify(&leaf, black_box(INDEX), &head).expect("it is right");
        });
    }

    #[divan::bench]
    fn ct_merkle(bencher: Bencher<'_, '_>) {
        let (proof, head) = inclusion();
        let (bytes, root) = (bytes(proof.hashes()), theirs(&head));
        let proof = ct_merkle::InclusionProof::try_from_bytes(bytes).expect("whole hashes");
        bencher.bench_local(|| {
            root.verify_inclusion(black_box(&leaf()), black_box(INDEX), &proof)
                .expect("it is right");
        });
    }

    /// The leaf and the nodes above it, hashed one after the other.
    #[divan::bench]
    fn hashing_alone(bencher: Bencher<'_, '_>) {
        let (proof, _) = inclusion();
        bencher.bench_local(|| {
            let leaf = Sha256::new().chain_update([0]).chain_update(black_box(leaf()));
            black_box(proof.hashes()).iter().fold(leaf.finalize(), |hash, sibling| {
                let node = Sha256::new().chain_update([1]).chain_update(hash);
                node.chain_update(sibling.as_bytes()).finalize()
            })
        });
    }
}

#[divan::bench_group]
mod consistency_of_33_with_100_million {
    use divan::{Bencher, black_box};

    use super::{bytes, consistency, theirs};

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let (proof, old, new) = consistency();
        bencher.bench_local(|| proof.verify(black_box(&old), &new).expect("it is right"));
    }

    #[divan::bench]
    fn ct_merkle(bencher: Bencher<'_, '_>) {
        let (proof, old, new) = consistency();
        let bytes = bytes(proof.hashes());
        let (old, new) = (theirs(&old), theirs(&new));
        let proof = ct_merkle::ConsistencyProof::try_from_bytes(bytes).expect("whole hashes");
        bencher.bench_local(|| {
            new.verify_consistency(black_box(&old), &proof).expect("it is right");
        });
    }
}
