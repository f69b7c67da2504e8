//! Millions of receipts in a store before anybody asks: written straight into the file, with the rows
//! that the store itself writes, places in the log included.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use consent_core::log::Salt;
use consent_core::log::{Checkpoint, Commitment, Frontier, RecordKind, TILE_WIDTH, entries};
use consent_core::{Choice, Decision, Digest, Subject, Timestamp};
use consent_server::ambient::{Ambient, System};
use consent_server::store::{Entry, Request, open_sqlite};
use rusqlite::{Connection, params};

use super::home::Home;
use super::issuer::Issuer;
use super::rows;

/// So many are made, put in order and written at once. The indexes over what is random grow as they
/// do in years, not in one go, which would leave them denser than they ever are.
const CHUNK: u64 = 50_000;
/// The time that the receipts are spread over, in seconds: 28 days, so that the keys of their requests
/// are all still remembered.
const SPAN: i64 = 28 * 86_400;
/// The most subjects that checks are about.
const SUBJECTS: u64 = 200_000;
/// What a receipt takes at most, all of it, in bytes. For the question whether there is room.
const ROOM: u64 = 2_500;

/// What the log commits to.
pub(super) fn commitment(entry: &Entry) -> Commitment {
    Commitment::new(RecordKind::Receipt, &entry.salt, entry.receipt.as_str().as_bytes())
}

/// The file that says how many receipts were put into a store, and into which tables.
const DONE: &str = "filled";

/// A home whose store holds so many receipts. What is there from an earlier run is kept, if it fits.
///
/// # Panics
/// When the disk has no room.
pub(super) async fn filled(folder: &Path, receipts: u64, progress: &impl Fn(&str)) -> Home {
    let home = Home::at(folder, "sqlite:eu.db");
    let schema = schema(folder).await;
    let done = format!("{receipts} {schema}");
    let before = std::fs::read_to_string(folder.join(DONE)).unwrap_or_default();
    if before == done && !grown(&home, receipts) {
        return home;
    }
    let home = Home::empty(folder, "sqlite:eu.db");
    let (free, needed) = (free(folder), receipts * ROOM);
    assert!(
        free > needed,
        "{receipts} receipts may take {} GB, and the disk has {} GB: ask for fewer by --receipts",
        needed >> 30,
        free >> 30
    );
    if receipts > CHUNK {
        progress(&format!("storing {receipts} receipts; this is done once"));
    }
    let now = System.now();
    let issuer = Issuer::new(&home.settings(), now);
    open_sqlite(&home.store(), true).await.unwrap().close().await;
    Filler::new(&home, issuer, receipts, now).run(progress);
    std::fs::write(folder.join(DONE), done).unwrap();
    home
}

/// Whether earlier runs have added so much that it is another figure by now.
fn grown(home: &Home, receipts: u64) -> bool {
    let count = Connection::open(home.store()).unwrap();
    // Rows are numbered in the order in which they came.
    let last = count.query_row("SELECT max(rowid) FROM receipt", [], |row| row.get::<_, i64>(0));
    last.unwrap().unsigned_abs() > receipts + receipts / 4
}

/// What tells one schema from another.
async fn schema(folder: &Path) -> String {
    let path = folder.join("schema.db");
    open_sqlite(&path, true).await.unwrap().close().await;
    let db = Connection::open(&path).unwrap();
    let text: String =
        db.query_row("SELECT group_concat(sql) FROM sqlite_master", [], |row| row.get(0)).unwrap();
    let page: i64 = db.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    drop(db);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("schema.db{end}")));
    }
    Digest::of(format!("{text}{page}").as_bytes()).to_string()
}

/// Bytes free where that folder is.
fn free(folder: &Path) -> u64 {
    let df = Command::new("df").args(["--output=avail", "-B1"]).arg(folder).output().unwrap();
    let told = String::from_utf8_lossy(&df.stdout);
    told.lines().nth(1).unwrap().trim().parse().unwrap()
}

struct Filler {
    db: Connection,
    issuer: Issuer,
    decisions: [Decision; 2],
    receipts: u64,
    start: i64,
    log: Log,
    subjects: std::io::BufWriter<std::fs::File>,
}

