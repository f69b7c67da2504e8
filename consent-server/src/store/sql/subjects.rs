//! What is known about a subject: one row, however many purposes there are.

use consent_core::{PurposeId, Record, Recorded, SiteId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::store::db::{Db, Row, Value, int};
use crate::store::{History, Latest, StoreError};

/// What is kept about purposes, as JSON, once for all those of which the same is known: mostly that is
/// all of them. Times are seconds since 1970.
#[derive(Serialize, Deserialize)]
struct State<P> {
    purposes: Vec<P>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    recorded: Option<Recorded>,
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

impl<P> State<P> {
    fn is_known_of(&self, record: Option<&Record>, asked: Option<i64>) -> bool {
        self.asked == asked
            && self.recorded == record.map(|record| record.recorded)
            && record.is_none_or(|record| {
                (self.policy, self.restricted) == (record.policy, record.restricted)
                    && self.at == record.at.as_second()
                    && self.until == record.until.as_second()
            })
    }
}

/// What a history holds by purpose, as it is stored.
pub(super) fn states_text(known: &History) -> String {
    let only_asked = known.asked.keys().filter(|purpose| !known.records.contains_key(*purpose));
    let mut states: Vec<State<&PurposeId>> = Vec::new();
    for purpose in known.records.keys().chain(only_asked) {
        let record = known.records.get(purpose);
        let asked = known.asked.get(purpose).map(|at| at.as_second());
        if let Some(same) = states.iter_mut().find(|state| state.is_known_of(record, asked)) {
            same.purposes.push(purpose);
            continue;
        }
        states.push(State {
            purposes: vec![purpose],
            recorded: record.map(|record| record.recorded),
            policy: record.map_or(0, |record| record.policy),
            at: record.map_or(0, |record| record.at.as_second()),
            until: record.map_or(0, |record| record.until.as_second()),
            restricted: record.is_some_and(|record| record.restricted),
            asked,
        });
    }
    serde_json::to_string(&states).expect("texts and numbers")
}

fn read_states(text: &str, known: &mut History) -> Result<(), StoreError> {
    let corrupt = || StoreError::Corrupt("state");
    let time = |second| Timestamp::from_second(second).map_err(|_| corrupt());
    let states: Vec<State<PurposeId>> = serde_json::from_str(text).map_err(|_| corrupt())?;
    for state in states {
        let asked = state.asked.map(time).transpose()?;
        let record = state.recorded.map(|recorded| {
            Ok::<_, StoreError>(Record {
                recorded,
                restricted: state.restricted,
                policy: state.policy,
                at: time(state.at)?,
                until: time(state.until)?,
            })
        });
        let record = record.transpose()?;
        for purpose in state.purposes {
            if let Some(asked) = asked {
                known.asked.insert(purpose.clone(), asked);
            }
            if let Some(record) = record {
                known.records.insert(purpose, record);
            }
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
    let states = states_text(known);
    let before = int(known.version)?;
    let values = [
        site.as_str().into(),
        subject.into(),
        Value::Int(before + 1),
        Value::Int(int(known.receipts)?),
        known.latest.as_ref().map(|latest| &latest.id).into(),
        known.latest.as_ref().map(|latest| &latest.digest).into(),
        states.as_str().into(),
    ];
    put(db, before, &values)
}

/// Stores a row over the version `before`: site, subject, version, receipts, the latest of them, its
/// digest, and the states.
pub(super) fn put(db: &mut dyn Db, before: i64, values: &[Value<'_>; 7]) -> Result<(), StoreError> {
    let changed = if before == 0 {
        db.execute(
            "INSERT INTO subject (site, subject, version, receipts, latest, digest, states) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (site, subject) DO NOTHING",
            values,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is the same of several purposes is written once, and read for each of them.
    #[test]
    fn what_is_written_is_read() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let purpose = |id: &str| id.parse::<PurposeId>().unwrap();
        let granted = Record {
            recorded: Recorded::Granted,
            restricted: false,
            policy: 3,
            at: at(1),
            until: at(9),
        };
        let refused = Record { recorded: Recorded::Refused, ..granted };
        let records = [
            ("a", granted),
            ("b", refused),
            ("c", granted),
            ("d", Record { restricted: true, ..granted }),
            ("e", Record { until: at(10), ..granted }),
            ("f", granted),
        ];
        let known = History {
            records: records.map(|(id, record)| (purpose(id), record)).into(),
            asked: [("f", 5), ("g", 5), ("h", 5), ("i", 6)]
                .map(|(id, second)| (purpose(id), at(second)))
                .into(),
            ..History::default()
        };
        let text = states_text(&known);
        let groups = [
            r#"["a","c"]"#,
            r#"["b"]"#,
            r#"["d"]"#,
            r#"["e"]"#,
            r#"["f"]"#,
            r#"["g","h"]"#,
            r#"["i"]"#,
        ];
        assert_eq!(text.matches("purposes").count(), groups.len(), "{text}");
        for group in groups {
            assert!(text.contains(group), "{group}: {text}");
        }
        let mut read = History::default();
        read_states(&text, &mut read).unwrap();
        assert_eq!(read, known);
        assert_eq!(states_text(&History::default()), "[]");

        for text in ["", "{}", r#"[{"purposes":["a"],"recorded":"perhaps"}]"#, r#"[{"at":1}]"#] {
            assert!(read_states(text, &mut History::default()).is_err(), "{text}");
        }
    }
}
