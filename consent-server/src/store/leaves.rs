//! The log as a store has it: what waits for its place, what is put there, and the state of it. What
//! follows from what is computed in `log`.

use consent_core::log::Commitment;
use uuid::Uuid;

/// A commitment that waits for its place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// What it stands for.
    pub id: Uuid,
    /// The leaf.
    pub commitment: Commitment,
}

/// The state of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// How many leaves it has.
    pub size: u64,
    /// The signed note about them (C2SP tlog-checkpoint); empty before the first.
    pub checkpoint: String,
}

/// The tiles that a store keeps. Those of the level 0 follow from the leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TileId {
    /// 256 leaves: `tile/entries/…`.
    Entries(u64),
    /// 256 hashes of this level, from 1: `tile/<level>/…`.
    Hashes(u32, u64),
}

/// Leaves to be added to the log, with the tiles and the checkpoint that follow from them.
#[derive(Debug, Clone)]
pub struct Integration {
    /// How large the log was when this was computed. If it is not any more, this is a conflict.
    pub before: u64,
    /// What leaves the queue, in the order of the log.
    pub leaves: Vec<Uuid>,
    /// The new content of every tile that changes.
    pub tiles: Vec<(TileId, Vec<u8>)>,
    /// The state of the log afterwards.
    pub head: Head,
}
