//! Several servers on one PostgreSQL, and its own ways of copying: a dump, and going back to a
//! moment. Each ends with a log that verifies.

use std::path::Path;
use std::time::Duration;

use consent_test_postgres::{Cluster, tool};

use super::records::bundle;
use super::*;

impl Home {
    /// The same configuration over that database, and other servers' keys if there are any.
    fn on(database: &str, keys: Option<&Path>) -> Self {
        let home = Self::new();
        home.edit("consent.toml", "sqlite:data/eu.db", database);
        if let Some(keys) = keys {
            home.edit("consent.toml", "data/eu.keys", &keys.display().to_string());
        }
        home
    }
}

/// Runs one of PostgreSQL's programs, which has to succeed.
#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

async fn decided(home: &Home, server: &Server, client: &reqwest::Client) -> Acknowledged {
    server.decide(client).await.unwrap_or_else(|| panic!("{}", home.log()))
}

#[tokio::test(flavor = "multi_thread")]
async fn several_servers_keep_one_log_and_one_takes_over_from_another() {
    let database = Cluster::shared().database();
    let first = Home::on(&database, None);
    let mut one = first.serve().await;
    let second = Home::on(&database, Some(&first.path("data/eu.keys")));
    let two = second.serve().await;
    let client = reqwest::Client::new();
    for _ in 0..20 {
        let (a, b) = tokio::join!(one.decide(&client), two.decide(&client));
        // What the one gave, the other has; and whoever integrates, both prove it.
        let (a, b) = (a.unwrap().receipt, b.unwrap().receipt);
        bundle(&client, &two.url, &a).await;
        bundle(&client, &one.url, &b).await;
    }
    let verified = second.done(&["log", "verify", "--keep", "kept"]);
    assert!(verified.contains("40 receipts and 2 events"), "{verified}");

    // Whichever of them integrated: the other goes on within the time for which one leads.
    one.process.kill().await.unwrap();
    let receipt = decided(&second, &two, &client).await.receipt;
    bundle(&client, &two.url, &receipt).await;
    let grown = second.done(&["log", "verify", "--since", "kept"]);
    assert!(grown.contains("41 receipts and 2 events"), "{grown}");
    let denied = second.run(&["backup", "copy.db"]);
    assert!(denied.err.contains("use pg_dump and pg_restore"), "{}", denied.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_is_put_into_another_database() {
    let cluster = Cluster::shared();
    let (database, restored) = (cluster.database(), cluster.database());
    let home = Home::on(&database, None);
    let server = home.serve().await;
    let client = reqwest::Client::new();
    let receipt = decided(&home, &server, &client).await.receipt;
    bundle(&client, &server.url, &receipt).await;
    home.done(&["log", "verify", "--keep", "kept"]);

    let dump = home.path("eu.dump");
    run(tool("pg_dump").args(["--format=custom", "--file"]).arg(&dump).arg(&database));
    run(tool("pg_restore")
        .args(["--exit-on-error", "--no-owner", "--dbname", &restored])
        .arg(&dump));
    drop(server);
    home.edit("consent.toml", &database, &restored);
    let verified = home.done(&["log", "verify", "--since", "kept"]);
    assert!(verified.contains("1 receipts and 2 events"), "{verified}");
    let server = home.serve().await;
    let receipt = decided(&home, &server, &client).await.receipt;
    bundle(&client, &server.url, &receipt).await;
    home.done(&["log", "verify", "--since", "kept"]);
}

/// What `docs/operations.md` says: an archive of the write-ahead log, a base copy, and the way back
/// to a moment between two decisions.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_goes_back_to_a_moment() {
    let archive = tempfile::tempdir().unwrap();
    let folder = archive.path().to_owned();
    open_to_all(&folder);
    let command = format!(
        "archive_command=test ! -f {0}/%f && cp %p {0}/%f.part && mv {0}/%f.part {0}/%f",
        folder.display()
    );
    let cluster =
        Cluster::start(&["archive_mode=on", &command, "wal_level=replica", "max_wal_senders=2"]);
    let database = cluster.database();
    let home = Home::on(&database, None);
    let server = home.serve().await;
    let client = reqwest::Client::new();
    let early = decided(&home, &server, &client).await;
    bundle(&client, &server.url, &early.receipt).await;

    let base = folder.join("base");
    let socket = cluster.folder().display().to_string();
    let port = cluster.port().to_string();
    run(tool("pg_basebackup")
        .args(["--host", &socket, "--port", &port, "--username", "postgres"])
        .args(["--wal-method=none", "--checkpoint=fast", "--pgdata"])
        .arg(&base));
    let kept = decided(&home, &server, &client).await;
    bundle(&client, &server.url, &kept.receipt).await;
    home.done(&["log", "verify", "--keep", "kept"]);
    let name = database.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let moment = cluster.sql(&name, "SELECT clock_timestamp()");
    let lost = decided(&home, &server, &client).await;
    let last = cluster.sql(&name, "SELECT pg_walfile_name(pg_switch_wal())");
    drop(server);
    // The last piece is archived a moment after it was switched away from.
    let waited = async {
        while !folder.join(&last).exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited).await.expect("it is archived");
    cluster.stop();

    let fetch = format!("restore_command=cp {}/%f %p", folder.display());
    let until = format!("recovery_target_time={}", moment.trim());
    let back = Cluster::recovered(&base, &[&fetch, &until, "recovery_target_action=promote"]);
    home.edit("consent.toml", &database, &back.url(&name));
    let verified = home.done(&["log", "verify", "--since", "kept"]);
    assert!(verified.contains("2 receipts and 2 events"), "{verified}");
    let exported = home.done(&["export"]);
    assert!(exported.contains(&early.id) && exported.contains(&kept.id), "{exported}");
    assert!(!exported.contains(&lost.id), "{exported}");
    let server = home.serve().await;
    let after = decided(&home, &server, &client).await;
    bundle(&client, &server.url, &after.receipt).await;
}

/// The database runs under another account.
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
}
