//! What is shown, to whom, in which language; what receipts say of that; and what a browser is told
//! of its own decisions.

use consent_core::receipt::Layer;
use consent_core::{Claims, Recorded, Signal};

use super::*;

const NOTICE: &str = "/v1/sites/example/notice";
const BANNER: &str = "/v1/sites/example/banner";
const ME: &str = "/v1/sites/example/me";
const REFUSE: &str = r#"{"analytics":"refused","communications":"refused"}"#;
const GRANT: &str = r#"{"analytics":"granted","communications":"granted"}"#;

impl TestApp {
    fn claims(&self, answer: &Answer) -> Claims {
        self.app.verify(&answer.receipt()).unwrap().claims().clone()
    }

    /// Sends a decision with further fields and headers.
    async fn decides(
        &self,
        policy: u32,
        choices: &str,
        method: &str,
        more: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let body = format!(
            r#"{{"policy":{policy},"choices":{choices},"method":"{method}","language":"en"{more}}}"#
        );
        let headers: Vec<_> = [("origin", OWN)].iter().chain(headers).copied().collect();
        self.post(DECISIONS, &headers, &body).await
    }

    async fn me(&self, receipt: &str, query: &str) -> Answer {
        let bearer = format!("Bearer {receipt}");
        self.get(&format!("{ME}{query}"), &[("authorization", &bearer)]).await
    }

    /// The digest of the notice that is served there, which has to be kept as well.
    async fn digest_of(&self, query: &str) -> Digest {
        let notice = self.get(&format!("{NOTICE}{query}"), &[]).await.json();
        Digest::of(&serde_json_canonicalizer::to_vec(&notice).unwrap())
    }

