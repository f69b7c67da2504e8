//! Inclusion and consistency proofs (RFC 6962 §2.1.1 and §2.1.2): made from stored hashes,
//! verified with nothing but the proof.

use std::ops::Range;

use super::tree::{self, MAX_SIZE};
use super::{Hash, MakeError, Node, TreeHead};

/// The most hashes a proof can have: one for each doubling of the largest log, and one more.
pub const MAX_PROOF: usize = 64;

/// Why a proof proves nothing.
///
/// ```
/// use consent_core::log::{Hash, InclusionProof, InvalidProof, TreeHead};
/// let leaf = Hash::of_leaf(b"a");
/// let proof = InclusionProof::new(vec![])?;
/// assert_eq!(proof.verify(&leaf, 0, &TreeHead::new(1, leaf)?), Ok(()), "the only leaf is the root");
///
/// let error = proof.verify(&leaf, 1, &TreeHead::new(1, leaf)?).unwrap_err();
/// assert_eq!(error, InvalidProof::Index);
/// assert_eq!(error.to_string(), "index: the log has fewer leaves than that");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProof {
    /// The log has no leaf of that index.
    #[error("index: the log has fewer leaves than that")]
    Index,
    /// The state said to be earlier is the larger one.
    #[error("size: a log only grows, and the earlier state is the larger one")]
    Size,
    /// A proof of another place or size.
    #[error("length: a proof between these sizes has another number of hashes")]
    Length,
    /// The hashes lead to another root.
    #[error("root: the hashes lead to another root")]
    Root,
    /// The hashes lead to another root of the earlier state.
    #[error("earlier root: the hashes lead to another root of the earlier state")]
    EarlierRoot,
}

/// The hashes that lead from one leaf to the root (an audit path, RFC 6962 §2.1.1), from the
/// leaf's sibling upwards.
///
/// ```
/// use consent_core::log::{Hash, InclusionProof, InvalidProof, TreeHead};
/// let (a, b) = (Hash::of_leaf(b"a"), Hash::of_leaf(b"b"));
/// let head = TreeHead::new(2, Hash::of_node(&a, &b))?;
///
/// let proof = InclusionProof::new(vec![b])?;
/// assert_eq!(proof.verify(&a, 0, &head), Ok(()));
/// assert_eq!(proof.verify(&a, 1, &head), Err(InvalidProof::Root));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof(Vec<Hash>);

impl InclusionProof {
    /// A proof from its hashes. Fails if they are more than [`MAX_PROOF`].
    pub fn new(hashes: Vec<Hash>) -> Result<Self, InvalidProof> {
        if hashes.len() > MAX_PROOF { Err(InvalidProof::Length) } else { Ok(Self(hashes)) }
    }

    /// Which hashes [`Self::make`] reads, so that they can be fetched all at once.
    pub fn nodes(index: u64, size: u64) -> Vec<Node> {
        audit_path(index, size).into_iter().flatten().flat_map(tree::parts).collect()
    }

    /// The proof that the leaf `index` (from 0) is among the first `size` leaves. `read` gives
    /// the hash of a complete subtree.
    pub fn make<E>(
        index: u64,
        size: u64,
        mut read: impl FnMut(Node) -> Result<Hash, E>,
    ) -> Result<Self, MakeError<E>> {
        let path = audit_path(index, size).ok_or(MakeError::Outside)?;
        path.into_iter()
            .map(|range| tree::subtree(range, &mut read))
            .collect::<Result<_, E>>()
            .map(Self)
            .map_err(MakeError::Read)
    }

    /// Whether the leaf with this hash is the one of this index.
    ///
    /// The leaf, its index and the root are all bound by the proof; of the size only what shapes
    /// the path is. A size is to be believed because a checkpoint is signed.
    pub fn verify(&self, leaf: &Hash, index: u64, head: &TreeHead) -> Result<(), InvalidProof> {
        if index >= head.size() {
            return Err(InvalidProof::Index);
        }
        let way = Way::up(index, head.size(), 0);
        if self.0.len() != way.length() {
            return Err(InvalidProof::Length);
        }
        let root = self.0.iter().enumerate().fold(*leaf, |hash, (i, sibling)| {
            if way.is_left(i) {
                Hash::of_node(sibling, &hash)
            } else {
                Hash::of_node(&hash, sibling)
            }
        });
        if root == *head.root() { Ok(()) } else { Err(InvalidProof::Root) }
    }

    /// The hashes, from the leaf's sibling upwards.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }
}

/// The hashes that show one state of a log to be the beginning of another (RFC 6962 §2.1.2).
///
/// ```
/// use consent_core::log::{ConsistencyProof, Hash, InvalidProof, TreeHead};
/// let (a, b) = (Hash::of_leaf(b"a"), Hash::of_leaf(b"b"));
/// let one = TreeHead::new(1, a)?;
/// let two = TreeHead::new(2, Hash::of_node(&a, &b))?;
///
/// let proof = ConsistencyProof::new(vec![b])?;
/// assert_eq!(proof.verify(&one, &two), Ok(()));
/// assert_eq!(proof.verify(&two, &one), Err(InvalidProof::Size));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof(Vec<Hash>);

impl ConsistencyProof {
    /// A proof from its hashes. Fails if they are more than [`MAX_PROOF`].
    pub fn new(hashes: Vec<Hash>) -> Result<Self, InvalidProof> {
        if hashes.len() > MAX_PROOF { Err(InvalidProof::Length) } else { Ok(Self(hashes)) }
    }

