//! Tiles: the pieces in which a log's hashes and leaves are stored and served (C2SP tlog-tiles).
//! Where their bytes come from, and how long they are kept, is the server's matter.

use std::fmt;
use std::str::FromStr;

use super::Node;
use super::hash::decimal;
use super::tree::MAX_SIZE;

/// How many hashes, or leaves, a full tile holds.
pub const TILE_WIDTH: u64 = 256;

/// The highest level of a tile: the one above would need more leaves than a log can have.
const MAX_LEVEL: u32 = 7;

/// The longest path of a tile, in bytes: `tile/entries/`, six groups of digits, `.p/255`.
const MAX_PATH: usize = 48;

/// What a tile holds.
///
/// ```
/// use consent_core::log::{Tile, TileKind};
/// assert_eq!(Tile::new(TileKind::Entries, 0, 256)?.to_string(), "tile/entries/000");
/// assert_eq!(Tile::new(TileKind::Hashes(1), 0, 2)?.to_string(), "tile/1/000.p/2");
/// assert!(Tile::new(TileKind::Hashes(8), 0, 1).is_err(), "no log is that high");
/// # Ok::<(), consent_core::log::InvalidTile>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of the nodes at 8 × this level.
    Hashes(u32),
    /// Leaves.
    Entries,
}

/// Names a tile: `tile/<level>/<index>`, `tile/entries/<index>`, and `.p/<width>` after either
/// if it is not full.
///
/// ```
/// use consent_core::log::Tile;
/// let tile: Tile = "tile/0/x001/x234/067".parse()?;
/// assert_eq!((tile.index(), tile.width()), (1_234_067, 256));
/// assert_eq!(tile.to_string(), "tile/0/x001/x234/067");
/// // A full tile has one name only.
/// assert!("tile/0/x001/x234/067.p/256".parse::<Tile>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    kind: TileKind,
    index: u64,
    width: u64,
}

/// Why a tile cannot be.
///
/// ```
/// use consent_core::log::{InvalidTile, Tile};
/// let error = "tile/0/67".parse::<Tile>().unwrap_err();
/// assert_eq!(error, InvalidTile::Path);
/// assert_eq!(
///     error.to_string(),
///     "a tile's path is like tile/0/x001/067, tile/entries/000, or either with .p/112",
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTile {
    /// The path is not spelled as C2SP tlog-tiles spells it.
    #[error("a tile's path is like tile/0/x001/067, tile/entries/000, or either with .p/112")]
    Path,
    /// No log reaches that far, or the tile would be empty or wider than full.
    #[error("a tile is of level 0 to 7, holds 1 to 256 hashes, and ends below leaf 2^63")]
    Bounds,
    /// The bytes are not as many as its hashes need.
    #[error("a tile of hashes has 32 bytes for each")]
    Length,
}

impl Tile {
    /// The tile of this kind and index (from 0) with `width` hashes or leaves.
    pub fn new(kind: TileKind, index: u64, width: u64) -> Result<Self, InvalidTile> {
        let tile = Self { kind, index, width };
        let end = index.checked_mul(TILE_WIDTH).and_then(|start| start.checked_add(width));
        let possible = tile.level() <= MAX_LEVEL
            && (1..=TILE_WIDTH).contains(&width)
            && end.is_some_and(|end| end <= available(tile.level(), MAX_SIZE));
        if possible { Ok(tile) } else { Err(InvalidTile::Bounds) }
    }

    /// All tiles of a log of `later` leaves that a log of `earlier` ones does not have: from 0,
    /// all there are. A tile that got wider is among them, a partial one left behind is not.
    pub fn between(earlier: u64, later: u64) -> impl Iterator<Item = Self> {
        let later = later.min(MAX_SIZE);
        let hashes = (0..=MAX_LEVEL).map(TileKind::Hashes);
        hashes.chain([TileKind::Entries]).flat_map(move |kind| {
            let level = Self { kind, index: 0, width: 0 }.level();
            let (from, to) = (available(level, earlier), available(level, later));
            let indices = if from < to { from / TILE_WIDTH..to.div_ceil(TILE_WIDTH) } else { 0..0 };
            indices.map(move |index| Self {
                kind,
                index,
                width: TILE_WIDTH.min(to - index * TILE_WIDTH),
            })
        })
    }

