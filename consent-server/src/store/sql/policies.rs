//! Whose store it is, the policies that were published, and the texts that were shown.

use consent_core::{Digest, SiteId, Timestamp};

use super::events;
use crate::store::db::{Db, Value};
use crate::store::{AuditEvent, Owner, Published, StoreError};

pub(super) fn belong(db: &mut dyn Db, owner: &Owner, now: Timestamp) -> Result<(), StoreError> {
    let Owner { region, origin, secrets } = owner;
    let Some(mut row) = db.first("SELECT id, origin, secrets FROM region", &[])? else {
        let values: [Value<'_>; 4] =
            [region.as_str().into(), origin.as_str().into(), secrets.as_str().into(), now.into()];
        let insert = "INSERT INTO region (id, origin, secrets, since) VALUES ($1, $2, $3, $4)";
        db.execute(insert, &values)?;
        return Ok(());
    };
    let (held, known) = (row.text(0)?, row.text(1)?);
    if held != region.as_str() {
        return Err(StoreError::Region { held, wanted: region.clone() });
    }
    if known != *origin {
        return Err(StoreError::Origin { region: region.clone(), origin: known });
    }
    if row.text(2)? != *secrets {
        return Err(StoreError::Secrets(region.clone()));
    }
    Ok(())
}

pub(super) fn sites(db: &mut dyn Db) -> Result<Vec<SiteId>, StoreError> {
    let rows = db.query("SELECT DISTINCT site FROM policy ORDER BY site", &[])?;
    rows.into_iter().map(|mut row| row.named(0)).collect()
}

pub(super) fn publish(
    db: &mut dyn Db,
    site: &SiteId,
    policy: &Published,
    event: &AuditEvent,
) -> Result<(), StoreError> {
    let latest = "SELECT number, digest FROM policy WHERE site = $1 ORDER BY number DESC LIMIT 1";
    if let Some(mut row) = db.first(latest, &[site.as_str().into()])? {
        let latest = row.number(0)?;
        if latest > policy.policy {
            return Err(StoreError::PolicyOlder {
                site: site.clone(),
                number: policy.policy,
                latest,
            });
        }
        if latest == policy.policy {
            return if row.digest(1)? == policy.digest {
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
    let values = [
        site.as_str().into(),
        policy.policy.into(),
        (&policy.digest).into(),
        policy.document[..].into(),
        event.at.into(),
    ];
    db.execute(
        "INSERT INTO policy (site, number, digest, document, published_at) \
         VALUES ($1, $2, $3, $4, $5)",
        &values,
    )?;
    events::insert(db, event)
}

pub(super) fn all(db: &mut dyn Db, site: &SiteId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError> {
    let all = "SELECT published_at, document FROM policy WHERE site = $1 ORDER BY number";
    let rows = db.query(all, &[site.as_str().into()])?;
    rows.into_iter().map(|mut row| Ok((row.time(0)?, row.bytes(1)?))).collect()
}

pub(super) fn has_notice(db: &mut dyn Db, digest: Digest) -> Result<bool, StoreError> {
    let known = "SELECT policy FROM notice WHERE digest = $1";
    Ok(db.first(known, &[(&digest).into()])?.is_some())
}

pub(super) fn keep_notice(
    db: &mut dyn Db,
    site: &SiteId,
    language: &str,
    notice: &Published,
) -> Result<(), StoreError> {
    let values: [Value<'_>; 5] = [
        (&notice.digest).into(),
        site.as_str().into(),
        notice.policy.into(),
        language.into(),
        notice.document[..].into(),
    ];
    db.execute(
        "INSERT INTO notice (digest, site, policy, language, document) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (digest) DO NOTHING",
        &values,
    )?;
    Ok(())
}

pub(super) fn notice(db: &mut dyn Db, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
    let row = db.first("SELECT document FROM notice WHERE digest = $1", &[(&digest).into()])?;
    row.map(|mut row| row.bytes(0)).transpose()
}

pub(super) fn put_layout(
    db: &mut dyn Db,
    site: &SiteId,
    notice: Digest,
    layout: &[u8],
    event: &AuditEvent,
) -> Result<(), StoreError> {
    let values = [site.as_str().into(), (&notice).into(), event.at.into(), layout.into()];
    db.execute(
        "INSERT INTO layout (site, notice, since, document) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (site, notice, since) DO UPDATE SET document = excluded.document",
        &values,
    )?;
    events::insert(db, event)
}

pub(super) fn layout(
    db: &mut dyn Db,
    site: &SiteId,
    notice: Digest,
    at: Timestamp,
) -> Result<Option<(Timestamp, Vec<u8>)>, StoreError> {
    let row = db.first(
        "SELECT since, document FROM layout WHERE site = $1 AND notice = $2 AND since <= $3 \
         ORDER BY since DESC LIMIT 1",
        &[site.as_str().into(), (&notice).into(), at.into()],
    )?;
    row.map(|mut row| Ok((row.time(0)?, row.bytes(1)?))).transpose()
}
