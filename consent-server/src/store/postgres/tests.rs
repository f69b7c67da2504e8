//! What is PostgreSQL's own: several servers on one database, months, and a database that fails. What
//! every store must do is in `contract`.

use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use consent_core::{Digest, Recorded};
use consent_test_postgres::Cluster;

use super::*;
use crate::store::contract::{append, at, entry, entry_at, event, integrate, person, report, site};
use crate::store::{History, Request, Store};

fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

async fn engine(url: &str, committers: usize) -> SqlStore<Postgres> {
    SqlStore { engine: Postgres::open(url, true, committers).await.unwrap() }
}

/// Two servers that decide for the same people at once: of those who knew the same, one wins.
#[tokio::test(flavor = "multi_thread")]
async fn of_several_servers_one_wins_each_version() {
    const SERVERS: u8 = 2;
    const SUBJECTS: u8 = 20;
    const ROUNDS: u64 = 5;
    let cluster = Cluster::shared();
    let url = cluster.database();
    let mut servers = Vec::new();
    for _ in 0..SERVERS {
        servers.push(Arc::new(engine(&url, 2).await));
    }
    for round in 0..ROUNDS {
        let mut waiting = Vec::new();
        for subject in 0..SUBJECTS {
            let before = servers[0].history(&site("example"), &person(subject)).await.unwrap();
            assert_eq!(before.version, round);
            for (number, server) in (0_u8..).zip(&servers) {
                let number = u128::from(round) * 1000 + u128::from(subject * SERVERS + number);
                let mut entry = entry(number, &person(subject), &before, Recorded::Granted);
                let key = format!("request-{number}");
                entry.request = Some(Request { key, content: Digest::of(b"x") });
                let server = Arc::clone(server);
                waiting.push(tokio::spawn(async move { server.append(entry).await }));
            }
        }
        let mut won = 0;
        for appended in waiting {
            match appended.await.unwrap() {
                Ok(()) => won += 1,
                Err(StoreError::Conflict) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(won, u64::from(SUBJECTS));
    }
    let stored = ROUNDS * u64::from(SUBJECTS);
    for table in ["receipt", "request", "pending"] {
        let count = cluster.sql(name(&url), &format!("SELECT count(*) FROM {table}"));
        assert_eq!(count, stored.to_string(), "in {table}: of the losers nothing is left");
    }
    let counted = servers[1].statistics(&site("example")).await.unwrap();
    assert!(!counted.is_empty() && counted.iter().all(|one| one.count == stored), "{counted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_at_once_make_one_schema() {
    let url = Cluster::shared().database();
    let servers = futures_util::future::join_all((0..4).map(|_| open(&url, true))).await;
    for server in servers {
        let server = server.unwrap();
        server.ready().await.unwrap();
        server.prepare(at(0)).await.unwrap();
    }
}

const DAY: i64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn months_are_made_ahead_and_let_go_whole() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let (one, other) = (engine(&url, 1).await, engine(&url, 1).await);
    let store: SharedStore = Arc::new(engine(&url, 1).await);
    let held = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        cluster.sql(name(&url), &sql).parse::<u64>().unwrap()
    };
    let store_at = async |second, number: u8| {
        let entry = entry_at(
            second,
            number.into(),
            &person(number),
            &History::default(),
            Recorded::Granted,
        );
        store.append(entry).await.unwrap();
    };
    // Before any month is made, and far from where the clock says it is.
    store_at(10, 1).await;
    store_at(400 * DAY, 2).await;
    assert_eq!(held("receipt_rest"), 2);

    // Two servers at once, in January 1970; what came early goes where it belongs.
    let (first, second) = tokio::join!(one.prepare(at(0)), other.prepare(at(0)));
    first.unwrap();
    second.unwrap();
    one.prepare(at(0)).await.unwrap();
    assert_eq!((held("receipt_1970_01"), held("receipt_rest")), (1, 1));
    store_at(40 * DAY, 3).await;
    assert_eq!((held("receipt_1970_02"), held("receipt_1970_03")), (1, 0));

    // An event of January, which has its place in the log.
    store.note(event(7)).await.unwrap();
    integrate(&store).await;
    assert_eq!((held("leaf_1970_01"), held("leaf_1970_02"), held("leaf_rest")), (2, 1, 1));

    // A month that is not over stays.
    assert_eq!(store.drop_before(at(30 * DAY), report(8)).await.unwrap(), 0);
    assert_eq!(store.drop_before(at(50 * DAY), report(8)).await.unwrap(), 1);
    assert_eq!((held("receipt"), held("receipt_1970_02"), held("receipt_rest")), (2, 1, 1));
    // The event is where it was, and what was let go is told.
    let events = store.events_after(None, 10).await.unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!((&events[0].0, events[0].1.is_some()), (&event(7), true));
    assert_eq!(events[1].0.body, "1 receipts");
    assert_eq!(store.drop_before(at(70 * DAY), report(9)).await.unwrap(), 1);
    assert_eq!(store.drop_before(at(9000 * DAY), report(9)).await.unwrap(), 0, "March was empty");
    // What is in none of them goes one by one.
    let expired = store.expire(&site("example"), at(9000 * DAY), 10, report(10)).await.unwrap();
    assert_eq!((expired, held("receipt")), (1, 0));
}

/// Two files say the same, so that each can be read as it is. Here they cannot part.
#[test]
fn both_engines_have_the_same_tables() {
    let told = |sql: &str| {
        let lines = sql.lines().map(|line| line.split("--").next().unwrap());
        let lines = lines.filter(|line| {
            !line.contains(" PARTITION OF ") && !line.trim_start().starts_with("one ")
        });
        let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
        let text = words.join(" ").replace("INTEGER", "BIGINT").replace("BLOB", "BYTEA");
        text.replace(" STRICT", "").replace(", WITHOUT ROWID", "").replace(", )", " )")
    };
    let sqlite = told(include_str!("../../../migrations/sqlite/0001_initial.sql"));
    assert_eq!(told(&without_partitions(MIGRATIONS[0].sql)), sqlite);
}

/// As on engines that have no partitions.
#[tokio::test(flavor = "multi_thread")]
async fn tables_in_one_piece_do_as_well() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let whole = without_partitions(MIGRATIONS[0].sql);
    assert!(!whole.contains("PARTITION"), "{whole}");
    let digest =
        data_encoding::HEXLOWER.encode(Digest::of(MIGRATIONS[0].sql.as_bytes()).as_bytes());
    let made = format!(
        "CREATE TABLE migration (number BIGINT NOT NULL PRIMARY KEY, digest BYTEA NOT NULL); \
         INSERT INTO migration VALUES (1, '\\x{digest}'); {whole}"
    );
    cluster.sql(name(&url), &made);
    let store = open(&url, false).await.unwrap();
    store.prepare(at(0)).await.unwrap();
    append(&store, 1, &person(1), Recorded::Granted).await;
    integrate(&store).await;
    assert_eq!(store.drop_before(at(9000 * DAY), report(1)).await.unwrap(), 0);
    let expired = store.expire(&site("example"), at(9000 * DAY), 10, report(2)).await.unwrap();
    assert_eq!(expired, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_of_the_database_all_goes_on_without_help() {
    let cluster = Cluster::start(&["fsync=off"]);
    let store = open(&cluster.database(), true).await.unwrap();
    let first = append(&store, 1, &person(1), Recorded::Granted).await;
    cluster.stop();
    let before = History::default();
    let entry = entry(2, &person(2), &before, Recorded::Granted);
    for result in [
        store.append(entry.clone()).await.err(),
        store.history(&site("example"), &person(1)).await.err(),
        store.note(event(1)).await.err(),
        store.ready().await.err(),
    ] {
        assert!(matches!(result, Some(StoreError::Unavailable(_))), "{result:?}");
    }
    cluster.resume();
    assert_eq!(store.receipt(first.id).await.unwrap(), Some(first));
    store.append(entry).await.unwrap();
    store.note(event(1)).await.unwrap();
    store.ready().await.unwrap();
    store.close().await;
    let closed = store.ready().await.unwrap_err();
    assert!(closed.to_string().contains("is closed"), "{closed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_no_free_connection_is_told_in_time() {
    let store = Arc::new(engine(&Cluster::shared().database(), 1).await);
    let (mut ends, mut busy) = (Vec::new(), Vec::new());
    for _ in 0..WORKERS {
        let (end, ended) = mpsc::channel::<()>();
        let (begin, started) = tokio::sync::oneshot::channel();
        let store = Arc::clone(&store);
        busy.push(tokio::spawn(async move {
            let work = move |_: &mut dyn Db| {
                begin.send(()).unwrap();
                Ok(ended.recv().is_ok())
            };
            store.engine.read(work).await
        }));
        started.await.unwrap();
        ends.push(end);
    }
    let asked = Instant::now();
    let refused = store.ready().await.unwrap_err();
    assert!(refused.to_string().contains("are in use"), "{refused}");
    assert!(asked.elapsed() < workers::WAIT * 2, "{:?}", asked.elapsed());
    // Receipts have their own.
    store.append(entry(1, &person(1), &History::default(), Recorded::Granted)).await.unwrap();
    for end in ends {
        end.send(()).unwrap();
    }
    for busy in busy {
        assert!(busy.await.unwrap().unwrap());
    }
    store.ready().await.unwrap();
}

/// Work that goes wrong takes nothing with it: neither its transaction nor its connection.
#[tokio::test(flavor = "multi_thread")]
async fn work_that_fails_leaves_nothing_behind() {
    let store = Arc::new(engine(&Cluster::shared().database(), 1).await);
    let write = |fail: fn() -> Result<(), StoreError>| {
        let store = Arc::clone(&store);
        async move {
            let work = move |db: &mut dyn Db| {
                db.execute("UPDATE log SET size = 5 WHERE id = $1", &[Value::Int(1)])?;
                fail()
            };
            store.engine.write(work).await
        }
    };
    for _ in 0..2 * WORKERS {
        assert!(write(|| Err(StoreError::Corrupt("x"))).await.is_err());
        assert!(write(|| panic!("as a test")).await.is_err());
    }
    let unheard = |db: &mut dyn Db| {
        db.execute("UPDATE log SET size = 5 WHERE id = $1", &[Value::Int(1)])?;
        // The transaction has failed, even if nobody says so.
        let _ = db.query("SELECT 1 / (size - 5) FROM log WHERE id = $1", &[Value::Int(1)]);
        Ok(())
    };
    assert!(store.engine.write(unheard).await.is_err());
    assert_eq!(store.head().await.unwrap().size, 0);
}

/// A client-side view of a slow database: somebody holds what a receipt needs.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_is_an_error_in_time() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = open(&url, true).await.unwrap();
    let other = Arc::new(engine(&url, 1).await);
    let (end, ended) = mpsc::channel::<()>();
    let (begin, started) = tokio::sync::oneshot::channel();
    let holder = tokio::spawn(async move {
        let work = move |db: &mut dyn Db| {
            db.execute("UPDATE log SET size = size WHERE id = $1", &[Value::Int(1)])?;
            begin.send(()).unwrap();
            Ok(ended.recv().is_ok())
        };
        other.engine.write(work).await
    });
    started.await.unwrap();
    let asked = Instant::now();
    let late = store.ready().await.unwrap_err();
    assert!(matches!(late, StoreError::Unavailable(_)), "{late}");
    let waited = asked.elapsed();
    assert!(waited > Duration::from_secs(5) && waited < Duration::from_secs(15), "{waited:?}");
    end.send(()).unwrap();
    // It held a transaction open for as long, which the database may have ended.
    let _ = holder.await.unwrap();
    store.ready().await.unwrap();
}

#[tokio::test]
async fn a_database_that_cannot_be_had_says_why_and_not_who() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let cluster = Cluster::shared();
    let fresh = cluster.database();
    let missing = cluster.url("missing").replace("postgres@", "anna:secret@");
    let plain = format!("postgres://anna:secret@127.0.0.1:{}/postgres", cluster.port());
    for (url, create, told) in [
        (format!("postgres://anna:secret@127.0.0.1:{port}/eu"), true, "refused"),
        (fresh, false, "start the server once"),
        (missing, true, "refuses user or password"),
        (format!("{plain}?sslmode=require"), true, "does not support TLS"),
    ] {
        let error = open(&url, create).await.err().unwrap().to_string();
        assert!(error.starts_with("database ") && error.contains(told), "{error}");
        assert!(!error.contains("anna") && !error.contains("secret"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_is_encrypted_and_the_server_known_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key) = (file("server.crt"), file("server.key"));
    let mut made = Command::new("openssl");
    made.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]);
    made.args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]);
    made.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    made.args(["-keyout", &key, "-out", &certificate]);
    assert!(made.output().unwrap().status.success());
    let cluster = Cluster::with_certificate(&certificate, &key);
    let url = cluster.database();
    let address = |options: &str| {
        format!("postgres://postgres@localhost:{}/{}?{options}", cluster.port(), name(&url))
    };
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE ssl AND application_name = 'consent'";
    for (options, lines) in [
        ("sslmode=disable".into(), false),
        ("sslmode=prefer".into(), true),
        (format!("sslmode=verify-full&sslrootcert={certificate}"), true),
        (format!("sslmode=require&sslrootcert={certificate}"), true),
    ] {
        let store = open(&address(&options), true).await.unwrap();
        store.ready().await.unwrap();
        assert_eq!(cluster.sql("postgres", encrypted) != "0", lines, "{options}");
        store.close().await;
    }
    let stranger = open(&address("sslmode=require"), true).await.err().unwrap();
    assert!(stranger.to_string().contains("certificate"), "{stranger}");
    let elsewhere = address(&format!("sslmode=require&sslrootcert={certificate}"));
    let elsewhere = open(&elsewhere.replace("localhost", "127.0.0.1"), true).await.err().unwrap();
    assert!(elsewhere.to_string().contains("certificate"), "{elsewhere}");
}
