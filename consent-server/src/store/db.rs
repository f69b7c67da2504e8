//! What is asked of a database: a few statements with a few kinds of values. Everything in `sql` is
//! written against this, so that it is written once for all engines.
//!
//! Statements number their parameters (`$1`). They hold no other `$`.

use std::future::Future;

use consent_core::{Digest, Timestamp};
use uuid::Uuid;

use super::sql::Item;
use super::{Report, StoreError};

/// A value that goes into a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'v> {
    /// Nothing; of the kind of the column.
    Null,
    /// A whole number: BIGINT.
    Int(i64),
    /// TEXT.
    Text(&'v str),
    /// BYTEA or BLOB.
    Bytes(&'v [u8]),
}

impl From<Timestamp> for Value<'_> {
    fn from(at: Timestamp) -> Self {
        Self::Int(at.as_second())
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(text)
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(bytes: &'v [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'v> From<&'v Uuid> for Value<'v> {
    fn from(id: &'v Uuid) -> Self {
        Self::Bytes(id.as_bytes())
    }
}

impl<'v> From<&'v Digest> for Value<'v> {
    fn from(digest: &'v Digest) -> Self {
        Self::Bytes(digest.as_bytes())
    }
}

impl<'v, T: Into<Value<'v>>> From<Option<T>> for Value<'v> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A number as databases have them.
pub(super) fn int(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Corrupt("number"))
}

/// A value that came out of one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row that came out of one. The names in errors are those of columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row(pub(super) Vec<Cell>);

impl Row {
    fn take(&mut self, column: usize) -> Cell {
        self.0.get_mut(column).map_or(Cell::Null, |cell| std::mem::replace(cell, Cell::Null))
    }

    pub(super) fn int(&mut self, column: usize) -> Result<i64, StoreError> {
        match self.take(column) {
            Cell::Int(number) => Ok(number),
            _ => Err(StoreError::Corrupt("number")),
        }
    }

    /// A number that is never below 0.
    pub(super) fn count(&mut self, column: usize) -> Result<u64, StoreError> {
        u64::try_from(self.int(column)?).map_err(|_| StoreError::Corrupt("number"))
    }

    pub(super) fn number(&mut self, column: usize) -> Result<u32, StoreError> {
        u32::try_from(self.int(column)?).map_err(|_| StoreError::Corrupt("number"))
    }

    pub(super) fn time(&mut self, column: usize) -> Result<Timestamp, StoreError> {
        Timestamp::from_second(self.int(column)?).map_err(|_| StoreError::Corrupt("time"))
    }

    pub(super) fn text(&mut self, column: usize) -> Result<String, StoreError> {
        match self.take(column) {
            Cell::Text(text) => Ok(text),
            _ => Err(StoreError::Corrupt("text")),
        }
    }

    /// A text that is a name of some kind.
    pub(super) fn named<T: std::str::FromStr>(&mut self, column: usize) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| StoreError::Corrupt("name"))
    }

    pub(super) fn bytes(&mut self, column: usize) -> Result<Vec<u8>, StoreError> {
        match self.take(column) {
            Cell::Bytes(bytes) => Ok(bytes),
            _ => Err(StoreError::Corrupt("bytes")),
        }
    }

    /// Bytes of a length that is known.
    pub(super) fn array<const N: usize>(&mut self, column: usize) -> Result<[u8; N], StoreError> {
        self.bytes(column)?.try_into().map_err(|_| StoreError::Corrupt("bytes"))
    }

    pub(super) fn digest(&mut self, column: usize) -> Result<Digest, StoreError> {
        Ok(Digest::from(self.array::<32>(column)?))
    }

    pub(super) fn id(&mut self, column: usize) -> Result<Uuid, StoreError> {
        Ok(Uuid::from_bytes(self.array(column)?))
    }

    /// Nothing, or what `read` reads from the same column.
    pub(super) fn optional<T>(
        &mut self,
        column: usize,
        read: impl FnOnce(&mut Self, usize) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        if matches!(self.0.get(column), None | Some(Cell::Null)) {
            return Ok(None);
        }
        read(self, column).map(Some)
    }
}

/// A database in the midst of a transaction.
pub(super) trait Db {
    /// Runs a statement; how many rows it changed. A row that is there already, where there may be
    /// one only, is [`StoreError::Conflict`].
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<u64, StoreError>;

    /// Runs a statement; the rows that it gives.
    fn query(&mut self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError>;

    /// The first row that a statement gives.
    fn first(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// Runs a statement once for each of these; how many rows were changed in all.
    fn execute_all(
        &mut self,
        sql: &'static str,
        values: &mut dyn Iterator<Item = Vec<Value<'_>>>,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        for values in values {
            changed += self.execute(sql, &values)?;
        }
        Ok(changed)
    }
}

/// How one kind of database is spoken to.
pub(super) trait Engine: Send + Sync + 'static {
    /// Reads a little, as of one moment: a few rows by their keys.
    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Db) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Reads much, as of one moment, without keeping others waiting.
    fn scan<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Db) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Writes, whole or not at all. When it returns, it is durable.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Db) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Stores a receipt with all that belongs to it, together with those of others.
    fn append(&self, item: Item) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes room for the receipts of the time to come.
    fn prepare(&self, now: Timestamp) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Lets go of whole periods before that moment, and reports it in the same transaction if they
    /// held anything; how many receipts that were.
    fn drop_before(
        &self,
        before: Timestamp,
        report: Report,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Sees to it that nothing can be read any more, in any file, of what was deleted.
    fn forget(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Fails unless it can be written.
    fn writable(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Finishes what is under way and lets go.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
