//! The whole of a log, and everything that was ever put into it, verified from the first leaf to the
//! last.
//!
//! Three questions, each for itself: is the log what its checkpoint says ([`log`])? Has it only
//! grown since a checkpoint that somebody kept (the same)? And is every record that a store holds in
//! the log as it stands ([`records`])?

use std::collections::{BTreeSet, VecDeque};

use consent_core::Receipt;
use consent_core::log::{
    Checkpoint, Commitment, Frontier, Hash, InvalidCheckpoint, InvalidNote, Note, RecordKind,
    TILE_WIDTH, Tile, TileKind, TreeHead, VerifierKey, read_entries,
};
use consent_core::receipt::Failure;
use serde::Serialize;
use uuid::Uuid;

use super::source::{Source, SourceError};
use crate::store::{AuditEvent, Store, StoreError, Stored};

/// How many records are read at a time.
const PAGE: u32 = 1_000;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no checkpoint yet.
    #[error("the log has no checkpoint yet")]
    None,
    /// A checkpoint is none, or none of this log's.
    #[error("the checkpoint is not to be believed: {0}")]
    Checkpoint(#[from] InvalidCheckpoint),
    /// Not a signed note.
    #[error("the checkpoint is not to be believed: {0}")]
    Note(#[from] InvalidNote),
    /// The leaves are not those that were signed.
    #[error("the leaves of the log are not those that its checkpoint vouches for")]
    Root,
    /// A tile of hashes does not follow from the leaves.
    #[error("{0} does not follow from the leaves")]
    Tile(Tile),
    /// The log is smaller than it was.
    #[error("the log has {now} leaves, and had {then}: something was taken out")]
    Shrunk {
        /// How many it had.
        then: u64,
        /// How many it has.
        now: u64,
    },
    /// The log is another one than it was.
    #[error("the first {then} leaves are not those that were there then: something was changed")]
    Rewritten {
        /// How many leaves it had then.
        then: u64,
    },
    /// Records are gone, and nothing says that they were erased.
    #[error(
        "{0} records that are in the log are no longer in the store, and the audit trail tells of \
         no erasure of them"
    )]
    Missing(u64),
    /// A record is not what was put into the log.
    #[error("{kind} {id}: {what}")]
    Record {
        /// What it is.
        kind: &'static str,
        /// Its identifier.
        id: Uuid,
        /// What is wrong with it.
        what: String,
    },
}

/// A log that was found in order.
#[derive(Debug, Clone, Serialize)]
pub struct LogReport {
    /// Its name.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// Their root, in base64.
    pub root: String,
    /// How many leaves it had when the checkpoint was signed that somebody kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The checkpoint, to be kept.
    pub checkpoint: String,
}

/// Records that were found in order.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RecordReport {
    /// Receipts in the log.
    pub receipts: u64,
    /// Of them, those whose key is no longer there: only the log vouches for them.
    pub without_key: u64,
    /// Events in the log.
    pub events: u64,
    /// Receipts and events that still wait for their place.
    pub waiting: u64,
    /// Leaves whose records are not here any more.
    pub erased: u64,
    /// How many receipts the audit trail says were erased.
    pub reported: u64,
}

/// The checkpoint in a signed text, if one of these keys signed it.
pub fn checkpoint(text: &str, keys: &[VerifierKey]) -> Result<Checkpoint, AuditError> {
    if text.is_empty() {
        return Err(AuditError::None);
    }
    let note: Note = text.parse()?;
    Ok(Checkpoint::verify(&note, keys)?)
}