    async fn is_kept(&self, digest: Digest) -> bool {
        let store = &self.app.site(&"example".parse().unwrap()).unwrap().region.store;
        store.notice(digest).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn who_chose_under_an_earlier_policy_is_told_what_has_changed() {
    let test = TestApp::new().await.published(2).await.published(3).await;
    let plain = test.digest_of("").await;
    for (since, changed) in [(1, true), (2, true), (3, false), (0, false), (4, false), (77, false)]
    {
        let query = format!("?since={since}");
        let notice = test.get(&format!("{NOTICE}{query}"), &[]).await.json();
        let changes = notice["changes"].as_array().cloned().unwrap_or_default();
        assert_eq!(!changes.is_empty(), changed, "{since}: {notice}");
        assert!(
            changes.iter().all(|told| told.as_str().unwrap().starts_with("Asked again because"))
        );
        let digest = test.digest_of(&query).await;
        assert_eq!(digest != plain, changed, "{since}");
        assert!(test.is_kept(digest).await);
        // The receipt names exactly that text.
        let more = format!(r#","since":{since}"#);
        let decided = test.decides(3, GRANT, "accept_all", &more, &[]).await;
        assert_eq!(test.claims(&decided).notice.digest, digest, "{since}");
    }
    let wrong = test.get(&format!("{NOTICE}?since=yesterday"), &[]).await;
    wrong.problem(422, "field-invalid");
    let more = r#","since":"1""#;
    test.decides(3, GRANT, "accept_all", more, &[]).await.problem(422, "field-invalid");
}

#[tokio::test]
async fn a_change_that_asks_nobody_again_is_not_told() {
    let test = TestApp::new().await.published(2).await;
    assert_eq!(test.digest_of("?since=1").await, test.digest_of("").await);
}

#[tokio::test]
async fn the_banner_is_whole() {
    let test = TestApp::new().await;
    let answer = test.get(BANNER, &[]).await;
    assert!(answer.headers.get_all("vary").iter().any(|value| value == "Accept-Language"));
    let banner = answer.json();
    assert_eq!((&banner["theme"], &banner["position"]), (&"auto".into(), &"corner".into()));
    assert_eq!(banner["purposes"]["analytics"], "Audience measurement");
    assert_eq!(banner["labels"]["frame_once"], "Show it this time");
    assert!(banner["html"].as_str().unwrap().contains("value=\"refuse\""));
}

#[tokio::test]
async fn a_receipt_says_where_and_with_which_signals() {
    let test = TestApp::new().await;
    for (layer, told) in
        [("first", Layer::First), ("preferences", Layer::Preferences), ("page", Layer::Page)]
    {
        let more = format!(r#","layer":"{layer}""#);
        let decided = test.decides(1, GRANT, "accept_all", &more, &[]).await;
        assert_eq!(test.claims(&decided).layer, Some(told));
    }
    for (body, headers, expected) in [
        ("", &[][..], &[][..]),
        (r#","signals":["gpc"]"#, &[], &[Signal::Gpc]),
        (r#","signals":["gpc","gpc"]"#, &[("sec-gpc", "1")], &[Signal::Gpc]),
        ("", &[("sec-gpc", "1"), ("dnt", "1")], &[Signal::Gpc, Signal::Dnt]),
        ("", &[("sec-gpc", "true"), ("dnt", "0")], &[]),
    ] {
        let decided = test.decides(1, REFUSE, "signal", body, headers).await;
        assert_eq!(test.claims(&decided).signals, expected, "{body} {headers:?}");
    }
    for (more, detail) in [
        (r#","signals":["tcf"]"#, "unknown variant `tcf`"),
        (r#","signals":"gpc""#, "invalid type"),
        (r#","layer":"footer""#, "unknown variant `footer`"),
        (r#","layer":"mail""#, "layer: a decision sent here is made in no mail"),
    ] {
        let answer = test.decides(1, REFUSE, "refuse_all", more, &[]).await;
        let told = answer.problem(422, "field-invalid");
        assert!(told.contains(detail), "{told}");
    }
}

#[tokio::test]
async fn a_refusal_needs_no_new_text() {
    let test = TestApp::new().await;
    let shown = test.digest_of("").await;
    let granted = test.decides(1, GRANT, "accept_all", "", &[]).await.receipt();
    let test = test.published(3).await;
    let previous = format!(r#","previous":"{granted}""#);
    for (choices, method) in [
        (REFUSE, "withdrawal"),
        (REFUSE, "refuse_all"),
        (r#"{"analytics":"refused","gone":"refused","service":"refused"}"#, "preferences"),
    ] {
        let answer = test.decides(1, choices, method, &previous, &[]).await;
        assert_eq!(answer.json()["states"]["analytics"]["state"], "withdrawn", "{}", answer.text);
        let claims = test.claims(&answer);
        assert_eq!(claims.policy.number, 3, "recorded under the policy in force");
        assert_eq!(claims.notice.digest, shown, "with the text that was shown");
        assert!(test.is_kept(shown).await);
        assert!(!claims.purposes.keys().any(|id| ["gone", "service"].contains(&id.as_str())));
    }
    for choices in [GRANT, r#"{"gone":"refused"}"#, r#"{"safety":"granted"}"#] {
        let answer = test.decides(1, choices, "preferences", &previous, &[]).await;
        answer.problem(409, "policy-superseded");
    }
    test.decides(4, REFUSE, "refuse_all", "", &[]).await.problem(422, "policy-unknown");
}

#[tokio::test]
async fn an_objection_has_its_letter() {
    let test = TestApp::new().await;
    let letters = |answer: &Answer| {
        answer.json()["cookie"].as_str().unwrap().rsplit('.').next().unwrap().to_owned()
    };
    let first = test.decide(GRANT, "accept_all", None).await;
    assert_eq!(letters(&first), "gg-", "analytics, communications, safety");
    let receipt = first.receipt();
    let objected = test.decide(r#"{"safety":"refused"}"#, "objection", Some(&receipt)).await;
    assert_eq!(letters(&objected), "ggr");
    let back = test.decide(r#"{"safety":"granted"}"#, "preferences", Some(&receipt)).await;
    assert_eq!(letters(&back), "gg-");
}

#[tokio::test]
async fn the_server_deletes_what_a_script_cannot() {
    let document = consent_core::policy::EXAMPLE.replace(
        "cookie = [{ name = \"_measure\", days = 390 }]",
        "cookie = [{ name = \"_m*\", days = 30 }, { name = \"shared\", days = 30 }, \
         { name = \"co*\", days = 1 }]",
    );
    let keeps = "services = []\ncookie = [{ name = \"shared\", days = 1 }]\ndata = [\"account\"]";
    let document = document.replacen(
        "data = [\"account\"]\ntitle.en = \"The",
        &format!("{keeps}\ntitle.en = \"The"),
        1,
    );
    let folder = tempfile::tempdir().unwrap();
    let test = TestApp::with(folder, Policy::from_toml(&document).unwrap()).await;
    let sent = [
        ("cookie", "_m_1=a; session=b; _m=c; shared=d; consent=1.1.hovs0.g; cookie_x; _m_1=e"),
        ("cookie", "_m 2=f; _measure=\"x;y\""),
    ];
    let gone = |answer: &Answer| -> Vec<String> {
        let deleted = answer.cookies();
        let deleted = deleted.iter().filter(|cookie| !cookie.contains("Max-Age=15638400"));
        deleted.map(|cookie| cookie.strip_suffix("=; Path=/; Max-Age=0").unwrap().into()).collect()
    };
    let refuse = r#"{"analytics":"refused"}"#;
    let refused = test.decides(1, refuse, "refuse_all", "", &sent).await;
    assert_eq!(gone(&refused), ["_m", "_m 2", "_m_1", "_measure", "cookie_x"]);
    let grant = r#"{"analytics":"granted"}"#;
    assert_eq!(gone(&test.decides(1, grant, "accept_all", "", &sent).await), [""; 0]);
    assert_eq!(gone(&test.decides(1, refuse, "refuse_all", "", &[]).await), [""; 0]);
    // Hundreds of them do not make an answer that a proxy refuses.
    let many = (0..500).map(|n| format!("_m{n}=1")).collect::<Vec<_>>().join("; ");
    let answer = test.decides(1, refuse, "refuse_all", "", &[("cookie", &many)]).await;
    assert_eq!(gone(&answer).len(), 40);
}

#[tokio::test]
async fn a_browser_is_told_its_own_decisions() {
    let test = TestApp::new().await;
    let first = test.decide(GRANT, "accept_all", None).await.receipt();
    test.pass_days(1);
    let second = test.decide(REFUSE, "withdrawal", Some(&first)).await.receipt();
    test.decide(GRANT, "accept_all", None).await;
    for receipt in [&first, &second] {
        let answer = test.me(receipt, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
        let me = answer.json();
        let subject = test.app.verify(receipt).unwrap().claims().sub.to_string();
        assert_eq!(me["subject"], subject);
        let decisions = me["decisions"].as_array().unwrap();
        let told = |field: &str| -> Vec<&Value> { decisions.iter().map(|d| &d[field]).collect() };
        assert_eq!(told("receipt"), [&second, &first], "newest first, and no one else's");
        assert_eq!(told("at"), ["2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"]);
        assert_eq!(told("method"), ["withdrawal", "accept_all"]);
        assert_eq!(told("language"), ["en", "en"]);
        assert_eq!(decisions[0]["purposes"]["analytics"], Recorded::Withdrawn.as_str());
        let words = decisions[1]["text"].as_str().unwrap();
        assert!(words.contains("Audience measurement: you agreed"), "{words}");
    }
    // Told with the policies that they were made under, also after another one.
    let test = test.published(3).await;
    let me = test.me(&first, "?lang=fr").await.json();
    assert!(me["decisions"][1]["text"].as_str().unwrap().contains("you agreed"), "{me}");
}

#[tokio::test]
async fn at_most_a_hundred_decisions_are_told() {
    let test = TestApp::new().await;
    let mut receipt = test.decide(GRANT, "accept_all", None).await.receipt();
    let first = receipt.clone();
    for _ in 0..100 {
        receipt = test.decide(GRANT, "accept_all", Some(&receipt)).await.receipt();
    }
    let me = test.me(&receipt, "").await.json();
    assert_eq!(me["decisions"].as_array().unwrap().len(), 100);
    assert_eq!(me["decisions"][0]["receipt"], receipt);
    assert!(me["decisions"].as_array().unwrap().iter().all(|told| told["receipt"] != first));
}

#[tokio::test]
async fn nobody_else_is_told() {
    let test = TestApp::new().await;
    let genuine = test.decide(GRANT, "accept_all", None).await.receipt();
    test.get(ME, &[]).await.problem(401, "token-missing");
    test.get(ME, &[("authorization", "Basic eDp5")]).await.problem(401, "token-missing");
    let region = &test.app.site(&"example".parse().unwrap()).unwrap().region;
    let signed = |edit: fn(&mut Claims)| {
        let mut claims = test.app.verify(&genuine).unwrap().claims().clone();
        edit(&mut claims);
        let receipt =
            consent_core::Receipt::sign(claims, &region.keys.receipts(test.clock.now())).unwrap();
        receipt.as_str().to_owned()
    };
    let address = signed(|claims| {
        let pepper = consent_core::Pepper::new([1; 32]);
        claims.sub = pepper.email(&claims.site, &"a@example.org".parse().unwrap());
    });
    for (receipt, detail) in [
        ("a.b.c".to_owned(), "Authorization: format"),
        (genuine.replace('.', ""), "Authorization: format"),
        ("x".repeat(50_000), "Authorization: size"),
        (genuine.rsplit_once('.').unwrap().0.to_owned() + ".AAAA", "Authorization: "),
        (signed(|claims| claims.site = "other".parse().unwrap()), "a receipt of another site"),
        (address, "the receipt of an address"),
    ] {
        let told = test.me(&receipt, "").await.problem(401, "token-unknown");
        assert!(told.contains(detail), "{told}");
    }
    let bearer = format!("Bearer {genuine}");
    let foreign = [("authorization", bearer.as_str()), ("origin", "http://evil.example")];
    test.get(ME, &foreign).await.problem(403, "origin-foreign");
    test.post(ME, &[], "").await.problem(405, "method-not-allowed");
}

#[tokio::test]
async fn global_privacy_control_is_announced_where_it_is_honoured() {
    const GPC: &str = "/.well-known/gpc.json";
    let test = TestApp::new().await;
    let expected = serde_json::json!({"gpc": true, "lastUpdate": "2026-01-01"});
    assert_eq!(test.get(GPC, &[]).await.json(), expected);

    let document = format!("signals = [\"dnt\"]\n{}", consent_core::policy::EXAMPLE);
    let policy = Policy::from_toml(&document).unwrap();
    let test = TestApp::with(tempfile::tempdir().unwrap(), policy).await;
    test.get(GPC, &[]).await.problem(404, "route-unknown");
}
