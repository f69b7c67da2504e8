//! Erasure: of a subject who asks for it, and of what has become too old. The log keeps its
//! commitments, from which nothing can be learnt once record and salt are gone.

use consent_core::{SiteId, Timestamp};
use uuid::Uuid;

use super::{events, subjects};
use crate::store::db::{Db, Row, Value, int};
use crate::store::{AuditEvent, Before, Erased, RequestId, StoreError};

pub(super) fn subject(
    db: &mut dyn Db,
    site: &SiteId,
    subject: &str,
    report: &dyn Fn(Erased) -> AuditEvent,
) -> Result<Erased, StoreError> {
    let known = subjects::history(db, site, subject)?;
    let mut erased = Erased::default();
    if known.version > 0 {
        // Fails where a further receipt has come meanwhile, which would be missed below.
        let gone = db.execute(
            "DELETE FROM subject WHERE site = $1 AND subject = $2 AND version = $3",
            &[site.as_str().into(), subject.into(), Value::Int(int(known.version)?)],
        )?;
        if gone != 1 {
            return Err(StoreError::Conflict);
        }
        erased.subjects = 1;
    }
    let mut next = known.latest.map(|latest| latest.id);
    while let Some(id) = next {
        let one = "SELECT previous, request FROM receipt WHERE id = $1";
        let Some(mut row) = db.first(one, &[(&id).into()])? else { break };
        next = row.optional(0, Row::id)?;
        let request = row.optional(1, request_id)?;
        receipt(db, id, request)?;
        erased.receipts += 1;
    }
    events::insert(db, &report(erased))?;
    Ok(erased)
}

/// Erases one receipt, and what ties it to the log and to a request.
fn receipt(db: &mut dyn Db, id: Uuid, request: Option<RequestId>) -> Result<(), StoreError> {
    db.execute("DELETE FROM receipt WHERE id = $1", &[(&id).into()])?;
    if let Some(request) = request {
        db.execute("DELETE FROM request WHERE id = $1", &[request[..].into()])?;
    }
    // It may wait for its place still. It gets one, under a name that nobody knows: from here on the
    // queue holds no identifier that a copy of the receipt would have. In this order, because it may
    // be given its place just now: then the renaming waits for that, and finds nothing.
    if !unlink(db, id)? {
        db.execute("DELETE FROM leaf WHERE id = $1", &[(&id).into()])?;
    }
    Ok(())
}

/// Gives a commitment that waits another name, made from itself, and no UUID of version 7; whether
/// it waits.
fn unlink(db: &mut dyn Db, id: Uuid) -> Result<bool, StoreError> {
    let waiting = "SELECT commitment FROM pending WHERE id = $1";
    let Some(mut row) = db.first(waiting, &[(&id).into()])? else { return Ok(false) };
    let mut name: [u8; 16] = row.array::<32>(0)?[..16].try_into().expect("it is longer");
    name[6] &= 0x0f;
    let rename = "UPDATE pending SET id = $2 WHERE id = $1";
    Ok(db.execute(rename, &[(&id).into(), name[..].into()])? > 0)
}

pub(super) fn expired(
    db: &mut dyn Db,
    site: &SiteId,
    before: Timestamp,
    limit: u32,
    report: &dyn Fn(Erased) -> AuditEvent,
) -> Result<u64, StoreError> {
    let end = first_id(before);
    let rows = db.query(
        "SELECT id, request FROM receipt WHERE id < $1 AND site = $2 ORDER BY id LIMIT $3",
        &[end[..].into(), site.as_str().into(), limit.into()],
    )?;
    let found = rows.len() as u64;
    for mut row in rows {
        let (id, request) = (row.id(0)?, row.optional(1, request_id)?);
        receipt(db, id, request)?;
    }
    if found > 0 {
        events::insert(db, &report(Erased { receipts: found, subjects: 0 }))?;
    }
    Ok(found)
}

/// Subjects of whom nothing has to be kept any more.
pub(super) struct Over {
    /// Each with the version that was read.
    pub(super) subjects: Vec<(String, i64)>,
    /// Where to go on; nowhere at the end.
    pub(super) next: Option<String>,
}

/// Those of whom nothing was recorded since a moment, among so many after that one.
pub(super) fn over(
    db: &mut dyn Db,
    site: &SiteId,
    before: Before,
    after: Option<&str>,
    limit: u32,
) -> Result<Over, StoreError> {
    // When the latest receipt was given is seen from its identifier, so that most are not looked into.
    let given_since = first_id(before.decided);
    let rows = db.query(
        "SELECT subject, version, latest, CASE WHEN latest >= $4 THEN NULL ELSE states END \
         FROM subject WHERE site = $1 AND subject > $2 ORDER BY subject LIMIT $3",
        &[
            site.as_str().into(),
            after.unwrap_or_default().into(),
            limit.into(),
            given_since[..].into(),
        ],
    )?;
    let full = rows.len() == limit as usize;
    let (mut subjects, mut last) = (Vec::new(), None);
    for mut row in rows {
        let (subject, version) = (row.text(0)?, row.int(1)?);
        let decided = row.optional(2, Row::id)?.is_some();
        let before = if decided { before.decided } else { before.typed };
        if let Some(states) = row.optional(3, Row::text)?
            && subjects::is_over(&states, before)?
        {
            subjects.push((subject.clone(), version));
        }
        last = Some(subject);
    }
    Ok(Over { subjects, next: last.filter(|_| full) })
}

/// Erases subjects that are still as they were read; how many.
pub(super) fn swept(
    db: &mut dyn Db,
    site: &SiteId,
    over: &[(String, i64)],
) -> Result<u64, StoreError> {
    db.execute_all(
        "DELETE FROM subject WHERE site = $1 AND subject = $2 AND version = $3",
        &mut over.iter().map(|(subject, version)| {
            vec![site.as_str().into(), subject.as_str().into(), Value::Int(*version)]
        }),
    )
}

/// What the identifiers of everything from that moment on are not below (RFC 9562 §5.7).
pub(in crate::store) fn first_id(at: Timestamp) -> [u8; 16] {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or_default();
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    id
}

fn request_id(row: &mut Row, column: usize) -> Result<RequestId, StoreError> {
    row.array(column)
}

/// Requests answered before that moment, among so many after that one; and where to go on, if that is
/// not the end.
pub(super) fn old_requests(
    db: &mut dyn Db,
    before: Timestamp,
    after: Option<&RequestId>,
    limit: u32,
) -> Result<(Vec<RequestId>, Option<RequestId>), StoreError> {
    let rows = db.query(
        "SELECT id, at FROM request WHERE id > $1 ORDER BY id LIMIT $2",
        &[after.map_or(&[][..], |id| &id[..]).into(), limit.into()],
    )?;
    let full = rows.len() == limit as usize;
    let (mut old, mut last) = (Vec::new(), None);
    for mut row in rows {
        let (id, at) = (request_id(&mut row, 0)?, row.int(1)?);
        if at < before.as_second() {
            old.push(id);
        }
        last = Some(id);
    }
    Ok((old, last.filter(|_| full)))
}

/// Forgets these of the requests answered before that moment; how many were there. Somebody else may have
/// forgotten one meanwhile, and its key have been used again.
pub(super) fn requests(
    db: &mut dyn Db,
    before: Timestamp,
    all: &[RequestId],
) -> Result<u64, StoreError> {
    db.execute_all(
        "DELETE FROM request WHERE id = $1 AND at < $2",
        &mut all.iter().map(|id| vec![id[..].into(), before.into()]),
    )
}
