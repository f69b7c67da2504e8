//! The transparency log: an append-only tree over everything recorded, so that anyone can see
//! that nothing was changed or taken out, without trusting whoever keeps it.
//!
//! An [`InclusionProof`] shows that a leaf is in it, a [`ConsistencyProof`] that it only grew.
//!
//! Here is the arithmetic (RFC 6962 §2.1) and the texts around it (C2SP tlog-tiles). Not
//! here: storing leaves, writing [`Tile`]s, and serving any of it.

mod hash;
mod proof;
#[cfg(test)]
mod proof_tests;
mod tile;
mod tile_set;
mod tree;

pub use hash::{Hash, InvalidHash};
pub use proof::{ConsistencyProof, InclusionProof, InvalidProof, MAX_PROOF};
pub use tile::{InvalidTile, TILE_WIDTH, Tile, TileKind};
pub use tile_set::{MissingHash, TileSet};
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
