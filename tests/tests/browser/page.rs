//! Pages of the tests' own, with the loader in them.

use consent_tests::{Answer, Stage};

/// A page that embeds the loader; `{third}` stands for the third party's origin.
pub(crate) fn page(stage: &Stage, head: &str, body: &str) -> Answer {
    let loader = format!("{}/v1/sites/cloud-pbs/consent.js", stage.at.consent);
    let text = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>A page</title>\
         <script src=\"{loader}\"></script>{head}</head><body><h1>A page</h1>{body}\
         <button type=\"button\" data-consent-open>Choices</button>\
         <button type=\"button\" data-consent-withdraw>Withdraw</button></body></html>"
    );
    Answer::html(text.replace("{third}", stage.third.origin()))
}

/// Sets that page at a path, and opens it.
pub(crate) async fn open(stage: &Stage, head: &str, body: &str) {
    let url = stage.pages.set("/page", page(stage, head, body));
    stage.browser.open(&url).await;
}

/// The paths of what reached the third party, in order.
pub(crate) fn reached(stage: &Stage) -> Vec<String> {
    stage.network.to(stage.third.origin()).into_iter().map(|seen| seen.path).collect()
}

/// What the page and the loader wrote to the console, without what the browser itself says of
/// requests that failed.
pub(crate) async fn told(stage: &Stage) -> Vec<String> {
    let mut lines = stage.browser.console().await;
    lines.retain(|line| line.contains("consent:"));
    lines
}
