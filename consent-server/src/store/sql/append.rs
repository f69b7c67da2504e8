//! A receipt with everything that belongs to it.

use std::collections::BTreeMap;

use consent_core::SiteId;

use super::{events, subjects};
use crate::store::db::{Db, Value, int};
use crate::store::{Entry, Request, Statistic, StoreError};

/// Stores one. A conflict has changed nothing; after any other error the transaction is to be given
/// up.
pub(in crate::store) fn append(db: &mut dyn Db, entry: &Entry) -> Result<(), StoreError> {
    let claims = entry.receipt.claims();
    let request = entry.request.as_ref().map(|request| Request::id(&claims.site, &request.key));
    if let Some(id) = &request
        && db.first("SELECT at FROM request WHERE id = $1", &[id[..].into()])?.is_some()
    {
        return Err(StoreError::Conflict);
    }
    let subject = claims.sub.to_string();
    subjects::put(db, &claims.site, &subject, entry.before.version, &entry.after())?;
    // From here on something is written, and two receipts of one identifier are no race but a fault.
    insert(db, entry, &subject, request).map_err(|error| match error {
        StoreError::Conflict => StoreError::Corrupt("identifier, which is there twice"),
        other => other,
    })
}

fn insert(
    db: &mut dyn Db,
    entry: &Entry,
    subject: &str,
    request: Option<[u8; 16]>,
) -> Result<(), StoreError> {
    let claims = entry.receipt.claims();
    let values = [
        (&claims.jti).into(),
        claims.site.as_str().into(),
        subject.into(),
        claims.iat.into(),
        entry.before.latest.as_ref().map(|latest| &latest.id).into(),
        request.as_ref().map(|id| &id[..]).into(),
        entry.salt.as_bytes()[..].into(),
        entry.receipt.as_str().into(),
    ];
    db.execute(
        "INSERT INTO receipt (id, site, subject, at, previous, request, salt, jws) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &values,
    )?;
    db.execute(
        "INSERT INTO pending (id, commitment) VALUES ($1, $2)",
        &[(&claims.jti).into(), entry.commitment().as_bytes()[..].into()],
    )?;
    if let (Some(id), Some(request)) = (&request, &entry.request) {
        let values =
            [id[..].into(), (&request.content).into(), (&claims.jti).into(), claims.iat.into()];
        db.execute(
            "INSERT INTO request (id, content, receipt, at) VALUES ($1, $2, $3, $4)",
            &values,
        )?;
    }
    if let Some(event) = &entry.event {
        events::insert(db, event)?;
    }
    Ok(())
}

/// What these receipts count, added up.
pub(in crate::store) fn sums<'e>(
    entries: impl IntoIterator<Item = &'e Entry>,
) -> BTreeMap<(&'e SiteId, Statistic), u64> {
    let mut sums = BTreeMap::new();
    for entry in entries {
        let claims = entry.receipt.claims();
        for statistic in Statistic::of(claims) {
            *sums.entry((&claims.site, statistic)).or_default() += 1;
        }
    }
    sums
}

/// Adds what these receipts count to the part of the statistics that is this writer's.
pub(in crate::store) fn count<'e>(
    db: &mut dyn Db,
    part: u8,
    entries: impl IntoIterator<Item = &'e Entry>,
) -> Result<(), StoreError> {
    for ((site, statistic), count) in &sums(entries) {
        let values = [
            site.as_str().into(),
            Value::Int(statistic.day),
            statistic.policy.into(),
            statistic.purpose.as_str().into(),
            statistic.state.into(),
            statistic.method.as_str().into(),
            Value::Int(part.into()),
            Value::Int(int(*count)?),
        ];
        db.execute(
            "INSERT INTO statistic (site, day, policy, purpose, state, method, part, count) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (site, day, policy, purpose, state, method, part) \
             DO UPDATE SET count = statistic.count + excluded.count",
            &values,
        )?;
    }
    Ok(())
}
