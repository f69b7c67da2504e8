//! Many receipts in one transaction: everything that belongs to them is sent in one go, a statement
//! for each table, and committed once the answers say that nobody lost.
//!
//! Somebody loses if a request was answered before, or if a subject has changed. Then nothing is
//! committed, and the others are sent again without the losers. That is rare: it takes two decisions
//! of one subject on two servers within the time of a transaction.

use std::collections::HashSet;

use consent_core::SiteId;
use futures_util::future::{join, join_all};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::connection::{Live, failure};
use crate::store::StoreError;
use crate::store::db::int;
use crate::store::sql::{Item, sums};

/// What became of a batch.
pub(super) enum Stored {
    /// All of it is durable.
    All,
    /// Nothing is stored, because of the entries at these places.
    NotFor(HashSet<usize>),
}

/// A statement for many rows: for each column, an array of values.
struct Many<'v> {
    sql: &'static str,
    columns: Vec<Box<dyn ToSql + Sync + 'v>>,
}

/// One for these rows, with these columns; none if there are no rows.
macro_rules! many {
    ($sql:ident, $rows:expr, $($column:expr),+ $(,)?) => {
        (!$rows.is_empty()).then(|| Many {
            sql: $sql,
            columns: vec![$(Box::new($rows.iter().map($column).collect::<Vec<_>>())),+],
        })
    };
}

/// In the order in which every server writes, so that none waits for another that waits for it.
const REQUESTS: &str = "INSERT INTO request (id, content, receipt, at) \
    SELECT * FROM unnest($1::BYTEA[], $2::BYTEA[], $3::BYTEA[], $4::BIGINT[]) \
    ON CONFLICT (id) DO NOTHING RETURNING id";
const NEW_SUBJECTS: &str = "INSERT INTO subject \
    (site, subject, version, receipts, latest, digest, states) \
    SELECT * FROM unnest($1::TEXT[], $2::TEXT[], $3::BIGINT[], $4::BIGINT[], $5::BYTEA[], \
    $6::BYTEA[], $7::TEXT[]) \
    ON CONFLICT (site, subject) DO NOTHING RETURNING site, subject";
const KNOWN_SUBJECTS: &str = "UPDATE subject SET version = now.version, receipts = now.receipts, \
    latest = now.latest, digest = now.digest, states = now.states \
    FROM unnest($1::TEXT[], $2::TEXT[], $3::BIGINT[], $4::BIGINT[], $5::BYTEA[], $6::BYTEA[], \
    $7::TEXT[]) AS now (site, subject, version, receipts, latest, digest, states) \
    WHERE subject.site = now.site AND subject.subject = now.subject \
    AND subject.version = now.version - 1 RETURNING subject.site, subject.subject";
const RECEIPTS: &str = "INSERT INTO receipt \
    (id, site, subject, at, previous, request, salt, jws) \
    SELECT * FROM unnest($1::BYTEA[], $2::TEXT[], $3::TEXT[], $4::BIGINT[], $5::BYTEA[], \
    $6::BYTEA[], $7::BYTEA[], $8::TEXT[])";
const EVENTS: &str = "INSERT INTO event (id, at, site, kind, body, salt) \
    SELECT * FROM unnest($1::BYTEA[], $2::BIGINT[], $3::TEXT[], $4::TEXT[], $5::TEXT[], \
    $6::BYTEA[])";
const PENDING: &str = "INSERT INTO pending (id, commitment) \
    SELECT * FROM unnest($1::BYTEA[], $2::BYTEA[])";
const STATISTICS: &str = "INSERT INTO statistic \
    (site, day, policy, purpose, state, method, part, count) \
    SELECT * FROM unnest($1::TEXT[], $2::BIGINT[], $3::BIGINT[], $4::TEXT[], $5::TEXT[], \
    $6::TEXT[], $7::BIGINT[], $8::BIGINT[]) \
    ON CONFLICT (site, day, policy, purpose, state, method, part) \
    DO UPDATE SET count = statistic.count + excluded.count";

