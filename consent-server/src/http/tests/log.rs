//! The log, as anybody reads it, and as whoever holds a receipt does.

use consent_core::log::{Bundle, Checkpoint, Frontier, Hash, Note, Tile, TlogProof, VerifierKey};

use super::*;
use crate::log::{Integrator, Stored, audit};
use crate::store::{Report, SharedStore};

const GRANT: &str = r#"{"analytics":"granted"}"#;
const LOG: &str = "/v1/log/eu";

impl TestApp {
    pub(super) fn store(&self) -> SharedStore {
        Arc::clone(&self.app.site(&"example".parse().unwrap()).unwrap().region.store)
    }

    /// Gives everything its place, as the server does by itself.
    async fn integrate(&self) {
        let region = Arc::clone(self.app.regions().next().unwrap());
        let clock: crate::ambient::SharedAmbient = self.clock.clone();
        let mut integrator = Integrator::new(self.store(), region, clock);
        while integrator.integrate().await.unwrap().0 > 0 {}
        // Whoever comes next need not wait until this one is forgotten.
        self.pass_days(1);
    }

    async fn keys(&self) -> Vec<VerifierKey> {
        let answer = self.get(&format!("{LOG}/keys"), &[]).await;
        answer.text.lines().map(|key| key.parse().unwrap()).collect()
    }

    async fn bundle(&self, receipt: &str) -> Answer {
        let body = format!("{{\"receipt\":\"{receipt}\"}}");
        self.post("/v1/receipts/bundle", &[], &body).await
    }
}

