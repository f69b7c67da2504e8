//! Proofs against independent implementations, and against every kind of forgery.

use std::sync::LazyLock;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use tlog_tiles::tlog;

use super::tests::Stored;
use super::*;

const SIZE: u64 = 130;

static LOG: LazyLock<Stored> = LazyLock::new(|| Stored::of(SIZE + 1));

fn index(n: u64) -> usize {
    usize::try_from(n).unwrap()
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(Hash::as_bytes).copied().collect()
}

fn theirs(hash: &Hash) -> tlog::Hash {
    tlog::Hash(*hash.as_bytes())
}

fn flip(hash: &Hash, bit: usize) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[bit / 8 % 32] ^= 1 << (bit % 8);
    Hash::from(bytes)
}

/// Every index in every size: the proof is the same, byte for byte, as that of `ct-merkle`, and
/// `tlog_tiles` accepts it as we do.
#[test]
fn inclusion_agrees_with_others() {
    let mut other = MemoryBackedTree::<Sha256, [u8; 8]>::new();
    for size in 1..=SIZE {
        other.push((size - 1).to_be_bytes());
        let head = &LOG.heads[index(size)];
        assert_eq!(head.root().as_bytes()[..], other.root().as_bytes()[..]);
        for leaf in 0..size {
            let proof = InclusionProof::make(leaf, size, |node| LOG.read(node)).unwrap();
            assert_eq!(bytes(proof.hashes()), other.prove_inclusion(index(leaf)).as_bytes());
            assert_eq!(proof.verify(&Stored::leaf(leaf), leaf, head), Ok(()));
            let record: Vec<_> = proof.hashes().iter().map(theirs).collect();
            let (root, hash) = (theirs(head.root()), theirs(&Stored::leaf(leaf)));
            tlog::check_record(&record, size, root, leaf, hash).unwrap();
        }
    }
}

/// Every pair of sizes, in the same way.
#[test]
fn consistency_agrees_with_others() {
    let mut other = MemoryBackedTree::<Sha256, [u8; 8]>::new();
    for later in 1..=SIZE {
        other.push((later - 1).to_be_bytes());
        for earlier in 0..=later {
            let (old, new) = (&LOG.heads[index(earlier)], &LOG.heads[index(later)]);
            let proof = ConsistencyProof::make(earlier, later, |node| LOG.read(node)).unwrap();
            assert_eq!(proof.verify(old, new), Ok(()), "{earlier} of {later}");
            if earlier == 0 {
                assert!(proof.hashes().is_empty());
                continue;
            }
            let expected = other.prove_consistency(index(later - earlier));
            assert_eq!(bytes(proof.hashes()), expected.as_bytes(), "{earlier} of {later}");
            let tree: Vec<_> = proof.hashes().iter().map(theirs).collect();
            tlog::check_tree(&tree, later, theirs(new.root()), earlier, theirs(old.root()))
                .unwrap();
        }
    }
}

/// The nodes announced are the nodes read: no more, no fewer.
#[test]
fn what_is_read_is_known_before() {
    for (a, b) in (1..=SIZE).flat_map(|b| (0..b).map(move |a| (a, b))) {
        let mut read = Vec::new();
        let mut reader = |node| {
            read.push(node);
            LOG.read(node)
        };
        InclusionProof::make(a, b, &mut reader).unwrap();
        ConsistencyProof::make(a, b, &mut reader).unwrap();
        let mut announced = InclusionProof::nodes(a, b);
        announced.extend(ConsistencyProof::nodes(a, b));
        assert_eq!(read, announced, "{a}, {b}");
    }
}

