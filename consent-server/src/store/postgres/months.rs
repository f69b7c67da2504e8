//! Receipts and their places in the log by months, so that a month can be let go at once.
//!
//! Identifiers begin with their time, so a month is a range of them. What no month has been made for,
//! because a clock is wrong, goes to a table for the rest: it is found there like everywhere else, and
//! erased receipt by receipt.

use std::collections::BTreeSet;
use std::time::Duration;

use consent_core::Timestamp;
use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::Offset;

use super::connection::{Connection, Session};
use crate::store::db::{Db, Value};
use crate::store::sql::{first_id, insert_event};
use crate::store::{AuditEvent, Erased, StoreError};

/// This month and the next two: who is not started for so long makes them late, which costs little.
const AHEAD: usize = 3;
/// The tables that are kept by months.
const TABLES: [&str; 2] = ["receipt", "leaf"];
/// The most receipts that are moved out of the rest into a month that is made late, while others
/// wait. If there are more, they stay.
const MOVED: u64 = 10_000;
/// How long the receipts of a month may take to be counted.
const COUNTING: Duration = Duration::from_mins(10);
/// How long others are kept waiting by somebody who waits for a table.
const LOCK: &str = "SET LOCAL lock_timeout = '2s'";

/// A month of the calendar, in UTC: its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Month(Date);

impl Month {
    fn of(at: Timestamp) -> Self {
        Self(Offset::UTC.to_datetime(at).date().first_of_month())
    }

    /// None after the last that a calendar has.
    fn next(self) -> Option<Self> {
        self.0.checked_add(1.month()).ok().map(Self)
    }

    fn named(name: &str) -> Option<Self> {
        let (year, month) = name.split_once('_')?;
        Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok().map(Self)
    }

    fn name(self) -> String {
        format!("{:04}_{:02}", self.0.year(), self.0.month())
    }

    /// The first identifier in it, and the first after it, as they are written in SQL.
    fn bounds(self) -> Option<(String, String)> {
        let literal = |month: Self| {
            let start =
                Offset::UTC.to_timestamp(month.0.to_datetime(jiff::civil::Time::MIN)).ok()?;
            Some(format!("'\\x{}'::BYTEA", data_encoding::HEXLOWER.encode(&first_id(start))))
        };
        Some((literal(self)?, literal(self.next()?)?))
    }
}

/// Whether receipts are kept by months here.
pub(super) fn kept(session: &mut Session<'_>) -> Result<bool, StoreError> {
    let partitioned =
        "SELECT count(*) FROM pg_class WHERE oid = to_regclass('receipt') AND relkind = 'p'";
    Ok(session.first(partitioned, &[])?.is_some_and(|mut row| matches!(row.int(0), Ok(1))))
}

fn months(session: &mut Session<'_>) -> Result<BTreeSet<Month>, StoreError> {
    let all = "SELECT relname::TEXT FROM pg_inherits JOIN pg_class ON oid = inhrelid \
               WHERE inhparent = to_regclass('receipt')";
    let names = session.query(all, &[])?;
    let names = names.into_iter().map(|mut row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(names.iter().filter_map(|name| Month::named(name.strip_prefix("receipt_")?)).collect())
}

/// Makes the months that are to come, as far as nobody else has.
pub(super) fn prepare(connection: &mut Connection, now: Timestamp) -> Result<(), StoreError> {
    let there = connection.work(None, months)?;
    let mut month = Some(Month::of(now));
    for _ in 0..AHEAD {
        let Some(this) = month else { break };
        month = this.next();
        if there.contains(&this) {
            continue;
        }
        match connection.work(Some("BEGIN"), |session| make(session, this)) {
            // Another server has made it just now.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes a month. Only the table for the rest is locked, and for no longer than it takes to see that
/// nothing in it belongs to that month.
fn make(session: &mut Session<'_>, month: Month) -> Result<(), StoreError> {
    let Some((from, to)) = month.bounds() else { return Ok(()) };
    let name = month.name();
    session.batch(LOCK)?;
    let mut late = 0;
    for table in TABLES {
        let within = format!("{table}_rest WHERE id >= {from} AND id < {to}");
        late += session.ask(&format!("SELECT id FROM {within} LIMIT {}", MOVED + 1))?.len() as u64;
    }
    if late > MOVED {
        tracing::warn!(
            month = name,
            "its receipts are kept with the rest, because they came before it was made"
        );
        return Ok(());
    }
    if late > 0 {
        // Nobody may erase one of them while it is moved, and miss it.
        session.batch("LOCK TABLE receipt_rest, leaf_rest IN ACCESS EXCLUSIVE MODE")?;
    }
    for table in TABLES {
        session.batch(&format!("CREATE TABLE {table}_{name} (LIKE {table} INCLUDING ALL)"))?;
        if late > 0 {
            session.batch(&format!(
                "INSERT INTO {table}_{name} SELECT * FROM {table}_rest \
                 WHERE id >= {from} AND id < {to}; \
                 DELETE FROM {table}_rest WHERE id >= {from} AND id < {to}"
            ))?;
        }
        session.batch(&format!(
            "ALTER TABLE {table} ATTACH PARTITION {table}_{name} FOR VALUES FROM ({from}) TO ({to})"
        ))?;
    }
    Ok(())
}

/// Lets go of the months that end before that moment, each in a transaction of its own; how many
/// receipts they held.
pub(super) fn drop_before(
    connection: &mut Connection,
    before: Timestamp,
    report: &dyn Fn(Erased) -> AuditEvent,
) -> Result<u64, StoreError> {
    let mut dropped = 0;
    let over = |month: &Month| month.next().is_some_and(|next| next <= Month::of(before));
    for month in connection.work(None, months)?.into_iter().filter(over) {
        match connection.work(Some("BEGIN"), |session| drop_month(session, month, report)) {
            Ok(receipts) => dropped += receipts,
            // Another server does the same.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(dropped)
}

fn drop_month(
    session: &mut Session<'_>,
    month: Month,
    report: &dyn Fn(Erased) -> AuditEvent,
) -> Result<u64, StoreError> {
    let name = month.name();
    session.batch(LOCK)?;
    session.take_time(COUNTING)?;
    let count = session.ask(&format!("SELECT count(*) FROM receipt_{name}"))?;
    let receipts = count.into_iter().next().map_or(Ok(0), |mut row| row.count(0))?;
    session.batch(&format!("DROP TABLE receipt_{name}"))?;
    // Events stay, and so do their places in the log. They are few.
    let mut events = session.ask(&format!(
        "SELECT leaf.id, leaf.position FROM leaf_{name} AS leaf JOIN event ON event.id = leaf.id"
    ))?;
    session.batch(&format!("DROP TABLE leaf_{name}"))?;
    let events = events.iter_mut().map(|row| Ok((row.id(0)?, row.int(1)?)));
    let events = events.collect::<Result<Vec<_>, StoreError>>()?;
    session.execute_all(
        "INSERT INTO leaf (id, position) VALUES ($1, $2)",
        &mut events.iter().map(|(id, position)| vec![id.into(), Value::Int(*position)]),
    )?;
    if receipts > 0 {
        insert_event(session, &report(Erased { receipts, subjects: 0 }))?;
    }
    Ok(receipts)
}
