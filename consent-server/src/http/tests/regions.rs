//! Regions: nothing of one is in the other, and no site moves between them.

use std::path::Path;

use consent_core::RegionId;

use super::*;
use crate::app::StartError;
use crate::settings::Elsewhere;

const GRANT: &str = r#"{"analytics":"granted"}"#;

/// Two regions in one server, each with a site.
fn two(folder: &Path) -> Settings {
    let mut settings = settings(folder, policy(1));
    let us = || "us".parse::<RegionId>().unwrap();
    let mut region = settings.regions[0].clone();
    region.id = us();
    region.store = StoreSettings::Sqlite(folder.join("us.db"));
    region.keys = KeysSettings::File(folder.join("us.keys"));
    region.log.origin = "127.0.0.1:8787/us".into();
    settings.regions.push(region);
    // A name that is in no policy.
    settings.sites[0].id = "european".parse().unwrap();
    let mut site = settings.sites[0].clone();
    (site.id, site.region) = ("american".parse().unwrap(), us());
    settings.sites.push(site);
    settings
}

/// The same configuration for a server that holds one of them only.
fn only(folder: &Path, held: &str) -> Settings {
    let mut settings = two(folder);
    let (here, there): (Vec<_>, Vec<_>) =
        settings.regions.into_iter().partition(|region| region.id.as_str() == held);
    settings.regions = here;
    let url = |id: RegionId| Elsewhere { url: format!("https://{id}.example.org"), id };
    settings.elsewhere = there.into_iter().map(|region| url(region.id)).collect();
    settings
}

fn started(error: Result<TestApp, StartError>) -> String {
    error.err().expect("it does not start").to_string()
}

/// Everything that a region keeps on the disk: database, write-ahead log, keys.
fn bytes(folder: &Path, region: &str) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let own = files.filter(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(region))
    });
    let read: Vec<_> = own.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    let names: Vec<_> = read.iter().map(|(path, _)| path.display().to_string()).collect();
    assert!(names.iter().any(|name| name.ends_with(".db-wal")), "{names:?}");
    read.into_iter().flat_map(|(_, bytes)| bytes).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

impl TestApp {
    async fn decide_at(&self, site: &str) -> Answer {
        let body =
            format!(r#"{{"policy":1,"choices":{GRANT},"method":"preferences","language":"en"}}"#);
        let path = format!("/v1/sites/{site}/decisions");
        self.post(&path, &[("origin", OWN), ("idempotency-key", "0123456789abcdef")], &body).await
    }
}

#[tokio::test]
async fn nothing_of_one_region_is_in_the_files_of_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let settings = two(folder.path());
    let test = TestApp::open(folder, settings).await.unwrap();
    let mut said = [Vec::new(), Vec::new()];
    for _ in 0..20 {
        for (said, site) in said.iter_mut().zip(["european", "american"]) {
            let receipt = test.decide_at(site).await.receipt();
            let claims = test.app.verify(&receipt).unwrap().claims().clone();
            said.extend([receipt, claims.sub.to_string()]);
        }
    }
    let address =
        r#"{"subject":"email:a@example.org","purposes":["communications"],"language":"en"}"#;
    for (said, site) in said.iter_mut().zip(["european", "american"]) {
        let path = format!("/v1/sites/{site}/subscriptions");
        assert_eq!(test.post(&path, &[], address).await.status, 202);
        let site = test.app.site(&site.parse().unwrap()).unwrap();
        said.push(site.region.subject(&site.id, "email:a@example.org").unwrap().to_string());
    }
    assert_ne!(said[0].last(), said[1].last(), "each has its own pepper");

    let (eu, us) = (bytes(test.folder.path(), "eu"), bytes(test.folder.path(), "us"));
    for (own, other, said, site) in
        [(&eu, &us, &said[0], "european"), (&us, &eu, &said[1], "american")]
    {
        assert!(contains(own, site) && !contains(other, site));
        for text in said {
            assert!(contains(own, text), "{text}");
            assert!(!contains(other, text), "{text}");
        }
    }
    for region in ["eu", "us"] {
        let keys = test.get(&format!("/v1/log/{region}/keys"), &[]).await.text;
        assert!(keys.starts_with(&format!("127.0.0.1:8787/{region}+")), "{keys}");
    }
    // A receipt of the one proves nothing to the other.
    let body = format!(
        r#"{{"policy":1,"choices":{GRANT},"method":"preferences","language":"en","previous":"{}"}}"#,
        said[0][0]
    );
    let answer = test.post("/v1/sites/american/decisions", &[("origin", OWN)], &body).await;
    answer.problem(422, "receipt-invalid");
}

#[tokio::test]
async fn in_two_servers_each_says_where_the_other_is() {
    for (held, site, other, away) in
        [("eu", "european", "us", "american"), ("us", "american", "eu", "european")]
    {
        let folder = tempfile::tempdir().unwrap();
        let settings = only(folder.path(), held);
        let test = TestApp::open(folder, settings).await.unwrap();
        assert_eq!(test.decide_at(site).await.status, 201);
        let url = format!("https://{other}.example.org");
        let decisions = test.decide_at(away).await;
        let log = test.get(&format!("/v1/log/{other}/checkpoint"), &[]).await;
        let check = test.get(&format!("/v1/sites/{away}/check?subject=x&purpose=y"), &[]).await;
        for answer in [decisions, log, check] {
            let told = answer.problem(421, "region-elsewhere");
            assert!(told.contains(&url), "{told}");
            let body = answer.json();
            assert_eq!((&body["region"], &body["url"]), (&other.into(), &url.as_str().into()));
        }
        let files: Vec<_> = std::fs::read_dir(test.folder.path())
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert!(!files.iter().any(|name| name.starts_with(other)), "{files:?}");
    }
}

#[tokio::test]
async fn a_site_is_not_moved_by_editing_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = two(folder.path());
    let test = TestApp::open(folder, settings).await.unwrap();
    test.decide_at("european").await;
    test.app.close().await;

    let folder = test.folder;
    let mut moved = two(folder.path());
    moved.sites[0].region = "us".parse().unwrap();
    let (folder, told) = (folder.path().to_owned(), started(TestApp::open(folder, moved).await));
    assert!(told.contains("site 'european': its records are in region 'eu'"), "{told}");
    drop(folder);
}

#[tokio::test]
async fn neither_is_it_by_editing_that_of_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let settings = only(folder.path(), "eu");
    let test = TestApp::open(folder, settings).await.unwrap();
    test.app.close().await;
    let mut moved = only(test.folder.path(), "eu");
    moved.sites[0].region = "us".parse().unwrap();
    let told = started(TestApp::open(test.folder, moved).await);
    assert!(told.contains("write 'eu' again"), "{told}");
}

#[tokio::test]
async fn nor_by_exchanging_the_stores() {
    let folder = tempfile::tempdir().unwrap();
    let settings = two(folder.path());
    let test = TestApp::open(folder, settings).await.unwrap();
    test.app.close().await;
    let mut exchanged = two(test.folder.path());
    exchanged.regions.truncate(1);
    exchanged.sites.truncate(1);
    exchanged.regions[0].store = StoreSettings::Sqlite(test.folder.path().join("us.db"));
    let told = started(TestApp::open(test.folder, exchanged).await);
    assert!(told.contains("the store holds the records of region 'us'"), "{told}");
}
