//! The shape of the tree (RFC 6962 §2.1): which complete subtrees it consists of, how leaves are
//! appended, what its root is.
//!
//! Only *complete* subtrees (2^level leaves) are ever stored or read: their hashes do not change
//! as the log grows. All others are computed from them.

use std::ops::Range;

use super::Hash;

/// The most leaves a log can have: numbers beyond are not whole numbers to SQL, nor to Go.
pub const MAX_SIZE: u64 = u64::MAX >> 1;

/// A state of the log: how many leaves, and their root.
///
/// ```
/// use consent_core::log::{Hash, TreeHead};
/// assert!(TreeHead::new(0, Hash::of_nothing()).is_ok());
/// // A tree without leaves has one root only.
/// let error = TreeHead::new(0, Hash::of_leaf(b"")).unwrap_err();
/// assert_eq!(error.to_string(), "the root of a log without leaves is the SHA-256 of nothing");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    size: u64,
    root: Hash,
}

/// Why there is no such state of a log.
///
/// ```
/// use consent_core::log::{Hash, InvalidHead, TreeHead};
/// let error = TreeHead::new(u64::MAX, Hash::of_leaf(b"")).unwrap_err();
/// assert_eq!(error, InvalidHead::Size);
/// assert_eq!(error.to_string(), "a log has at most 2^63 - 1 leaves");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHead {
    /// More leaves than [`MAX_SIZE`].
    #[error("a log has at most 2^63 - 1 leaves")]
    Size,
    /// No leaves, and a root that is not the one of no leaves.
    #[error("the root of a log without leaves is the SHA-256 of nothing")]
    Empty,
}

/// Why a root, or a proof, could not be computed.
///
/// ```
/// use consent_core::log::{InclusionProof, MakeError, MissingHash, TileSet};
/// let tiles = TileSet::default();
/// let make = |index| InclusionProof::make(index, 2, |node| tiles.hash(node)).unwrap_err();
/// assert_eq!(make(5), MakeError::Outside);
/// assert_eq!(make(5).to_string(), "the log is not that large, so there is nothing to compute");
/// assert!(matches!(make(1), MakeError::Read(MissingHash(_))), "the error of whoever reads");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MakeError<E> {
    /// The log has no such leaf, or no such earlier state.
    #[error("the log is not that large, so there is nothing to compute")]
    Outside,
    /// A hash could not be read.
    #[error(transparent)]
    Read(E),
}

impl TreeHead {
    /// A state from its size in leaves and its root.
    pub fn new(size: u64, root: Hash) -> Result<Self, InvalidHead> {
        match size {
            0 if root != Hash::of_nothing() => Err(InvalidHead::Empty),
            0..=MAX_SIZE => Ok(Self { size, root }),
            _ => Err(InvalidHead::Size),
        }
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Their root.
    pub fn root(&self) -> &Hash {
        &self.root
    }
}

/// Names a complete subtree: the one over the leaves `index << level .. (index + 1) << level`.
/// Level 0 are the leaves.
///
/// ```
/// use consent_core::log::Node;
/// assert!(Node::new(8, 3).is_some());
/// // No log reaches that far.
/// assert!(Node::new(62, 1).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    level: u32,
    index: u64,
}

impl Node {
    /// A subtree that a log may have.
    pub fn new(level: u32, index: u64) -> Option<Self> {
        (index < MAX_SIZE.checked_shr(level)?).then_some(Self { level, index })
    }

    /// The height above the leaves.
    pub fn level(&self) -> u32 {
        self.level
    }

    /// The place among the nodes of its level, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }
}

/// The right edge of a growing tree: as much as is needed to append leaves and to tell the root.
///
/// ```
/// use consent_core::log::{Frontier, Hash, TileSet};
/// let mut log = Frontier::default();
/// log.append(Hash::of_leaf(b"first"), |node, hash| println!("store {node:?}: {hash}"))?;
/// assert_eq!(log.head().root(), &Hash::of_leaf(b"first"));
///
/// // An edge read from a store that has lost something is none.
/// let lost = TileSet::default();
/// let error = Frontier::load(1, |node| lost.hash(node)).unwrap_err();
/// assert_eq!(error.to_string(), "the tile that holds the hash 0 of level 0 was not fetched");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// The hashes of [`parts`] of the whole tree, left to right: one for each bit of `size`.
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Which hashes [`Self::load`] reads.
    pub fn nodes(size: u64) -> Vec<Node> {
        parts(0..size.min(MAX_SIZE)).collect()
    }

    /// The right edge of a tree of `size` leaves. `read` gives the hash of a complete subtree;
    /// it is asked at most 63 times.
    pub fn load<E>(
        size: u64,
        read: impl FnMut(Node) -> Result<Hash, E>,
    ) -> Result<Self, MakeError<E>> {
        if size > MAX_SIZE {
            return Err(MakeError::Outside);
        }
        let peaks = parts(0..size).map(read).collect::<Result<_, E>>().map_err(MakeError::Read)?;
        Ok(Self { size, peaks })
    }

    /// Appends a leaf by its hash. `store` is given each subtree that is complete with it, the
    /// leaf's own first. Fails in a log of [`MAX_SIZE`] leaves.
    pub fn append(
        &mut self,
        leaf: Hash,
        mut store: impl FnMut(Node, Hash),
    ) -> Result<(), InvalidHead> {
        if self.size >= MAX_SIZE {
            return Err(InvalidHead::Size);
        }
        let mut hash = leaf;
        store(Node { level: 0, index: self.size }, hash);
        for level in 1..=self.size.trailing_ones() {
            let left = self.peaks.pop().expect("one peak for each bit of the size");
            hash = Hash::of_node(&left, &hash);
            store(Node { level, index: self.size >> level }, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
        Ok(())
    }

    /// The state of the log.
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: join(&self.peaks) }
    }
}