impl Filler {
    fn new(home: &Home, issuer: Issuer, receipts: u64, now: Timestamp) -> Self {
        let db = Connection::open(home.store()).unwrap();
        db.set_prepared_statement_cache_capacity(32);
        // It is done again from the start if it breaks off.
        db.execute_batch(
            "PRAGMA journal_mode = off; PRAGMA synchronous = off; \
             PRAGMA locking_mode = exclusive; PRAGMA cache_size = -1000000;",
        )
        .unwrap();
        let decisions = [Choice::Granted, Choice::Refused].map(|choice| issuer.all(choice));
        let subjects = std::fs::File::create(home.subjects()).unwrap();
        Self {
            db,
            issuer,
            decisions,
            receipts,
            start: now.as_second() - SPAN,
            log: Log::default(),
            subjects: std::io::BufWriter::new(subjects),
        }
    }

    fn run(mut self, progress: &impl Fn(&str)) {
        let mut next = 0;
        while next < self.receipts {
            let end = (next + CHUNK).min(self.receipts);
            self.chunk(next..end);
            next = end;
            if next % 1_000_000 == 0 {
                progress(&format!("{next} receipts stored"));
            }
        }
        self.log.finish(&self.db, &self.issuer);
        self.subjects.flush().unwrap();
        self.db.execute_batch("PRAGMA locking_mode = normal; PRAGMA journal_mode = wal;").unwrap();
        let path = self.db.path().unwrap().to_owned();
        drop(self.db);
        std::fs::File::open(path).unwrap().sync_all().unwrap();
    }

    fn chunk(&mut self, numbers: std::ops::Range<u64>) {
        let mut all: Vec<Entry> = numbers.clone().map(|number| self.entry(number)).collect();
        // In the order of their identifiers, as they would have come.
        all.sort_by_key(|entry| entry.receipt.claims().jti);
        let every = self.receipts.div_ceil(SUBJECTS);
        for (number, entry) in numbers.zip(&all) {
            if number % every == 0 {
                writeln!(self.subjects, "{}", entry.receipt.claims().sub).unwrap();
            }
        }
        self.db.execute_batch("BEGIN").unwrap();
        for entry in &all {
            rows::receipt(&self.db, entry).unwrap();
            rows::count(&self.db, entry, 1).unwrap();
            self.log.append(&self.db, entry);
        }
        all.sort_by_cached_key(|entry| entry.receipt.claims().sub.to_string());
        for entry in &all {
            rows::subject(&self.db, entry).unwrap();
        }
        all.sort_by_cached_key(rows::request_id);
        for entry in &all {
            rows::request(&self.db, entry).unwrap();
        }
        self.db.execute_batch("COMMIT").unwrap();
    }

    fn entry(&self, number: u64) -> Entry {
        let millis = number * SPAN.unsigned_abs() * 1000 / self.receipts;
        let millis = self.start.unsigned_abs() * 1000 + millis;
        let at = Timestamp::from_second(i64::try_from(millis / 1000).unwrap()).unwrap();
        let ambient = &System as &dyn Ambient;
        let random: [u8; 58] = ambient.random();
        let id =
            uuid::Builder::from_unix_timestamp_millis(millis, random[..10].try_into().unwrap());
        let subject = subject(number, random[10..26].try_into().unwrap());
        let salt = Salt::from(<[u8; 32]>::try_from(&random[26..58]).unwrap());
        let content = Digest::of(&number.to_be_bytes());
        let request = Request { key: key(millis, number), content };
        let decision = &self.decisions[usize::try_from(number % 2).unwrap()];
        self.issuer.entry(decision, subject, (id.into_uuid(), at), salt, Some(request))
    }
}

/// A browser's key as the server makes them: those who come one after another begin alike.
fn subject(number: u64, mut random: [u8; 16]) -> Subject {
    let run = Digest::of(&(number / 64).to_be_bytes());
    random[..6].copy_from_slice(&run.as_bytes()[..6]);
    Subject::browser(random)
}

/// A request's key as the widget makes them: tenths of a second in base 36, and what is no other's.
fn key(millis: u64, number: u64) -> String {
    let mut tenths = millis / 100;
    let mut digits = Vec::new();
    while tenths > 0 {
        digits.push(char::from_digit(u32::try_from(tenths % 36).unwrap(), 36).unwrap());
        tenths /= 36;
    }
    let time: String = digits.iter().rev().collect();
    format!("{time}/{:032x}", u128::from(number) << 64)
}

