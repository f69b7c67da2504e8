//! What holds for every visitor: both answers weigh the same, and nothing but a visitor grants.

use consent_tests::{Kind, Stage, Storage, in_both_browsers, wait_for};
use thirtyfour::Key;

in_both_browsers!(
    accept_and_refuse_are_equal,
    a_script_cannot_grant,
    escape_and_scrolling_and_waiting_grant_nothing,
    the_keyboard_alone_is_enough,
    an_unreachable_server_grants_nothing_and_says_so,
);

async fn accept_and_refuse_are_equal(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.shown("button[value=accept]").await;
    let faces = stage
        .browser
        .run(
            "const root = document.querySelector('consent-banner').shadowRoot;
             return ['accept', 'refuse'].map((value) => {
                const button = root.querySelector(`button[value=${value}]`);
                const { width, height } = button.getBoundingClientRect();
                const style = getComputedStyle(button);
                const looks = ['color', 'backgroundColor', 'backgroundImage', 'borderTopColor', 'borderTopWidth',
                    'borderTopStyle', 'fontSize', 'fontWeight', 'opacity', 'boxShadow', 'textDecorationLine',
                    'filter', 'transform', 'cursor', 'visibility'].map((name) => style[name]);
                return { width, height, looks, parent: button.parentElement.className };
             })",
        )
        .await;
    assert_eq!(faces[0], faces[1]);
    assert!(faces[0]["height"].as_f64().unwrap() >= 44.0, "{faces}");
}

async fn a_script_cannot_grant(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.shown("button[value=accept]").await;
    stage
        .browser
        .run(
            "const button = document.querySelector('consent-banner').shadowRoot.querySelector('button[value=accept]');
             button.click();
             button.dispatchEvent(new MouseEvent('click', { bubbles: true, composed: true }));",
        )
        .await;
    // A script may refuse for its visitor, and that works: so the clicks before had their time.
    stage.browser.run("window.consent.refuse()").await;
    let asked = stage.decided(1).await;
    assert_eq!(asked["method"], "refuse_all", "the first decision is the refusal");
    assert_eq!(stage.browser.run("return window.consent.allows('analytics')").await, false);
    assert_eq!(stage.collected(), []);
}

async fn escape_and_scrolling_and_waiting_grant_nothing(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.press("button[value=customize]").await;
    stage.browser.shown("dialog[open]").await;
    stage.browser.press("input[name=purpose][value=analytics]").await;
    stage.browser.driver().action_chain().send_keys(Key::Escape).perform().await.unwrap();
    wait_for("the panel to close", async || {
        (!stage.browser.has("dialog[open]").await).then_some(())
    })
    .await;
    stage.browser.run("scrollTo(0, document.body.scrollHeight)").await;
    stage.browser.shown("button[value=accept]").await;
    assert_eq!(stage.browser.storage().await, Storage::default());
    assert_eq!(stage.collected(), []);
    let posts = stage
        .network
        .to(&stage.at.consent)
        .into_iter()
        .filter(|seen| seen.method == "POST")
        .count();
    assert_eq!(posts, 0);
}

async fn the_keyboard_alone_is_enough(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.shown("button[value=refuse]").await;
    let focused = "return document.activeElement?.shadowRoot?.activeElement?.value ?? null";
    let tab_to = async |value: &str, back: bool| {
        for _ in 0..20 {
            let keys = stage.browser.driver().action_chain();
            let keys = if back { keys.key_down(Key::Shift) } else { keys };
            let keys = keys.send_keys(Key::Tab);
            let keys = if back { keys.key_up(Key::Shift) } else { keys };
            keys.perform().await.unwrap();
            if stage.browser.run(focused).await == value {
                return;
            }
        }
        panic!("Tab does not reach {value}");
    };
    // The preferences open, take the focus, close with Escape, and give the focus back.
    tab_to("customize", false).await;
    stage.browser.driver().action_chain().send_keys(Key::Enter).perform().await.unwrap();
    stage.browser.shown("dialog[open]").await;
    stage.browser.driver().action_chain().send_keys(Key::Escape).perform().await.unwrap();
    wait_for("the focus to return", async || {
        (stage.browser.run(focused).await == "customize").then_some(())
    })
    .await;
    tab_to("refuse", true).await;
    stage.browser.driver().action_chain().send_keys(" ").perform().await.unwrap();
    assert_eq!(stage.decided(1).await["method"], "refuse_all");
}

async fn an_unreachable_server_grants_nothing_and_says_so(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.shown("button[value=accept]").await;
    stage.network.cut(true);
    stage.browser.press("button[value=accept]").await;
    let error = stage.browser.shown(".error").await;
    assert!(!error.text().await.unwrap().is_empty());
    assert_eq!(stage.browser.run("return window.consent.allows('analytics')").await, false);
    assert_eq!(stage.browser.storage().await, Storage::default());
    assert_eq!(stage.collected(), []);

    // A refusal counts all the same, and is delivered later.
    stage.browser.press("button[value=refuse]").await;
    stage.browser.gone().await;
    let storage = stage.browser.storage().await;
    assert_eq!(storage.cookies[0].0, "consent");
    let pending: Vec<_> = storage.local.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(pending, ["consent.pending"]);
    stage.network.cut(false);
    stage.visit().await;
    assert_eq!(stage.decided(1).await["method"], "refuse_all");
    wait_for("nothing to be pending", async || {
        stage.browser.entries("localStorage").await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_not_yet_delivered_does_not_undo_a_later_grant() {
    let stage = Stage::set().await;
    stage.visit().await;
    stage.browser.shown("button[value=refuse]").await;
    stage.network.cut(true);
    stage.browser.press("button[value=refuse]").await;
    stage.browser.gone().await;
    stage.network.cut(false);
    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.press("dialog button[value=accept]").await;
    stage.collects(1).await;
    let claims = stage.receipt().await;
    stage.network.clear();
    stage.visit().await;
    stage.collects(1).await;
    let posts =
        stage.network.to(&stage.at.consent).into_iter().filter(|seen| seen.method == "POST");
    assert_eq!(posts.count(), 0, "nothing old is sent after it");
    assert_eq!(stage.check(&claims.sub.to_string(), "analytics").await, (true, "granted".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_is_one_decision() {
    let stage = Stage::set().await;
    stage.visit().await;
    let accept = stage.browser.shown("button[value=accept]").await;
    stage.browser.driver().action_chain().double_click_element(&accept).perform().await.unwrap();
    stage.collects(1).await;
    let posts =
        stage.network.to(&stage.at.consent).into_iter().filter(|seen| seen.method == "POST");
    assert_eq!(posts.count(), 1);
}