#[test]
fn there_are_no_proofs_outside_the_log() {
    let read = |_| Ok::<_, ()>(Hash::of_nothing());
    for (leaf, size) in [(0, 0), (1, 1), (5, 4), (0, MAX_SIZE + 1), (u64::MAX, u64::MAX)] {
        assert_eq!(InclusionProof::make(leaf, size, read), Err(MakeError::Outside));
        assert!(InclusionProof::nodes(leaf, size).is_empty());
    }
    for (earlier, later) in [(2, 1), (1, 0), (0, MAX_SIZE + 1), (u64::MAX, u64::MAX)] {
        assert_eq!(ConsistencyProof::make(earlier, later, read), Err(MakeError::Outside));
        assert!(ConsistencyProof::nodes(earlier, later).is_empty());
    }
    assert_eq!(InclusionProof::make(0, 2, |_| Err("disk")), Err(MakeError::Read("disk")));
    assert_eq!(ConsistencyProof::make(1, 2, |_| Err("disk")), Err(MakeError::Read("disk")));
}

/// The largest logs there can be: their proofs fit the bound, and are verified like small ones.
#[test]
fn the_largest_proofs_fit() {
    let hash = Hash::of_leaf(b"same");
    let head = TreeHead::new(MAX_SIZE, hash).unwrap();
    for leaf in [0, 1, MAX_SIZE / 2, MAX_SIZE - 1] {
        let proof = InclusionProof::make(leaf, MAX_SIZE, |_| Ok::<_, ()>(hash)).unwrap();
        assert!(proof.hashes().len() <= MAX_PROOF);
        assert_eq!(proof.verify(&hash, leaf, &head), Err(InvalidProof::Root));
    }
    for earlier in [1, 2, 3, MAX_SIZE / 2, MAX_SIZE / 2 + 2, MAX_SIZE - 1] {
        let proof = ConsistencyProof::make(earlier, MAX_SIZE, |_| Ok::<_, ()>(hash)).unwrap();
        assert!(proof.hashes().len() <= MAX_PROOF);
        let old = TreeHead::new(earlier, flip(&hash, 0)).unwrap();
        assert_ne!(proof.verify(&old, &head), Err(InvalidProof::Length), "{earlier}");
        assert!(proof.verify(&old, &head).is_err());
    }
    let many = vec![hash; MAX_PROOF + 1];
    assert_eq!(InclusionProof::new(many.clone()), Err(InvalidProof::Length));
    assert_eq!(ConsistencyProof::new(many), Err(InvalidProof::Length));
}

/// Verification names what is wrong.
#[test]
fn the_first_failing_check_is_named() {
    let (leaf, head) = (Stored::leaf(5), &LOG.heads[7]);
    let good = InclusionProof::make(5, 7, |node| LOG.read(node)).unwrap();
    let with = |change: &dyn Fn(&mut Vec<Hash>)| {
        let mut hashes = good.hashes().to_vec();
        change(&mut hashes);
        InclusionProof::new(hashes).unwrap()
    };
    let longer = with(&|hashes| hashes.push(leaf));
    let shorter = with(&|hashes| hashes.truncate(hashes.len() - 1));
    let swapped = with(&|hashes| hashes.swap(0, 1));
    let other_root = TreeHead::new(7, *LOG.heads[6].root()).unwrap();
    for (proof, leaf, index, head, failure) in [
        (&good, &leaf, 7, head, InvalidProof::Index),
        (&good, &leaf, u64::MAX, head, InvalidProof::Index),
        (&good, &leaf, 0, &LOG.heads[0], InvalidProof::Index),
        (&good, &leaf, 6, head, InvalidProof::Length),
        (&longer, &leaf, 5, head, InvalidProof::Length),
        (&shorter, &leaf, 5, head, InvalidProof::Length),
        (&swapped, &leaf, 5, head, InvalidProof::Root),
        (&good, &leaf, 4, head, InvalidProof::Root),
        (&good, &Stored::leaf(4), 5, head, InvalidProof::Root),
        (&good, &leaf, 5, &other_root, InvalidProof::Root),
    ] {
        assert_eq!(proof.verify(leaf, index, head), Err(failure), "{index} {head:?}");
    }

    let good = ConsistencyProof::make(6, 7, |node| LOG.read(node)).unwrap();
    let none = ConsistencyProof::new(vec![]).unwrap();
    let (six, seven) = (&LOG.heads[6], &LOG.heads[7]);
    let forked = |size: u64| TreeHead::new(size, leaf).unwrap();
    for (proof, earlier, later, failure) in [
        (&good, seven, six, InvalidProof::Size),
        (&good, seven, seven, InvalidProof::Length),
        (&good, &LOG.heads[0], seven, InvalidProof::Length),
        (&none, six, seven, InvalidProof::Length),
        (&none, &LOG.heads[4], seven, InvalidProof::Length),
        (&none, &forked(7), seven, InvalidProof::Root),
        (&good, &forked(6), seven, InvalidProof::EarlierRoot),
        (&good, six, &forked(7), InvalidProof::Root),
    ] {
        assert_eq!(proof.verify(earlier, later), Err(failure), "{earlier:?} {later:?}");
    }
}

