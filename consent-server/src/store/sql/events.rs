//! The audit trail, the statistics, and tokens, whose making is an event.

use consent_core::Digest;
use consent_core::SiteId;
use consent_core::log::Salt;
use uuid::Uuid;

use crate::store::db::{Db, Row};
use crate::store::{AuditEvent, Statistic, StoreError, Token};

/// Writes an event, and puts it into the queue of the log.
pub(in crate::store) fn insert(db: &mut dyn Db, event: &AuditEvent) -> Result<(), StoreError> {
    let values = [
        (&event.id).into(),
        event.at.into(),
        event.site.as_ref().map(SiteId::as_str).into(),
        event.kind.as_str().into(),
        event.body.as_str().into(),
        event.salt.as_bytes()[..].into(),
    ];
    db.execute(
        "INSERT INTO event (id, at, site, kind, body, salt) VALUES ($1, $2, $3, $4, $5, $6)",
        &values,
    )?;
    let commitment = event.commitment();
    db.execute(
        "INSERT INTO pending (id, commitment) VALUES ($1, $2)",
        &[(&event.id).into(), commitment.as_bytes()[..].into()],
    )?;
    Ok(())
}

pub(super) fn after(
    db: &mut dyn Db,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<(AuditEvent, Option<u64>)>, StoreError> {
    let after = after.unwrap_or(Uuid::nil());
    let rows = db.query(
        "SELECT event.id, at, site, kind, body, salt, position FROM event \
         LEFT JOIN leaf ON leaf.id = event.id WHERE event.id > $1 ORDER BY event.id LIMIT $2",
        &[(&after).into(), limit.into()],
    )?;
    let event = |mut row: Row| {
        let event = AuditEvent {
            id: row.id(0)?,
            at: row.time(1)?,
            site: row.optional(2, Row::named)?,
            kind: row.text(3)?,
            body: row.text(4)?,
            salt: Salt::from(row.array::<32>(5)?),
        };
        Ok((event, row.optional(6, Row::count)?))
    };
    rows.into_iter().map(event).collect()
}

pub(super) fn statistics(db: &mut dyn Db, site: &SiteId) -> Result<Vec<Statistic>, StoreError> {
    let rows = db.query(
        // Added up by whoever reads: a sum in SQL is of a kind that differs from engine to engine.
        "SELECT day, policy, purpose, state, method, count FROM statistic WHERE site = $1 \
         ORDER BY day, policy, purpose, state, method",
        &[site.as_str().into()],
    )?;
    let mut sums: Vec<Statistic> = Vec::new();
    for mut row in rows {
        let next = Statistic {
            day: row.int(0)?,
            policy: row.number(1)?,
            purpose: row.named(2)?,
            state: Statistic::state(&row.text(3)?).ok_or(StoreError::Corrupt("state"))?,
            method: row.text(4)?,
            count: row.count(5)?,
        };
        match sums.last_mut() {
            Some(last) if (Statistic { count: next.count, ..last.clone() }) == next => {
                last.count += next.count;
            }
            _ => sums.push(next),
        }
    }
    Ok(sums)
}

pub(super) fn add_token(
    db: &mut dyn Db,
    digest: Digest,
    token: &Token,
    event: &AuditEvent,
) -> Result<(), StoreError> {
    let scopes = token.scopes.join(" ");
    let values =
        [(&digest).into(), token.site.as_str().into(), scopes.as_str().into(), event.at.into()];
    db.execute(
        "INSERT INTO token (digest, site, scopes, created_at) VALUES ($1, $2, $3, $4)",
        &values,
    )?;
    insert(db, event)
}

pub(super) fn token(db: &mut dyn Db, digest: Digest) -> Result<Option<Token>, StoreError> {
    let one = "SELECT site, scopes FROM token WHERE digest = $1";
    let Some(mut row) = db.first(one, &[(&digest).into()])? else { return Ok(None) };
    let scopes = row.text(1)?.split(' ').map(str::to_owned).collect();
    Ok(Some(Token { site: row.named(0)?, scopes }))
}