/// Reads the whole log, computes its root, and compares everything that it serves. `since` is the
/// head of a checkpoint that was kept; `progress` hears how many leaves of how many are done.
pub async fn log(
    source: &dyn Source,
    keys: &[VerifierKey],
    since: Option<&TreeHead>,
    mut progress: impl FnMut(u64, u64),
) -> Result<LogReport, AuditError> {
    let text = source.checkpoint().await?;
    let checkpoint = checkpoint(&text, keys)?;
    let size = checkpoint.head().size();
    if let Some(since) = since
        && since.size() > size
    {
        return Err(AuditError::Shrunk { then: since.size(), now: size });
    }
    let is_as_then = |edge: &Frontier| match since {
        Some(then) if then.size() == edge.head().size() => edge.head() == *then,
        _ => true,
    };
    let rewritten = || AuditError::Rewritten { then: since.map_or(0, TreeHead::size) };
    let mut edge = Frontier::default();
    if !is_as_then(&edge) {
        return Err(rewritten());
    }
    // Of each level above the leaves, the hashes of the tile that is being filled.
    let mut above: Vec<Vec<Hash>> = Vec::new();
    for index in 0..size.div_ceil(TILE_WIDTH) {
        let width = TILE_WIDTH.min(size - index * TILE_WIDTH);
        let tile = Tile::new(TileKind::Entries, index, width).map_err(SourceError::from)?;
        let bytes = source.tile(tile).await?;
        let leaves = read_entries(&bytes).ok_or(SourceError::Missing(tile))?;
        for leaf in leaves {
            let full = append(&mut edge, &leaf, &mut above);
            if !is_as_then(&edge) {
                return Err(rewritten());
            }
            for tile in full {
                compare(source, tile, &mut above).await?;
            }
        }
        progress(edge.head().size(), size);
    }
    if edge.head() != *checkpoint.head() {
        return Err(AuditError::Root);
    }
    for level in 0..above.len() {
        if let Some(tile) = partial(level, &above[level], size) {
            compare(source, tile, &mut above).await?;
        }
    }
    Ok(LogReport {
        origin: checkpoint.origin().to_owned(),
        size,
        root: edge.head().root().to_string(),
        since: since.map(TreeHead::size),
        checkpoint: text,
    })
}

/// Appends a leaf; the tiles above the leaves that are full with it.
fn append(edge: &mut Frontier, leaf: &Commitment, above: &mut Vec<Vec<Hash>>) -> Vec<Tile> {
    let mut full = Vec::new();
    // A log that is read has fewer leaves than there can be.
    let _ = edge.append(leaf.leaf(), |node, hash| {
        if node.level() % 8 != 0 || node.level() == 0 {
            return;
        }
        let (level, kind) = (node.level() as usize / 8 - 1, TileKind::Hashes(node.level() / 8));
        if above.len() <= level {
            above.push(Vec::new());
        }
        above[level].push(hash);
        if above[level].len() as u64 == TILE_WIDTH {
            full.extend(Tile::new(kind, node.index() / TILE_WIDTH, TILE_WIDTH));
        }
    });
    full
}

/// The tile at the edge of a level, if it holds anything.
fn partial(level: usize, hashes: &[Hash], size: u64) -> Option<Tile> {
    let kind = TileKind::Hashes(u32::try_from(level).ok()? + 1);
    let index = (size >> (8 * (level + 1))) / TILE_WIDTH;
    Tile::new(kind, index, hashes.len() as u64).ok()
}

/// Compares a tile of hashes with what follows from the leaves, which is done with then.
async fn compare(
    source: &dyn Source,
    tile: Tile,
    above: &mut [Vec<Hash>],
) -> Result<(), AuditError> {
    let TileKind::Hashes(level) = tile.kind() else { return Ok(()) };
    let computed = std::mem::take(&mut above[level as usize - 1]);
    let served = source.tile(tile).await?;
    let same = computed.iter().flat_map(Hash::as_bytes).eq(served.iter());
    if same { Ok(()) } else { Err(AuditError::Tile(tile)) }
}

