//! Withdrawing: durable before anything else happens, and what was set is gone afterwards.

use consent_tests::{Setting, Stage, wait_for};
use serde_json::json;

use super::page::{open, reached};

const TEMPLATE: &str = "<template data-consent=\"analytics\"><script src=\"{third}/a.js\"></script>\
                        </template><p>The end</p>";

/// The reference policy, whose measurement declares more.
fn setting() -> Setting {
    let declared = "cookie = [{ name = \"_cpbs*\", days = 390 }]";
    assert!(consent_examples::POLICY.contains(declared));
    let more = "cookie = [{ name = \"_cpbs*\", days = 390 }, { name = \"measure\", days = 30 }]";
    Setting { policy: consent_examples::POLICY.replace(declared, more), ..Setting::default() }
}

async fn accept(stage: &Stage) {
    open(stage, "", TEMPLATE).await;
    stage.browser.press("button[value=accept]").await;
    wait_for("the script", async || (!reached(stage).is_empty()).then_some(())).await;
}

/// The decisions that the server answered.
fn answered(stage: &Stage) -> usize {
    let seen = stage.network.to(&stage.at.consent).into_iter();
    seen.filter(|seen| seen.path.ends_with("/decisions") && seen.status == Some(201)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_survives_the_crash_of_its_tab() {
    let stage = Stage::set_with(setting()).await;
    accept(&stage).await;
    let before = stage.receipt().await;
    let subject = before.sub.to_string();
    assert!(stage.check(&subject, "analytics").await.0);

    // The server cannot be reached, and the tab dies while the page still waits for an answer.
    stage.network.cut(true);
    stage.browser.press_in_page("[data-consent-withdraw]").await;
    stage.browser.crash().await;
    stage.network.cut(false);
    stage.network.clear();
    open(&stage, "", TEMPLATE).await;
    assert_eq!(stage.browser.run("return consent.allows('analytics')").await, false);
    let asked = stage.decided(1).await;
    assert_eq!(asked["method"], "withdrawal");
    wait_for("nothing to be pending", async || {
        let local = stage.browser.entries("localStorage").await;
        local.is_empty().then_some(())
    })
    .await;
    assert_eq!(stage.check(&subject, "analytics").await, (false, "withdrawn".into()));
    assert_eq!(reached(&stage), [""; 0]);

    // Once, and not again.
    open(&stage, "", TEMPLATE).await;
    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.shown("dialog[open]").await;
    assert_eq!(answered(&stage), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_a_script_counts_when_the_call_returns() {
    let stage = Stage::set_with(setting()).await;
    accept(&stage).await;
    let at_once = stage
        .browser
        .run(
            "consent.refuse();
             return [consent.allows('analytics'), localStorage['consent.pending'] !== undefined];",
        )
        .await;
    assert_eq!(at_once, json!([false, true]));
    assert_eq!(stage.decided(2).await["method"], "withdrawal");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_declared_is_deleted_wherever_a_page_can_put_it() {
    let stage = Stage::set_with(setting()).await;
    stage.pages.set("/deep/er/page", super::page::page(&stage, "", TEMPLATE));
    stage.browser.open(&format!("{}/deep/er/page", stage.pages.origin())).await;
    stage.browser.press("button[value=accept]").await;
    wait_for("the script", async || (!reached(&stage).is_empty()).then_some(())).await;
    let set = "const done = arguments[0];
        document.cookie = '_cpbs_root=1;path=/';
        document.cookie = '_cpbs_here=1';
        document.cookie = '_cpbs_deep=1;path=/deep';
        document.cookie = 'measure=1;path=/deep/er/;domain=' + location.hostname;
        document.cookie = 'theirs=1;path=/';
        localStorage._cpbs_id = '1';
        localStorage.theirs = '1';
        sessionStorage.measure = '1';
        const open = indexedDB.open('measure');
        open.onsuccess = () => { open.result.close(); done(document.cookie); };";
    let cookies = stage.browser.driver().execute_async(set, Vec::new()).await.unwrap();
    assert_eq!(cookies.json().as_str().unwrap().matches("_cpbs").count(), 3);
    // The page says that it stops by itself, so that what is left can be seen before it is loaded
    // anew.
    stage
        .browser
        .run("document.addEventListener('consent:change', (event) => event.preventDefault())")
        .await;
    stage.browser.press_in_page("[data-consent-withdraw]").await;
    stage.decided(2).await;
    wait_for("the database to go", async || {
        stage.browser.storage().await.other.is_empty().then_some(())
    })
    .await;
    let storage = stage.browser.storage().await;
    let names: Vec<_> = storage.cookies.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["consent", "theirs"]);
    let local: Vec<_> = storage.local.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(local, ["theirs"]);
    assert!(!storage.session.iter().any(|(name, _)| name == "measure"), "{storage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_which_nothing_ran_is_not_loaded_anew() {
    let stage = Stage::set_with(setting()).await;
    open(&stage, "", "<p>Nothing waits here</p>").await;
    stage.browser.press("button[value=accept]").await;
    stage.decided(1).await;
    stage.browser.gone().await;
    stage.browser.run("window.mark = 'same page'").await;
    stage.browser.press_in_page("[data-consent-withdraw]").await;
    stage.decided(2).await;
    // Time enough for a page to be loaded: the panel is.
    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.shown("dialog[open]").await;
    assert_eq!(stage.browser.run("return window.mark").await, "same page");
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_the_page_stays_and_is_loaded_anew_once_that_is_possible() {
    let stage = Stage::set_with(setting()).await;
    accept(&stage).await;
    let offline = async |offline: bool| {
        let conditions = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
        let cdp = stage.browser.driver().cdp();
        cdp.send_raw("Network.emulateNetworkConditions", conditions).await.unwrap();
    };
    offline(true).await;
    stage.browser.run("window.mark = 'same page'").await;
    stage.browser.press_in_page("[data-consent-withdraw]").await;
    wait_for("the withdrawal to be remembered", async || {
        let cookie = stage.browser.run("return document.cookie").await;
        cookie.as_str()?.contains(".rrr").then_some(())
    })
    .await;
    // Longer than the loader waits for an answer before it loads the page anew.
    let waits = "const done = arguments[0]; setTimeout(() => done([window.mark, consent.allows('analytics')]), 3000)";
    let later = stage.browser.driver().execute_async(waits, Vec::new()).await.unwrap();
    assert_eq!(*later.json(), json!(["same page", false]));
    offline(false).await;
    assert_eq!(stage.decided(2).await["method"], "withdrawal");
    wait_for("the page to be another one", async || {
        (stage.browser.run("return window.mark ?? null").await.is_null()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_writes_again_before_it_is_stopped_leaves_nothing() {
    let stage = Stage::set_with(setting()).await;
    let stubborn =
        "addEventListener('pagehide', () => { document.cookie = '_cpbs_again=1;path=/'; });";
    stage.third.set("/a.js", consent_tests::Answer::script(stubborn));
    accept(&stage).await;
    stage.browser.press_in_page("[data-consent-withdraw]").await;
    stage.decided(2).await;
    wait_for("the cookie alone", async || {
        let cookies = stage.browser.cookies().await;
        let names: Vec<_> = cookies.iter().map(|(name, _)| name.as_str()).collect();
        (names == ["consent"] && reached(&stage).len() == 1).then_some(())
    })
    .await;
}
