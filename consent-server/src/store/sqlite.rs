//! Records in one SQLite file: write-ahead log, every commit flushed to the disk.
//!
//! One thread writes, so that writers queue in this process instead of failing on a locked file, and
//! so that all who wait while the disk is flushed share the next flush (`sqlite/writer.rs`). A few
//! other connections read what is committed.

mod checkpoint;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use consent_core::Timestamp;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::db::{Cell, Db, Engine, Row, Value};
use super::schema::{Migration, migrate};
use super::sql::{Item, SqlStore};
use super::{Report, SharedStore, StoreError};
use checkpoint::Checkpoints;
use writer::Writer;

const MIGRATIONS: [Migration; 1] =
    [Migration { sql: include_str!("../../migrations/sqlite/0001_initial.sql") }];

const READERS: usize = 4;
/// How much of the file a connection keeps in memory, at most, in KiB. The system keeps the rest. Whoever
/// writes needs the pages that are filled just now, whoever reads the upper levels of the trees.
const WRITER_CACHE: i32 = 8 * 1024;
const READER_CACHE: i32 = 2 * 1024;
/// How long a write waits for another process that writes, for example an operator's command.
const BUSY: Duration = Duration::from_secs(5);
/// Statements kept ready on each connection: all that there are.
const STATEMENTS: usize = 64;

/// Opens a store in one SQLite file; makes it first if it does not exist and `create` says so.
pub async fn open(path: &Path, create: bool) -> Result<SharedStore, StoreError> {
    let path = path.to_owned();
    let engine = tokio::task::spawn_blocking(move || Sqlite::open(&path, create)).await;
    let engine =
        engine.map_err(|_| StoreError::Unavailable("the store was not opened".into()))??;
    Ok(Arc::new(SqlStore { engine }))
}

/// One file, with those who read it and the one who writes it.
pub(super) struct Sqlite {
    readers: Arc<[Mutex<Connection>]>,
    /// The reader that is waited for next.
    next: Arc<AtomicUsize>,
    writer: Writer,
}

impl Sqlite {
    fn open(path: &Path, create: bool) -> Result<Self, StoreError> {
        let at = |error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("store {}: {error}", path.display()))
        };
        if !create && !path.exists() {
            return Err(at(
                &"not found; start the server once with this configuration, it makes it",
            ));
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| at(&error))?;
        }
        let mut writer = connect(path).map_err(|error| at(&error))?;
        prepare(&mut writer).map_err(|error| at(&error))?;
        let readers = (0..READERS).map(|_| {
            let reader = connect(path).and_then(|reader| {
                reader.pragma_update(None, "query_only", true)?;
                reader.pragma_update(None, "cache_size", -READER_CACHE)?;
                Ok(reader)
            });
            reader.map(Mutex::new).map_err(|error| at(&error))
        });
        let readers = readers.collect::<Result<Arc<[_]>, _>>()?;
        let checkpoints = Checkpoints::start(path, &mut writer).map_err(|error| at(&error))?;
        let writer = Writer::start(writer, checkpoints).map_err(|error| at(&error))?;
        Ok(Self { readers, next: Arc::default(), writer })
    }
}

/// Copies a store into a file that is not there yet, while others go on writing it. `progress` hears
/// how many pages of how many are done.
pub fn copy(from: &Path, to: &Path, mut progress: impl FnMut(u64, u64)) -> Result<(), StoreError> {
    let at = |path: &Path, error: &dyn std::fmt::Display| {
        StoreError::Unavailable(format!("{}: {error}", path.display()))
    };
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let source = source.map_err(|error| at(from, &error))?;
    source.busy_timeout(BUSY)?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| at(to, &error))?;
    }
    let mut target = Connection::open(to).map_err(|error| at(to, &error))?;
    // The copy is as of one moment, though it takes many steps: it starts again by itself when
    // somebody else writes, unless the source is held still for those who read it.
    source.execute_batch("BEGIN; SELECT count(*) FROM log")?;
    let backup = Backup::new(&source, &mut target)?;
    loop {
        let step = backup.step(STEP)?;
        let all = backup.progress();
        let (all, left) = (u64::try_from(all.pagecount), u64::try_from(all.remaining));
        let (all, left) = (all.unwrap_or_default(), left.unwrap_or_default());
        progress(all - left, all);
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    drop(backup);
    let file = std::fs::File::open(to).and_then(|file| file.sync_all());
    file.map_err(|error| at(to, &error))
}