/// Holds every record of a store against the log, which has been verified already and has `size`
/// leaves. `verify` says whether a receipt is genuine.
pub async fn records(
    store: &dyn Store,
    source: &dyn Source,
    size: u64,
    verify: impl Fn(&str) -> Result<Receipt, Failure>,
    mut progress: impl FnMut(u64),
) -> Result<RecordReport, AuditError> {
    let mut report = RecordReport::default();
    let mut leaves = Leaves { source, size, kept: VecDeque::new() };
    let waiting: BTreeSet<_> = store
        .pending(u32::MAX)
        .await?
        .into_iter()
        .map(|leaf| (leaf.id, *leaf.commitment.as_bytes()))
        .collect();
    let mut after = None;
    loop {
        let page = store.receipts_after(None, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for stored in &page {
            receipt(stored, &verify, &mut report)?;
            let commitment =
                Commitment::new(RecordKind::Receipt, &stored.salt, stored.jws.as_bytes());
            let place = Place { kind: "receipt", id: stored.id, position: stored.position };
            report.receipts +=
                leaves.holds(place, &commitment, &waiting, &mut report.waiting).await?;
        }
        progress(report.receipts + report.waiting);
    }
    let mut after = None;
    loop {
        let page = store.events_after(after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.id);
        for (event, position) in &page {
            report.reported += reported(event);
            let place = Place { kind: "event", id: event.id, position: *position };
            let commitment = event.commitment();
            report.events +=
                leaves.holds(place, &commitment, &waiting, &mut report.waiting).await?;
        }
    }
    report.erased = size.saturating_sub(report.receipts + report.events);
    match report.erased.saturating_sub(report.reported) {
        0 => Ok(report),
        missing => Err(AuditError::Missing(missing)),
    }
}

/// How many receipts an event says were erased.
fn reported(event: &AuditEvent) -> u64 {
    if !matches!(event.kind.as_str(), AuditEvent::ERASED | AuditEvent::EXPIRED) {
        return 0;
    }
    let body: serde_json::Value = serde_json::from_str(&event.body).unwrap_or_default();
    body["receipts"].as_u64().unwrap_or_default()
}

fn receipt(
    stored: &Stored,
    verify: impl Fn(&str) -> Result<Receipt, Failure>,
    report: &mut RecordReport,
) -> Result<(), AuditError> {
    let wrong = |what: String| AuditError::Record { kind: "receipt", id: stored.id, what };
    match verify(&stored.jws) {
        Ok(receipt) if receipt.claims().jti != stored.id => {
            Err(wrong(format!("it is the receipt {}", receipt.claims().jti)))
        }
        Ok(receipt) if receipt.claims().iat != stored.at => {
            Err(wrong(format!("it was issued at {}, not at {}", receipt.claims().iat, stored.at)))
        }
        Ok(_) => Ok(()),
        // Without its key, or the last key of its kind.
        Err(Failure::Key | Failure::Algorithm) => {
            report.without_key += 1;
            Ok(())
        }
        Err(failure) => Err(wrong(format!("it is not genuine: {failure}"))),
    }
}

/// The leaves of a log, with the tiles that were read last.
struct Leaves<'s> {
    source: &'s dyn Source,
    size: u64,
    kept: VecDeque<(u64, Vec<Commitment>)>,
}

struct Place {
    kind: &'static str,
    id: Uuid,
    position: Option<u64>,
}