    /// The tile from which this node's hash can be told, in a log of `size` leaves; nothing if
    /// the node is not complete there.
    pub fn holding(node: Node, size: u64) -> Option<Self> {
        let (level, first, count) = place(node);
        let all = available(level, size.min(MAX_SIZE));
        let index = first / TILE_WIDTH;
        (first + count <= all).then(|| Self {
            kind: TileKind::Hashes(level),
            index,
            width: TILE_WIDTH.min(all - index * TILE_WIDTH),
        })
    }

    /// Whether a log of `size` leaves has this tile, or had it when it was smaller.
    pub fn is_within(&self, size: u64) -> bool {
        self.index * TILE_WIDTH + self.width <= available(self.level(), size)
    }

    /// The nodes whose hashes it holds, in order; for [`TileKind::Entries`], the leaves.
    pub fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        let (level, start) = (8 * self.level(), self.index * TILE_WIDTH);
        (start..start + self.width).filter_map(move |index| Node::new(level, index))
    }

    /// What it holds.
    pub fn kind(&self) -> TileKind {
        self.kind
    }

    /// Its place among the tiles of its kind, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or leaves it holds: 1 to 256.
    pub fn width(&self) -> u64 {
        self.width
    }

    fn level(&self) -> u32 {
        match self.kind {
            TileKind::Hashes(level) => level,
            TileKind::Entries => 0,
        }
    }
}

