//! The page without a script, from opening it to taking everything back.

use consent_core::receipt::Layer;
use consent_core::{Claims, Method, Recorded};

use super::*;

const CHOICES: &str = "/v1/sites/example/choices";

/// The value of the first hidden field of that name.
fn hidden(page: &Answer, name: &str) -> Option<String> {
    let at = page.text.find(&format!("type=\"hidden\" name=\"{name}\""))?;
    let start = page.text[..at].rfind("value=\"")? + "value=\"".len();
    let value = &page.text[start..at];
    Some(value[..value.find('"')?].to_owned())
}

/// What a browser sends when that button of the page is pressed, with these boxes and radios.
fn form(page: &Answer, button: &str, more: &str) -> String {
    let fields = ["policy", "language", "visit", "since", "receipt"];
    let fields = fields.iter().filter_map(|name| Some(format!("{name}={}&", hidden(page, name)?)));
    fields.chain([format!("choice={button}{more}")]).collect()
}

/// The opening tag of the field with that name and value.
fn field<'p>(page: &'p Answer, name: &str, value: &str) -> &'p str {
    let found = page.text.split('<').find(|tag| {
        tag.contains(&format!("name=\"{name}\"")) && tag.contains(&format!("value=\"{value}\""))
    });
    found.unwrap_or_else(|| panic!("{name} {value}: {}", page.text)).split('>').next().unwrap()
}

fn is_chosen(page: &Answer, name: &str, value: &str) -> bool {
    field(page, name, value).contains("checked")
}

impl TestApp {
    async fn page(&self) -> Answer {
        self.get(CHOICES, &[]).await
    }

