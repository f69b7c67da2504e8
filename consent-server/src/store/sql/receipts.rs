//! Receipts: one, those of a subject, those of a site.

use consent_core::log::Salt;
use consent_core::{Digest, SiteId};
use uuid::Uuid;

use super::subjects;
use crate::store::db::{Db, Row, Value};
use crate::store::{StoreError, Stored};

fn stored(row: &mut Row) -> Result<Stored, StoreError> {
    Ok(Stored {
        id: row.id(0)?,
        at: row.time(1)?,
        jws: row.text(2)?,
        salt: Salt::from(row.array::<32>(3)?),
        position: row.optional(4, Row::count)?,
    })
}

pub(super) fn one(db: &mut dyn Db, id: Uuid) -> Result<Option<Stored>, StoreError> {
    let one = "SELECT receipt.id, at, jws, salt, position FROM receipt \
               LEFT JOIN leaf ON leaf.id = receipt.id WHERE receipt.id = $1";
    db.first(one, &[(&id).into()])?.map(|mut row| stored(&mut row)).transpose()
}

/// From the latest back to the first, or to where older ones are erased.
pub(super) fn of_subject(
    db: &mut dyn Db,
    site: &SiteId,
    subject: &str,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let one = "SELECT receipt.id, at, jws, salt, position, previous FROM receipt \
               LEFT JOIN leaf ON leaf.id = receipt.id WHERE receipt.id = $1";
    let mut next = subjects::history(db, site, subject)?.latest.map(|latest| latest.id);
    let mut receipts = Vec::new();
    while let Some(id) = next
        && receipts.len() < limit as usize
        && let Some(mut row) = db.first(one, &[(&id).into()])?
    {
        next = row.optional(5, Row::id)?;
        receipts.push(stored(&mut row)?);
    }
    Ok(receipts)
}

pub(super) fn after(
    db: &mut dyn Db,
    site: Option<&SiteId>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let after = after.unwrap_or(Uuid::nil());
    let mut values: Vec<Value<'_>> = vec![(&after).into(), limit.into()];
    values.extend(site.map(|site| Value::from(site.as_str())));
    let rows = if site.is_some() {
        db.query(
            "SELECT receipt.id, at, jws, salt, position FROM receipt \
             LEFT JOIN leaf ON leaf.id = receipt.id \
             WHERE receipt.id > $1 AND site = $3 ORDER BY receipt.id LIMIT $2",
            &values,
        )
    } else {
        db.query(
            "SELECT receipt.id, at, jws, salt, position FROM receipt \
             LEFT JOIN leaf ON leaf.id = receipt.id \
             WHERE receipt.id > $1 ORDER BY receipt.id LIMIT $2",
            &values,
        )
    };
    rows?.iter_mut().map(stored).collect()
}

pub(super) fn answered(
    db: &mut dyn Db,
    request: &[u8],
) -> Result<Option<(Digest, Uuid)>, StoreError> {
    let one = "SELECT content, receipt FROM request WHERE id = $1";
    let row = db.first(one, &[request[..].into()])?;
    row.map(|mut row| Ok((row.digest(0)?, row.id(1)?))).transpose()
}
