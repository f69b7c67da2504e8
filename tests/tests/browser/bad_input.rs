//! What can go wrong around the loader. In each case nothing that needs consent runs, the page
//! works, and one clear line on the console says what is wrong.

use consent_tests::{Answer, Stage, wait_for};

use super::page::{open, page, reached, told};

const TEMPLATE: &str = "<template data-consent=\"analytics\"><script src=\"{third}/a.js\"></script>\
                        </template><p>The end</p>";

/// Waits for the one line, and makes sure that it stays the only one, that nothing ran, and that
/// the page did.
async fn one_line(stage: &Stage, what: &str, expected: &str) {
    let lines = wait_for(what, async || {
        let lines = told(stage).await;
        (!lines.is_empty()).then_some(lines)
    })
    .await;
    assert_eq!(lines.len(), 1, "{what}: {lines:?}");
    assert!(lines[0].contains(expected), "{what}: {lines:?}");
    let script = "return [document.querySelector('h1').textContent, window.consent?.allows('analytics') ?? false]";
    assert_eq!(stage.browser.run(script).await, serde_json::json!(["A page", false]), "{what}");
    assert_eq!(reached(stage), [""; 0], "{what}");
}

/// A page whose loader talks to a stand-in at the pages' own origin, which answers so.
async fn stand_in(stage: &Stage, ask: Answer) {
    let loader = format!("{}/v1/sites/cloud-pbs", stage.at.consent);
    let text = reqwest::get(format!("{loader}/consent.js")).await.unwrap().text().await.unwrap();
    stage.pages.set("/consent.js", Answer::script(text.replace(&loader, stage.pages.origin())));
    stage.pages.set("/ask.js", ask);
    let template = TEMPLATE.replace("{third}", stage.third.origin());
    let html = format!(
        "<!doctype html><html lang=\"en\"><title>A page</title><script src=\"/consent.js\"></script>\
         <h1>A page</h1>{template}"
    );
    stage.browser.open(&stage.pages.set("/page", Answer::html(html))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_errors_or_rubbish() {
    let stage = Stage::set().await;
    let real = format!("{}/v1/sites/cloud-pbs", stage.at.consent);
    let ask = reqwest::get(format!("{real}/ask.js")).await.unwrap().text().await.unwrap();
    for (what, ask) in [
        ("ask.js fails", Answer::script("").status(500)),
        ("ask.js is rubbish", Answer::script("][")),
        ("ask.js is a page", Answer::html("<p>Hello")),
        ("ask.js is empty", Answer::script("")),
        ("ask.js is cut off", Answer::script(&ask[..ask.len() / 2])),
    ] {
        stand_in(&stage, ask).await;
        one_line(&stage, what, "no banner, no preferences").await;
    }
    // Without the loader, nothing that is marked runs either.
    stand_in(&stage, Answer::script(&ask)).await;
    told(&stage).await;
    for loader in [Answer::script("").status(500), Answer::script("]["), Answer::html("<p>Hello")] {
        stage.pages.set("/consent.js", loader);
        stage.browser.open(&format!("{}/page", stage.pages.origin())).await;
        assert_eq!(
            stage.browser.run("return document.querySelector('h1').textContent").await,
            "A page"
        );
        assert_eq!(reached(&stage), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_is_answered_with_rubbish_grants_nothing() {
    let stage = Stage::set().await;
    let real = format!("{}/v1/sites/cloud-pbs", stage.at.consent);
    let ask = reqwest::get(format!("{real}/ask.js")).await.unwrap().text().await.unwrap();
    stand_in(&stage, Answer::script(&ask)).await;
    for answer in [
        Answer::html("<p>Hello"),
        Answer::of("application/json", b"{}".to_vec()),
        Answer::of("application/json", b"null".to_vec()),
        Answer::of("application/json", b"{\"cookie\":\"rubbish\",\"receipt\":\"x\"}".to_vec()),
        Answer::of("application/json", Vec::new()).status(500),
        Answer::of("application/json", Vec::new()).status(409),
    ] {
        stage.pages.set("/decisions", answer.clone());
        stage.browser.press("button[value=accept]").await;
        let error = stage.browser.shown(".error").await;
        assert!(!error.text().await.unwrap().is_empty());
        assert_eq!(
            stage.browser.run("return consent.allows('analytics')").await,
            false,
            "{answer:?}"
        );
        assert_eq!(reached(&stage), [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn storage_that_throws_is_empty_storage() {
    let stage = Stage::set().await;
    let broken = "<script>for (const method of ['getItem', 'setItem', 'removeItem'])
        Storage.prototype[method] = () => { throw new DOMException('full', 'QuotaExceededError'); };</script>";
    // Before the loader, as in a browser whose storage is off.
    let html = page(&stage, "", TEMPLATE);
    let url = stage.pages.set("/page", html);
    stage.browser.open(&url).await;
    stage.browser.shown("button[value=accept]").await;
    open(&stage, broken, TEMPLATE).await;
    stage.browser.press("button[value=refuse]").await;
    assert_eq!(stage.decided(1).await["method"], "refuse_all");
    stage.browser.gone().await;
    open(&stage, broken, TEMPLATE).await;
    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.press("dialog button[value=accept]").await;
    wait_for("what was granted", async || (reached(&stage) == ["/a.js"]).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_cookies_are_blocked_a_choice_holds_for_the_page() {
    let stage = Stage::set().await;
    // A page in a sandbox has no cookies and no storage.
    let origin = stage.at.consent.clone();
    let html = page(&stage, "", TEMPLATE).policy("sandbox allow-scripts");
    let _ = origin;
    stage.browser.open(&stage.pages.set("/page", html)).await;
    // Its origin is opaque, so the server lets it ask nothing.
    one_line(&stage, "a sandbox", "ask.js").await;
    stage.browser.run("consent.refuse()").await;
    assert_eq!(stage.browser.run("return consent.allows('analytics')").await, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_that_names_no_purpose_two_loaders_and_a_host_that_is_thrown_out() {
    let stage = Stage::set().await;
    let unknown =
        "<template data-consent=\"anaIytics\"><script src=\"{third}/u.js\"></script></template><p>";
    open(&stage, "", unknown).await;
    one_line(&stage, "an unknown purpose", "no such purpose: anaIytics").await;

    let again =
        format!("<script src=\"{}/v1/sites/cloud-pbs/consent.js\"></script>", stage.at.consent);
    open(&stage, &again, TEMPLATE).await;
    one_line(&stage, "two loaders", "loaded twice").await;
    stage.browser.shown("button[value=accept]").await;
    assert_eq!(
        stage.browser.run("return document.querySelectorAll('consent-banner').length").await,
        1
    );

    open(&stage, "", TEMPLATE).await;
    stage.browser.shown("button[value=accept]").await;
    stage
        .browser
        .run(
            "new MutationObserver(() => document.querySelector('consent-banner')?.remove())
                 .observe(document.body, { childList: true });
             document.querySelector('consent-banner').remove();",
        )
        .await;
    one_line(&stage, "a host that is thrown out", "the page removes the banner").await;
}
