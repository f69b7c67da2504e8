//! Keys that change while the server runs.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use super::*;

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_mins(1);

/// The header's `kid`.
fn kid(receipt: &str) -> String {
    let header = BASE64URL_NOPAD.decode(receipt.split('.').next().unwrap().as_bytes()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

async fn is_valid(client: &reqwest::Client, url: &str, receipt: &str) -> bool {
    let request = client.post(format!("{url}/v1/receipts/verify"));
    let answer = request.json(&serde_json::json!({ "receipt": receipt })).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["valid"].as_bool().unwrap()
}

impl Home {
    /// The secrets in the file.
    fn secrets(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("data/eu.keys")).unwrap();
        text.split('"').filter(|part| part.len() == 43).map(str::to_owned).collect()
    }

    /// Runs `consent keys`; its answer as JSON. It shows nothing secret.
    #[track_caller]
    fn keys(&self, arguments: &[&str]) -> Value {
        let run = self.run(&[&["keys"], arguments, &["--json"]].concat());
        assert_eq!(run.code, Some(0), "{}", run.err);
        let plain = self.run(&["keys", "list"]);
        for secret in self.secrets() {
            for shown in [&run.out, &run.err, &plain.out, &plain.err] {
                assert!(!shown.contains(&secret));
            }
        }
        serde_json::from_str(&run.out).unwrap()
    }

    /// What the key of that kind is called which signs now.
    #[track_caller]
    fn signing(&self, kind: &str) -> String {
        let list = self.keys(&["list"]);
        let signs = |key: &&Value| key["kind"] == kind && key["signs"] == true;
        let key = list.as_array().unwrap().iter().find(signs).unwrap();
        key["kid"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn keys_rotate_without_a_restart_or_a_failed_request() {
    let home = Home::new();
    let server = home.serve().await;
    let client = reqwest::Client::new();
    let old = server.decide(&client).await.unwrap().receipt;
    assert_eq!(kid(&old), home.signing("receipt"));

    let added = home.keys(&["rotate", "--kind", "receipt", "--algorithm", "Ed25519", "--in", "0s"]);
    assert_eq!(added["replaces"], kid(&old));
    let new = tokio::time::timeout(LONG, async {
        loop {
            let receipt = server.decide(&client).await.expect("every decision is taken").receipt;
            assert!(is_valid(&client, &server.url, &old).await);
            assert!(is_valid(&client, &server.url, &receipt).await);
            if added["kid"] == kid(&receipt) {
                break receipt;
            }
            assert_eq!(kid(&receipt), kid(&old));
        }
    });
    let new = new.await.expect("the new key signs");
    home.keys(&["retire", "--kid", &kid(&old)]);
    assert!(is_valid(&client, &server.url, &old).await);

    let set = client.get(format!("{}/.well-known/jwks.json", server.url)).send().await.unwrap();
    let set: Value = set.json().await.unwrap();
    let public = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid(&new));
    assert_eq!(public.unwrap()["alg"], "Ed25519");
    for secret in home.secrets() {
        assert!(!home.log().contains(&secret) && !set.to_string().contains(&secret));
    }
}

#[tokio::test]
async fn a_broken_file_is_told_and_the_keys_in_use_stay() {
    let home = Home::new();
    let server = home.serve().await;
    let client = reqwest::Client::new();
    let old = server.decide(&client).await.unwrap().receipt;
    let secret = home.secrets().remove(1);
    home.edit("data/eu.keys", "kid = ", "kid ");
    let id = server.process.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    let told = tokio::time::timeout(LONG, async {
        while !home.log().contains("keys not read again; those in use stay") {
            assert!(is_valid(&client, &server.url, &old).await);
        }
    });
    told.await.expect("the failure is logged");
    assert!(home.log().contains("data/eu.keys: line 7: "), "{}", home.log());
    assert!(!home.log().contains(&secret));
    assert_eq!(kid(&server.decide(&client).await.unwrap().receipt), kid(&old));

    home.edit("data/eu.keys", "kid ", "kid = ");
    let added = home.keys(&["rotate", "--kind", "receipt", "--in", "0s"]);
    let read = tokio::time::timeout(LONG, async {
        while added["kid"] != kid(&server.decide(&client).await.unwrap().receipt) {}
    });
    read.await.expect("a file that was mended is read");
}

#[tokio::test]
async fn keys_are_listed_added_and_retired_in_words() {
    let home = Home::new();
    let none = home.run(&["keys", "list"]);
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("data/eu.keys: not found; start the server once"), "{}", none.err);
    drop(home.serve().await);

    let list = home.keys(&["list", "--region", "eu"]);
    let kinds: Vec<_> = list.as_array().unwrap().iter().map(|key| &key["kind"]).collect();
    assert_eq!(kinds, ["receipt", "link", "log"]);
    assert!(
        list.as_array().unwrap().iter().all(|key| key["signs"] == true && key["region"] == "eu")
    );
    let log = list[2]["public"].as_str().unwrap();
    assert!(log.parse::<consent_core::log::VerifierKey>().is_ok());
    assert!(log.starts_with("127.0.0.1:8787/eu+"), "{log}");
    let old = home.signing("receipt");
    let words = home.run(&["keys", "list"]).out;
    assert!(words.contains(&format!("eu  receipt  {old}  HS256    signs\n")), "{words}");
    assert!(words.contains(log), "{words}");

    let only = home.run(&["keys", "retire", "--kid", &old]);
    assert_eq!(only.code, Some(2));
    assert!(only.err.contains("nothing else signs receipts; add another key"), "{}", only.err);
    let added = home.run(&["keys", "rotate", "--kind", "receipt"]);
    assert_eq!(added.code, Some(0), "{}", added.err);
    assert!(added.out.contains(&format!("key '{old}' signs until then")), "{}", added.out);
    assert_eq!(home.signing("receipt"), old, "not before its time");
    let words = home.run(&["keys", "list"]).out;
    assert!(words.contains("  HS256    will sign  from 20"), "{words}");
    let early = home.run(&["keys", "retire", "--kid", &old]);
    assert!(early.err.contains("cannot be retired yet"), "{}", early.err);

    home.keys(&["rotate", "--kind", "receipt", "--in", "0s"]);
    let retired = home.run(&["keys", "retire", "--kid", &old]);
    assert!(retired.out.contains("still verify as long as the key stays"), "{}", retired.out);
    let destroyed = home.run(&["keys", "retire", "--kid", &old, "--destroy"]);
    assert!(destroyed.err.contains("signed until just now"), "{}", destroyed.err);

    for (arguments, expected) in [
        (&["rotate", "--kind", "link", "--algorithm", "Ed25519"][..], "a link key is for HS256"),
        (&["rotate", "--kind", "log", "--algorithm", "EdDSA"], "an algorithm is HS256 or Ed25519"),
        (&["rotate", "--kind", "log", "--in", "2"], "must be a number and s, m, h or d"),
        (
            &["rotate", "--region", "us", "--kind", "log"],
            "no region 'us' is held here; there are eu",
        ),
        (&["retire", "--kid", "x"], "there is no such key"),
    ] {
        let run = home.run(&[&["keys"], arguments].concat());
        assert_eq!(run.code, Some(2), "{arguments:?}");
        assert!(run.err.contains(expected), "{arguments:?}: {}", run.err);
    }
    for command in ["list", "rotate", "retire"] {
        assert!(home.run(&["keys", command, "--help"]).out.contains("Example"));
    }
}
