//! A receipt with everything that belongs to it.

use std::collections::BTreeMap;

use consent_core::log::Commitment;
use consent_core::{Digest, PurposeId, SiteId};

use super::{events, subjects};
use crate::store::db::{Db, Value, int};
use crate::store::statistics::day;
use crate::store::{Entry, Request, RequestId, StoreError};

/// An entry, and what follows from it: hashed and written out by whoever brings it, so that those who
/// write have nothing left to do but to write.
pub(in crate::store) struct Item {
    pub(in crate::store) entry: Entry,
    pub(in crate::store) subject: String,
    pub(in crate::store) request: Option<RequestId>,
    /// What is known about its subject from now on: the version, how many receipts, and the states.
    pub(in crate::store) version: i64,
    pub(in crate::store) receipts: i64,
    pub(in crate::store) states: String,
    pub(in crate::store) digest: Digest,
    pub(in crate::store) commitment: Commitment,
}

impl Item {
    pub(in crate::store) fn new(entry: Entry) -> Result<Self, StoreError> {
        let claims = entry.receipt.claims();
        let after = entry.after();
        Ok(Self {
            subject: claims.sub.to_string(),
            request: entry.request.as_ref().map(|request| Request::id(&claims.site, &request.key)),
            version: int(after.version)?,
            receipts: int(after.receipts)?,
            states: subjects::states_text(&after),
            digest: after.latest.map_or_else(|| entry.receipt.digest(), |latest| latest.digest),
            commitment: entry.commitment(),
            entry,
        })
    }
}

/// Stores one. A conflict has changed nothing; after any other error the transaction is to be given
/// up.
pub(in crate::store) fn append(db: &mut dyn Db, item: &Item) -> Result<(), StoreError> {
    if let Some(id) = &item.request
        && db.first("SELECT at FROM request WHERE id = $1", &[id[..].into()])?.is_some()
    {
        return Err(StoreError::Conflict);
    }
    let claims = item.entry.receipt.claims();
    subjects::put(
        db,
        item.version - 1,
        &[
            claims.site.as_str().into(),
            item.subject.as_str().into(),
            Value::Int(item.version),
            Value::Int(item.receipts),
            (&claims.jti).into(),
            (&item.digest).into(),
            item.states.as_str().into(),
        ],
    )?;
    // From here on something is written, and two receipts of one identifier are no race but a fault.
    insert(db, item).map_err(|error| match error {
        StoreError::Conflict => StoreError::Corrupt("identifier, which is there twice"),
        other => other,
    })
}

fn insert(db: &mut dyn Db, item: &Item) -> Result<(), StoreError> {
    let entry = &item.entry;
    let claims = entry.receipt.claims();
    let values = [
        (&claims.jti).into(),
        claims.site.as_str().into(),
        item.subject.as_str().into(),
        claims.iat.into(),
        entry.before.latest.as_ref().map(|latest| &latest.id).into(),
        item.request.as_ref().map(|id| &id[..]).into(),
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
        &[(&claims.jti).into(), item.commitment.as_bytes()[..].into()],
    )?;
    if let (Some(id), Some(request)) = (&item.request, &entry.request) {
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

/// What is counted: all that receipts of one day have in common.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store) struct Counted<'e> {
    pub(in crate::store) site: &'e SiteId,
    pub(in crate::store) day: i64,
    pub(in crate::store) policy: u32,
    pub(in crate::store) purpose: &'e PurposeId,
    pub(in crate::store) state: &'static str,
    pub(in crate::store) method: &'static str,
}

/// What these receipts count, added up.
pub(in crate::store) fn sums<'e>(
    items: impl IntoIterator<Item = &'e Item>,
) -> BTreeMap<Counted<'e>, u64> {
    let mut sums = BTreeMap::new();
    for item in items {
        let claims = item.entry.receipt.claims();
        for (purpose, outcome) in &claims.purposes {
            let counted = Counted {
                site: &claims.site,
                day: day(claims.iat),
                policy: claims.policy.number,
                purpose,
                state: outcome.state.as_str(),
                method: claims.method.as_str(),
            };
            *sums.entry(counted).or_default() += 1;
        }
    }
    sums
}

/// Adds what these receipts count to the part of the statistics that is this writer's.
pub(in crate::store) fn count<'e>(
    db: &mut dyn Db,
    part: u8,
    items: impl IntoIterator<Item = &'e Item>,
) -> Result<(), StoreError> {
    for (counted, count) in sums(items) {
        let values = [
            counted.site.as_str().into(),
            Value::Int(counted.day),
            counted.policy.into(),
            counted.purpose.as_str().into(),
            counted.state.into(),
            counted.method.into(),
            Value::Int(part.into()),
            Value::Int(int(count)?),
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
