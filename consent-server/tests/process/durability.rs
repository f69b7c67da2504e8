//! An acknowledged decision survives `kill -9`, exactly once (invariant 4).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::*;

/// Clients that decide as fast as they are answered, until the server is gone.
fn load(
    url: &str,
    acknowledged: &Arc<AtomicUsize>,
) -> Vec<tokio::task::JoinHandle<Vec<Acknowledged>>> {
    let client = |_| {
        let (url, acknowledged) = (url.to_owned(), Arc::clone(acknowledged));
        tokio::spawn(async move {
            let client = reqwest::Client::new();
            let mut mine = Vec::new();
            while let Some(answer) = decide(&client, &url).await {
                mine.push(answer);
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            mine
        })
    };
    (0..8).map(client).collect()
}

/// Waits until so many decisions are acknowledged, so that the end comes in the midst of others.
async fn until(acknowledged: &AtomicUsize, count: usize) {
    let reached = async {
        while acknowledged.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reached).await.expect("the server answers");
}

async fn all(clients: Vec<tokio::task::JoinHandle<Vec<Acknowledged>>>) -> Vec<Acknowledged> {
    let mut all = Vec::new();
    for client in clients {
        all.extend(client.await.unwrap());
    }
    all
}

/// Asserts that each is stored once, as it was given, with the state that follows from it.
fn assert_kept(home: &Home, acknowledged: &[Acknowledged]) {
    let database = rusqlite::Connection::open(home.path("data/eu.db")).unwrap();
    let mut kept = database
        .prepare(
            "SELECT jws FROM receipt JOIN subject USING (site, subject) \
             WHERE lower(hex(id)) = ? AND states LIKE '{\"analytics\":{\"recorded\":\"granted\"%'",
        )
        .unwrap();
    for Acknowledged { id, receipt } in acknowledged {
        let rows = kept.query_map([id.replace('-', "")], |row| row.get::<_, String>(0)).unwrap();
        let rows: Vec<_> = rows.map(Result::unwrap).collect();
        assert_eq!(rows, std::slice::from_ref(receipt), "{id}");
    }
    // And nothing half: a state without its receipt, a receipt that the log never hears of.
    for orphans in [
        "SELECT count(*) FROM subject WHERE NOT EXISTS (SELECT 1 FROM receipt WHERE id = latest)",
        "SELECT count(*) FROM receipt WHERE id NOT IN \
         (SELECT id FROM pending UNION ALL SELECT id FROM leaf)",
    ] {
        let count: i64 = database.query_row(orphans, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "{orphans}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_it_loses_nothing_that_it_acknowledged() {
    let home = Home::new();
    let mut kept = Vec::new();
    for _ in 0..3 {
        let mut server = home.serve().await;
        let count = Arc::new(AtomicUsize::new(0));
        let clients = load(&server.url, &count);
        until(&count, 150).await;
        server.process.kill().await.unwrap();
        let acknowledged = all(clients).await;
        assert!(acknowledged.len() >= 150);
        kept.extend(acknowledged);
        assert_kept(&home, &kept);
    }
    // It starts again over what the kills left, and goes on.
    let server = home.serve().await;
    kept.push(server.decide(&reqwest::Client::new()).await.expect("it answers"));
    assert_kept(&home, &kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_under_load_it_finishes_what_it_began() {
    let home = Home::new();
    let mut server = home.serve().await;
    let count = Arc::new(AtomicUsize::new(0));
    let clients = load(&server.url, &count);
    until(&count, 50).await;
    server.terminate();
    let status = tokio::time::timeout(Duration::from_secs(20), server.process.wait()).await;
    assert!(status.expect("it stops").unwrap().success());
    assert_eq!(server.lines.next_line().await.unwrap().as_deref(), Some("stopped"));
    assert_kept(&home, &all(clients).await);
}
