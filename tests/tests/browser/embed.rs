//! The same on another origin, whose page has a strict security policy, and on none that the site
//! does not list.

use consent_core::Recorded;
use consent_tests::{Kind, Stage, Storage, in_both_browsers, wait_for};

in_both_browsers!(
    accepting_changing_and_withdrawing_under_a_strict_policy,
    refusing_under_a_strict_policy,
    on_an_origin_that_is_not_listed_nothing_is_asked_and_nothing_runs,
);

async fn visit(stage: &Stage) {
    stage.browser.open(&format!("{}/", stage.at.embed)).await;
}

async fn accepting_changing_and_withdrawing_under_a_strict_policy(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    visit(&stage).await;
    stage.browser.shown("button[value=accept]").await;
    assert_eq!(stage.browser.storage().await, Storage::default());
    assert_eq!(stage.collected(), []);

    // Through the panel, so that the WASM runs under the policy too.
    stage.browser.press("button[value=customize]").await;
    stage.browser.press("input[name=purpose][value=analytics]").await;
    stage.browser.press("button[value=save]").await;
    stage.collects(1).await;
    let claims = stage.receipt().await;
    assert_eq!(claims.purposes[&"analytics".parse().unwrap()].state, Recorded::Granted);

    stage.network.clear();
    visit(&stage).await;
    stage.collects(1).await;
    let ours = stage.network.to(&stage.at.consent);
    assert!(ours.iter().all(|seen| seen.path.ends_with("/consent.js")), "{ours:?}");

    stage.browser.press_in_page("[data-consent-withdraw]").await;
    let asked = stage.decided(1).await;
    assert_eq!(asked["method"], "withdrawal");
    wait_for("analytics to be gone", async || {
        let cookies = stage.browser.cookies().await;
        let names: Vec<_> = cookies.iter().map(|(name, _)| name.as_str()).collect();
        (names == ["consent"]).then_some(())
    })
    .await;
    let violations = stage.browser.console().await;
    assert!(!violations.iter().any(|line| line.contains("Security Policy")), "{violations:?}");
}

async fn refusing_under_a_strict_policy(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    visit(&stage).await;
    stage.browser.press("button[value=refuse]").await;
    stage.decided(1).await;
    stage.browser.gone().await;
    visit(&stage).await;
    let storage = stage.browser.storage().await;
    assert_eq!(storage.cookies.len(), 1);
    assert_eq!((storage.local, storage.session), (vec![], vec![]));
    assert_eq!(stage.collected(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_choice_of_one_site_is_not_that_of_another() {
    let stage = Stage::set().await;
    stage.visit().await;
    stage.browser.press("button[value=accept]").await;
    stage.collects(1).await;
    visit(&stage).await;
    stage.browser.shown("button[value=accept]").await;
    assert_eq!(stage.browser.storage().await, Storage::default());
}

async fn on_an_origin_that_is_not_listed_nothing_is_asked_and_nothing_runs(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    let foreign = stage.at.embed.replace("embed.localhost", "other.localhost");
    stage.browser.open(&format!("{foreign}/")).await;
    let refused = wait_for("ask.js", async || {
        let seen = stage.network.to(&stage.at.consent).into_iter();
        seen.filter(|seen| seen.path.contains("/ask.js")).find(|seen| seen.status.is_some())
    })
    .await;
    assert_eq!(refused.status, Some(403));
    let told = wait_for("a word on the console", async || {
        stage.browser.console().await.into_iter().find(|line| line.contains("consent:"))
    })
    .await;
    assert!(told.contains("ask.js"), "{told}");
    assert!(!stage.browser.has("button").await);
    assert_eq!(stage.browser.run("return window.consent.allows('analytics')").await, false);
    assert_eq!(stage.browser.storage().await, Storage::default());
    assert_eq!(stage.collected(), []);
}