proptest! {
    /// A flipped bit of leaf, proof or root, or another index, is always noticed.
    #[test]
    fn a_changed_inclusion_proof_fails(
        (leaf, size) in (1_u64..=SIZE).prop_flat_map(|size| (0..size, Just(size))),
        other in 0..SIZE, bit in 0_usize..256, which in any::<prop::sample::Index>(),
    ) {
        let head = LOG.heads[index(size)];
        let hash = Stored::leaf(leaf);
        let proof = InclusionProof::make(leaf, size, |node| LOG.read(node)).unwrap();
        prop_assert_eq!(proof.verify(&hash, other, &head).is_ok(), other == leaf);
        prop_assert!(proof.verify(&flip(&hash, bit), leaf, &head).is_err());
        let forged = TreeHead::new(size, flip(head.root(), bit)).unwrap();
        prop_assert_eq!(proof.verify(&hash, leaf, &forged), Err(InvalidProof::Root));
        if !proof.hashes().is_empty() {
            let mut hashes = proof.hashes().to_vec();
            let at = which.index(hashes.len());
            hashes[at] = flip(&hashes[at], bit);
            let forged = InclusionProof::new(hashes).unwrap();
            prop_assert_eq!(forged.verify(&hash, leaf, &head), Err(InvalidProof::Root));
        }
    }

    /// The same for consistency, and no proof fits two states it was not made for.
    #[test]
    fn a_changed_consistency_proof_fails(
        (earlier, later) in (2_u64..=SIZE).prop_flat_map(|size| (1..size, Just(size))),
        bit in 0_usize..256, which in any::<prop::sample::Index>(),
    ) {
        let (old, new) = (LOG.heads[index(earlier)], LOG.heads[index(later)]);
        let proof = ConsistencyProof::make(earlier, later, |node| LOG.read(node)).unwrap();
        for (size, other) in LOG.heads.iter().enumerate().skip(1).take(index(later) + 1) {
            prop_assert_eq!(proof.verify(other, &new).is_ok(), size == index(earlier));
            prop_assert_eq!(proof.verify(&old, other).is_ok(), size == index(later));
        }
        let forged = TreeHead::new(earlier, flip(old.root(), bit)).unwrap();
        prop_assert!(proof.verify(&forged, &new).is_err());
        let forged = TreeHead::new(later, flip(new.root(), bit)).unwrap();
        prop_assert_eq!(proof.verify(&old, &forged), Err(InvalidProof::Root));
        let mut hashes = proof.hashes().to_vec();
        let at = which.index(hashes.len());
        hashes[at] = flip(&hashes[at], bit);
        prop_assert!(ConsistencyProof::new(hashes).unwrap().verify(&old, &new).is_err());
    }

    /// Whatever the numbers, verifying ends, and says no.
    #[test]
    fn rubbish_proves_nothing(
        hashes in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash::from), 0..=MAX_PROOF),
        leaf: u64, earlier in 1..=MAX_SIZE, later in 1..=MAX_SIZE, root: [u8; 32],
    ) {
        let head = |size| TreeHead::new(size, Hash::from(root)).unwrap();
        let proof = InclusionProof::new(hashes.clone()).unwrap();
        prop_assert!(proof.verify(&Hash::of_nothing(), leaf, &head(later)).is_err());
        let proof = ConsistencyProof::new(hashes).unwrap();
        prop_assume!(earlier != later);
        prop_assert!(proof.verify(&head(earlier), &head(later)).is_err());
    }
}
