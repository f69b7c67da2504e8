//! Frames of others: in their place stand a few words and two buttons, until somebody decides.

use consent_tests::{Stage, Storage, wait_for};

use super::page::{open, reached};

const FRAMES: &str = "\
    <iframe title=\"One\" width=\"560\" height=\"315\" data-consent=\"analytics\" data-src=\"{third}/one.html\"></iframe>\
    <iframe title=\"Two\" width=\"560\" height=\"315\" data-consent=\"analytics\" data-src=\"{third}/two.html\"></iframe>";

/// Waits until that button of that placeholder is there; it can be pressed as an element.
async fn button(stage: &Stage, place: usize, value: &str) -> thirtyfour::WebElement {
    let script = format!(
        "return document.querySelectorAll('consent-frame')[{place}]?.shadowRoot.querySelector('button[value={value}]') ?? null"
    );
    wait_for("a placeholder", async || {
        let found = stage.browser.driver().execute(script.as_str(), Vec::new()).await.ok()?;
        found.element().ok()
    })
    .await
}

async fn placeholders(stage: &Stage, count: usize) {
    wait_for("so many placeholders", async || {
        let script = "return document.querySelectorAll('consent-frame').length";
        (stage.browser.run(script).await == count).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn this_time_shows_one_frame_and_remembers_nothing() {
    let stage = Stage::set().await;
    open(&stage, "", FRAMES).await;
    let once = button(&stage, 0, "once").await;
    let text =
        "return document.querySelector('consent-frame').shadowRoot.querySelector('p').textContent";
    let said = stage.browser.run(text).await;
    let host = stage.third.origin().trim_start_matches("http://");
    assert_eq!(
        said,
        format!("This content comes from {host}. It needs your consent for: Audience measurement.")
    );
    assert_eq!(reached(&stage), [""; 0]);
    // A script's click shows nothing.
    stage
        .browser
        .run(
            "for (const frame of document.querySelectorAll('consent-frame'))
                  for (const button of frame.shadowRoot.querySelectorAll('button')) button.click()",
        )
        .await;
    once.scroll_into_view().await.unwrap();
    // The banner lies over the page; its answer is not needed for this.
    stage
        .browser
        .driver()
        .execute("arguments[0].focus()", vec![once.to_json().unwrap()])
        .await
        .unwrap();
    stage.browser.key(thirtyfour::Key::Enter).await;
    placeholders(&stage, 1).await;
    wait_for("the frame", async || (!reached(&stage).is_empty()).then_some(())).await;
    assert_eq!(reached(&stage), ["/one.html"]);
    assert_eq!(stage.browser.storage().await, Storage::default());
    assert_eq!(stage.browser.run("return consent.allows('analytics')").await, false);
    let posts =
        stage.network.to(&stage.at.consent).into_iter().filter(|seen| seen.method == "POST");
    assert_eq!(posts.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn always_is_a_decision_about_that_purpose_alone() {
    let stage = Stage::set().await;
    open(&stage, "", FRAMES).await;
    let always = button(&stage, 1, "always").await;
    stage
        .browser
        .driver()
        .execute("arguments[0].focus()", vec![always.to_json().unwrap()])
        .await
        .unwrap();
    stage.browser.key(thirtyfour::Key::Enter).await;
    let asked = stage.decided(1).await;
    assert_eq!(asked["choices"], serde_json::json!({ "analytics": "granted" }));
    assert_eq!(asked["method"], "preferences");
    placeholders(&stage, 0).await;
    wait_for("both frames", async || (reached(&stage).len() == 2).then_some(())).await;
    // What was not asked is still asked.
    stage.browser.shown("button[value=refuse]").await;
    assert_eq!(stage.browser.run("return consent.allows('communications')").await, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn refusing_leaves_the_placeholder_and_loads_nothing_ever() {
    let stage = Stage::set().await;
    open(&stage, "", FRAMES).await;
    button(&stage, 0, "once").await;
    stage.browser.press("button[value=refuse]").await;
    stage.decided(1).await;
    stage.browser.gone().await;
    open(&stage, "", FRAMES).await;
    button(&stage, 1, "always").await;
    placeholders(&stage, 2).await;
    assert_eq!(reached(&stage), [""; 0]);
    // Changing one's mind is enough.
    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.press("dialog button[value=accept]").await;
    placeholders(&stage, 0).await;
    wait_for("both frames", async || (reached(&stage).len() == 2).then_some(())).await;
}
