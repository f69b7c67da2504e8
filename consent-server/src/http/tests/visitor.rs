//! A visitor decides, decides otherwise, and keeps receipts.

use consent_core::cookie::StateCookie;
use consent_core::{LegalBasis, Receipt};

use super::*;

const BOTH: &str = r#"{"analytics":"granted","communications":"refused"}"#;
const NONE: &str = r#"{"analytics":"refused","communications":"refused"}"#;

fn claims(test: &TestApp, answer: &Answer) -> consent_core::Claims {
    let json = answer.json();
    let receipt: &Receipt = &test.app.verify(json["receipt"].as_str().unwrap()).unwrap();
    receipt.claims().clone()
}

#[tokio::test]
async fn a_decision_is_answered_with_a_receipt_of_what_was_asked_and_answered() {
    let test = TestApp::new().await;
    let answer = test.decide(BOTH, "preferences", None).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let json = answer.json();
    assert_eq!(json["states"]["analytics"]["state"], "granted");
    assert_eq!(json["states"]["analytics"]["until"], "2026-07-01T00:00:00Z");
    assert_eq!(json["states"]["communications"]["state"], "refused");

    let claims = claims(&test, &answer);
    assert_eq!(json["id"], claims.jti.to_string());
    assert_eq!(claims.iat.to_string(), "2026-01-01T00:00:00Z", "the server's time");
    assert_eq!(claims.policy.digest, policy(1).digest());
    assert_eq!(claims.previous, None);
    // The digest in the receipt is that of the text that visitors are served.
    let notice = test.get("/v1/sites/example/notice?lang=en", &[]).await.json();
    let canonical = serde_json_canonicalizer::to_vec(&notice).unwrap();
    assert_eq!(claims.notice.digest, Digest::of(&canonical));
}

