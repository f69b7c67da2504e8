//! Google Consent Mode v2, against a stand-in that keeps what its tag is told: the list that the
//! tag reads.

use consent_tests::{Setting, Stage, wait_for};
use serde_json::{Value, json};

use super::page::open;

/// What the list holds: whether each entry is an `arguments` object, and what it says.
const TOLD: &str = "return window.dataLayer.map((told) => \
                    [Object.prototype.toString.call(told), ...told])";

fn told(step: &str, analytics: &str) -> Value {
    json!(["[object Arguments]", "consent", step, {
        "ad_personalization": "denied",
        "ad_storage": "denied",
        "ad_user_data": "denied",
        "analytics_storage": analytics,
        "functionality_storage": "denied",
        "personalization_storage": "denied",
        "security_storage": "granted",
    }])
}

#[tokio::test(flavor = "multi_thread")]
async fn google_is_told_the_defaults_before_any_tag_and_then_every_change() {
    let policy = format!("{}\n[mapping.google]\n", consent_examples::POLICY);
    let stage = Stage::set_with(Setting { policy, ..Setting::default() }).await;
    // A tag of the page: what it finds is what was said before it ran.
    let tag = "<script>window.found = window.dataLayer.length</script>";
    let says = async |count: usize| {
        wait_for("so much to be told", async || {
            let told = stage.browser.run(TOLD).await;
            (told.as_array()?.len() >= count).then_some(told)
        })
        .await
    };
    open(&stage, tag, "").await;
    stage.browser.shown("button[value=accept]").await;
    assert_eq!(says(1).await, json!([told("default", "denied")]));
    assert_eq!(stage.browser.run("return window.found").await, 1);

    stage.browser.press("button[value=accept]").await;
    assert_eq!(says(2).await, json!([told("default", "denied"), told("update", "granted")]));

    // On a return visit both come before the tag.
    open(&stage, tag, "").await;
    assert_eq!(says(2).await, json!([told("default", "denied"), told("update", "granted")]));
    assert_eq!(stage.browser.run("return window.found").await, 2);

    stage.browser.press_in_page("[data-consent-withdraw]").await;
    assert_eq!(says(3).await[2], told("update", "denied"));
    stage.decided(2).await;
    // Refused: the defaults say it already.
    open(&stage, tag, "").await;
    assert_eq!(says(1).await, json!([told("default", "denied")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_element_in_the_place_of_the_list_breaks_nothing() {
    let policy = format!("{}\n[mapping.google]\n", consent_examples::POLICY);
    let stage = Stage::set_with(Setting { policy, ..Setting::default() }).await;
    open(&stage, "", "<p id=\"dataLayer\"></p><p id=\"consent\"></p>").await;
    stage.browser.press("button[value=refuse]").await;
    assert_eq!(stage.decided(1).await["method"], "refuse_all");
}
