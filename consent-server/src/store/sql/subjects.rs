//! What is known about a subject: one row, however many purposes there are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use consent_core::{PurposeId, Record, Recorded, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::store::db::{Db, Row, Value, int};
use crate::store::{History, Latest, StoreError};

/// What is kept about one purpose, as JSON. Times are seconds since 1970.
#[derive(Serialize, Deserialize)]
struct State<'s> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    recorded: Option<Cow<'s, str>>,
    #[serde(default)]
    policy: u32,
    #[serde(default)]
    at: i64,
    #[serde(default)]
    until: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    restricted: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<i64>,
}

/// What a history holds by purpose, as it is stored.
pub(in crate::store) fn states_text(known: &History) -> String {
    let mut states: BTreeMap<&PurposeId, State<'_>> = BTreeMap::new();
    for (purpose, record) in &known.records {
        let state = State {
            recorded: Some(record.recorded.as_str().into()),
            policy: record.policy,
            at: record.at.as_second(),
            until: record.until.as_second(),
            restricted: record.restricted,
            asked: None,
        };
        states.insert(purpose, state);
    }
    for (purpose, asked) in &known.asked {
        let none =
            State { recorded: None, policy: 0, at: 0, until: 0, restricted: false, asked: None };
        states.entry(purpose).or_insert(none).asked = Some(asked.as_second());
    }
    serde_json::to_string(&states).expect("texts and numbers")
}

fn read_states(text: &str, known: &mut History) -> Result<(), StoreError> {
    let corrupt = || StoreError::Corrupt("state");
    let time = |second| Timestamp::from_second(second).map_err(|_| corrupt());
    let states: BTreeMap<PurposeId, State<'_>> =
        serde_json::from_str(text).map_err(|_| corrupt())?;
    for (purpose, state) in states {
        if let Some(asked) = state.asked {
            known.asked.insert(purpose.clone(), time(asked)?);
        }
        if let Some(recorded) = &state.recorded {
            let recorded = Recorded::ALL.into_iter().find(|known| known.as_str() == recorded);
            let record = Record {
                recorded: recorded.ok_or_else(corrupt)?,
                restricted: state.restricted,
                policy: state.policy,
                at: time(state.at)?,
                until: time(state.until)?,
            };
            known.records.insert(purpose, record);
        }
    }
    Ok(())
}

/// Whether nothing was recorded since that moment, and nothing is that has no end: an objection
/// and a restriction hold until they are taken back.
pub(super) fn is_over(text: &str, before: Timestamp) -> Result<bool, StoreError> {
    let mut known = History::default();
    read_states(text, &mut known)?;
    let last = known.records.values().map(|record| record.at).chain(known.asked.values().copied());
    let lasting = |record: &Record| record.restricted || record.recorded == Recorded::Objected;
    Ok(!known.records.values().any(lasting) && last.max().is_none_or(|last| last < before))
}

pub(super) fn history(
    db: &mut dyn Db,
    site: &SiteId,
    subject: &str,
) -> Result<History, StoreError> {
    let one = "SELECT version, receipts, latest, digest, states FROM subject \
               WHERE site = $1 AND subject = $2";
    let Some(mut row) = db.first(one, &[site.as_str().into(), subject.into()])? else {
        return Ok(History::default());
    };
    let id = row.optional(2, Row::id)?;
    let digest = row.optional(3, Row::digest)?;
    let mut known = History {
        version: row.count(0)?,
        receipts: row.count(1)?,
        latest: id.zip(digest).map(|(id, digest)| Latest { id, digest }),
        ..History::default()
    };
    read_states(&row.text(4)?, &mut known)?;
    Ok(known)
}

/// Stores what is known now, if what was known before is still that of `known.version`.
pub(super) fn save(
    db: &mut dyn Db,
    site: &SiteId,
    subject: &str,
    known: &History,
) -> Result<(), StoreError> {
    put(db, site, subject, known.version, known)
}

/// Stores `after` over the version `before`.
pub(super) fn put(
    db: &mut dyn Db,
    site: &SiteId,
    subject: &str,
    before: u64,
    after: &History,
) -> Result<(), StoreError> {
    let states = states_text(after);
    let before = int(before)?;
    let values = [
        site.as_str().into(),
        subject.into(),
        Value::Int(before + 1),
        Value::Int(int(after.receipts)?),
        after.latest.as_ref().map(|latest| &latest.id).into(),
        after.latest.as_ref().map(|latest| &latest.digest).into(),
        states.as_str().into(),
    ];
    let changed = if before == 0 {
        db.execute(
            "INSERT INTO subject (site, subject, version, receipts, latest, digest, states) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (site, subject) DO NOTHING",
            &values,
        )?
    } else {
        let values = [&values[..], &[Value::Int(before)]].concat();
        db.execute(
            "UPDATE subject SET version = $3, receipts = $4, latest = $5, digest = $6, states = $7 \
             WHERE site = $1 AND subject = $2 AND version = $8",
            &values,
        )?
    };
    if changed == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}