#[tokio::test]
async fn on_the_sites_own_host_the_server_sets_the_cookie() {
    let test = TestApp::new().await;
    let answer = test.decide(BOTH, "preferences", None).await;
    let cookie = answer.header("set-cookie");
    let value = answer.json()["cookie"].as_str().unwrap().to_owned();
    assert!(
        cookie.starts_with(&format!("consent={value}; Path=/; Max-Age=15638400; SameSite=Lax")),
        "{cookie}"
    );
    let read = StateCookie::decode(&value).unwrap();
    assert_eq!(read.until.to_string(), "2026-07-01T00:00:00Z");
    assert_eq!(value.rsplit('.').next(), Some("gr-"));

    let body = format!(r#"{{"policy":1,"choices":{BOTH},"method":"preferences","language":"en"}}"#);
    let elsewhere = test.post(DECISIONS, &[("origin", EMBED)], &body).await;
    assert_eq!(elsewhere.status, 201);
    assert_eq!(elsewhere.header("set-cookie"), "");
    assert_eq!(elsewhere.header("access-control-allow-origin"), EMBED);
}

#[tokio::test]
async fn a_withdrawal_refers_to_the_receipt_before_and_is_the_same_subject() {
    let test = TestApp::new().await;
    let first = test.decide(BOTH, "preferences", None).await;
    let receipt = first.json()["receipt"].as_str().unwrap().to_owned();
    let second = test.decide(NONE, "withdrawal", Some(&receipt)).await;
    assert_eq!(second.json()["states"]["analytics"]["state"], "withdrawn");
    let (before, after) = (claims(&test, &first), claims(&test, &second));
    assert_eq!(after.sub, before.sub);
    assert_eq!(after.previous, Some(test.app.verify(&receipt).unwrap().digest()));
    let stranger = claims(&test, &test.decide(BOTH, "preferences", None).await);
    assert_ne!(stranger.sub, before.sub, "without a receipt it is somebody else");
}

#[tokio::test]
async fn the_same_request_is_recorded_once() {
    let test = TestApp::new().await;
    let body = |choice: &str| {
        format!(
            r#"{{"policy":1,"choices":{{"analytics":"{choice}"}},"method":"preferences","language":"en"}}"#
        )
    };
    let key = [("origin", OWN), ("idempotency-key", "6f1c2a34-0000-4000-8000-000000000001")];
    let first = test.post(DECISIONS, &key, &body("granted")).await;
    let again = test.post(DECISIONS, &key, &body("granted")).await;
    assert_eq!((first.status, &first.text), (again.status, &again.text));
    let other = test.post(DECISIONS, &key, &body("refused")).await;
    other.problem(422, "idempotency-key-reused");
}

#[tokio::test]
async fn concurrent_decisions_of_one_subject_form_one_chain() {
    let test = TestApp::new().await;
    let first = test.decide(BOTH, "preferences", None).await;
    let receipt = first.json()["receipt"].as_str().unwrap().to_owned();
    let answers = tokio::join!(
        test.decide(NONE, "withdrawal", Some(&receipt)),
        test.decide(BOTH, "preferences", Some(&receipt)),
        test.decide(NONE, "withdrawal", Some(&receipt)),
    );
    let mut previous: Vec<_> = [answers.0, answers.1, answers.2]
        .iter()
        .map(|answer| claims(&test, answer).previous.unwrap().to_string())
        .collect();
    previous.sort();
    previous.dedup();
    assert_eq!(previous.len(), 3, "each follows another one");
}

#[tokio::test]
async fn the_loader_knows_its_site_and_is_sent_once() {
    let test = TestApp::new().await;
    let loader = test.get("/v1/sites/example/consent.js", &[]).await;
    assert_eq!(loader.header("content-type"), "text/javascript; charset=utf-8");
    assert!(
        loader.text.contains(r#""base":"http://127.0.0.1:8787/v1/sites/example""#),
        "{}",
        loader.text
    );
    assert!(loader.text.contains(r#""asked":["analytics""#), "{}", loader.text);
    assert!(!loader.text.contains("__CONSENT_"), "{}", loader.text);
    let ask = test.get("/v1/sites/example/ask.js", &[("origin", EMBED)]).await;
    assert_eq!(ask.header("access-control-allow-origin"), EMBED);
    assert!(ask.text.contains(r#""cookies":[["_measure"]"#), "{}", ask.text);
    assert!(!ask.text.contains("__CONSENT_"), "{}", ask.text);
    let etag = loader.header("etag").to_owned();
    let again = test.get("/v1/sites/example/consent.js", &[("if-none-match", &etag)]).await;
    assert_eq!((again.status.as_u16(), again.text.len()), (304, 0));
    let packed = test.get("/v1/sites/example/consent.js", &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(packed.header("content-encoding"), "br");
}

#[tokio::test]
async fn receipts_are_verified_for_anybody() {
    let test = TestApp::new().await;
    let receipt =
        test.decide(BOTH, "preferences", None).await.json()["receipt"].as_str().unwrap().to_owned();
    let verify = |jws: &str| format!(r#"{{"receipt":"{jws}"}}"#);
    let foreign = [("origin", "https://elsewhere.example")];
    let good = test.post("/v1/receipts/verify", &foreign, &verify(&receipt)).await;
    assert_eq!(good.header("access-control-allow-origin"), "*");
    let preflight = Request::options("/v1/receipts/verify")
        .header("origin", "https://elsewhere.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .body(Body::empty());
    let preflight = test.send(preflight.unwrap()).await;
    assert_eq!(preflight.header("access-control-allow-headers"), "content-type");
    let good = good.json();
    assert_eq!((&good["valid"], &good["claims"]["site"]), (&true.into(), &"example".into()));
    let mut changed = receipt.into_bytes();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    let changed = String::from_utf8(changed).unwrap();
    let bad = test.post("/v1/receipts/verify", &[], &verify(&changed)).await.json();
    assert_eq!(bad["valid"], false);
    assert!(bad["failed"] == "signature" || bad["failed"] == "format", "{bad}");
}

#[tokio::test]
async fn a_legitimate_interest_is_objected_to_and_the_objection_taken_back() {
    let test = TestApp::new().await;
    let objected = test.decide(r#"{"safety":"refused"}"#, "objection", None).await;
    assert_eq!(objected.json()["states"]["safety"]["state"], "objected");
    let stated = claims(&test, &objected);
    let outcome = stated.purposes.values().next().unwrap();
    assert_eq!(outcome.basis, LegalBasis::LegitimateInterest);

    let receipt = objected.json()["receipt"].as_str().unwrap().to_owned();
    let back = test.decide(r#"{"safety":"granted"}"#, "preferences", Some(&receipt)).await;
    assert_eq!(back.json()["states"]["safety"]["state"], "open");

    let refused = test.decide(r#"{"safety":"granted"}"#, "accept_all", None).await;
    assert!(refused.problem(422, "field-invalid").contains("'accept_all'"));
}