/// The complete subtrees, left to right, of the subtree over these leaves. As everywhere in the
/// tree, `range` starts at a multiple of the largest power of two that it is long.
pub(super) fn parts(mut range: Range<u64>) -> impl Iterator<Item = Node> {
    std::iter::from_fn(move || {
        let level = range.end.checked_sub(range.start)?.checked_ilog2()?;
        let index = range.start >> level;
        range.start += 1 << level;
        Some(Node { level, index })
    })
}

/// The hash of the subtree over these leaves.
pub(super) fn subtree<E>(
    range: Range<u64>,
    read: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Hash, E> {
    Ok(join(&parts(range).map(read).collect::<Result<Vec<_>, E>>()?))
}

/// The hash above complete subtrees of falling size.
fn join(peaks: &[Hash]) -> Hash {
    let above = |right: Hash, left: &Hash| Hash::of_node(left, &right);
    match peaks.split_last() {
        None => Hash::of_nothing(),
        Some((last, rest)) => rest.iter().rev().fold(*last, above),
    }
}

#[cfg(test)]
mod tests {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use data_encoding::HEXLOWER;
    use sha2::Sha256;

    use super::*;
    use crate::log::tests::Stored;

    /// The eight leaves that implementations of RFC 6962 share, and the root of the first n of
    /// them. Those of 0, 1 and 8 are well known; an independent implementation gives them all.
    #[test]
    fn the_shared_vectors() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let known = [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ];
        let mut log = Frontier::default();
        let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
        for n in 0..=leaves.len() {
            let root = log.head();
            assert_eq!(root.root().as_bytes()[..], other.root().as_bytes()[..], "{n} leaves");
            if let Some((_, hex)) = known.iter().find(|(size, _)| *size == n) {
                assert_eq!(HEXLOWER.encode(root.root().as_bytes()), *hex);
            }
            if let Some(leaf) = leaves.get(n) {
                let leaf = HEXLOWER.decode(leaf.as_bytes()).unwrap();
                log.append(Hash::of_leaf(&leaf), |_, _| ()).unwrap();
                other.push(leaf);
            }
        }
    }

    #[test]
    fn a_loaded_edge_goes_on_as_if_never_put_down() {
        let log = Stored::of(300);
        for size in 0..300 {
            let mut edge = Frontier::load(size, |node| log.read(node)).unwrap();
            assert_eq!(edge.head(), log.heads[usize::try_from(size).unwrap()]);
            edge.append(Stored::leaf(size), |node, hash| assert_eq!(log.read(node), Ok(hash)))
                .unwrap();
            assert_eq!(edge.head(), log.heads[usize::try_from(size).unwrap() + 1]);
        }
    }

    /// Each complete subtree is told once: n leaves have 2n - (bits of n) of them.
    #[test]
    fn nothing_is_stored_twice() {
        for size in [1_u64, 2, 3, 255, 256, 257] {
            let count = 2 * size - u64::from(size.count_ones());
            assert_eq!(Stored::of(size).nodes.len() as u64, count);
        }
    }

    #[test]
    fn a_reader_that_fails_is_told() {
        assert_eq!(Frontier::load(5, |_| Err("disk")), Err(MakeError::Read("disk")));
        assert_eq!(Frontier::load(0, |_| Err("disk")), Ok(Frontier::default()));
        assert_eq!(Frontier::load(MAX_SIZE + 1, |_| Err("disk")), Err(MakeError::Outside));
    }

    #[test]
    fn the_largest_log_is_full() {
        let hash = Hash::of_nothing();
        let mut log = Frontier::load(MAX_SIZE, |_| Ok::<_, ()>(hash)).unwrap();
        assert_eq!(log.append(hash, |_, _| ()), Err(InvalidHead::Size));
        assert_eq!(TreeHead::new(MAX_SIZE + 1, hash), Err(InvalidHead::Size));
        assert_eq!(Node::new(64, 0), None);
        assert!(Node::new(62, 0).is_some() && Node::new(63, 0).is_none());
    }
}
