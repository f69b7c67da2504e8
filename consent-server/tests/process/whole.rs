//! Whether a store holds what it must, after whatever was done to its server.
//!
//! It is looked at in a copy: what a start makes of the files is for the next start of the server
//! itself to show.

use std::collections::BTreeMap;
use std::sync::Arc;

use consent_core::Receipt;
use consent_core::log::TreeHead;
use consent_server::Settings;
use consent_server::ambient::System;
use consent_server::keys::Keys;
use consent_server::log::Stored;
use consent_server::log::audit::{self, checkpoint};
use consent_server::store::{SharedStore, open_sqlite};

use super::*;

/// What was found, to be compared with what is found later.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// How many receipts there are.
    pub(super) receipts: u64,
    /// The checkpoint of the log.
    pub(super) head: Option<TreeHead>,
}

/// Asserts that each of these receipts is stored once, as it was given, with the state that follows
/// from it; that nothing is stored half; and that the log is whole and continues the one known.
pub(super) async fn assert_whole<'a>(
    home: &Home,
    acknowledged: impl Iterator<Item = &'a Acknowledged>,
    known: &Known,
) -> Known {
    let copy = tempfile::tempdir().unwrap();
    for name in ["eu.db", "eu.db-wal"] {
        let _ = std::fs::copy(home.path("data").join(name), copy.path().join(name));
    }
    let path = copy.path().join("eu.db");
    let store = open_sqlite(&path, false).await.unwrap();
    let found = verify(home, &store, known).await;
    store.close().await;
    Known { receipts: assert_kept(&path, acknowledged), ..found }
}

/// The log, and all records held against it.
async fn verify(home: &Home, store: &SharedStore, known: &Known) -> Known {
    let mut settings = Settings::read(&home.path("consent.toml")).unwrap();
    let keys = Keys::open(&settings.regions.remove(0), false, &System).unwrap();
    let (source, verifiers) = (Stored(Arc::clone(store)), keys.log_verifiers());
    let receipts = keys.receipt_verifier();
    let verify = |jws: &str| Receipt::verify(jws, &receipts);
    let empty = store.head().await.unwrap().checkpoint.is_empty();
    let (size, head) = if empty {
        assert!(known.head.is_none(), "there was a checkpoint, and there is none");
        (0, None)
    } else {
        let log = audit::log(&source, &verifiers, known.head.as_ref(), |_, _| {}).await.unwrap();
        (log.size, Some(*checkpoint(&log.checkpoint, &verifiers).unwrap().head()))
    };
    let records = audit::records(&**store, &source, size, verify, |_| {}).await.unwrap();
    assert_eq!((records.erased, records.without_key), (0, 0), "{records:?}");
    let pending = store.pending(u32::MAX).await.unwrap().len() as u64;
    assert_eq!(records.waiting, pending, "nothing waits that is not there");
    Known { head, ..Known::default() }
}

/// Each once, as it was given, with its state; and nothing half. How many receipts there are.
fn assert_kept<'a>(path: &Path, acknowledged: impl Iterator<Item = &'a Acknowledged>) -> u64 {
    let database = rusqlite::Connection::open(path).unwrap();
    let mut kept = database
        .prepare(
            "SELECT lower(hex(id)), jws FROM receipt JOIN subject USING (site, subject) \
             WHERE states LIKE '{\"analytics\":{\"recorded\":\"granted\"%'",
        )
        .unwrap();
    let kept = kept.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let kept: Vec<_> = kept.unwrap().map(Result::unwrap).collect();
    let by_id: BTreeMap<_, _> = kept.iter().map(|(id, jws)| (&**id, &**jws)).collect();
    assert_eq!(kept.len(), by_id.len());
    for Acknowledged { id, receipt } in acknowledged {
        assert_eq!(by_id.get(&*id.replace('-', "")), Some(&&**receipt), "{id}");
    }
    for none in [
        // A state without its receipt.
        "SELECT count(*) FROM subject WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE id = latest)",
        // An answer without its receipt.
        "SELECT count(*) FROM request WHERE receipt NOT IN (SELECT id FROM receipt)",
        // A receipt that has two places, or a place and waits for one.
        "SELECT count(*) FROM leaf WHERE id IN (SELECT id FROM pending)",
        "SELECT count(*) - count(DISTINCT position) FROM leaf",
        // A receipt that the statistics do not count, or count twice.
        "SELECT abs((SELECT sum(count) FROM statistic) - (SELECT count(*) FROM receipt))",
    ] {
        let count: Option<i64> = database.query_row(none, [], |row| row.get(0)).unwrap();
        assert_eq!(count.unwrap_or_default(), 0, "{none}");
    }
    let receipts: i64 =
        database.query_row("SELECT count(*) FROM receipt", [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(receipts), Ok(kept.len()), "each has its state");
    kept.len() as u64
}
