//! Giving leaves their places in the log, and signing what it has become.
//!
//! Everything that follows from a batch of leaves (tiles, places, checkpoint) is stored in one
//! transaction, and only if the log is still as large as it was when that was computed. So a crash
//! at any point leaves the log before the batch or after it, and two who integrate at once cannot
//! both succeed. Leading is a matter of not computing in vain, never of being right.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use consent_core::Timestamp;
use consent_core::log::{
    Checkpoint, Frontier, Hash, InvalidCheckpoint, InvalidHead, InvalidNote, Node, Note,
    SigningKey, TILE_WIDTH, TileKind, VerifierKey, entries,
};
use tokio::sync::watch;
use uuid::Uuid;

use super::source::{Source, SourceError, Stored, tiles};
use crate::ambient::SharedAmbient;
use crate::keys::KeysError;
use crate::store::{Head, Integration, Pending, SharedStore, StoreError, TileId};

/// The most leaves that are given places in one transaction: those who decide meanwhile wait for
/// it, so it takes a few milliseconds at most.
const BATCH: u32 = 512;
/// How often somebody looks for leaves.
const PAUSE: Duration = Duration::from_millis(200);
/// How long nobody looks after something failed, or while another server leads.
const REST: Duration = Duration::from_secs(1);
/// For how long one server leads: so long the log stands still when that server is killed.
const LEAD: i64 = 3;

