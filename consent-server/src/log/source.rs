//! Where a log is read from: a store, another server, or a folder. All give what C2SP tlog-tiles
//! describes: a checkpoint, and tiles.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use consent_core::log::{
    Checkpoint, Hash, InclusionProof, InvalidNote, InvalidTile, MakeError, MissingHash, Node, Note,
    Tile, TileKind, TileSet, TlogProof, read_entries,
};

use crate::store::{SharedStore, StoreError, TileId};

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A server cannot be asked, or does not answer as a log does.
    #[error("{url}: {reason}")]
    Http {
        /// What was asked for.
        url: String,
        /// What came instead.
        reason: String,
    },
    /// A file cannot be read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// There is no such tile, or it holds less than it should.
    #[error("the log lacks {0}, or a part of it")]
    Missing(Tile),
    /// A tile has no such shape.
    #[error(transparent)]
    Tile(#[from] InvalidTile),
    /// Nothing that the log could prove.
    #[error(transparent)]
    Make(#[from] MakeError<MissingHash>),
    /// Not a signed note.
    #[error("the checkpoint is none: {0}")]
    Note(#[from] InvalidNote),
}

/// A log that can be read.
#[async_trait]
pub trait Source: Send + Sync {
    /// The latest checkpoint, as it was signed; empty where there is none yet.
    async fn checkpoint(&self) -> Result<String, SourceError>;

    /// The bytes of a tile, of exactly its width.
    async fn tile(&self, tile: Tile) -> Result<Vec<u8>, SourceError>;
}

/// Reads the log of a store.
#[derive(Clone)]
pub struct Stored(pub SharedStore);

#[async_trait]
impl Source for Stored {
    async fn checkpoint(&self) -> Result<String, SourceError> {
        Ok(self.0.head().await?.checkpoint)
    }

    async fn tile(&self, tile: Tile) -> Result<Vec<u8>, SourceError> {
        let id = match tile.kind() {
            TileKind::Entries | TileKind::Hashes(0) => TileId::Entries(tile.index()),
            TileKind::Hashes(level) => TileId::Hashes(level, tile.index()),
        };
        let missing = || SourceError::Missing(tile);
        let mut bytes = self.0.tile(id).await?.ok_or_else(missing)?;
        let each = if matches!(id, TileId::Entries(_)) { ENTRY } else { HASH };
        let width = usize::try_from(tile.width()).map_err(|_| missing())?;
        // It may have grown since the checkpoint that is asked about.
        if bytes.len() < width * each {
            return Err(missing());
        }
        bytes.truncate(width * each);
        if tile.kind() == TileKind::Hashes(0) {
            let leaves = read_entries(&bytes).ok_or_else(missing)?;
            return Ok(leaves.iter().flat_map(|leaf| *leaf.leaf().as_bytes()).collect());
        }
        Ok(bytes)
    }
}

/// The bytes of a leaf in a tile of entries, its length before it.
const ENTRY: usize = 34;
/// The bytes of a hash.
const HASH: usize = 32;
/// The most that is read for one answer: a full tile of entries, or a checkpoint.
const MAX_ANSWER: u64 = 64 * 1024;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the log of another server.
#[derive(Debug, Clone)]
pub struct Http {
    agent: ureq::Agent,
    base: String,
}

impl Http {
    /// The log below that address, as in `https://consent.example.org/v1/log/eu`.
    pub fn new(base: &str) -> Self {
        Self { agent: agent(TIMEOUT), base: base.trim_end_matches('/').to_owned() }
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let (agent, url) = (self.agent.clone(), format!("{}/{path}", self.base));
        let failed = |reason: String| SourceError::Http { url: url.clone(), reason };
        let get = {
            let url = url.clone();
            move || {
                let mut answer = agent.get(&url).call()?;
                answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec()
            }
        };
        let read = tokio::task::spawn_blocking(get).await;
        read.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
    }
}

/// A client for HTTP and HTTPS that gives up after that time.
pub(super) fn agent(timeout: Duration) -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(timeout)).build().into()
}

#[async_trait]
impl Source for Http {
    async fn checkpoint(&self) -> Result<String, SourceError> {
        Ok(String::from_utf8_lossy(&self.get("checkpoint").await?).into_owned())
    }

    async fn tile(&self, tile: Tile) -> Result<Vec<u8>, SourceError> {
        exactly(tile, self.get(&tile.to_string()).await?)
    }
}

/// Reads a log that was written into a folder, file by file as a server has them.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

impl Folder {
    async fn read(&self, name: &str) -> Result<Vec<u8>, SourceError> {
        let path = self.0.join(name);
        let read = tokio::task::spawn_blocking({
            let path = path.clone();
            move || std::fs::read(path)
        });
        let read = read.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        read.map_err(|error| SourceError::File { path, error })
    }
}

#[async_trait]
impl Source for Folder {
    async fn checkpoint(&self) -> Result<String, SourceError> {
        Ok(String::from_utf8_lossy(&self.read("checkpoint").await?).into_owned())
    }

    async fn tile(&self, tile: Tile) -> Result<Vec<u8>, SourceError> {
        exactly(tile, self.read(&tile.to_string()).await?)
    }
}

fn exactly(tile: Tile, bytes: Vec<u8>) -> Result<Vec<u8>, SourceError> {
    let each = if tile.kind() == TileKind::Entries { ENTRY } else { HASH };
    if bytes.len() as u64 == tile.width() * each as u64 {
        Ok(bytes)
    } else {
        Err(SourceError::Missing(tile))
    }
}

/// The tiles from which the hashes of these nodes can be told, in a log of `size` leaves.
pub async fn tiles(
    source: &dyn Source,
    nodes: impl IntoIterator<Item = Node>,
    size: u64,
) -> Result<TileSet, SourceError> {
    let mut set = TileSet::default();
    for tile in TileSet::needed(nodes, size) {
        set.insert(tile, &source.tile(tile).await?)?;
    }
    Ok(set)
}

/// The proof that the leaf at `position` is in the log, by its latest checkpoint. Nothing if the
/// checkpoint is not that far yet.
pub async fn proof(source: &dyn Source, position: u64) -> Result<Option<TlogProof>, SourceError> {
    let note: Note = match source.checkpoint().await? {
        text if text.is_empty() => return Ok(None),
        text => text.parse()?,
    };
    let Some(size) = note_size(&note).filter(|size| position < *size) else { return Ok(None) };
    let tiles = tiles(source, InclusionProof::nodes(position, size), size).await?;
    let hash = |node| -> Result<Hash, MissingHash> { tiles.hash(node) };
    let inclusion = InclusionProof::make(position, size, hash)?;
    Ok(Some(TlogProof::new(position, inclusion, note)))
}

/// The size that a note of ours states. Whether it is signed is for whoever is given the proof.
fn note_size(note: &Note) -> Option<u64> {
    let text = note.to_string();
    let (statement, _) = text.split_once("\n\n")?;
    let checkpoint: Checkpoint = format!("{statement}\n").parse().ok()?;
    Some(checkpoint.head().size())
}