impl FromStr for Tile {
    type Err = InvalidTile;
    fn from_str(path: &str) -> Result<Self, InvalidTile> {
        if path.len() > MAX_PATH {
            return Err(InvalidTile::Path);
        }
        let read = || {
            let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
            let kind = match kind {
                "entries" => TileKind::Entries,
                level => TileKind::Hashes(level.parse().ok()?),
            };
            let (index, width) = match rest.split_once(".p/") {
                Some((index, width)) => (index, decimal(width)?),
                None => (rest, TILE_WIDTH),
            };
            let number = |so_far: u64, digits: &str| {
                let digits: u64 = digits.trim_start_matches('x').parse().ok()?;
                so_far.checked_mul(1000)?.checked_add(digits)
            };
            Some((kind, index.split('/').try_fold(0, number)?, width))
        };
        let (kind, index, width) = read().ok_or(InvalidTile::Path)?;
        let tile = Self::new(kind, index, width)?;
        // Each tile has one path. Whatever was read too kindly above is refused here.
        if tile.to_string() == path { Ok(tile) } else { Err(InvalidTile::Path) }
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let groups = self.index.checked_ilog(1000).unwrap_or(0);
        for above in (1..=groups).rev() {
            write!(f, "x{:03}/", self.index / 1000_u64.pow(above) % 1000)?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// Where a node's hash is told from: the level of the tile, and among that level's hashes the
/// first one and how many (a power of two).
pub(super) fn place(node: Node) -> (u32, u64, u64) {
    let above = node.level() % 8;
    (node.level() / 8, node.index() << above, 1 << above)
}

/// How many hashes a log of `size` leaves has at a level of tiles.
fn available(level: u32, size: u64) -> u64 {
    size.checked_shr(8 * level).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_have_one_spelling() {
        for (path, kind, index, width) in [
            ("tile/0/x001/x234/067", TileKind::Hashes(0), 1_234_067, 256),
            ("tile/0/000", TileKind::Hashes(0), 0, 256),
            ("tile/1/999.p/255", TileKind::Hashes(1), 999, 255),
            ("tile/2/x001/000.p/1", TileKind::Hashes(2), 1000, 1),
            ("tile/7/000.p/127", TileKind::Hashes(7), 0, 127),
            ("tile/entries/x273/112.p/16", TileKind::Entries, 273_112, 16),
            (
                "tile/entries/x036/x028/x797/x018/x963/967.p/255",
                TileKind::Entries,
                (MAX_SIZE >> 8),
                255,
            ),
        ] {
            let tile = Tile::new(kind, index, width).unwrap();
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
        for bad in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/0/x000/000",
            "tile/0/001/000",
            "tile/0/x001",
            "tile/0/x001/x000",
            "tile/0/xx01/000",
            "tile/00/000",
            "tile/+1/000",
            "tile/-1/000",
            "tile/x/000",
            "tile/data/000",
            "tile/0/000.p",
            "tile/0/000.p/256",
            "tile/0/000.p/",
            "tile/0/000.p/01",
            "tile/0/000.p/1/",
            "tile/0/000.p/1.p/1",
            "tile/0/+12",
            "tile/0/ 12",
            "tile/0/0/000",
            "tile/0/..",
        ] {
            assert_eq!(bad.parse::<Tile>(), Err(InvalidTile::Path), "{bad}");
        }
        for beyond in [
            "tile/0/000.p/0",
            "tile/0/000.p/257",
            "tile/8/000",
            "tile/63/000.p/1",
            "tile/4294967295/000",
            "tile/7/000.p/128",
            "tile/7/000",
            "tile/0/x036/x028/x797/x018/x963/967",
            "tile/0/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(beyond.parse::<Tile>(), Err(InvalidTile::Bounds), "{beyond}");
        }
        assert_eq!("tile/0/".repeat(150_000).parse::<Tile>(), Err(InvalidTile::Path));
    }

    /// The example of C2SP tlog-tiles, and its borders.
    #[test]
    fn a_log_has_the_tiles_its_size_asks_for() {
        let count = |size: u64| {
            let mut of_kind = BTreeMap::<_, (u64, Vec<u64>)>::new();
            for tile in Tile::between(0, size) {
                let (full, partial) = of_kind.entry(tile.kind()).or_default();
                if tile.width() == TILE_WIDTH { *full += 1 } else { partial.push(tile.width()) }
            }
            of_kind.into_iter().map(|(kind, (full, partial))| (kind, full, partial))
        };
        let (zero, one, two) = (TileKind::Hashes(0), TileKind::Hashes(1), TileKind::Hashes(2));
        let entries = TileKind::Entries;
        for (size, expected) in [
            (0, vec![]),
            (1, vec![(zero, 0, vec![1]), (entries, 0, vec![1])]),
            (255, vec![(zero, 0, vec![255]), (entries, 0, vec![255])]),
            (256, vec![(zero, 1, vec![]), (one, 0, vec![1]), (entries, 1, vec![])]),
            (
                70_000,
                vec![
                    (zero, 273, vec![112]),
                    (one, 1, vec![17]),
                    (two, 0, vec![1]),
                    (entries, 273, vec![112]),
                ],
            ),
        ] {
            assert_eq!(count(size).collect::<Vec<_>>(), expected, "{size} leaves");
        }
        let new: Vec<_> = Tile::between(511, 513).map(|tile| tile.to_string()).collect();
        let expected = ["0/001", "0/002.p/1", "1/000.p/2", "entries/001", "entries/002.p/1"];
        assert_eq!(new, expected.map(|path| format!("tile/{path}")));
        assert_eq!(Tile::between(513, 513).count() + Tile::between(513, 511).count(), 0);
        assert_eq!(Tile::between(MAX_SIZE - 1, u64::MAX).count(), 2);
    }

    #[test]
    fn a_tile_is_served_once_the_log_has_grown_to_it() {
        let tile: Tile = "tile/1/000.p/2".parse().unwrap();
        assert!(!tile.is_within(511));
        assert!(tile.is_within(512) && tile.is_within(u64::MAX));
        let nodes: Vec<_> = tile.nodes().collect();
        assert_eq!(nodes, [Node::new(8, 0).unwrap(), Node::new(8, 1).unwrap()]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), path in "tile/[0-9e]{1,3}(/x?[0-9]{3}){1,7}(\\.p/[0-9]{1,4})?") {
            for text in [text, path] {
                if let Ok(tile) = text.parse::<Tile>() {
                    prop_assert_eq!(tile.to_string(), text);
                    prop_assert!(tile.is_within(MAX_SIZE));
                    prop_assert_eq!(tile.nodes().count() as u64, tile.width());
                }
            }
        }

        #[test]
        fn every_tile_is_read_back(size in 1..=MAX_SIZE) {
            for tile in Tile::between(size - 1, size) {
                prop_assert_eq!(tile.to_string().parse(), Ok(tile));
                prop_assert!(tile.is_within(size) && !tile.is_within(size - 1));
                let last = tile.nodes().last().unwrap();
                if tile.kind() != TileKind::Entries {
                    prop_assert_eq!(Tile::holding(last, size), Some(tile));
                    prop_assert_eq!(Tile::holding(last, size - 1), None);
                }
            }
        }
    }
}
