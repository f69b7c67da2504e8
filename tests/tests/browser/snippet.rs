//! The loader inside the page, under a policy that lets nothing but it run, and trusts no text:
//! `require-trusted-types-for 'script'`.

use consent_core::Digest;
use consent_tests::{Answer, Kind, Stage, in_both_browsers, wait_for};
use data_encoding::BASE64;

use super::page::reached;

in_both_browsers!(the_loader_in_the_page_makes_no_request_on_a_return_visit);

async fn open(stage: &Stage, inside: &str) {
    let loader = format!("{}/v1/sites/cloud-pbs/consent.js", stage.at.consent);
    let loader = reqwest::get(loader).await.unwrap().text().await.unwrap();
    let hash = BASE64.encode(Digest::of(loader.as_bytes()).as_bytes());
    let (consent, third) = (&stage.at.consent, stage.third.origin());
    let policy = format!(
        "default-src 'none'; img-src 'self'; script-src 'sha256-{hash}' {consent} {third} 'wasm-unsafe-eval'; \
         connect-src {consent}; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types consent"
    );
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><title>A page</title><script>{loader}</script></head>\
         <body><h1>A page</h1>{inside}<button type=\"button\" data-consent-open>Choices</button></body></html>"
    );
    stage.browser.open(&stage.pages.set("/page", Answer::html(html).policy(&policy))).await;
}

async fn the_loader_in_the_page_makes_no_request_on_a_return_visit(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    let template = format!(
        "<template data-consent=\"analytics\"><script src=\"{}/a.js\"></script></template>",
        stage.third.origin()
    );
    open(&stage, &template).await;
    // Banner, panel and decision, all of it under that policy.
    stage.browser.press("button[value=customize]").await;
    stage.browser.press("input[name=purpose][value=analytics]").await;
    stage.browser.press("button[value=save]").await;
    stage.decided(1).await;
    wait_for("what was granted", async || (reached(&stage) == ["/a.js"]).then_some(())).await;
    let violations = stage.browser.console().await;
    assert!(!violations.iter().any(|line| line.contains("Security Policy")), "{violations:?}");

    stage.network.clear();
    open(&stage, &template).await;
    wait_for("what was granted", async || (reached(&stage) == ["/a.js"]).then_some(())).await;
    assert_eq!(stage.network.to(&stage.at.consent), []);
}
