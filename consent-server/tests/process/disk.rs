//! A disk that is full: reading goes on, writing is refused with a clear answer, and once there is
//! room again, everything goes on by itself.
//!
//! The limit on the size of files (`RLIMIT_FSIZE`) stands in for the end of the disk, since it is set
//! and lifted while the process runs. Like a full disk, it may stop a write in its midst.

use super::whole::{Known, Place, assert_whole};
use super::*;

impl Server {
    /// From now on no file of the process grows beyond that size.
    fn limit_files(&self, size: &str) {
        let id = self.process.id().unwrap().to_string();
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &id, &format!("--fsize={size}:unlimited")]);
        assert!(prlimit.status().unwrap().success());
    }

    async fn get(&self, path: &str, bearer: &str) -> reqwest::Response {
        let request = reqwest::Client::new().get(format!("{}{path}", self.url));
        request.header("authorization", format!("Bearer {bearer}")).send().await.unwrap()
    }

    async fn decide_once(&self, client: &reqwest::Client, key: &str) -> Option<Acknowledged> {
        decide(client, &self.url, Some(key)).await
    }
}

/// The subject of a receipt.
fn subject(receipt: &str) -> String {
    let claims = receipt.split('.').nth(1).unwrap();
    let claims = data_encoding::BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    claims["sub"].as_str().unwrap().to_owned()
}

async fn assert_unavailable(answer: reqwest::Response) {
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "5");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let told: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(told["type"], "/problems/store-unavailable", "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_disk_is_full_it_says_so_and_goes_on_when_there_is_room() {
    let home = Home::new();
    // What the process is told at the limit would end it; a full disk tells nothing.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" serve --log json"]);
    shell.arg(env!("CARGO_BIN_EXE_consent"));
    let server = home.start(shell).await;
    let token = home.run(&["token", "new", "--scope", "check"]).out.trim().to_owned();
    let client = reqwest::Client::new();
    let mut kept = Vec::new();
    for number in 0..20 {
        let key = format!("before-the-disk-is-full-{number}");
        kept.push(server.decide_once(&client, &key).await.expect("it answers"));
    }
    let stored = subject(&kept[0].receipt);
    let check = format!("/v1/sites/example/check?purpose=analytics&subject={stored}");
    // At once, in the midst of a page, and after some writes more.
    for (round, room) in [None, Some(1_000), Some(50_000)].into_iter().enumerate() {
        let written = std::fs::metadata(home.path("data/eu.db-wal")).unwrap().len();
        let limit = room.map_or(0, |room| written + room);
        server.limit_files(&limit.to_string());
        let key = |number: usize| format!("while-the-disk-is-full-{round}-{number:04}");
        let mut number = 0;
        while let Some(answer) = server.decide_once(&client, &key(number)).await {
            kept.push(answer);
            number += 1;
            assert!(number < 1_000, "the limit is never reached");
        }
        // Many at once share a transaction, and its failure.
        let many = (0..16).map(|more| {
            let (client, url, key) = (client.clone(), server.url.clone(), key(number + more));
            tokio::spawn(async move { send(&client, &url, Some(&key)).await.unwrap() })
        });
        for answer in many.collect::<Vec<_>>() {
            let answer = answer.await.unwrap();
            // What is smaller than the first that failed may fit still; it is sent again below.
            if answer.status() != 201 {
                assert_unavailable(answer).await;
            }
        }
        server.limit_files("0");
        assert_unavailable(send(&client, &server.url, Some(&key(number + 16))).await.unwrap())
            .await;
        assert_unavailable(server.get("/readyz", &token).await).await;
        assert_eq!(server.get("/healthz", &token).await.status(), 200);
        let checked: serde_json::Value = server.get(&check, &token).await.json().await.unwrap();
        assert_eq!(checked["allowed"], true, "{checked}");

        server.limit_files("unlimited");
        assert_eq!(server.get("/readyz", &token).await.status(), 200, "{}", home.log());
        for number in number..number + 17 {
            let answer = server.decide_once(&client, &key(number)).await;
            kept.push(answer.unwrap_or_else(|| panic!("it goes on: {}", home.log())));
        }
    }
    drop(server);
    let known =
        assert_whole(&home, &Place::Files(&home.path("data")), kept.iter(), &Known::default())
            .await;
    assert_eq!(known.receipts, kept.len() as u64, "each once, and nothing that was refused");
}
