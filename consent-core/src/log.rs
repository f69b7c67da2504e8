//! The transparency log: an append-only tree over everything recorded, so that anyone can see
//! that nothing was changed or taken out, without trusting whoever keeps it.
//!
//! A leaf is a [`Commitment`] to a receipt or an audit event, never the record itself. The log
//! signs its size and root as a [`Checkpoint`]; an [`InclusionProof`] shows that a leaf is in it,
//! a [`ConsistencyProof`] that it only grew. A [`Bundle`] holds one record with its proof, and is
//! verified with the log's public key alone.
//!
//! Here is the arithmetic (RFC 6962 §2.1) and the texts around it (C2SP signed-note,
//! tlog-checkpoint, tlog-tiles, tlog-proof). Not here: storing leaves, writing [`Tile`]s, deciding
//! when to sign, and serving any of it.
//!
//! Why our own: `signed_note` brings `rand_core` and the `ed25519-dalek` before ours, `tlog_tiles`
//! the `sha2` and `base64` before ours and paths other than C2SP's, both tie the reader to their
//! errors. `ct-merkle` could verify, but its nodes are not those that tiles hold, so proofs would
//! still be made here; it wants the hashes in one buffer, panics at indices above 2^63, and the
//! wrapping would be as long as what it saves. All three check ours in the tests.

mod bundle;
mod checkpoint;
mod commitment;
mod hash;
mod key;
mod note;
mod proof;
#[cfg(test)]
mod proof_tests;
mod tile;
mod tile_set;
mod tlog_proof;
mod tree;

pub use bundle::{Bundle, MAX_BUNDLE, MAX_RECORD};
#[doc(hidden)]
pub use bundle::{EXAMPLE_BUNDLE, EXAMPLE_KEY};
pub use checkpoint::{Checkpoint, InvalidCheckpoint};
pub use commitment::{Commitment, InvalidSalt, RecordKind, Salt, entries, read_entries};
pub use hash::{Hash, InvalidHash};
pub use key::{InvalidKey, MAX_KEY_NAME, SigningKey, VerifierKey};
pub use note::{InvalidNote, MAX_NOTE, MAX_SIGNATURES, Note, Unverified, Verified};
pub use proof::{ConsistencyProof, InclusionProof, InvalidProof, MAX_PROOF};
pub use tile::{InvalidTile, TILE_WIDTH, Tile, TileKind};
pub use tile_set::{MissingHash, TileSet};
pub use tlog_proof::{Failure, MAX_TLOG_PROOF, TlogProof};
pub use tree::{Frontier, InvalidHead, MAX_SIZE, MakeError, Node, TreeHead};

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A log kept in memory: all complete subtrees, and the head after each leaf.
    pub(super) struct Stored {
        pub(super) nodes: BTreeMap<Node, Hash>,
        pub(super) heads: Vec<TreeHead>,
    }

    impl Stored {
        pub(super) fn of(size: u64) -> Self {
            let (mut nodes, mut log) = (BTreeMap::new(), Frontier::default());
            let mut heads = vec![log.head()];
            for index in 0..size {
                let store = |node, hash| assert_eq!(nodes.insert(node, hash), None);
                log.append(Self::leaf(index), store).unwrap();
                heads.push(log.head());
            }
            Self { nodes, heads }
        }

        pub(super) fn leaf(index: u64) -> Hash {
            Hash::of_leaf(&index.to_be_bytes())
        }

        pub(super) fn read(&self, node: Node) -> Result<Hash, MissingHash> {
            self.nodes.get(&node).copied().ok_or(MissingHash(node))
        }
    }
}