    /// Which hashes [`Self::make`] reads, so that they can be fetched all at once.
    pub fn nodes(earlier: u64, later: u64) -> Vec<Node> {
        subproof(earlier, later).into_iter().flatten().flat_map(tree::parts).collect()
    }

    /// The proof that the first `earlier` leaves are the beginning of the first `later` ones.
    /// `read` gives the hash of a complete subtree.
    pub fn make<E>(
        earlier: u64,
        later: u64,
        mut read: impl FnMut(Node) -> Result<Hash, E>,
    ) -> Result<Self, MakeError<E>> {
        let ranges = subproof(earlier, later).ok_or(MakeError::Outside)?;
        ranges
            .into_iter()
            .map(|range| tree::subtree(range, &mut read))
            .collect::<Result<_, E>>()
            .map(Self)
            .map_err(MakeError::Read)
    }

    /// Whether `earlier` is the beginning of `later`. A log without leaves is the beginning of
    /// every other; it, and a state that has not changed, take a proof without hashes.
    pub fn verify(&self, earlier: &TreeHead, later: &TreeHead) -> Result<(), InvalidProof> {
        if earlier.size() > later.size() {
            return Err(InvalidProof::Size);
        }
        if earlier.size() == 0 || earlier.size() == later.size() {
            return match self.0[..] {
                [] if earlier.size() == 0 || earlier == later => Ok(()),
                [] => Err(InvalidProof::Root),
                _ => Err(InvalidProof::Length),
            };
        }
        // The way starts at the last complete subtree of the earlier state. Where that is the
        // whole state, its hash is known and not part of the proof.
        let last = earlier.size().trailing_zeros();
        let way = Way::up(earlier.size() - 1, later.size(), last);
        let (start, siblings) = match self.0.split_first() {
            _ if earlier.size().is_power_of_two() => (earlier.root(), &self.0[..]),
            Some((first, rest)) => (first, rest),
            None => return Err(InvalidProof::Length),
        };
        if siblings.len() != way.length() {
            return Err(InvalidProof::Length);
        }
        let (mut before, mut after) = (*start, *start);
        for (i, sibling) in siblings.iter().enumerate() {
            if way.is_left(i) {
                before = Hash::of_node(sibling, &before);
                after = Hash::of_node(sibling, &after);
            } else {
                // To the right is only what came later.
                after = Hash::of_node(&after, sibling);
            }
        }
        match (before == *earlier.root(), after == *later.root()) {
            (true, true) => Ok(()),
            (false, _) => Err(InvalidProof::EarlierRoot),
            (true, false) => Err(InvalidProof::Root),
        }
    }

    /// The hashes, in the order of RFC 6962.
    pub fn hashes(&self) -> &[Hash] {
        &self.0
    }
}

/// The way from a subtree up to the root, step by step: on which side its sibling is.
///
/// As long as the way has not joined the tree's right edge, the index says so bit by bit; from
/// there on all siblings are to the left, one for each bit that is left.
struct Way {
    index: u64,
    inner: u32,
    border: u32,
}

impl Way {
    /// The way of the subtree at `level` that holds the leaf `index`. The index is below the
    /// size, and, above level 0, the subtree ends before the last leaf.
    fn up(index: u64, size: u64, level: u32) -> Self {
        let index_above = index >> level;
        let inner = u64::BITS - (index_above ^ ((size - 1) >> level)).leading_zeros();
        let border = index_above.checked_shr(inner).map_or(0, u64::count_ones);
        Self { index: index_above, inner, border }
    }

    fn length(&self) -> usize {
        (self.inner + self.border) as usize
    }

    /// Whether the sibling of this step is to the left.
    fn is_left(&self, step: usize) -> bool {
        step >= self.inner as usize || self.index >> step & 1 == 1
    }
}

/// The subtrees beside the way from a leaf to the root, the lowest first; nothing if the log has
/// no such leaf.
fn audit_path(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    if index >= size || size > MAX_SIZE {
        return None;
    }
    let mut path = Vec::new();
    let mut at = 0..size;
    while at.end - at.start > 1 {
        let (left, right) = halves(&at);
        if left.contains(&index) {
            path.push(right);
            at = left;
        } else {
            path.push(left);
            at = right;
        }
    }
    path.reverse();
    Some(path)
}

/// The subtrees of a consistency proof (SUBPROOF in RFC 6962 §2.1.2), the lowest first.
fn subproof(earlier: u64, later: u64) -> Option<Vec<Range<u64>>> {
    if earlier > later || later > MAX_SIZE {
        return None;
    }
    let mut path = Vec::new();
    let mut at = 0..later;
    if earlier == 0 {
        return Some(path);
    }
    while at.end != earlier {
        let (left, right) = halves(&at);
        if earlier <= left.end {
            path.push(right);
            at = left;
        } else {
            path.push(left);
            at = right;
        }
    }
    // The earlier state as a whole is known to whoever verifies.
    if at.start > 0 {
        path.push(at);
    }
    path.reverse();
    Some(path)
}

/// The two subtrees below the one over these leaves (at least two): the left one is as large as
/// a power of two can be without being all.
fn halves(range: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let middle = range.start + (1 << (range.end - range.start - 1).ilog2());
    (range.start..middle, middle..range.end)
}
