//! Tiles that were fetched, as the source of the hashes that proofs are made from.

use std::collections::{BTreeMap, BTreeSet};

use super::tile::place;
use super::{Hash, InvalidTile, Node, TILE_WIDTH, Tile, TileKind};

/// Tiles that were fetched, to make proofs from.
///
/// ```
/// use consent_core::log::{ConsistencyProof, Hash, InclusionProof, TileSet};
/// let (size, leaves) = (2, [Hash::of_leaf(b"a"), Hash::of_leaf(b"b")]);
///
/// let mut tiles = TileSet::default();
/// for tile in TileSet::needed(InclusionProof::nodes(1, size), size) {
///     assert_eq!(tile.to_string(), "tile/0/000.p/2"); // which is fetched, and holds:
///     let bytes = leaves.map(|leaf| *leaf.as_bytes()).concat();
///     tiles.insert(tile, &bytes)?;
/// }
/// let proof = InclusionProof::make(1, size, |node| tiles.hash(node))?;
/// assert_eq!(proof.hashes(), &leaves[..1]);
/// // What was not fetched is an error.
/// assert!(ConsistencyProof::make(1, 5, |node| tiles.hash(node)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TileSet(BTreeMap<(u32, u64), Vec<Hash>>);

/// A tile that was needed and not there.
///
/// ```
/// use consent_core::log::{Node, TileSet};
/// let error = TileSet::default().hash(Node::new(0, 3).unwrap()).unwrap_err();
/// assert_eq!(error.to_string(), "the tile that holds the hash 3 of level 0 was not fetched");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tile that holds the hash {} of level {} was not fetched", .0.index(), .0.level())]
pub struct MissingHash(pub Node);

impl TileSet {
    /// The tiles from which these nodes' hashes can be told, in a log of `size` leaves.
    pub fn needed(nodes: impl IntoIterator<Item = Node>, size: u64) -> BTreeSet<Tile> {
        nodes.into_iter().filter_map(|node| Tile::holding(node, size)).collect()
    }

    /// Adds a tile of hashes with its bytes.
    pub fn insert(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), InvalidTile> {
        let TileKind::Hashes(level) = tile.kind() else { return Err(InvalidTile::Bounds) };
        let (hashes, rest) = bytes.as_chunks::<32>();
        if hashes.len() as u64 != tile.width() || !rest.is_empty() {
            return Err(InvalidTile::Length);
        }
        self.0.insert((level, tile.index()), hashes.iter().copied().map(Hash::from).collect());
        Ok(())
    }

    /// The hash of a complete subtree, computed from the tile that holds it.
    pub fn hash(&self, node: Node) -> Result<Hash, MissingHash> {
        let (level, first, count) = place(node);
        let hash = || {
            let tile = self.0.get(&(level, first / TILE_WIDTH))?;
            let start = usize::try_from(first % TILE_WIDTH).ok()?;
            let mut hashes = tile.get(start..start + usize::try_from(count).ok()?)?.to_vec();
            while hashes.len() > 1 {
                hashes = hashes.chunks(2).map(|two| Hash::of_node(&two[0], &two[1])).collect();
            }
            hashes.pop()
        };
        hash().ok_or(MissingHash(node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::Stored;
    use crate::log::{ConsistencyProof, Frontier, InclusionProof};

    fn fetch(log: &Stored, tiles: BTreeSet<Tile>) -> TileSet {
        let mut set = TileSet::default();
        for tile in tiles {
            let bytes: Vec<u8> =
                tile.nodes().flat_map(|node| *log.read(node).unwrap().as_bytes()).collect();
            set.insert(tile, &bytes).unwrap();
        }
        set
    }

    /// A log of 70,000 leaves is read through its tiles only, and a few of them.
    #[test]
    fn proofs_are_made_from_a_few_tiles() {
        let size = 70_000;
        let log = Stored::of(size);
        let head = log.heads.last().unwrap();
        let tiles = fetch(&log, TileSet::needed(Frontier::nodes(size), size));
        assert_eq!(tiles.0.len(), 3);
        assert_eq!(&Frontier::load(size, |node| tiles.hash(node)).unwrap().head(), head);
        for leaf in [0, 1, 255, 256, 65_535, 65_536, 69_887, 69_888, 69_999] {
            let tiles = fetch(&log, TileSet::needed(InclusionProof::nodes(leaf, size), size));
            assert!(tiles.0.len() <= 5, "{}", tiles.0.len());
            let proof = InclusionProof::make(leaf, size, |node| tiles.hash(node)).unwrap();
            assert_eq!(proof.verify(&Stored::leaf(leaf), leaf, head), Ok(()));

            let earlier = leaf + 1;
            let tiles = fetch(&log, TileSet::needed(ConsistencyProof::nodes(earlier, size), size));
            let proof = ConsistencyProof::make(earlier, size, |node| tiles.hash(node)).unwrap();
            let old = &log.heads[usize::try_from(earlier).unwrap()];
            assert_eq!(proof.verify(old, head), Ok(()));
        }
    }

    #[test]
    fn wrong_bytes_are_refused() {
        let mut set = TileSet::default();
        let tile: Tile = "tile/0/000.p/2".parse().unwrap();
        for length in [0, 32, 63, 65, 96] {
            assert_eq!(set.insert(tile, &vec![0; length]), Err(InvalidTile::Length));
        }
        set.insert(tile, &[0; 64]).unwrap();
        let entries: Tile = "tile/entries/000.p/1".parse().unwrap();
        assert_eq!(set.insert(entries, &[0; 32]), Err(InvalidTile::Bounds));
        let beyond = Node::new(0, 2).unwrap();
        assert_eq!(set.hash(beyond), Err(MissingHash(beyond)));
    }
}