    async fn send_fields(&self, body: &str, headers: &[(&str, &str)]) -> Answer {
        let kind = "application/x-www-form-urlencoded";
        let mut request = Request::post(CHOICES).header(header::CONTENT_TYPE, kind);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn send_form(&self, page: &Answer, button: &str, more: &str) -> Answer {
        self.send_fields(&form(page, button, more), &[("origin", OWN)]).await
    }

    /// What the receipt on a page says.
    #[track_caller]
    fn stated(&self, page: &Answer) -> Claims {
        assert_eq!(page.status, 200, "{}", page.text);
        let receipt = hidden(page, "receipt").expect("a receipt");
        assert!(page.text.contains(&format!("{receipt}</textarea>")), "to be kept");
        self.app.verify(&receipt).unwrap().claims().clone()
    }

    fn receipts(&self) -> i64 {
        self.count("SELECT count(*) FROM receipt")
    }
}

fn state(claims: &Claims, purpose: &str) -> Option<Recorded> {
    claims.purposes.get(&purpose.parse().unwrap()).map(|outcome| outcome.state)
}

#[tokio::test]
async fn accepting_and_then_refusing_withdraws() {
    let test = TestApp::new().await;
    let page = test.page().await;
    assert_eq!(page.status, 200);
    assert!(hidden(&page, "receipt").is_none() && !page.text.contains("checked"));

    let accepted = test.send_form(&page, "accept", "").await;
    let first = test.stated(&accepted);
    assert_eq!((first.method, first.layer), (Method::AcceptAll, Some(Layer::Page)));
    assert_eq!(state(&first, "analytics"), Some(Recorded::Granted));
    assert_eq!(state(&first, "communications"), Some(Recorded::Granted));
    assert!(accepted.text.contains("<h1>Your choices are recorded</h1>"));
    assert!(is_chosen(&accepted, "purpose.analytics", "granted"));
    let cookie = accepted.cookies();
    assert!(
        cookie.len() == 1 && cookie[0].starts_with("consent=1.1.hovs0.gg-; Path=/"),
        "{cookie:?}"
    );
    let notice = test.get("/v1/sites/example/notice", &[]).await.json();
    let canonical = serde_json_canonicalizer::to_vec(&notice).unwrap();
    assert_eq!(first.notice.digest, Digest::of(&canonical), "the text that was shown");

    let refused = test.send_form(&accepted, "refuse", "").await;
    let second = test.stated(&refused);
    assert_eq!(second.sub, first.sub, "the receipt proves that it is the same visitor");
    assert!(second.previous.is_some());
    assert_eq!(state(&second, "analytics"), Some(Recorded::Withdrawn));
    assert!(is_chosen(&refused, "purpose.analytics", "refused"));
    assert!(!is_chosen(&refused, "purpose.analytics", "granted"));
    assert!(refused.cookies()[0].starts_with("consent=1.1.hovs0.rr-;"));
}

#[tokio::test]
async fn each_purpose_by_itself_and_an_objection() {
    let test = TestApp::new().await;
    let page = test.page().await;
    let more = "&purpose.analytics=granted&purpose.communications=refused&object.safety=on";
    let saved = test.send_form(&page, "save", more).await;
    let claims = test.stated(&saved);
    assert_eq!(claims.method, Method::Preferences);
    assert_eq!(state(&claims, "analytics"), Some(Recorded::Granted));
    assert_eq!(state(&claims, "communications"), Some(Recorded::Refused));
    assert_eq!(state(&claims, "safety"), Some(Recorded::Objected));
    assert!(is_chosen(&saved, "object.safety", "on"));
    // A box that is no longer ticked takes the objection back; what is not answered stays.
    let back = test.send_form(&saved, "save", "&purpose.analytics=granted").await;
    let claims = test.stated(&back);
    assert_eq!(state(&claims, "safety"), Some(Recorded::Open));
    assert_eq!(state(&claims, "communications"), None);
    assert!(!is_chosen(&back, "object.safety", "on"));
    assert!(is_chosen(&back, "purpose.communications", "refused"));
    // One that never was ticked says nothing.
    let again = test.send_form(&back, "save", "&purpose.analytics=granted").await;
    assert_eq!(state(&test.stated(&again), "safety"), None);
    // Who answers nothing gets the page again.
    let nothing = test.send_form(&test.page().await, "save", "").await;
    assert_eq!((nothing.status.as_u16(), nothing.cookies().len()), (422, 0));
    assert!(nothing.text.contains("<form"));
}

#[tokio::test]
async fn pressed_twice_it_is_recorded_once() {
    let test = TestApp::new().await;
    let page = test.page().await;
    let first = test.send_form(&page, "accept", "").await;
    let twice = test.send_form(&page, "accept", "").await;
    assert_eq!(hidden(&first, "receipt"), hidden(&twice, "receipt"));
    assert_eq!(test.receipts(), 1);
    // With a receipt, and in between the other answer: going back and pressing again counts.
    let refused = test.send_form(&first, "refuse", "").await;
    let accepted = test.send_form(&first, "accept", "").await;
    let last = test.send_form(&first, "refuse", "").await;
    assert_eq!(test.receipts(), 4);
    assert_ne!(hidden(&refused, "receipt"), hidden(&last, "receipt"));
    assert_eq!(state(&test.stated(&accepted), "analytics"), Some(Recorded::Granted));
    assert_eq!(state(&test.stated(&last), "analytics"), Some(Recorded::Withdrawn));
    // Another visit is another form.
    test.send_form(&test.page().await, "accept", "").await;
    assert_eq!(test.receipts(), 5);
}

#[tokio::test]
async fn another_site_can_neither_send_the_form_nor_frame_the_page() {
    let test = TestApp::new().await;
    let page = test.page().await;
    let body = form(&page, "accept", "");
    for headers in [
        &[][..],
        &[("origin", "null")],
        &[("origin", "http://evil.example")],
        &[("origin", EMBED)],
        &[("origin", "http://127.0.0.1:8787.evil.example")],
    ] {
        test.send_fields(&body, headers).await.problem(403, "origin-foreign");
    }
    assert_eq!(test.receipts(), 0);
    let accepted = test.send_form(&page, "accept", "").await;
    for page in [&page, &accepted] {
        let policy = page.header("content-security-policy");
        for rule in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.contains(rule), "{policy}");
        }
        assert!(!policy.contains("unsafe") && !page.text.contains("<script"));
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("cache-control"), "no-store");
        // Without a referrer a browser would call the origin of the form `null`.
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert!(page.text.contains("<meta name=\"referrer\" content=\"same-origin\">"));
    }
}

