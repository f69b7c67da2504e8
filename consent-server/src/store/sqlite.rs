//! Records in one SQLite file: write-ahead log, every commit flushed to the disk.
//!
//! One connection writes, so writers queue in this process instead of failing on a locked file; a
//! few others read what is committed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use consent_core::{Digest, PurposeId, Record, Recorded, SiteId, Subject, Timestamp};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Row, Sqlite, migrate::MigrateError};

use super::{Entry, History, Published, Store, StoreError, Token};

const READERS: u32 = 4;
/// How long a write waits for another process that writes, for example a backup.
const BUSY: Duration = Duration::from_secs(5);

/// A decision takes the place of whatever was recorded before.
const DECIDED: &str = "INSERT INTO state (site, subject, purpose, recorded, policy, decided_at, until, restricted) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (site, subject, purpose) DO UPDATE SET \
    recorded = excluded.recorded, policy = excluded.policy, decided_at = excluded.decided_at, \
    until = excluded.until, restricted = excluded.restricted";

/// What anybody typed takes the place of nothing but an earlier typing, which is no decision. It
/// counts only if the owner was not asked a moment ago.
const TYPED: &str = "INSERT INTO state (site, subject, purpose, recorded, policy, decided_at, until, restricted, asked_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?6) ON CONFLICT (site, subject, purpose) DO UPDATE SET \
    asked_at = excluded.asked_at, \
    recorded = CASE recorded WHEN 'open' THEN excluded.recorded ELSE recorded END, \
    policy = CASE WHEN recorded IN ('open', 'unconfirmed') THEN excluded.policy ELSE policy END, \
    decided_at = CASE WHEN recorded IN ('open', 'unconfirmed') THEN excluded.decided_at ELSE decided_at END, \
    until = CASE WHEN recorded IN ('open', 'unconfirmed') THEN excluded.until ELSE until END \
    WHERE asked_at IS NULL OR asked_at <= excluded.asked_at - ?9";

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file; makes it first if it does not exist and `create` says so.
    pub async fn open(path: &Path, create: bool) -> Result<Self, StoreError> {
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
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .foreign_keys(true);
        let pool = |connections| {
            // A connection does not go stale: it is a file.
            SqlitePoolOptions::new()
                .max_connections(connections)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(|error| at(&error))?;
        let migrated: Result<(), MigrateError> =
            sqlx::migrate!("migrations/sqlite").run(&writer).await;
        migrated.map_err(|error| at(&error))?;
        let readers = pool(READERS).connect_with(options).await.map_err(|error| at(&error))?;
        Ok(Self { writer, readers })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => Self::Conflict,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn publish(
        &self,
        site: &SiteId,
        policy: &Published,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let latest = sqlx::query(
            "SELECT number, digest FROM policy WHERE site = ? ORDER BY number DESC LIMIT 1",
        )
        .bind(site.as_str())
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(row) = latest {
            let latest = number(&row, 0)?;
            if latest > policy.policy {
                return Err(StoreError::PolicyOlder {
                    site: site.clone(),
                    number: policy.policy,
                    latest,
                });
            }
            if latest == policy.policy {
                return if digest(&row, 1)? == policy.digest {
                    Ok(())
                } else {
                    Err(StoreError::PolicyChanged {
                        site: site.clone(),
                        number: latest,
                        next: latest + 1,
                    })
                };
            }
        }
        sqlx::query("INSERT INTO policy (site, number, digest, document, published_at) VALUES (?, ?, ?, ?, ?)")
            .bind(site.as_str())
            .bind(policy.policy)
            .bind(&policy.digest.as_bytes()[..])
            .bind(&policy.document[..])
            .bind(now.as_second())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn policies(&self, site: &SiteId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError> {
        let query = "SELECT published_at, document FROM policy WHERE site = ? ORDER BY number";
        let rows = sqlx::query(query).bind(site.as_str()).fetch_all(&self.readers).await?;
        rows.iter().map(|row| Ok((time(row, 0)?, row.try_get(1)?))).collect()
    }

    async fn keep_notice(
        &self,
        site: &SiteId,
        language: &str,
        notice: &Published,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO notice (digest, site, policy, language, document) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (digest) DO NOTHING",
        )
        .bind(&notice.digest.as_bytes()[..])
        .bind(site.as_str())
        .bind(notice.policy)
        .bind(language)
        .bind(&notice.document[..])
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn history(&self, site: &SiteId, subject: &Subject) -> Result<History, StoreError> {
        let mut transaction = self.readers.begin().await?;
        let mut history = History::default();
        let latest = sqlx::query(
            "SELECT sequence, digest FROM receipt WHERE site = ? AND subject = ? ORDER BY sequence DESC LIMIT 1",
        )
        .bind(site.as_str())
        .bind(subject.to_string())
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(row) = latest {
            history.receipts = u64::from(number(&row, 0)?);
            history.latest = Some(digest(&row, 1)?);
        }
        let rows = sqlx::query(
            "SELECT recorded, policy, decided_at, until, restricted, purpose FROM state WHERE site = ? AND subject = ?",
        )
        .bind(site.as_str())
        .bind(subject.to_string())
        .fetch_all(&mut *transaction)
        .await?;
        for row in rows {
            let purpose: String = row.try_get(5)?;
            let purpose = purpose.parse().map_err(|_| StoreError::Corrupt("purpose"))?;
            history.records.insert(purpose, record(&row)?);
        }
        Ok(history)
    }

    async fn receipts(
        &self,
        site: &SiteId,
        subject: &Subject,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT jws FROM receipt WHERE site = ? AND subject = ? ORDER BY sequence DESC LIMIT ?",
        )
        .bind(site.as_str())
        .bind(subject.to_string())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn record(
        &self,
        site: &SiteId,
        subject: &Subject,
        purpose: &PurposeId,
    ) -> Result<Option<Record>, StoreError> {
        sqlx::query(
            "SELECT recorded, policy, decided_at, until, restricted FROM state \
             WHERE site = ? AND subject = ? AND purpose = ?",
        )
        .bind(site.as_str())
        .bind(subject.to_string())
        .bind(purpose.as_str())
        .fetch_optional(&self.readers)
        .await?
        .as_ref()
        .map(record)
        .transpose()
    }

    async fn append(&self, entry: Entry<'_>) -> Result<(), StoreError> {
        let claims = entry.receipt.claims();
        let sequence = i64::try_from(entry.follows).ok().and_then(|n| n.checked_add(1));
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query(
            "INSERT INTO receipt (id, site, subject, sequence, digest, jws, issued_at, idempotency_key, request) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&claims.jti.as_bytes()[..])
        .bind(claims.site.as_str())
        .bind(claims.sub.to_string())
        .bind(sequence.ok_or(StoreError::Corrupt("sequence"))?)
        .bind(&entry.receipt.digest().as_bytes()[..])
        .bind(entry.receipt.as_str())
        .bind(claims.iat.as_second())
        .bind(entry.request.map(|request| request.key))
        .bind(entry.request.map(|request| request.content.as_bytes().to_vec()))
        .execute(&mut *transaction)
        .await?;
        for (purpose, record) in entry.records {
            bind(sqlx::query(DECIDED), &claims.site, &claims.sub, purpose, record)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn answered(
        &self,
        site: &SiteId,
        key: &str,
    ) -> Result<Option<(Digest, String)>, StoreError> {
        let row =
            sqlx::query("SELECT request, jws FROM receipt WHERE site = ? AND idempotency_key = ?")
                .bind(site.as_str())
                .bind(key)
                .fetch_optional(&self.readers)
                .await?;
        row.map(|row| Ok((digest(&row, 0)?, row.try_get(1)?))).transpose()
    }

    async fn mark_unconfirmed(
        &self,
        site: &SiteId,
        subject: &Subject,
        records: &BTreeMap<PurposeId, Record>,
        again_after: Duration,
    ) -> Result<bool, StoreError> {
        let seconds = i64::try_from(again_after.as_secs()).unwrap_or(i64::MAX);
        let mut transaction = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        let mut marked = 0;
        for (purpose, record) in records {
            let query = bind(sqlx::query(TYPED), site, subject, purpose, record).bind(seconds);
            marked += query.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(marked > 0)
    }

    async fn not_asked(&self, site: &SiteId, subject: &Subject) -> Result<(), StoreError> {
        sqlx::query("UPDATE state SET asked_at = NULL WHERE site = ? AND subject = ?")
            .bind(site.as_str())
            .bind(subject.to_string())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn add_token(
        &self,
        digest: Digest,
        token: &Token,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO token (digest, site, scopes, created_at) VALUES (?, ?, ?, ?)")
            .bind(&digest.as_bytes()[..])
            .bind(token.site.as_str())
            .bind(token.scopes.join(" "))
            .bind(now.as_second())
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn token(&self, digest: Digest) -> Result<Option<Token>, StoreError> {
        let row = sqlx::query("SELECT site, scopes FROM token WHERE digest = ?")
            .bind(&digest.as_bytes()[..])
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (site, scopes): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let site = site.parse().map_err(|_| StoreError::Corrupt("site"))?;
        Ok(Some(Token { site, scopes: scopes.split(' ').map(str::to_owned).collect() }))
    }

    async fn ready(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1 FROM policy LIMIT 1").fetch_optional(&self.readers).await?;
        // Takes the write lock and lets it go: fails on a full or read-only disk held by others.
        self.writer.begin_with("BEGIN IMMEDIATE").await?.rollback().await?;
        Ok(())
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, <Sqlite as sqlx::Database>::Arguments>;

/// Binds `site, subject, purpose, recorded, policy, decided_at, until, restricted`, in this order.
fn bind<'q>(
    query: Query<'q>,
    site: &'q SiteId,
    subject: &Subject,
    purpose: &'q PurposeId,
    record: &Record,
) -> Query<'q> {
    query
        .bind(site.as_str())
        .bind(subject.to_string())
        .bind(purpose.as_str())
        .bind(record.recorded.as_str())
        .bind(record.policy)
        .bind(record.at.as_second())
        .bind(record.until.as_second())
        .bind(record.restricted)
}

/// Reads `recorded, policy, decided_at, until, restricted` from the first five columns.
fn record(row: &SqliteRow) -> Result<Record, StoreError> {
    let recorded: String = row.try_get(0)?;
    let recorded = Recorded::ALL
        .into_iter()
        .find(|known| known.as_str() == recorded)
        .ok_or(StoreError::Corrupt("state"))?;
    let (restricted, at, until) = (row.try_get(4)?, time(row, 2)?, time(row, 3)?);
    Ok(Record { recorded, restricted, policy: number(row, 1)?, at, until })
}

fn time(row: &SqliteRow, column: usize) -> Result<Timestamp, StoreError> {
    Timestamp::from_second(row.try_get(column)?).map_err(|_| StoreError::Corrupt("time"))
}

fn number(row: &SqliteRow, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.try_get::<i64, _>(column)?).map_err(|_| StoreError::Corrupt("number"))
}

fn digest(row: &SqliteRow, column: usize) -> Result<Digest, StoreError> {
    let bytes: Vec<u8> = row.try_get(column)?;
    <[u8; 32]>::try_from(bytes).map(Digest::from).map_err(|_| StoreError::Corrupt("digest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What makes a commit survive a power cut: the log is flushed at every commit.
    #[tokio::test]
    async fn every_commit_is_flushed_to_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("eu.db"), true).await.unwrap();
        let journal: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&store.writer).await.unwrap();
        let synchronous: i64 =
            sqlx::query_scalar("PRAGMA synchronous").fetch_one(&store.writer).await.unwrap();
        assert_eq!((journal.as_str(), synchronous), ("wal", 2), "2 is FULL");
    }
}
