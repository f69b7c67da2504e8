//! Addresses: typed by anybody, confirmed by their owner, checked by marketing.

use super::*;

const ADDRESS: &str = "email:someone@example.org";

impl TestApp {
    pub(super) async fn subscribe(&self, subject: &str) -> Answer {
        let body =
            format!(r#"{{"subject":"{subject}","purposes":["communications"],"language":"en"}}"#);
        self.post("/v1/sites/example/subscriptions", &[("origin", OWN)], &body).await
    }

    /// The token in the newest mail.
    pub(super) fn mailed_token(&self) -> String {
        let mut mails: Vec<_> = std::fs::read_dir(self.folder.path().join("mail"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().extension().is_some_and(|e| e == "eml"))
            .collect();
        mails.sort_by_key(|entry| entry.metadata().unwrap().modified().unwrap());
        let mail = std::fs::read_to_string(mails.last().unwrap().path()).unwrap();
        // Quoted-printable: soft line breaks go, `=3D` is an equals sign.
        let plain = mail.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=");
        let (_, rest) = plain.split_once("confirm?token=").unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }

    /// How many mails were sent.
    pub(super) fn mails(&self) -> usize {
        let folder = std::fs::read_dir(self.folder.path().join("mail")).unwrap();
        let is_mail = |path: std::path::PathBuf| path.extension().is_some_and(|end| end == "eml");
        folder.filter(|entry| is_mail(entry.as_ref().unwrap().path())).count()
    }

    async fn press(&self, token: &str, button: &str) -> Answer {
        self.form("/v1/sites/example/confirm", &format!("token={token}&choice={button}")).await
    }

    async fn state(&self, bearer: &str) -> (bool, String) {
        let answer = self.check(bearer, ADDRESS, "communications").await.json();
        (answer["allowed"].as_bool().unwrap(), answer["state"].as_str().unwrap().to_owned())
    }
}

fn state(allowed: bool, state: &str) -> (bool, String) {
    (allowed, state.to_owned())
}

#[tokio::test]
async fn only_the_owner_of_an_address_grants_and_withdraws() {
    let test = TestApp::new().await;
    let check = test.token(&["check"]).await;
    assert_eq!(test.state(&check).await, state(false, "never_asked"));

    let typed = test.subscribe(ADDRESS).await;
    assert_eq!(
        (typed.status.as_u16(), typed.text.as_str()),
        (202, r#"{"status":"confirmation_sent"}"#)
    );
    assert_eq!(test.state(&check).await, state(false, "unconfirmed"));

    let token = test.mailed_token();
    let page = test.get(&format!("/v1/sites/example/confirm?token={token}"), &[]).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains(r#"value="accept""#) && page.text.contains(r#"value="refuse""#));
    assert_eq!(
        test.state(&check).await,
        state(false, "unconfirmed"),
        "opening the link grants nothing"
    );

    let granted = test.press(&token, "accept").await;
    assert!(granted.text.contains(r#"value="withdraw""#), "{}", granted.text);
    assert_eq!(test.state(&check).await, state(true, "granted"));
    test.press(&token, "accept").await;
    assert_eq!(test.state(&check).await, state(true, "granted"), "pressed twice");

    assert_eq!(test.subscribe(ADDRESS).await.text, typed.text, "a known address is answered alike");
    assert_eq!(
        test.state(&check).await,
        state(true, "granted"),
        "typing changes nothing that exists"
    );

    test.press(&token, "withdraw").await;
    assert_eq!(test.state(&check).await, state(false, "withdrawn"));
    test.subscribe(ADDRESS).await;
    assert_eq!(test.state(&check).await, state(false, "withdrawn"));
}

#[tokio::test]
async fn typing_an_address_again_and_again_sends_one_mail() {
    let test = TestApp::new().await;
    for _ in 0..5 {
        assert_eq!(test.subscribe(ADDRESS).await.status, 202, "the answer does not tell");
    }
    assert_eq!(test.mails(), 1);
    test.clock.0.fetch_add(600, Ordering::SeqCst);
    test.subscribe(ADDRESS).await;
    assert_eq!(test.mails(), 2);
}

#[tokio::test]
async fn refusing_the_question_is_recorded_as_refused() {
    let test = TestApp::new().await;
    let check = test.token(&["check"]).await;
    test.subscribe(ADDRESS).await;
    test.press(&test.mailed_token(), "refuse").await;
    assert_eq!(test.state(&check).await, state(false, "refused"));
}

#[tokio::test]
async fn a_grant_expires() {
    let test = TestApp::new().await;
    let check = test.token(&["check"]).await;
    test.subscribe(ADDRESS).await;
    test.press(&test.mailed_token(), "accept").await;
    test.pass_days(180);
    assert_eq!(test.state(&check).await, state(true, "granted"));
    test.pass_days(2);
    assert_eq!(test.state(&check).await, state(false, "expired"));
}

#[tokio::test]
async fn a_link_grants_for_a_week_and_withdraws_for_ever() {
    let test = TestApp::new().await;
    let check = test.token(&["check"]).await;
    test.subscribe(ADDRESS).await;
    let late = test.mailed_token();
    test.pass_days(8);
    assert_eq!(test.press(&late, "accept").await.status, 410);
    assert_eq!(test.state(&check).await, state(false, "expired"));

    test.subscribe(ADDRESS).await;
    test.press(&test.mailed_token(), "accept").await;
    test.pass_days(30);
    test.press(&late, "withdraw").await;
    assert_eq!(test.state(&check).await, state(false, "withdrawn"));
}

#[tokio::test]
async fn only_a_material_change_of_the_policy_supersedes() {
    let test = TestApp::new().await;
    let check = test.token(&["check"]).await;
    test.subscribe(ADDRESS).await;
    let token = test.mailed_token();
    test.press(&token, "accept").await;
    test.app.close().await;

    let test = TestApp::at(test.folder, 2).await;
    assert_eq!(test.state(&check).await, state(true, "granted"));
    test.press(&token, "withdraw").await;
    assert_eq!(test.press(&token, "accept").await.status, 200, "it asked the same");
    assert_eq!(test.state(&check).await, state(true, "granted"));
    test.app.close().await;

    let test = TestApp::at(test.folder, 3).await;
    assert_eq!(test.state(&check).await, state(false, "superseded"));
    assert_eq!(
        test.press(&token, "accept").await.status,
        410,
        "the link asked about another policy"
    );
    assert_eq!(test.state(&check).await, state(false, "superseded"));
}

#[tokio::test]
async fn an_operator_withdraws_with_a_token_of_that_scope() {
    let test = TestApp::new().await;
    let (check, withdraw) = (test.token(&["check"]).await, test.token(&["withdraw"]).await);
    test.subscribe(ADDRESS).await;
    test.press(&test.mailed_token(), "accept").await;
    let path = "/v1/sites/example/withdrawals";
    let body = format!(r#"{{"subject":"{ADDRESS}","purposes":["communications"]}}"#);
    test.post(path, &[], &body).await.problem(401, "token-missing");
    test.post(path, &[("authorization", &check)], &body).await.problem(403, "token-scope");
    assert_eq!(test.state(&check).await, state(true, "granted"));
    let done = test.post(path, &[("authorization", &withdraw)], &body).await;
    assert_eq!(
        (done.status.as_u16(), &done.json()["states"]["communications"]),
        (201, &"withdrawn".into())
    );
    assert!(done.json().get("receipt").is_none(), "with a receipt the operator could grant");
    assert_eq!(test.state(&check).await, state(false, "withdrawn"));
}

#[tokio::test]
async fn the_receipt_of_an_address_decides_nothing_elsewhere() {
    let test = TestApp::new().await;
    let check = test.token(&["check"]).await;
    test.subscribe(ADDRESS).await;
    let page = test.press(&test.mailed_token(), "refuse").await;
    let (_, rest) = page.text.split_once("<textarea").unwrap();
    let receipt = rest.split_once('>').unwrap().1.split_once('<').unwrap().0;
    assert!(test.app.verify(receipt).is_ok());
    let answer = test.decide(r#"{"communications":"granted"}"#, "accept_all", Some(receipt)).await;
    assert!(answer.problem(422, "receipt-invalid").contains("the receipt of an address"));
    assert_eq!(test.state(&check).await, state(false, "refused"));
}

#[tokio::test]
async fn a_check_takes_a_token() {
    let test = TestApp::new().await;
    let path = format!("/v1/sites/example/check?subject={ADDRESS}&purpose=communications");
    let none = test.get(&path, &[]).await;
    none.problem(401, "token-missing");
    assert_eq!(none.header("www-authenticate"), "Bearer");
    test.check("Bearer ct_wrong", ADDRESS, "communications").await.problem(401, "token-unknown");
    test.check("Basic Y3Q6Y3Q=", ADDRESS, "communications").await.problem(401, "token-missing");
    let withdraw = test.token(&["withdraw"]).await;
    test.check(&withdraw, ADDRESS, "communications").await.problem(403, "token-scope");
}

#[tokio::test]
async fn a_browser_is_checked_by_its_key() {
    let test = TestApp::new().await;
    let check = test.token(&["check"]).await;
    let receipt =
        test.decide(r#"{"analytics":"granted"}"#, "preferences", None).await.json()["receipt"]
            .clone();
    let subject = test.app.verify(receipt.as_str().unwrap()).unwrap().claims().sub.to_string();
    let answer = test.check(&check, &subject, "analytics").await.json();
    assert_eq!(
        (&answer["allowed"], &answer["as_of"]),
        (&true.into(), &"2026-01-01T00:00:00Z".into())
    );
    let other = test.check(&check, &subject, "communications").await.json();
    assert_eq!((&other["allowed"], &other["state"]), (&false.into(), &"never_asked".into()));
}

#[tokio::test]
async fn nothing_stored_or_mailed_for_others_holds_the_address() {
    let test = TestApp::new().await;
    test.subscribe(ADDRESS).await;
    test.press(&test.mailed_token(), "accept").await;
    test.app.close().await;
    for entry in std::fs::read_dir(test.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(7).any(|window| window == b"someone");
            assert!(!found, "{}", path.display());
        }
    }
}
