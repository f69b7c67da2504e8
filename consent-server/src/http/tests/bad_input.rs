//! Wrong requests: each gets a clear problem, and nothing is recorded.

use super::*;

/// Sends a decision and expects it to be refused.
async fn refused(test: &TestApp, body: &str, status: u16, name: &str, detail: &str) {
    let answer = test.post(DECISIONS, &[("origin", OWN)], body).await;
    let told = answer.problem(status, name);
    assert!(told.contains(detail), "{told}");
}

fn decision(policy: u32, choices: &str, more: &str) -> String {
    format!(
        r#"{{"policy":{policy},"choices":{choices},"method":"preferences","language":"en"{more}}}"#
    )
}

const GRANT: &str = r#"{"analytics":"granted"}"#;

#[tokio::test]
async fn wrong_decisions() {
    let folder = tempfile::tempdir().unwrap();
    let test = TestApp::at(folder, 2).await;
    let good = decision(2, GRANT, "");
    for (body, status, name, detail) in [
        (String::new(), 400, "body-malformed", "EOF"),
        ("{".into(), 400, "body-malformed", "EOF"),
        (good[..good.len() - 1].to_owned(), 400, "body-malformed", "EOF while parsing"),
        ("[".repeat(10_000), 422, "field-invalid", "invalid type: sequence"),
        (good.replace("granted", "gr\\u0000anted"), 422, "field-invalid", "unknown variant"),
        ("null".into(), 422, "field-invalid", "null"),
        (good.replace("\"language\":\"en\"", "\"x\":1"), 422, "field-invalid", "unknown field `x`"),
        (
            good.replace(",\"language\":\"en\"", ""),
            422,
            "field-invalid",
            "missing field `language`",
        ),
        (good.replace("preferences", "wink"), 422, "field-invalid", "unknown variant `wink`"),
        (good.replace("preferences", "double_opt_in"), 422, "field-invalid", "takes the link"),
        (
            good.replace("preferences", "refuse_all"),
            422,
            "field-invalid",
            "does not go with the choice",
        ),
        (decision(2, "{}", ""), 422, "field-invalid", "at least one purpose"),
        (
            decision(2, r#"{"analytics":"granted","analytics":"refused"}"#, ""),
            422,
            "field-invalid",
            "'analytics' is named twice",
        ),
        (decision(2, r#"{"ads":"granted"}"#, ""), 422, "purpose-unknown", "no purpose 'ads'"),
        (decision(2, r#"{"A B":"granted"}"#, ""), 422, "field-invalid", "a purpose must be"),
        (
            decision(2, r#"{"service":"granted"}"#, ""),
            422,
            "purpose-not-consent",
            "rests on contract",
        ),
        (decision(2, GRANT, r#","since":1.5"#), 422, "field-invalid", "1.5 is not a whole number"),
        (decision(2, GRANT, r#","since":-1"#), 422, "field-invalid", "-1 is not a whole number"),
        (decision(3, GRANT, ""), 422, "policy-unknown", "policy 3 does not exist"),
        (
            decision(1, GRANT, ""),
            409,
            "policy-superseded",
            "policy 1 is superseded; the policy in force is 2",
        ),
        (decision(2, GRANT, r#","previous":"a.b.c""#), 422, "receipt-invalid", "previous: format"),
    ] {
        refused(&test, &body, status, name, detail).await;
    }
    assert_eq!(count(&test), 0, "nothing was recorded");
    assert_eq!(test.post(DECISIONS, &[("origin", OWN)], &good).await.status, 201);
    assert_eq!(count(&test), 1);
    // To JSON, `1.0` is the number 1.
    let float = good.replacen("\"policy\":2", "\"policy\":2.0", 1);
    assert_ne!(float, good);
    assert_eq!(test.post(DECISIONS, &[("origin", OWN)], &float).await.status, 201);
}

fn count(test: &TestApp) -> i64 {
    test.count("SELECT count(*) FROM receipt")
}

#[tokio::test]
async fn a_body_of_ten_megabytes() {
    let test = TestApp::new().await;
    let body = decision(1, GRANT, &format!(r#","previous":"{}""#, "a".repeat(10_000_000)));
    refused(&test, &body, 413, "body-too-large", "length limit exceeded").await;
}

#[tokio::test]
async fn half_a_body_is_not_waited_for_for_ever() {
    let test = TestApp::new().await;
    let half = futures_util::stream::pending::<Result<axum::body::Bytes, std::io::Error>>();
    let request = Request::post(DECISIONS).header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Body::from_stream(half)).unwrap();
    // From here on time passes by itself whenever nothing else is to be done.
    tokio::time::pause();
    test.send(request).await.problem(408, "request-timeout");
}

#[tokio::test]
async fn a_body_of_another_type() {
    let test = TestApp::new().await;
    let answer = test.form(DECISIONS, "policy=1").await;
    answer.problem(415, "body-unsupported");
}

#[tokio::test]
async fn a_forged_receipt_proves_nothing() {
    let test = TestApp::new().await;
    let answer = test.decide(GRANT, "preferences", None).await;
    let genuine = answer.json()["receipt"].as_str().unwrap().to_owned();
    let (head, signature) = genuine.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{head}.{flipped}{}", &signature[1..]);
    let body = decision(1, r#"{"analytics":"refused"}"#, &format!(r#","previous":"{forged}""#));
    refused(&test, &body, 422, "receipt-invalid", "previous: signature").await;
    assert_eq!(count(&test), 1);
}

#[tokio::test]
async fn a_foreign_origin() {
    let test = TestApp::new().await;
    for origin in [
        "http://evil.example",
        "null",
        "http://127.0.0.1:8787.evil.example",
        "HTTP://127.0.0.1:8787",
    ] {
        let answer = test.post(DECISIONS, &[("origin", origin)], &decision(1, GRANT, "")).await;
        answer.problem(403, "origin-foreign");
        assert_eq!(answer.header("access-control-allow-origin"), "");
        for path in ["banner", "notice"] {
            let answer =
                test.get(&format!("/v1/sites/example/{path}"), &[("origin", origin)]).await;
            answer.problem(403, "origin-foreign");
        }
    }
    assert_eq!(count(&test), 0);
    let preflight =
        Request::options(DECISIONS).header("origin", EMBED).body(Body::empty()).unwrap();
    let preflight = test.send(preflight).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), EMBED);
    assert_eq!(
        preflight.header("access-control-allow-headers"),
        "authorization, content-type, idempotency-key"
    );
}

#[tokio::test]
async fn wrong_addresses() {
    let test = TestApp::new().await;
    test.get("/v1/sites/other/banner", &[]).await.problem(404, "site-unknown");
    test.get("/v1/sites/Oth%00er/banner", &[]).await.problem(404, "site-unknown");
    test.get("/v1/nothing", &[]).await.problem(404, "route-unknown");
    test.get(DECISIONS, &[]).await.problem(405, "method-not-allowed");
    test.get("/v1/widget/0000/consent_widget.js", &[]).await.problem(404, "route-unknown");
    let bearer = test.token(&["check"]).await;
    for (subject, purpose, name, detail) in [
        ("someone@example.org", "communications", "field-invalid", "subject: must be 'email:'"),
        (
            "email:someone",
            "communications",
            "field-invalid",
            "subject: an e-mail address is written",
        ),
        ("browser:AAAA", "analytics", "field-invalid", "subject: a browser's key"),
        ("phone:0612345678", "communications", "field-invalid", "starts with '+'"),
        ("email:a@example.org", "ads", "purpose-unknown", "no purpose 'ads'"),
        ("email:a@example.org", "service", "purpose-not-consent", "rests on contract"),
    ] {
        let told = test.check(&bearer, subject, purpose).await.problem(422, name);
        assert!(told.contains(detail), "{told}");
    }
    let missing =
        test.get("/v1/sites/example/check?subject=a", &[("authorization", &bearer)]).await;
    assert!(missing.problem(422, "field-invalid").contains("missing field `purpose`"));
}

#[tokio::test]
async fn wrong_subscriptions() {
    let test = TestApp::new().await;
    for (subject, purposes, name) in [
        ("email:nobody", r#"["communications"]"#, "field-invalid"),
        ("browser:BwcHBwcHBwcHBwcHBwcHBw", r#"["communications"]"#, "field-invalid"),
        ("phone:+33612345678", r#"["communications"]"#, "field-invalid"),
        ("email:a@example.org", "[]", "field-invalid"),
        ("email:a@example.org", r#"["service"]"#, "purpose-not-consent"),
        ("email:a@example.org\\r\\nBcc: b@example.org", r#"["communications"]"#, "field-invalid"),
    ] {
        let body = format!(r#"{{"subject":"{subject}","purposes":{purposes},"language":"en"}}"#);
        test.post("/v1/sites/example/subscriptions", &[], &body).await.problem(422, name);
    }
    assert_eq!(std::fs::read_dir(test.folder.path().join("mail")).unwrap().count(), 0);
}

#[tokio::test]
async fn forged_links() {
    let test = TestApp::new().await;
    let page = test.get("/v1/sites/example/confirm?token=a.b.c", &[]).await;
    assert_eq!(page.status, 410);
    assert!(!page.text.contains("<form"));
    assert_eq!(test.get("/v1/sites/example/confirm", &[]).await.status, 410);
    assert_eq!(
        test.form("/v1/sites/example/confirm", "token=a.b.c&choice=accept").await.status,
        410
    );
    let answer = test.form("/v1/sites/example/confirm", "token=a.b.c&choice=wink").await;
    answer.problem(400, "body-malformed");
}

#[tokio::test]
async fn a_store_that_fails_is_never_a_yes() {
    let test = TestApp::new().await;
    let bearer = test.token(&["check"]).await;
    let granted = test.decide(GRANT, "preferences", None).await.json()["receipt"].clone();
    let subject = test.app.verify(granted.as_str().unwrap()).unwrap().claims().sub.to_string();
    assert_eq!(test.check(&bearer, &subject, "analytics").await.json()["allowed"], true);

    test.database().execute_batch("DROP TABLE subject").unwrap();
    let answer = test.check(&bearer, &subject, "analytics").await;
    answer.problem(503, "store-unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    let receipts = count(&test);
    test.decide(GRANT, "preferences", None).await.problem(503, "store-unavailable");
    assert_eq!(count(&test), receipts, "no receipt without its state");
}