/// How many pages are copied before others are looked after: a few milliseconds.
const STEP: i32 = 1_000;

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // Each connection is used by one thread at a time, so SQLite need not lock it once more.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE)?;
    connection.pragma_update(None, "secure_delete", true)?;
    // What a write that fails takes back is noted in memory, not in a file for each.
    connection.pragma_update(None, "temp_store", "memory")?;
    // FULL: the log is flushed at every commit, so that a commit survives a power cut.
    connection.pragma_update(None, "synchronous", "full")?;
    Ok(connection)
}

/// Brings the file up to date.
fn prepare(writer: &mut Connection) -> Result<(), StoreError> {
    let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'";
    if transaction.query_row(before, [], |row| row.get::<_, i64>(0))? > 0 {
        return Err(StoreError::Unavailable(
            "it was made by an earlier version, before 0.1, whose records this one does not read; move it \
             away, or name another file".into(),
        ));
    }
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration \
         (number INTEGER NOT NULL PRIMARY KEY, digest BLOB NOT NULL) STRICT",
    )?;
    let mut session = Session(&transaction);
    migrate(&mut session, &MIGRATIONS, |session, sql| Ok(session.0.execute_batch(sql)?))?;
    Ok(transaction.commit()?)
}

/// A reader that nobody uses: the first, whose cache is the fullest. Each in turn, if all are used.
fn reader<'r>(readers: &'r [Mutex<Connection>], next: &AtomicUsize) -> MutexGuard<'r, Connection> {
    readers.iter().find_map(|reader| reader.try_lock().ok()).unwrap_or_else(|| {
        let next = next.fetch_add(1, Ordering::Relaxed) % readers.len();
        // One whose holder panicked holds no transaction: it is rolled back when it is dropped.
        readers[next].lock().unwrap_or_else(PoisonError::into_inner)
    })
}

impl Engine for Sqlite {
    /// On the thread of whoever asks: a few pages, mostly from memory, are read faster than a
    /// thread is woken to do it.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = reader(&self.readers, &self.next);
        work(&mut Session(&connection))
    }

    async fn scan<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (readers, next) = (Arc::clone(&self.readers), Arc::clone(&self.next));
        let scan = move || {
            let mut connection = reader(&readers, &next);
            let transaction = connection.transaction()?;
            work(&mut Session(&transaction))
        };
        let done = tokio::task::spawn_blocking(scan).await;
        done.map_err(|_| StoreError::Unavailable("the reading broke off".into()))?
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(work).await
    }

    async fn append(&self, item: Item) -> Result<(), StoreError> {
        self.writer.append(item).await
    }

    async fn prepare(&self, _: Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    async fn drop_before(&self, _: Timestamp, _: Report) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Deleted rows are overwritten where they were (`secure_delete`); their copies in the
    /// write-ahead log go with the log.
    async fn forget(&self) -> Result<(), StoreError> {
        self.writer.truncate().await
    }

    async fn writable(&self) -> Result<(), StoreError> {
        // Fails on a full or read-only disk, and while others hold the file. A row that is written as
        // it is would not be written at all; so it is changed, and changed back before anybody looks.
        let there = "UPDATE log SET held_until = held_until + 1 WHERE id = $1";
        let back = "UPDATE log SET held_until = held_until - 1 WHERE id = $1";
        let touch = move |db: &mut dyn Db| {
            db.execute(there, &[Value::Int(1)])?;
            db.execute(back, &[Value::Int(1)])
        };
        self.write(touch).await.map(|_| ())
    }

    async fn close(&self) {
        self.writer.stop().await;
    }
}

/// A connection, as everything in `sql` sees it.
pub(super) struct Session<'c>(&'c Connection);

impl Session<'_> {
    fn prepare(&self, sql: &str) -> rusqlite::Result<rusqlite::CachedStatement<'_>> {
        // `$1` would be a name to SQLite, `?1` is a number.
        self.0.prepare_cached(&sql.replace('$', "?"))
    }
}

impl Db for Session<'_> {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let changed = self.prepare(sql)?.execute(rusqlite::params_from_iter(values))?;
        Ok(changed as u64)
    }

    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut statement = self.prepare(sql)?;
        let columns = statement.column_count();
        let mut found = statement.query(rusqlite::params_from_iter(values))?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let cells = (0..columns).map(|i| row.get_ref(i).map(cell));
            rows.push(Row(cells.collect::<Result<_, _>>()?));
        }
        Ok(rows)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Integer(number) => Cell::Int(number),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        // Nothing is kept as a fraction.
        ValueRef::Null | ValueRef::Real(_) => Cell::Null,
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Conflict,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What makes a commit survive a power cut: the log is flushed at every commit.
    #[test]
    fn every_commit_is_flushed_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let writer = connect(&folder.path().join("eu.db")).unwrap();
        let journal: String =
            writer.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        let synchronous: i64 =
            writer.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!((journal.as_str(), synchronous), ("wal", 2), "2 is FULL");
    }
}