/// The log as it grows: what is not yet a whole tile.
#[derive(Default)]
struct Log {
    edge: Frontier,
    leaves: Vec<u8>,
    /// Hashes of the levels from 1 on.
    hashes: Vec<Vec<u8>>,
}

impl Log {
    fn append(&mut self, db: &Connection, entry: &Entry) {
        let (commitment, position) = (commitment(entry), self.edge.head().size());
        db.prepare_cached("INSERT INTO leaf (id, position) VALUES (?1, ?2)")
            .unwrap()
            .execute(params![entry.receipt.claims().jti.as_bytes(), number(position)])
            .unwrap();
        self.leaves.extend(entries(&[commitment]));
        let mut made = Vec::new();
        self.edge.append(commitment.leaf(), |node, hash| made.push((node, hash))).unwrap();
        for (node, hash) in made {
            // A tile's hashes are eight levels of the tree apart (C2SP tlog-tiles).
            if node.level() == 0 || node.level() % 8 != 0 {
                continue;
            }
            let level = usize::try_from(node.level() / 8).unwrap();
            self.hashes.resize_with(self.hashes.len().max(level), Vec::new);
            self.hashes[level - 1].extend(hash.as_bytes());
            if (node.index() + 1) % TILE_WIDTH == 0 {
                let content = std::mem::take(&mut self.hashes[level - 1]);
                tile(db, level, node.index() / TILE_WIDTH, &content);
            }
        }
        if (position + 1) % TILE_WIDTH == 0 {
            tile(db, 0, position / TILE_WIDTH, &std::mem::take(&mut self.leaves));
        }
    }

    /// Writes what is left, and the head.
    fn finish(&self, db: &Connection, issuer: &Issuer) {
        let head = self.edge.head();
        for (level, content) in std::iter::once(&self.leaves).chain(&self.hashes).enumerate() {
            if !content.is_empty() {
                let index = (head.size() >> (8 * level)) / TILE_WIDTH;
                tile(db, level, index, content);
            }
        }
        let key = issuer.keys.log(System.now()).unwrap();
        let checkpoint = Checkpoint::new(&key, head).sign(&key).unwrap().to_string();
        db.execute(
            "UPDATE log SET size = ?1, checkpoint = ?2 WHERE id = 1",
            params![number(head.size()), checkpoint],
        )
        .unwrap();
    }
}

fn tile(db: &Connection, level: usize, index: u64, content: &[u8]) {
    db.prepare_cached("INSERT INTO tile (level, position, content) VALUES (?1, ?2, ?3)")
        .unwrap()
        .execute(params![number(level as u64), number(index), content])
        .unwrap();
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use consent_core::log::{SigningKey, VerifierKey};
    use consent_server::keys::KeysError;
    use consent_server::log::{Integrator, LogKeys};

    use super::*;

    struct Held(Issuer);

    impl LogKeys for Held {
        fn signing(&self, now: Timestamp) -> Result<Arc<SigningKey>, KeysError> {
            self.0.keys.log(now)
        }

        fn verifiers(&self) -> Vec<VerifierKey> {
            self.0.keys.log_verifiers()
        }
    }

    /// Whoever integrates finds the log that the checkpoint vouches for, and goes on from it.
    #[tokio::test]
    async fn the_log_of_a_filled_store_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let home = filled(&folder.path().join("home"), 66_000, &|_: &str| ()).await;
        let keys = Held(Issuer::new(&home.settings(), System.now()));
        let entry = {
            let decision = keys.0.all(Choice::Granted);
            let now = Timestamp::from_second(System.now().as_second()).unwrap();
            let id = (&System as &dyn Ambient).uuid(now);
            let salt = Salt::from([7; 32]);
            keys.0.entry(&decision, Subject::browser([7; 16]), (id, now), salt, None)
        };
        let store = open_sqlite(&home.store(), false).await.unwrap();
        assert!(store.pending(1).await.unwrap().is_empty());
        store.append(entry).await.unwrap();
        let mut integrator = Integrator::new(Arc::clone(&store), Arc::new(keys), Arc::new(System));
        let (count, head) = integrator.integrate().await.unwrap();
        assert_eq!((count, head.unwrap().size), (1, 66_001));
        store.close().await;

        let again = filled(home.folder(), 66_000, &|_: &str| panic!("it is there already")).await;
        assert_eq!(again.store(), home.store());
    }
}