fn id(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_receipt_is_proven_to_a_stranger() {
    let test = TestApp::new().await;
    let (decided, other) = (
        test.decide(GRANT, "accept_all", None).await,
        test.decide(GRANT, "accept_all", None).await,
    );
    let receipt = decided.receipt();
    test.bundle(&receipt).await.problem(404, "receipt-unknown");
    let path = format!("{LOG}/proof/{}", id(&decided));
    test.get(&path, &[]).await.problem(404, "receipt-unknown");
    test.integrate().await;

    let keys = test.keys().await;
    let bundle = test.bundle(&receipt).await;
    assert_eq!((bundle.status.as_u16(), bundle.header("cache-control")), (200, "no-store"));
    let read: Bundle = bundle.text.parse().unwrap();
    assert_eq!(read.record(), receipt.as_bytes());
    assert_eq!(read.verify(&keys).unwrap().origin(), "127.0.0.1:8787/eu");

    // Who knows the identifier only learns where it is, and nothing of what it is.
    let answer = test.get(&path, &[("origin", "https://anywhere.example")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let proof: TlogProof = answer.text.parse().unwrap();
    proof.verify(&read.commitment().leaf(), &keys).unwrap();
    let elsewhere: Bundle = test.bundle(&other.receipt()).await.text.parse().unwrap();
    assert!(proof.verify(&elsewhere.commitment().leaf(), &keys).is_err());

    let forged = receipt.replacen(".e", ".f", 1);
    test.bundle(&forged).await.problem(422, "receipt-invalid");
    test.get(&format!("{LOG}/proof/x"), &[]).await.problem(404, "receipt-unknown");
}

#[tokio::test]
async fn anybody_reads_checkpoint_and_tiles() {
    let test = TestApp::new().await;
    test.get(&format!("{LOG}/checkpoint"), &[]).await.problem(404, "log-empty");
    test.decide(GRANT, "accept_all", None).await;
    test.integrate().await;
    let answer = test.get(&format!("{LOG}/checkpoint"), &[]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let note: Note = answer.text.parse().unwrap();
    let checkpoint = Checkpoint::verify(&note, &test.keys().await).unwrap();
    // The policy's publication is in it as well, and how the banner looks.
    assert_eq!(checkpoint.head().size(), 3);
    for tile in Tile::between(0, 3) {
        let answer = test.get(&format!("{LOG}/{tile}"), &[]).await;
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert!(answer.header("cache-control").contains("immutable"));
    }
    for (path, detail) in [
        ("tile/0/000.p/4", "the log has 3 leaves"),
        ("tile/0/000", "the log has 3 leaves"),
        ("tile/entries/x001/000", "the log has 3 leaves"),
        ("tile/0/0", "a tile's path is like"),
        ("tile/9/000", "a tile is of level 0 to 7"),
        ("tile/../../etc/passwd", "a tile's path is like"),
    ] {
        let told = test.get(&format!("{LOG}/{path}"), &[]).await.problem(404, "route-unknown");
        assert!(told.contains(detail), "{path}: {told}");
    }
    test.get("/v1/log/us/checkpoint", &[]).await.problem(404, "region-unknown");
}

#[tokio::test]
async fn erasing_a_subject_breaks_no_proof_of_anybody_else() {
    let test = TestApp::new().await;
    let (erased, kept) = (
        test.decide(GRANT, "accept_all", None).await,
        test.decide(GRANT, "accept_all", None).await,
    );
    test.integrate().await;
    let before: Bundle = test.bundle(&kept.receipt()).await.text.parse().unwrap();
    let site = "example".parse().unwrap();
    let subject = test.app.verify(&erased.receipt()).unwrap().claims().sub.clone();
    let clock = Arc::clone(&test.clock);
    let report: Report = Arc::new(move |erased| {
        let told = serde_json::json!({ "receipts": erased.receipts });
        AuditEvent::new(&*clock, None, AuditEvent::ERASED, &told)
    });
    test.store().erase(&site, &subject, report).await.unwrap();
    test.integrate().await;

    let keys = test.keys().await;
    test.bundle(&erased.receipt()).await.problem(404, "receipt-unknown");
    assert_eq!(test.count("SELECT count(*) FROM receipt"), 1);
    before.verify(&keys).unwrap();
    let after: Bundle = test.bundle(&kept.receipt()).await.text.parse().unwrap();
    assert!(
        after.verify(&keys).unwrap().head().size() > before.verify(&keys).unwrap().head().size()
    );

    let source = Stored(test.store());
    let then = *before.verify(&keys).unwrap().head();
    let log = audit::log(&source, &keys, Some(&then), |_, _| ()).await.unwrap();
    let verify = |jws: &str| test.app.verify(jws);
    let store = test.store();
    let records = audit::records(&*store, &source, log.size, verify, |_| ()).await.unwrap();
    assert_eq!((records.receipts, records.erased, records.reported), (1, 1, 1));
}

/// Each way in which a store can lie is found out, and said.
#[tokio::test]
async fn what_was_changed_is_found() {
    let test = TestApp::new().await;
    for _ in 0..300 {
        test.decide(GRANT, "accept_all", None).await;
    }
    test.integrate().await;
    let keys = test.keys().await;
    let audit = async || {
        let (store, source) = (test.store(), Stored(test.store()));
        let log = audit::log(&source, &keys, None, |_, _| ()).await.map_err(|e| e.to_string())?;
        let verify = |jws: &str| test.app.verify(jws);
        audit::records(&*store, &source, log.size, verify, |_| ()).await.map_err(|e| e.to_string())
    };
    let whole = audit().await.unwrap();
    assert_eq!((whole.receipts, whole.events, whole.waiting, whole.erased), (300, 2, 0, 0));

    for (change, told) in [
        ("UPDATE receipt SET jws = replace(jws, '.', '.A')", "it is not genuine"),
        ("UPDATE receipt SET salt = zeroblob(32)", "it is not what the log holds"),
        ("UPDATE receipt SET at = at + 1", "it was issued at"),
        ("UPDATE leaf SET position = (position + 1) % 302", "it is not what the log holds"),
        ("DELETE FROM leaf", "it is neither in the log nor waiting"),
        ("UPDATE event SET body = '{}'", "it is not what the log holds"),
        ("UPDATE log SET checkpoint = replace(checkpoint, '302', '300')", "not to be believed"),
        ("UPDATE tile SET content = zeroblob(32) WHERE level = 1", "tile/1/000.p/1 does not"),
        ("DELETE FROM tile WHERE level = 0 AND position = 1", "lacks tile/entries/001.p/46"),
    ] {
        let database = test.database();
        // Kept beside, since others read the file meanwhile.
        let tables = ["receipt", "leaf", "event", "log", "tile"];
        for table in tables {
            let copy = format!("CREATE TEMP TABLE old_{table} AS SELECT * FROM {table}");
            database.execute_batch(&copy).unwrap();
        }
        database.execute_batch(change).unwrap();
        let found = audit().await.unwrap_err();
        assert!(found.contains(told), "{change}: {found}");
        for table in tables {
            let put = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM old_{table}");
            database.execute_batch(&put).unwrap();
        }
    }
    assert_eq!(audit().await.unwrap().receipts, 300, "and all is as it was");

    // Somebody who kept a checkpoint finds that the log is shorter, or another one.
    let mut other = Frontier::default();
    let mut heads = Vec::new();
    for leaf in 0..400_u64 {
        let hash = Hash::of_leaf(&leaf.to_be_bytes());
        other.append(hash, |_, _| ()).unwrap();
        heads.push(other.head());
    }
    let source = Stored(test.store());
    for (then, told) in
        [(heads[399], "the log has 302 leaves, and had 400"), (heads[99], "the first 100")]
    {
        let error = audit::log(&source, &keys, Some(&then), |_, _| ()).await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}