impl Leaves<'_> {
    /// How many tiles are kept: records are in the order of time, and so, almost, is the log.
    const KEPT: usize = 16;

    /// Whether the log holds that at its place, or it waits for one: 1 for the former, 0 for the
    /// latter, which is counted.
    async fn holds(
        &mut self,
        place: Place,
        commitment: &Commitment,
        waiting: &BTreeSet<(Uuid, [u8; 32])>,
        count: &mut u64,
    ) -> Result<u64, AuditError> {
        let Place { kind, id, position } = place;
        let wrong = |what: String| AuditError::Record { kind, id, what };
        let Some(position) = position else {
            if waiting.contains(&(id, *commitment.as_bytes())) {
                *count += 1;
                return Ok(0);
            }
            return Err(wrong("it is neither in the log nor waiting for its place".into()));
        };
        if position >= self.size {
            // It got its place after the checkpoint that is verified here.
            *count += 1;
            return Ok(0);
        }
        if self.leaf(position).await? != *commitment {
            return Err(wrong(format!("it is not what the log holds at its place {position}")));
        }
        Ok(1)
    }

    async fn leaf(&mut self, position: u64) -> Result<Commitment, AuditError> {
        let index = position / TILE_WIDTH;
        let place = usize::try_from(position % TILE_WIDTH).unwrap_or_default();
        if let Some((_, leaves)) = self.kept.iter().find(|(kept, _)| *kept == index) {
            return Ok(leaves[place]);
        }
        let width = TILE_WIDTH.min(self.size - index * TILE_WIDTH);
        let tile = Tile::new(TileKind::Entries, index, width).map_err(SourceError::from)?;
        let bytes = self.source.tile(tile).await?;
        let leaves = read_entries(&bytes).ok_or(SourceError::Missing(tile))?;
        let leaf = leaves[place];
        self.kept.push_front((index, leaves));
        self.kept.truncate(Self::KEPT);
        Ok(leaf)
    }
}

/// A line of an export: a receipt with what is needed to find it in the log.
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
pub struct Exported {
    /// Its identifier.
    pub id: Uuid,
    /// When it was issued.
    pub at: consent_core::Timestamp,
    /// The receipt.
    pub jws: String,
    /// The salt of its commitment, in base64.
    pub salt: String,
    /// Its place in the log, once it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
}

impl From<&Stored> for Exported {
    fn from(stored: &Stored) -> Self {
        Self {
            id: stored.id,
            at: stored.at,
            jws: stored.jws.clone(),
            salt: stored.salt.to_string(),
            index: stored.position,
        }
    }
}

/// Says whether a receipt is genuine.
pub type Verify<'v> = dyn Fn(&str) -> Result<Receipt, Failure> + Sync + 'v;

/// Holds the lines of an export against a log that has been verified already.
pub struct ExportCheck<'s> {
    leaves: Leaves<'s>,
    /// What was found in order so far.
    pub report: RecordReport,
    latest: Option<Uuid>,
}

impl<'s> ExportCheck<'s> {
    /// Against the log of that source, with that many leaves.
    pub fn new(source: &'s dyn Source, size: u64) -> Self {
        let leaves = Leaves { source, size, kept: VecDeque::new() };
        Self { leaves, report: RecordReport::default(), latest: None }
    }

    /// The next line.
    pub async fn line(
        &mut self,
        line: &Exported,
        verify: Option<&Verify<'_>>,
    ) -> Result<(), AuditError> {
        let wrong =
            |what: &str| AuditError::Record { kind: "receipt", id: line.id, what: what.to_owned() };
        let salt = line.salt.parse().map_err(|_| wrong("its salt is none"))?;
        let stored =
            Stored { id: line.id, at: line.at, jws: line.jws.clone(), salt, position: line.index };
        match verify {
            Some(verify) => receipt(&stored, verify, &mut self.report)?,
            None => self.report.without_key += 1,
        }
        let Some(index) = line.index else {
            self.report.waiting += 1;
            return Ok(());
        };
        let commitment = Commitment::new(RecordKind::Receipt, &stored.salt, stored.jws.as_bytes());
        // Lines are in the order of identifiers, so one that is there twice follows itself.
        if self.latest.replace(line.id) == Some(line.id) {
            return Err(wrong("it is there twice"));
        }
        let place = Place { kind: "receipt", id: line.id, position: Some(index) };
        let none = BTreeSet::new();
        self.report.receipts +=
            self.leaves.holds(place, &commitment, &none, &mut self.report.waiting).await?;
        Ok(())
    }
}
