//! Whether a store holds what it must, after whatever was done to its server.
//!
//! Files are looked at in a copy: what a start makes of them is for the next start of the server
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
use consent_server::store::{SharedStore, open_postgres, open_sqlite};
use consent_test_postgres::Cluster;

use super::*;

/// What was found, to be compared with what is found later.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// How many receipts there are.
    pub(super) receipts: u64,
    /// The checkpoint of the log.
    pub(super) head: Option<TreeHead>,
}

/// Where a home keeps its records.
pub(super) enum Place<'c> {
    /// In files in that folder.
    Files(&'c Path),
    /// In the database of that address.
    Database(&'c Cluster, String),
}

/// Asserts that each of these receipts is stored once, as it was given, with the state that follows
/// from it; that nothing is stored half; and that the log is whole and continues the one known. No
/// server may run on it.
pub(super) async fn assert_whole<'a>(
    home: &Home,
    place: &Place<'_>,
    acknowledged: impl Iterator<Item = &'a Acknowledged>,
    known: &Known,
) -> Known {
    match place {
        Place::Files(folder) => {
            let copy = tempfile::tempdir().unwrap();
            for name in ["eu.db", "eu.db-wal"] {
                let _ = std::fs::copy(folder.join(name), copy.path().join(name));
            }
            let path = copy.path().join("eu.db");
            let store = open_sqlite(&path, false).await.unwrap();
            let database = rusqlite::Connection::open(path).unwrap();
            let count = |sql: &str| database.query_row(sql, [], |row| row.get(0)).unwrap();
            let found = verify(home, &store, acknowledged, known, &count).await;
            store.close().await;
            found
        }
        Place::Database(cluster, url) => {
            let name = url.rsplit('/').next().unwrap();
            let count = |sql: &str| cluster.sql(name, sql).parse().unwrap();
            // What the server had asked for before it was killed is done, or given up.
            let others = "SELECT count(*) FROM pg_stat_activity \
                          WHERE datname = current_database() AND pid <> pg_backend_pid()";
            while count(others) > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            let store = open_postgres(url, false).await.unwrap();
            let found = verify(home, &store, acknowledged, known, &count).await;
            store.close().await;
            found
        }
    }
}

async fn verify<'a>(
    home: &Home,
    store: &SharedStore,
    acknowledged: impl Iterator<Item = &'a Acknowledged>,
    known: &Known,
    count: &dyn Fn(&str) -> i64,
) -> Known {
    let head = verify_log(home, store, known).await;
    let (mut kept, mut after) = (BTreeMap::new(), None);
    loop {
        let page = store.receipts_after(None, after, 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for stored in page {
            assert!(kept.insert(stored.id.to_string(), stored.jws).is_none(), "{}", stored.id);
        }
    }
    for Acknowledged { id, receipt } in acknowledged {
        assert_eq!(kept.get(id), Some(receipt), "{id}");
    }
    for none in [
        // A receipt without the state that follows from it.
        "SELECT count(*) FROM receipt WHERE NOT EXISTS (SELECT 1 FROM subject \
         WHERE subject.site = receipt.site AND subject.subject = receipt.subject \
         AND states LIKE '[{\"purposes\":[\"analytics\"%\"recorded\":\"granted\"%')",
        // A state without its receipt.
        "SELECT count(*) FROM subject WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE id = latest)",
        // An answer without its receipt.
        "SELECT count(*) FROM request WHERE receipt NOT IN (SELECT id FROM receipt)",
        // What has two places, or a place and waits for one.
        "SELECT count(*) FROM leaf WHERE id IN (SELECT id FROM pending)",
        "SELECT count(*) - count(DISTINCT position) FROM leaf",
        // What the statistics do not count, or count twice.
        "SELECT abs((SELECT coalesce(sum(count), 0) FROM statistic) - \
         (SELECT count(*) FROM receipt))",
    ] {
        assert_eq!(count(none), 0, "{none}");
    }
    Known { receipts: kept.len() as u64, head }
}

/// The log, and all records held against it.
async fn verify_log(home: &Home, store: &SharedStore, known: &Known) -> Option<TreeHead> {
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
    head
}