/// Stores all of these, or none of them. After an error the transaction may still be open.
pub(super) async fn store(
    live: &mut Live,
    items: &[&Item],
    part: i64,
) -> Result<Stored, StoreError> {
    let mut requests: Vec<_> = items
        .iter()
        .filter_map(|item| {
            Some((&item.request.as_ref()?[..], &item.entry.request.as_ref()?.content, *item))
        })
        .collect();
    requests.sort_by_key(|(id, ..)| *id);
    let mut subjects: Vec<&Item> = items.to_vec();
    subjects.sort_by_key(|item| subject(item));
    let (new, known): (Vec<_>, Vec<_>) = subjects.iter().partition(|item| item.version == 1);
    let mut receipts: Vec<&Item> = items.to_vec();
    receipts.sort_by_key(|item| id(item));
    let mut events: Vec<_> = items.iter().filter_map(|item| item.entry.event.as_ref()).collect();
    events.sort_by_key(|event| event.id);
    let caused = events.iter().map(|event| (&event.id.as_bytes()[..], event.commitment()));
    let mut pending: Vec<_> =
        items.iter().map(|item| (id(item), item.commitment)).chain(caused).collect();
    pending.sort_by_key(|(id, _)| *id);
    let mut counts = Vec::new();
    for (counted, count) in sums(items.iter().copied()) {
        counts.push((counted, int(count)?));
    }

    let checks = [requests.len(), new.len(), known.len()];
    let statements = [
        many!(
            REQUESTS,
            requests,
            |(id, ..)| *id,
            |(_, content, _)| &content.as_bytes()[..],
            |(.., item)| id(item),
            |(.., item)| at(item),
        ),
        subjects_of(NEW_SUBJECTS, &new),
        subjects_of(KNOWN_SUBJECTS, &known),
        many!(
            RECEIPTS,
            receipts,
            |item| id(item),
            |item| site(item),
            |item| item.subject.as_str(),
            |item| at(item),
            |item| item.entry.before.latest.as_ref().map(|latest| &latest.id.as_bytes()[..]),
            |item| request(item),
            |item| &item.entry.salt.as_bytes()[..],
            |item| item.entry.receipt.as_str(),
        ),
        many!(
            EVENTS,
            events,
            |event| &event.id.as_bytes()[..],
            |event| event.at.as_second(),
            |event| event.site.as_ref().map(SiteId::as_str),
            |event| event.kind.as_str(),
            |event| event.body.as_str(),
            |event| &event.salt.as_bytes()[..],
        ),
        many!(PENDING, pending, |(id, _)| *id, |(_, commitment)| &commitment.as_bytes()[..]),
        many!(
            STATISTICS,
            counts,
            |(counted, _)| counted.site.as_str(),
            |(counted, _)| counted.day,
            |(counted, _)| i64::from(counted.policy),
            |(counted, _)| counted.purpose.as_str(),
            |(counted, _)| counted.state,
            |(counted, _)| counted.method,
            |_| part,
            |(_, count)| *count,
        ),
    ];
    let rows = send(live, statements).await?;
    let client = &live.client;
    if rows.iter().map(Vec::len).zip(checks).all(|(stored, sent)| stored == sent) {
        client.batch_execute("COMMIT").await.map_err(|error| failure(&error))?;
        return Ok(Stored::All);
    }
    client.batch_execute("ROLLBACK").await.map_err(|error| failure(&error))?;
    let requests: HashSet<&[u8]> = rows[0].iter().map(|row| row.get(0)).collect();
    let subjects: HashSet<(&str, &str)> =
        rows[1].iter().chain(&rows[2]).map(|row| (row.get(0), row.get(1))).collect();
    let lost = |item: &Item| {
        request(item).is_some_and(|id| !requests.contains(id)) || !subjects.contains(&subject(item))
    };
    let lost = items.iter().enumerate().filter(|(_, item)| lost(item)).map(|(i, _)| i);
    Ok(Stored::NotFor(lost.collect()))
}

fn id(item: &Item) -> &[u8] {
    item.entry.receipt.claims().jti.as_bytes()
}

fn site(item: &Item) -> &str {
    item.entry.receipt.claims().site.as_str()
}

fn at(item: &Item) -> i64 {
    item.entry.receipt.claims().iat.as_second()
}

/// What it answers. Two that answer one request cannot be in one batch.
pub(super) fn request(item: &Item) -> Option<&[u8]> {
    item.request.as_ref().map(|id| &id[..])
}

/// Whose receipt it is. Two of one subject cannot be in one batch.
pub(super) fn subject(item: &Item) -> (&str, &str) {
    (site(item), &item.subject)
}

fn subjects_of<'v>(sql: &'static str, items: &'v [&&'v Item]) -> Option<Many<'v>> {
    many!(
        sql,
        items,
        |item| site(item),
        |item| item.subject.as_str(),
        |item| item.version,
        |item| item.receipts,
        |item| id(item),
        |item| &item.digest.as_bytes()[..],
        |item| item.states.as_str(),
    )
}

/// Sends all of it at once, after the beginning of a transaction; the rows that each gives.
async fn send<const N: usize>(
    live: &mut Live,
    statements: [Option<Many<'_>>; N],
) -> Result<Vec<Vec<Row>>, StoreError> {
    let mut ready = Vec::with_capacity(N);
    for many in statements {
        ready.push(match many {
            Some(many) => {
                let statement = live.prepared(many.sql).await.map_err(|error| failure(&error))?;
                Some((statement, many.columns))
            }
            None => None,
        });
    }
    let client = &live.client;
    let all = ready.iter().map(|ready| async move {
        let Some((statement, columns)) = ready else { return Ok(Vec::new()) };
        let columns: Vec<_> =
            columns.iter().map(|column| &**column as &(dyn ToSql + Sync)).collect();
        client.query(statement, &columns).await
    });
    // What is asked first is sent first.
    let (begun, rows) = join(client.batch_execute("BEGIN"), join_all(all)).await;
    // And what failed first is the reason why everything after it failed.
    begun.map_err(|error| failure(&error))?;
    rows.into_iter().collect::<Result<_, _>>().map_err(|error| failure(&error))
}