#[tokio::test]
async fn a_form_that_was_tampered_with() {
    let test = TestApp::new().await;
    let page = test.page().await;
    let accepted = test.send_form(&page, "accept", "").await;
    let good = form(&accepted, "accept", "");
    let receipt = hidden(&accepted, "receipt").unwrap();
    let with_receipt = |other: &str| good.replace(&receipt, other);
    let own = [("origin", OWN)];
    for (body, status, name) in [
        (String::new(), 422, "field-invalid"),
        ("choice".to_owned(), 422, "field-invalid"),
        (good.replace("choice=accept", "choice=wink"), 422, "field-invalid"),
        (good.replace("policy=1", "policy=one"), 422, "field-invalid"),
        (good.replace("policy=1", "policy=9"), 422, "policy-unknown"),
        (good.replace("policy=1", "policy=0"), 422, "policy-unknown"),
        (format!("{good}&since=one"), 422, "field-invalid"),
        (good.replace("language=en", "language=xx"), 422, "field-invalid"),
        (good.replace("language=en&", ""), 422, "field-invalid"),
        (format!("{good}&choice=refuse"), 422, "field-invalid"),
        (format!("{good}&purpose.analytics=refused"), 422, "field-invalid"),
        (format!("{good}&more=1"), 422, "field-invalid"),
        (form(&page, "save", "&purpose.ads=granted"), 422, "purpose-unknown"),
        (form(&page, "save", "&purpose.service=refused"), 422, "purpose-not-consent"),
        (form(&page, "save", "&purpose.%3Cb%3E=granted"), 422, "field-invalid"),
        (form(&page, "save", "&purpose.analytics=maybe"), 422, "field-invalid"),
        (with_receipt("a.b.c"), 422, "receipt-invalid"),
        (with_receipt(&receipt[..receipt.len() - 4]), 422, "receipt-invalid"),
        (format!("{good}&x={}", "a".repeat(100_000)), 413, "body-too-large"),
    ] {
        test.send_fields(&body, &own).await.problem(status, name);
    }
    let json = test.post(CHOICES, &own, "{}").await;
    json.problem(415, "body-unsupported");
    assert_eq!(test.receipts(), 1, "nothing was recorded");
    let elsewhere = test.get("/v1/sites/other/choices", &[]).await;
    elsewhere.problem(404, "site-unknown");
}

#[tokio::test]
async fn on_a_replaced_policy_a_refusal_counts_and_a_grant_is_asked_anew() {
    let test = TestApp::new().await;
    let page = test.page().await;
    let test = test.published(3).await;
    let again = test.send_form(&page, "accept", "").await;
    assert_eq!((again.status.as_u16(), again.cookies().len()), (409, 0));
    assert_eq!(hidden(&again, "policy").as_deref(), Some("3"), "what is in force now");
    assert_eq!(test.receipts(), 0);
    let refused = test.send_form(&page, "refuse", "").await;
    assert_eq!(state(&test.stated(&refused), "analytics"), Some(Recorded::Refused));
    let accepted = test.send_form(&again, "accept", "").await;
    assert_eq!(test.stated(&accepted).policy.number, 3);
}

#[tokio::test]
async fn the_page_knows_what_the_browser_tells() {
    let test = TestApp::new().await;
    let page = test.get(CHOICES, &[("sec-gpc", "1"), ("cookie", "consent=1.1.hovs0.gr-")]).await;
    assert!(page.text.contains("the signal “Global Privacy Control”"), "{}", page.text);
    assert!(is_chosen(&page, "purpose.analytics", "granted"));
    assert!(is_chosen(&page, "purpose.communications", "refused"));
    let answered = test
        .send_fields(
            &form(&page, "refuse", ""),
            &[("origin", OWN), ("sec-gpc", "1"), ("cookie", "_measure=1")],
        )
        .await;
    assert_eq!(test.stated(&answered).signals, [consent_core::Signal::Gpc]);
    assert_eq!(answered.cookies()[1], "_measure=; Path=/; Max-Age=0");
    for rubbish in
        ["consent=1.1.hovs0.g", "consent=1.2.hovs0.gr-", "consent=1.1.1.gr-", "consent=x"]
    {
        let page = test.get(CHOICES, &[("cookie", rubbish)]).await;
        assert!(page.status == 200 && !page.text.contains("checked"), "{rubbish}");
    }
}

#[tokio::test]
async fn what_has_changed_is_told_there_too() {
    let test = TestApp::new().await.published(3).await;
    let page = test.get(&format!("{CHOICES}?since=1"), &[]).await;
    assert!(page.text.contains("What has changed since your last choice"), "{}", page.text);
    let accepted = test.send_form(&page, "accept", "").await;
    let notice = test.get("/v1/sites/example/notice?since=1", &[]).await.json();
    let canonical = serde_json_canonicalizer::to_vec(&notice).unwrap();
    assert_eq!(test.stated(&accepted).notice.digest, Digest::of(&canonical));
}
