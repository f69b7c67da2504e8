//! Keys that change while the server runs, and those that anybody may see.

use std::time::Duration;

use axum::http::StatusCode;
use consent_core::receipt::{Algorithm, Verifier};
use consent_core::{Key, Receipt};
use data_encoding::BASE64URL_NOPAD;

use super::*;
use crate::keys::{KeyKind, retire, rotate};

const GRANT: &str = r#"{"analytics":"granted"}"#;

impl TestApp {
    fn region(&self) -> RegionSettings {
        region(self.folder.path())
    }

    /// Adds a key that signs at once, and reads it.
    fn rotate(&self, kind: KeyKind, algorithm: Algorithm) -> String {
        let now = Duration::ZERO;
        let rotation = rotate(&self.region(), kind, Some(algorithm), now, &*self.clock).unwrap();
        self.app.refresh_keys();
        rotation.added.kid
    }

    pub(super) async fn is_valid(&self, receipt: &str) -> bool {
        let body = format!("{{\"receipt\":\"{receipt}\"}}");
        self.post("/v1/receipts/verify", &[], &body).await.json()["valid"].as_bool().unwrap()
    }

    async fn jwks(&self) -> Vec<Value> {
        let answer = self.get("/.well-known/jwks.json", &[]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.headers.get_all("content-type").iter().count(), 1);
        assert_eq!(answer.header("content-type"), "application/jwk-set+json");
        assert_eq!(answer.header("cache-control"), "max-age=300");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        answer.json()["keys"].as_array().unwrap().clone()
    }
}

/// The header's `kid`.
fn kid(receipt: &str) -> String {
    let header = BASE64URL_NOPAD.decode(receipt.split('.').next().unwrap().as_bytes()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn old_receipts_verify_and_new_ones_bear_the_new_key() {
    let test = TestApp::new().await;
    let first = test.decide(GRANT, "accept_all", None).await.receipt();
    let second_kid = test.rotate(KeyKind::Receipt, Algorithm::Ed25519);
    // The old receipt also still proves whose decision it is.
    let second = test.decide(GRANT, "accept_all", Some(&first)).await.receipt();
    assert_ne!(kid(&first), second_kid);
    assert_eq!(kid(&second), second_kid);
    assert!(test.is_valid(&first).await && test.is_valid(&second).await);
    let bearer = format!("Bearer {second}");
    let me = test.get("/v1/sites/example/me", &[("authorization", &bearer)]).await;
    assert_eq!(me.json()["decisions"].as_array().unwrap().len(), 2);

    // A key that is gone no longer verifies; the others do.
    retire(&test.region(), &kid(&first), None, false, test.clock.now()).unwrap();
    test.pass_days(1);
    retire(&test.region(), &kid(&first), None, true, test.clock.now()).unwrap();
    test.app.refresh_keys();
    assert!(!test.is_valid(&first).await && test.is_valid(&second).await);
    // What it signed is told all the same: the log vouches for it.
    let me = test.get("/v1/sites/example/me", &[("authorization", &bearer)]).await;
    let told = me.json()["decisions"].clone();
    assert_eq!((told.as_array().unwrap().len(), &told[1]["receipt"]), (2, &first.as_str().into()));
}

#[tokio::test]
async fn a_key_signs_from_its_time_on_and_verifies_before() {
    let test = TestApp::new().await;
    let day = Duration::from_hours(24);
    let added = rotate(&test.region(), KeyKind::Receipt, None, day, &*test.clock).unwrap();
    test.app.refresh_keys();
    let before = test.decide(GRANT, "accept_all", None).await.receipt();
    test.pass_days(1);
    // Nothing is read again in between.
    let after = test.decide(GRANT, "accept_all", Some(&before)).await.receipt();
    assert_eq!(Some(kid(&before)), added.replaces);
    assert_eq!(kid(&after), added.added.kid);
    test.pass_days(-1);
    assert!(test.is_valid(&after).await, "another server's clock may be ahead");
}

#[tokio::test]
async fn strangers_verify_with_the_published_keys_alone() {
    let test = TestApp::new().await;
    let log = test.app.regions().next().unwrap().keys.log(test.clock.now()).unwrap();
    let keys = test.jwks().await;
    assert_eq!(keys.len(), 1, "keys for HS256 are secret");
    assert_eq!(keys[0]["vkey"], log.verifier().to_string());
    assert_eq!(log.verifier().name(), "127.0.0.1:8787/eu");

    let kid = test.rotate(KeyKind::Receipt, Algorithm::Ed25519);
    let receipt = test.decide(GRANT, "accept_all", None).await.receipt();
    let keys = test.jwks().await;
    assert_eq!((keys.len(), &keys[0]["kid"]), (2, &kid.as_str().into()));
    assert!(keys[0].get("vkey").is_none());
    let x = BASE64URL_NOPAD.decode(keys[0]["x"].as_str().unwrap().as_bytes()).unwrap();
    let public = Key::ed25519_public(&kid, &x.try_into().unwrap()).unwrap();
    let stranger = Verifier::new(vec![public]).unwrap();
    assert!(Receipt::verify(&receipt, &stranger).is_ok());
    for key in keys {
        assert!(key.get("d").is_none(), "RFC 8037 §2 puts the secret there: {key}");
    }
}

#[tokio::test]
async fn links_of_a_retired_key_still_work() {
    let test = TestApp::new().await;
    let body = r#"{"subject":"email:a@example.org","purposes":["analytics"],"language":"en"}"#;
    let path = "/v1/sites/example/subscriptions";
    assert_eq!(test.post(path, &[("origin", OWN)], body).await.status, StatusCode::ACCEPTED);
    let token = test.mailed_token();
    let old = test.app.regions().next().unwrap().keys.list(test.clock.now());
    let old = &old.iter().find(|key| key.facts.kind == KeyKind::Link).unwrap().facts.kid;
    test.rotate(KeyKind::Link, Algorithm::Hs256);
    retire(&test.region(), old, Some(KeyKind::Link), false, test.clock.now()).unwrap();
    test.app.refresh_keys();
    let page = format!("/v1/sites/example/confirm?token={token}");
    assert_eq!(test.get(&page, &[]).await.status, StatusCode::OK);
    test.pass_days(1);
    retire(&test.region(), old, Some(KeyKind::Link), true, test.clock.now()).unwrap();
    test.app.refresh_keys();
    assert_eq!(test.get(&page, &[]).await.status, StatusCode::GONE);
}
