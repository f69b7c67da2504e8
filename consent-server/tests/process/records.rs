//! What a data protection officer does: export, back up, restore, erase, and verify all of it.

use super::*;

impl Home {
    /// Runs a command that has to succeed; what it printed.
    #[track_caller]
    pub(super) fn done(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "{arguments:?}: {}{}", run.out, run.err);
        run.out
    }

    /// The log's public key, as it is told to strangers.
    fn log_key(&self) -> String {
        let keys: serde_json::Value =
            serde_json::from_str(&self.done(&["keys", "list", "--json"])).unwrap();
        let text = keys.to_string();
        let start = text.find("127.0.0.1:8787/eu+").unwrap();
        text[start..].split('"').next().unwrap().to_owned()
    }
}

/// Asks until the receipt has its place in the log, which is within a second; its bundle.
pub(super) async fn bundle(client: &reqwest::Client, url: &str, receipt: &str) -> String {
    let asked = async {
        loop {
            let body = serde_json::json!({ "receipt": receipt });
            let post = client.post(format!("{url}/v1/receipts/bundle")).json(&body);
            let answer = post.send().await.unwrap();
            if answer.status() == 200 {
                return answer.text().await.unwrap();
            }
            assert_eq!(answer.status(), 404);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), asked).await.expect("it has its place")
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_kept_exported_copied_and_verified() {
    let home = Home::new();
    let server = home.serve().await;
    let client = reqwest::Client::new();
    let mut receipts = Vec::new();
    for _ in 0..20 {
        receipts.push(server.decide(&client).await.unwrap());
    }
    let proof = bundle(&client, &server.url, &receipts[19].receipt).await;
    let key = home.log_key();

    // A stranger, with nothing but the bundle and the key.
    std::fs::write(home.path("receipt.bundle"), &proof).unwrap();
    let offline = ["verify", "--offline", "receipt.bundle", "--key", &key, "--config", "none"];
    let proven = home.done(&offline);
    assert!(proven.starts_with("proven: the log 127.0.0.1:8787/eu holds this receipt"), "{proven}");
    assert!(proven.contains(&receipts[19].id), "{proven}");
    std::fs::write(home.path("receipt.bundle"), proof.replace("kind receipt", "kind event"))
        .unwrap();
    let forged = home.run(&offline);
    assert_eq!((forged.code, &forged.out[..11]), (Some(1), "not proven:"), "{}", forged.out);
    std::fs::write(home.path("receipt.jws"), &receipts[19].receipt).unwrap();
    let printed = home.done(&["bundle", "receipt.jws"]);
    assert!(printed.starts_with("consent-bundle@v1\nkind receipt\n"), "{printed}");

    // The running server, from outside and from its store.
    let url = format!("{}/v1/log/eu", server.url);
    let outside = home.done(&[
        "log", "verify", "--url", &url, "--key", &key, "--keep", "kept", "--config", "none",
    ]);
    assert!(outside.starts_with("in order: the log 127.0.0.1:8787/eu has 22 leaves"), "{outside}");
    let inside = home.done(&["log", "verify"]);
    assert!(inside.contains("20 receipts and 2 events are in it"), "{inside}");

    // An export, held against the log that the server shows, and against one in a folder.
    home.done(&["export", "--out", "receipts.ndjson"]);
    let exported = std::fs::read_to_string(home.path("receipts.ndjson")).unwrap();
    let lines: Vec<serde_json::Value> =
        exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 20);
    for (line, receipt) in lines.iter().zip(&receipts) {
        assert_eq!(
            (&line["jws"], &line["id"]),
            (&(&*receipt.receipt).into(), &(&*receipt.id).into())
        );
        assert!(line["index"].is_u64() && line["at"].is_string(), "{line}");
    }
    let rest = home.done(&["export", "--after", &receipts[16].id]);
    assert_eq!(rest.lines().count(), 3);
    home.done(&["log", "export", "mirror"]);
    let check = |file: &str| {
        home.run(&["log", "verify", "--folder", "mirror", "--key", &key, "--export", file])
    };
    let whole = check("receipts.ndjson");
    assert!(whole.out.contains("20 exported receipts are in it"), "{}{}", whole.out, whole.err);
    let changed = exported.replacen("\"salt\":\"", "\"salt\":\"A", 1);
    std::fs::write(home.path("changed.ndjson"), changed).unwrap();
    assert_eq!(check("changed.ndjson").code, Some(1));
    let other_time = exported.replacen("\"index\":", "\"index\":1", 1);
    std::fs::write(home.path("changed.ndjson"), other_time).unwrap();
    let moved = check("changed.ndjson");
    assert_eq!(moved.code, Some(1), "{}{}", moved.out, moved.err);

    // A copy while it runs, which lacks what came later, and a log that has grown since.
    let copied = home.done(&["backup", "backups/eu.db"]);
    assert!(copied.contains("in order: 20 receipts and 2 events, 0 waiting"), "{copied}");
    let later = server.decide(&client).await.unwrap();
    bundle(&client, &server.url, &later.receipt).await;
    let grown = home.done(&["log", "verify", "--since", "kept", "--keep", "kept"]);
    assert!(grown.contains("it has grown by 1 leaves since there were 22"), "{grown}");
    let copy = home.run(&["log", "verify", "--backup", "backups/eu.db", "--since", "kept"]);
    assert_eq!(copy.code, Some(1), "the copy is older than what was kept");
    assert!(copy.out.contains("has 22 leaves, and had 23"), "{}", copy.out);
    let again = home.run(&["backup", "backups/eu.db"]);
    assert!(again.err.contains("is there already"), "{}", again.err);
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_shown_is_shown_again_after_everything_has_changed() {
    let home = Home::new();
    let mut server = home.serve().await;
    let receipt = server.decide(&reqwest::Client::new()).await.unwrap().receipt;
    std::fs::write(home.path("receipt.jws"), receipt).unwrap();
    let before = home.done(&["replay", "receipt.jws"]);
    assert!(before.contains("Audience measurement"), "{before}");
    assert!(before.contains("position=&quot;corner&quot;"), "{before}");
    server.terminate();
    server.process.wait().await.unwrap();

    // Another text, and another look.
    home.edit("policy.toml", "number = 1", "number = 2");
    home.edit("policy.toml", "name = \"Example\"", "name = \"Renamed\"");
    home.edit(
        "consent.toml",
        "policy = \"policy.toml\"",
        "policy = \"policy.toml\"\nposition = \"bottom\"",
    );
    let server = home.serve().await;
    assert_eq!(home.done(&["replay", "receipt.jws"]), before);
    drop(server);
    home.done(&["replay", "receipt.jws", "--out", "shown.html"]);
    let json: serde_json::Value =
        serde_json::from_str(&home.done(&["replay", "receipt.jws", "--json"])).unwrap();
    assert!(json["text"].as_str().unwrap().contains("\"name\":\"Example\""), "{json}");

    // The audit trail, and so the log, has the digest of the look; a text that was changed is none.
    let database = rusqlite::Connection::open(home.path("data/eu.db")).unwrap();
    let told = format!("%\"layout\":{}%", json["digest"]);
    let events: i64 = database
        .query_row("SELECT count(*) FROM event WHERE body LIKE ?", [told], |row| row.get(0))
        .unwrap();
    assert_eq!(events, 1);
    let change =
        "UPDATE notice SET document = CAST(replace(document, 'Example', 'Sample') AS BLOB)";
    database.execute(change, []).unwrap();
    let changed = home.run(&["replay", "receipt.jws"]);
    assert_eq!(changed.code, Some(2));
    assert!(changed.err.contains("it was changed"), "{}", changed.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_store_is_restored_and_goes_on() {
    let home = Home::new();
    let mut server = home.serve().await;
    let client = reqwest::Client::new();
    let receipt = server.decide(&client).await.unwrap();
    bundle(&client, &server.url, &receipt.receipt).await;
    home.done(&["backup", "eu.backup"]);
    let taken = home.run(&["restore", "eu.backup"]);
    assert_eq!(taken.code, Some(2));
    assert!(taken.err.contains("nothing is overwritten"), "{}", taken.err);

    server.process.kill().await.unwrap();
    for file in ["eu.db", "eu.db-wal", "eu.db-shm"] {
        std::fs::remove_file(home.path("data").join(file)).unwrap();
    }
    // One that was tampered with is refused, and nothing of it is left.
    std::fs::copy(home.path("eu.backup"), home.path("forged.backup")).unwrap();
    let forged = rusqlite::Connection::open(home.path("forged.backup")).unwrap();
    forged.execute("UPDATE receipt SET salt = zeroblob(32)", []).unwrap();
    drop(forged);
    let refused = home.run(&["restore", "forged.backup"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("the copy is not in order"), "{}", refused.err);
    assert!(!home.path("data/eu.db").exists() && !home.path("data/eu.restored").exists());

    let restored = home.done(&["restore", "eu.backup"]);
    assert!(restored.contains("in order: 1 receipts"), "{restored}");
    let server = home.serve().await;
    let after = server.decide(&client).await.unwrap();
    bundle(&client, &server.url, &after.receipt).await;
    let verified = home.done(&["log", "verify"]);
    assert!(verified.contains("2 receipts and 2 events"), "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_is_erased_and_the_log_stays_in_order() {
    let home = Home::new();
    let server = home.serve().await;
    let client = reqwest::Client::new();
    let (gone, kept) =
        (server.decide(&client).await.unwrap(), server.decide(&client).await.unwrap());
    bundle(&client, &server.url, &kept.receipt).await;
    home.done(&["log", "verify", "--keep", "kept"]);
    std::fs::write(home.path("receipt.jws"), &gone.receipt).unwrap();
    let claims: serde_json::Value =
        serde_json::from_str(&home.done(&["verify", "--json", "receipt.jws"])).unwrap();
    let subject = claims["claims"]["sub"].as_str().unwrap();

    let asked = home.run(&["erase", subject]);
    assert_eq!((asked.code, asked.out.contains("would erase 1 receipts")), (Some(1), true));
    let erased = home.done(&["erase", subject, "--yes"]);
    assert!(erased.starts_with("erased 1 receipts"), "{erased}");
    let nobody = home.run(&["erase", subject]);
    assert!(nobody.err.contains("nothing is known of this subject"), "{}", nobody.err);

    let verified = home.done(&["log", "verify", "--since", "kept"]);
    assert!(
        verified.contains("1 leaves have no record any more; the audit trail tells of 1"),
        "{verified}"
    );
    assert_eq!(home.done(&["export"]).lines().count(), 1);
    // Nothing of it is left in any file, nor in what was deleted.
    let key = subject.strip_prefix("browser:").unwrap();
    for file in std::fs::read_dir(home.path("data")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(key.len()).any(|window| window == key.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
    let database = rusqlite::Connection::open(home.path("data/eu.db")).unwrap();
    for query in [
        "SELECT count(*) FROM receipt WHERE subject = ?",
        "SELECT count(*) FROM subject WHERE subject = ?",
    ] {
        let count: i64 = database.query_row(query, [subject], |row| row.get(0)).unwrap();
        assert_eq!(count, 0);
    }

    // What goes without being told is noticed.
    database.execute("DELETE FROM receipt", []).unwrap();
    let missing = home.run(&["log", "verify"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.out.contains("NOT in order: 1 records that are in the log"), "{}", missing.out);
}