/// Why leaves have no places yet. They keep waiting.
#[derive(Debug, thiserror::Error)]
pub enum IntegrateError {
    /// The store failed, or somebody else integrated first.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its latest checkpoint is none of this log's.
    #[error("the log's latest checkpoint: {0}")]
    Checkpoint(#[from] InvalidCheckpoint),
    /// What is stored is not what was signed. Nothing is signed on top of it.
    #[error(
        "the stored log of {size} leaves is not the one that its latest checkpoint vouches for: \
         something changed it; compare it with a backup by `consent log verify`"
    )]
    Changed {
        /// How many leaves it has.
        size: u64,
    },
    /// The log is as large as a log can be.
    #[error(transparent)]
    Full(#[from] InvalidHead),
    /// There is nothing to sign with.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The checkpoint cannot be signed.
    #[error("the checkpoint cannot be signed: {0}")]
    Sign(#[from] InvalidNote),
}

/// What signs a log's checkpoints at a moment, and what verifies all that it has signed so far.
pub trait LogKeys: Send + Sync {
    /// The key that signs now.
    fn signing(&self, now: Timestamp) -> Result<Arc<SigningKey>, KeysError>;
    /// The keys of all checkpoints so far.
    fn verifiers(&self) -> Vec<VerifierKey>;
}

/// Integrates the leaves of one store.
pub struct Integrator {
    store: SharedStore,
    keys: Arc<dyn LogKeys>,
    ambient: SharedAmbient,
    holder: Uuid,
    leads_until: Timestamp,
    /// The edge of the log as this one left it, so that it is not read again each time.
    edge: Option<Frontier>,
}

impl Integrator {
    /// Integrates what waits in that store.
    pub fn new(store: SharedStore, keys: Arc<dyn LogKeys>, ambient: SharedAmbient) -> Self {
        let holder = ambient.uuid(ambient.now());
        Self { store, keys, ambient, holder, leads_until: Timestamp::MIN, edge: None }
    }

    /// Gives one batch of leaves their places; how many, and the head if there is a new one. A log
    /// without a checkpoint gets its first, of no leaves.
    pub async fn integrate(&mut self) -> Result<(usize, Option<Head>), IntegrateError> {
        let pending = self.store.pending(BATCH).await?;
        let head = self.store.head().await?;
        if pending.is_empty() && !head.checkpoint.is_empty() {
            return Ok((0, None));
        }
        if !self.lead().await? {
            return Ok((0, None));
        }
        let mut edge = self.edge_at(&head).await?;
        let (before, mut nodes) = (head.size, BTreeMap::new());
        for leaf in &pending {
            edge.append(leaf.commitment.leaf(), |node, hash| {
                nodes.insert(node, hash);
            })?;
        }
        let key = self.keys.signing(self.ambient.now())?;
        let checkpoint = Checkpoint::new(&key, edge.head()).sign(&key)?.to_string();
        let after = Head { size: edge.head().size(), checkpoint };
        let work = Integration {
            before,
            leaves: pending.iter().map(|leaf| leaf.id).collect(),
            tiles: self.tiles(before, &pending, &nodes).await?,
            head: after.clone(),
        };
        // Whatever the store answers now, the edge is read anew unless it is known to fit.
        self.edge = None;
        self.store.integrate(work).await?;
        self.edge = Some(edge);
        Ok((pending.len(), Some(after)))
    }

    /// Whether this one leads; asked again before its time is over.
    async fn lead(&mut self) -> Result<bool, StoreError> {
        let now = self.ambient.now();
        let seconds = |seconds| Timestamp::from_second(now.as_second() + seconds).unwrap_or(now);
        let (soon, until) = (seconds(LEAD / 2), seconds(LEAD));
        // Also where the clock went back.
        if self.leads_until <= soon || self.leads_until > until {
            self.leads_until = Timestamp::MIN;
            if !self.store.lead(self.holder, now, until).await? {
                return Ok(false);
            }
            self.leads_until = until;
        }
        Ok(true)
    }

    /// Lets others lead at once. If that fails, they do when its time is over.
    async fn resign(&mut self) {
        if self.leads_until > Timestamp::MIN {
            let now = self.ambient.now();
            let _ = self.store.lead(self.holder, now, now).await;
            self.leads_until = Timestamp::MIN;
        }
    }

    /// The edge of the log as it is stored, which is what its checkpoint says, or nothing is done.
    async fn edge_at(&mut self, head: &Head) -> Result<Frontier, IntegrateError> {
        let signed = if head.checkpoint.is_empty() {
            Frontier::default().head()
        } else {
            let note: Note = head.checkpoint.parse()?;
            *Checkpoint::verify(&note, &self.keys.verifiers())?.head()
        };
        if let Some(edge) = self.edge.take()
            && edge.head() == signed
            && signed.size() == head.size
        {
            return Ok(edge);
        }
        let source = Stored(Arc::clone(&self.store));
        let tiles = tiles(&source, Frontier::nodes(head.size), head.size).await?;
        let edge = Frontier::load(head.size, |node| tiles.hash(node)).map_err(SourceError::from)?;
        if edge.head() == signed {
            Ok(edge)
        } else {
            Err(IntegrateError::Changed { size: head.size })
        }
    }

    /// The new content of every tile that changes: what it holds so far, and what is added.
    async fn tiles(
        &self,
        before: u64,
        leaves: &[Pending],
        nodes: &BTreeMap<Node, Hash>,
    ) -> Result<Vec<(TileId, Vec<u8>)>, IntegrateError> {
        let source = Stored(Arc::clone(&self.store));
        let after = before + leaves.len() as u64;
        let mut changed = Vec::new();
        for tile in consent_core::log::Tile::between(before, after) {
            // Those of the level 0 follow from the entries.
            let (id, per_hash) = match tile.kind() {
                TileKind::Hashes(0) => continue,
                TileKind::Entries => (TileId::Entries(tile.index()), 1),
                TileKind::Hashes(level) => {
                    (TileId::Hashes(level, tile.index()), 1_u64 << (8 * level))
                }
            };
            let start = tile.index() * TILE_WIDTH;
            let had = (before / per_hash).saturating_sub(start).min(TILE_WIDTH);
            let mut content = if had == 0 {
                Vec::new()
            } else {
                let so_far = consent_core::log::Tile::new(tile.kind(), tile.index(), had);
                source.tile(so_far.map_err(SourceError::from)?).await?
            };
            for node in tile.nodes().skip(usize::try_from(had).unwrap_or_default()) {
                match tile.kind() {
                    TileKind::Entries => {
                        let place = usize::try_from(node.index() - before).unwrap_or_default();
                        content.extend(entries(&[leaves[place].commitment]));
                    }
                    TileKind::Hashes(_) => content.extend(nodes[&node].as_bytes()),
                }
            }
            changed.push((id, content));
        }
        Ok(changed)
    }
}

/// Integrates until told to stop, and then what waits still; says each new head.
pub async fn run(
    mut integrator: Integrator,
    mut stop: watch::Receiver<bool>,
    said: impl Fn(Head) + Send,
) {
    loop {
        let pause = match integrator.integrate().await {
            Ok((count, head)) => {
                if let Some(head) = head {
                    said(head);
                }
                // More may wait already.
                if count == BATCH as usize { Duration::ZERO } else { PAUSE }
            }
            // Another server was faster.
            Err(IntegrateError::Store(StoreError::Conflict)) => PAUSE,
            Err(error) => {
                tracing::error!(%error, "the log was not brought up to date; trying again");
                REST
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    // No decision is taken any more, so this has an end; what fails now waits for the next start.
    while let Ok((1.., head)) = integrator.integrate().await {
        head.into_iter().for_each(&said);
    }
    integrator.resign().await;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use consent_core::log::{Bundle, Commitment, RecordKind, Salt, Tile};
    use consent_core::receipt::Failure;

    use futures_util::future::join_all;

    use super::*;
    use crate::ambient::{Ambient as _, System};
    use crate::log::audit;
    use crate::log::source::proof;
    use crate::store::fault::{Call, Fault, FaultStore};
    use crate::store::{AuditEvent, open_sqlite};

    struct One(Arc<SigningKey>);

    impl LogKeys for One {
        fn signing(&self, _: Timestamp) -> Result<Arc<SigningKey>, KeysError> {
            Ok(Arc::clone(&self.0))
        }

        fn verifiers(&self) -> Vec<VerifierKey> {
            vec![self.0.verifier().clone()]
        }
    }

    fn keys() -> Arc<dyn LogKeys> {
        Arc::new(One(Arc::new(SigningKey::new("example.org/eu", &[7; 32]).unwrap())))
    }

    async fn store() -> (tempfile::TempDir, SharedStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = open_sqlite(&folder.path().join("eu.db"), true).await.unwrap();
        (folder, store)
    }

    fn event(number: usize) -> AuditEvent {
        AuditEvent::new(&System, None, "test.done", &serde_json::json!({ "number": number }))
    }

    fn integrator(store: &SharedStore) -> Integrator {
        Integrator::new(Arc::clone(store), keys(), Arc::new(System))
    }

    /// Across the widths of tiles and of batches, with and without what is remembered.
    #[tokio::test]
    async fn every_leaf_has_a_proof_at_every_size() {
        let (_folder, store) = store().await;
        let mut one = integrator(&store);
        let (_, first) = one.integrate().await.unwrap();
        assert_eq!(first.unwrap().size, 0, "a log without leaves is vouched for as well");
        assert_eq!(one.integrate().await.unwrap(), (0, None));

        let verifiers = keys().verifiers();
        let mut events = Vec::new();
        for more in [1, 2, 250, 3, 1, 300, 700] {
            let new: Vec<_> = (0..more).map(|number| event(events.len() + number)).collect();
            join_all(new.iter().map(|event| store.note(event.clone()))).await;
            events.extend(new);
            if more % 2 == 0 {
                // Another server starts, and finds what the first one left.
                one.leads_until = Timestamp::MIN;
                one = Integrator { holder: one.holder, ..integrator(&store) };
            }
            while one.integrate().await.unwrap().0 > 0 {}
            let head = store.head().await.unwrap();
            assert_eq!(head.size, events.len() as u64);
            for event in events.iter().step_by(97).chain(events.last()) {
                let position = store.position(event.id).await.unwrap().unwrap();
                let source = Stored(Arc::clone(&store));
                let proof = proof(&source, position).await.unwrap().unwrap();
                let record = event.record().into_bytes();
                let bundle =
                    Bundle::new(RecordKind::Event, event.salt.clone(), record, proof).unwrap();
                assert_eq!(bundle.verify(&verifiers).unwrap().head().size(), head.size);
            }
        }
        // Tiles as others read them.
        let source = Stored(Arc::clone(&store));
        let size = events.len() as u64;
        for tile in Tile::between(0, size) {
            assert!(!source.tile(tile).await.unwrap().is_empty());
        }
    }

    /// Three who all believe that they lead, until nothing waits any more; what is left is whole.
    async fn fight(over: &SharedStore, store: &SharedStore) {
        join_all((0..1_500).map(|number| store.note(event(number)))).await;
        let race = |_| {
            let (over, store) = (Arc::clone(over), Arc::clone(store));
            tokio::spawn(async move {
                let mut one = integrator(&over);
                while !store.pending(1).await.unwrap().is_empty() {
                    one.leads_until =
                        Timestamp::from_second(System.now().as_second() + LEAD).unwrap();
                    if let Err(error) = one.integrate().await {
                        let told = error.to_string();
                        let expected = ["another write came first", "made to fail"];
                        assert!(expected.iter().any(|part| told.contains(part)), "{told}");
                    }
                }
            })
        };
        for one in (0..3).map(race).collect::<Vec<_>>() {
            one.await.unwrap();
        }
        assert_eq!(store.head().await.unwrap().size, 1_500);
        let source = Stored(Arc::clone(store));
        let whole = audit::log(&source, &keys().verifiers(), None, |_, _| ()).await.unwrap();
        let verify = |_: &str| Err(Failure::Key);
        let records = audit::records(&**store, &source, whole.size, verify, |_| ()).await.unwrap();
        assert_eq!((records.events, records.waiting, records.erased), (1_500, 0, 0));
        let mut places = BTreeSet::new();
        for (number, (event, position)) in
            store.events_after(None, 2_000).await.unwrap().iter().enumerate()
        {
            assert!(places.insert(position.unwrap()));
            if number % 97 == 0 {
                let proof = proof(&source, position.unwrap()).await.unwrap().unwrap();
                proof.verify(&event.commitment().leaf(), &keys().verifiers()).unwrap();
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn those_who_fight_lose_nothing_and_double_nothing() {
        let (_folder, store) = store().await;
        fight(&store, &store).await;
    }

    /// Also where the store fails, before or after it has stored what they computed.
    #[tokio::test(flavor = "multi_thread")]
    async fn those_who_fight_over_a_store_that_fails_lose_and_double_nothing() {
        for seed in 1..=3 {
            let (_folder, store) = store().await;
            let (over, faults) = FaultStore::over(Arc::clone(&store));
            faults.at_random(seed, 12);
            faults.nth(Call::Integrate, 0, Fault::Stored);
            faults.nth(Call::Integrate, 1, Fault::NotStored);
            fight(&over, &store).await;
            assert!(faults.none() > 2);
        }
    }

    #[tokio::test]
    async fn nothing_is_signed_on_top_of_what_was_changed() {
        let (folder, store) = store().await;
        for number in 0..3 {
            store.note(event(number)).await.unwrap();
        }
        integrator(&store).integrate().await.unwrap();
        let database = rusqlite::Connection::open(folder.path().join("eu.db")).unwrap();
        let changed = [&entries(&[Commitment::new(RecordKind::Event, &Salt::from([1; 32]), b"x")])
            [..]; 3]
            .concat();
        database.execute("UPDATE tile SET content = ?", [changed]).unwrap();
        store.note(event(3)).await.unwrap();
        database.execute("UPDATE log SET held_until = 0", []).unwrap();
        let error = integrator(&store).integrate().await.unwrap_err();
        assert!(matches!(error, IntegrateError::Changed { size: 3 }), "{error}");
        assert_eq!(store.head().await.unwrap().size, 3);
    }
}
