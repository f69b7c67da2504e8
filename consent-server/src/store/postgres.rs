//! Records in PostgreSQL 15 or later, for one server or several at once.
//!
//! Each connection belongs to a thread. A few threads read and write (`workers`), a few store receipts,
//! many in a transaction (`committers`, `batch`). Whatever the database does, everybody gets an answer
//! within a bounded time, and a connection that broke is made anew by whoever needs it next.
//!
//! Of two who do the same at once, the database lets one lose; no row is read in order to be locked,
//! so that transactions need be no stricter than READ COMMITTED.

mod address;
mod batch;
mod committers;
mod connection;
mod months;
mod workers;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use consent_core::Timestamp;
use tokio::sync::Semaphore;

use super::db::{Db, Engine, Value};
use super::schema::{Migration, migrate};
use super::sql::{Item, SqlStore};
use super::{Report, SharedStore, StoreError};
use address::Address;
use committers::Committers;
use connection::Connection;
use workers::{Workers, permit};

const MIGRATIONS: [Migration; 1] =
    [Migration { sql: include_str!("../../migrations/postgres/0001_initial.sql") }];

/// Threads that read and write.
const WORKERS: usize = 8;
/// How many of them may read much at once.
const SCANS: usize = 3;
/// Threads that store receipts.
const COMMITTERS: usize = 2;
/// How often a store is opened again that another server opens as well, and makes.
const TRIES: usize = 8;

/// Opens a store in the database at a `postgres://` address; makes its tables first if they do not
/// exist and `create` says so.
pub async fn open(url: &str, create: bool) -> Result<SharedStore, StoreError> {
    Ok(Arc::new(SqlStore { engine: Postgres::open(url, create, COMMITTERS).await? }))
}

/// One database, with those who speak to it.
pub(super) struct Postgres {
    workers: Workers,
    scans: Arc<Semaphore>,
    committers: Committers,
    /// Whether receipts are kept by months.
    by_month: bool,
}

impl Postgres {
    async fn open(url: &str, create: bool, committers: usize) -> Result<Self, StoreError> {
        let address = Arc::new(Address::parse(url)?);
        let at = |error: &dyn std::fmt::Display| {
            StoreError::Unavailable(format!("database {}: {error}", address.shown))
        };
        let workers = Workers::start(&address, WORKERS).map_err(|error| at(&error))?;
        let mut tries = 1;
        let by_month = loop {
            let shown = address.shown.clone();
            match workers.run(move |connection| prepare(connection, create, &shown)).await {
                Err(StoreError::Conflict) if tries < TRIES => tries += 1,
                done => break done?,
            }
        };
        let committers = Committers::start(&address, committers).map_err(|error| at(&error))?;
        Ok(Self { workers, scans: Arc::new(Semaphore::new(SCANS)), committers, by_month })
    }
}

/// Brings the tables up to date; whether receipts are kept by months in them.
fn prepare(connection: &mut Connection, create: bool, shown: &str) -> Result<bool, StoreError> {
    let at = |told: String| StoreError::Unavailable(format!("database {shown}: {told}"));
    connection.work(Some("BEGIN"), |session| {
        let mut version = session.first("SELECT version()", &[])?;
        let version = version.as_mut().map_or(Ok(String::new()), |row| row.text(0))?;
        let tables = "SELECT count(*) FROM pg_class WHERE oid = to_regclass('migration')";
        let found = session.first(tables, &[])?.map_or(Ok(0), |mut row| row.int(0))?;
        if found == 0 && !create {
            return Err(at("has no records; start the server once with this configuration, it \
                           makes the tables"
                .into()));
        }
        if found == 0 {
            session.batch(
                "CREATE TABLE migration (number BIGINT NOT NULL PRIMARY KEY, digest BYTEA NOT NULL)",
            )?;
        }
        let partitions = !version.contains("CockroachDB");
        migrate(session, &MIGRATIONS, |session, sql| {
            if partitions { session.batch(sql) } else { session.batch(&without_partitions(sql)) }
        })
        .map_err(|error| match error {
            StoreError::Unavailable(told) => at(told),
            other => other,
        })?;
        months::kept(session)
    })
}

/// The same tables, in one piece each.
fn without_partitions(sql: &str) -> String {
    let whole = sql.replace(") PARTITION BY RANGE (id);", ");");
    whole.lines().filter(|line| !line.contains(" PARTITION OF ")).collect::<Vec<_>>().join("\n")
}

impl Engine for Postgres {
    /// A row by its key takes one way to the server: a statement alone is as of one moment.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.workers.run(|connection| connection.work(None, |session| work(session))).await
    }

    async fn scan<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let _permit = permit(&self.scans).await?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.workers.run(|connection| connection.work(Some(begin), |session| work(session))).await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.workers.run(|connection| connection.work(Some("BEGIN"), |session| work(session))).await
    }

    async fn append(&self, item: Item) -> Result<(), StoreError> {
        self.committers.append(item).await
    }

    async fn prepare(&self, now: Timestamp) -> Result<(), StoreError> {
        if !self.by_month {
            return Ok(());
        }
        self.workers.run(move |connection| months::prepare(connection, now)).await
    }

    async fn drop_before(&self, before: Timestamp, report: Report) -> Result<u64, StoreError> {
        if !self.by_month {
            return Ok(0);
        }
        self.workers.run(move |connection| months::drop_before(connection, before, &*report)).await
    }

    /// Nothing: what was deleted can be asked for by nobody, but its bytes stay in the database's files
    /// until it uses their room again (VACUUM), and in its log and the archives of that for as long as
    /// those are kept. This is for whoever runs the database, and would be expensive to force.
    async fn forget(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn writable(&self) -> Result<(), StoreError> {
        // Writes a row as it is: fails on a full disk, and on a copy that only reads.
        let touch = "UPDATE log SET held_until = held_until WHERE id = $1";
        self.write(move |db| db.execute(touch, &[Value::Int(1)])).await.map(|_| ())
    }

    async fn close(&self) {
        self.committers.stop().await;
        self.workers.stop().await;
    }
}
