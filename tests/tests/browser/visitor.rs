//! A visitor's way on the site itself.

use std::collections::HashSet;

use consent_core::{Method, Recorded};
use consent_tests::{Kind, Stage, Storage, in_both_browsers, wait_for};
use thirtyfour::{By, Key};

in_both_browsers!(
    first_visit_shows_the_banner_and_touches_nothing,
    accepting_gives_a_receipt_and_releases_what_waits,
    refusing_leaves_no_identifier_and_nothing_is_ever_sent,
    customising_saves_exactly_what_was_chosen,
    withdrawing_stops_what_ran_and_refers_to_the_receipt_before,
    each_request_has_a_key_of_its_own_that_begins_with_the_time,
    the_choices_are_reopened_and_changed_in_the_panel,
    the_receipt_is_saved_as_a_file,
    the_focus_stays_where_the_choices_so_far_are_asked_for,
    another_language_is_what_the_receipt_names_once_it_is_shown,
    only_the_visitors_own_click_flips_a_switch,
);

const ACCEPT: &str = "button[name=choice][value=accept]";
const REFUSE: &str = "button[name=choice][value=refuse]";
const CUSTOMIZE: &str = "button[name=choice][value=customize]";
const SAVE: &str = "button[name=choice][value=save]";

/// The names of the cookies that are stored.
fn names(storage: &Storage) -> Vec<&str> {
    storage.cookies.iter().map(|(name, _)| name.as_str()).collect()
}

/// What is recorded about one purpose in a receipt.
fn recorded(claims: &consent_core::Claims, purpose: &str) -> Option<Recorded> {
    Some(claims.purposes.get(&purpose.parse().ok()?)?.state)
}

async fn first_visit_shows_the_banner_and_touches_nothing(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    for button in [ACCEPT, REFUSE, CUSTOMIZE] {
        stage.browser.shown(button).await;
    }
    assert_eq!(stage.browser.storage().await, Storage::default());
    assert_eq!(stage.collected(), []);
    assert_eq!(stage.browser.run("return window.consent.allows('analytics')").await, false);
    assert_eq!(stage.browser.run("return window.consent.receipt()").await, serde_json::Value::Null);
    let wasm =
        stage.network.to(&stage.at.consent).iter().any(|seen| seen.path.contains("/widget/"));
    assert!(!wasm, "the panel is not loaded before anybody is interested in it");
}

async fn another_language_is_what_the_receipt_names_once_it_is_shown(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.press(CUSTOMIZE).await;
    let select = stage.browser.shown("dialog select").await;
    // What cannot be had leaves everything as it is, and says so.
    stage.network.cut(true);
    select.send_keys("fr").await.unwrap();
    stage.browser.shown("dialog .error").await;
    assert_eq!(select.prop("value").await.unwrap().unwrap(), "en");
    assert_eq!(stage.browser.shown("dialog h2").await.text().await.unwrap(), "Your choices");
    stage.network.cut(false);
    stage.browser.press(SAVE).await;
    assert_eq!(stage.decided(1).await["language"], "en");
    stage.browser.gone().await;

    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.shown("dialog select").await.send_keys("fr").await.unwrap();
    wait_for("the panel in French", async || {
        let title = stage.browser.shown("dialog h2").await.text().await.unwrap();
        (title == "Vos choix").then_some(())
    })
    .await;
    stage.browser.press(SAVE).await;
    assert_eq!(stage.decided(2).await["language"], "fr");
}

async fn accepting_gives_a_receipt_and_releases_what_waits(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.run("window.mark = 'same page'").await;
    stage.browser.press(ACCEPT).await;
    stage.collects(1).await;
    stage.browser.gone().await;
    assert_eq!(stage.browser.run("return window.mark").await, "same page", "without a reload");
    let ours = stage.network.to(&stage.at.consent);
    assert!(!ours.iter().any(|seen| seen.path.contains("/widget/")), "no panel: {ours:?}");

    let claims = stage.receipt().await;
    assert_eq!((claims.method, claims.previous), (Method::AcceptAll, None));
    assert_eq!(recorded(&claims, "analytics"), Some(Recorded::Granted));
    assert_eq!(recorded(&claims, "communications"), Some(Recorded::Granted));
    let storage = stage.browser.storage().await;
    assert_eq!(names(&storage), ["_cpbs_id", "consent"]);
    let kept: Vec<_> = storage.local.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(kept, ["consent.receipt"]);
    assert_eq!(stage.check(&claims.sub.to_string(), "analytics").await, (true, "granted".into()));
}

async fn refusing_leaves_no_identifier_and_nothing_is_ever_sent(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.press(REFUSE).await;
    let asked = stage.decided(1).await;
    assert_eq!(asked["method"], "refuse_all");
    stage.browser.gone().await;
    // The visitor holds the receipt of the refusal for as long as the page is open.
    let claims = stage.receipt().await;
    assert_eq!(recorded(&claims, "analytics"), Some(Recorded::Refused));

    // Visit more pages: nothing is asked again, nothing is sent, nothing is stored.
    for _ in 0..2 {
        stage.visit().await;
        let storage = stage.browser.storage().await;
        assert_eq!(names(&storage), ["consent"]);
        // Three refused, and two legitimate interests that nobody objected to.
        assert_eq!(storage.cookies[0].1.rsplit('.').next(), Some("rrr--"));
        assert_eq!((storage.local, storage.session, storage.other), (vec![], vec![], vec![]));
    }
    assert!(!stage.browser.has("button").await);
    assert_eq!(stage.collected(), []);
    assert_eq!(stage.check(&claims.sub.to_string(), "analytics").await, (false, "refused".into()));
}

async fn customising_saves_exactly_what_was_chosen(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.press(CUSTOMIZE).await;
    stage.browser.shown("dialog[open]").await;
    let bases = stage
        .browser
        .run(
            "return [...document.querySelector('consent-banner').shadowRoot.querySelectorAll('.basis')]
                .map((basis) => basis.innerText)",
        )
        .await
        .to_string();
    for basis in ["your consent", "contract", "legitimate interest", "legal obligation"] {
        assert!(bases.contains(basis), "{basis} is shown: {bases}");
    }
    let boxes = stage
        .browser
        .run(
            "return [...document.querySelector('consent-banner').shadowRoot.querySelectorAll('input[name=purpose]')]
                .map((box) => [box.value, box.checked])",
        )
        .await;
    let off = serde_json::json!([
        ["analytics", false],
        ["communications", false],
        ["email.open_tracking", false]
    ]);
    assert_eq!(boxes, off, "only consent has a choice, and every choice is off");

    stage.browser.press("input[name=purpose][value=communications]").await;
    stage.browser.press(SAVE).await;
    let asked = stage.decided(1).await;
    let chosen = serde_json::json!({
        "analytics": "refused", "communications": "granted", "email.open_tracking": "refused",
    });
    assert_eq!((&asked["choices"], &asked["method"]), (&chosen, &"preferences".into()));
    stage.browser.gone().await;
    let claims = stage.receipt().await;
    assert_eq!(recorded(&claims, "analytics"), Some(Recorded::Refused));
    assert_eq!(recorded(&claims, "communications"), Some(Recorded::Granted));

    // The panel shows it again as it was saved.
    stage.browser.press_in_page("[data-consent-open]").await;
    let communications = stage.browser.shown("input[name=purpose][value=communications]").await;
    assert!(communications.is_selected().await.unwrap());
    let analytics = stage.browser.shown("input[name=purpose][value=analytics]").await;
    assert!(!analytics.is_selected().await.unwrap());
    assert_eq!(stage.collected(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_return_visit_loads_the_loader_and_nothing_else() {
    let stage = Stage::set().await;
    stage.visit().await;
    stage.browser.press(ACCEPT).await;
    stage.collects(1).await;
    stage.network.clear();
    stage.visit().await;
    stage.collects(1).await;
    let ours: Vec<_> = stage
        .network
        .to(&stage.at.consent)
        .into_iter()
        .map(|seen| seen.path)
        .filter(|path| path.starts_with("/v1/"))
        .filter(|path| !path.ends_with("/consent.js"))
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
    assert!(!stage.browser.has("button").await);
}

async fn withdrawing_stops_what_ran_and_refers_to_the_receipt_before(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.press(ACCEPT).await;
    stage.collects(1).await;
    let before = stage.browser.run("return window.consent.receipt()").await;
    let before = stage.verify(before.as_str().unwrap()).await;

    // One click granted, one click withdraws.
    stage.browser.press_in_page("[data-consent-withdraw]").await;
    let asked = stage.decided(2).await;
    assert_eq!(asked["method"], "withdrawal");
    let claims = wait_for("the new receipt", async || {
        // The page is loaded anew meanwhile, and has no loader for a moment.
        let held = stage.browser.run("return window.consent?.receipt() ?? null").await;
        let claims = stage.verify(held.as_str()?).await.claims().clone();
        (claims.jti != before.claims().jti).then_some(claims)
    })
    .await;
    assert_eq!(claims.previous, Some(before.digest()));
    assert_eq!(claims.sub, before.claims().sub);
    assert_eq!(recorded(&claims, "analytics"), Some(Recorded::Withdrawn));
    assert_eq!(
        stage.check(&claims.sub.to_string(), "analytics").await,
        (false, "withdrawn".into())
    );

    // The page is another one now: what ran in the old one is gone, with its cookie.
    wait_for("the page without analytics", async || {
        let allowed = stage.browser.run("return window.consent?.allows('analytics') ?? true").await;
        let running = stage.browser.run("return document.scripts.length && [...document.scripts].some((s) => s.src.includes('collect'))").await;
        (allowed == false && running == false).then_some(())
    })
    .await;
    let storage = stage.browser.storage().await;
    assert_eq!(names(&storage), ["consent"]);
    assert_eq!(storage.local, []);
    stage.network.clear();
    stage.visit().await;
    // What would run has had its time once the panel, which takes longer, is there.
    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.shown("dialog[open]").await;
    assert_eq!(stage.collected(), []);
}

/// Alike for those who decide at once, so that a server keeps their requests next to each other.
async fn each_request_has_a_key_of_its_own_that_begins_with_the_time(kind: Kind) {
    let tenths = || std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() / 100;
    let begun = tenths();
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.press(ACCEPT).await;
    stage.collects(1).await;
    stage.browser.press_in_page("[data-consent-withdraw]").await;
    stage.decided(2).await;
    let sent = stage.network.to(&stage.at.consent);
    let keys = sent.iter().filter_map(|seen| seen.headers.get("idempotency-key"));
    let keys = keys.map(|key| key.to_str().unwrap().split_once('/').expect("time and identifier"));
    let ids: HashSet<_> = keys
        .map(|(time, id)| {
            let time = u128::from_str_radix(time, 36).unwrap();
            assert!((begun..=tenths()).contains(&time), "{time} is not since {begun}");
            id.parse::<uuid::Uuid>().unwrap()
        })
        .collect();
    assert_eq!(ids.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_stops_its_scripts_itself_is_not_loaded_anew() {
    let stage = Stage::set().await;
    stage.visit().await;
    stage.browser.press(ACCEPT).await;
    stage.collects(1).await;
    stage
        .browser
        .run(
            "window.mark = 'same page';
             document.addEventListener('consent:change', (event) => {
                window.told = event.detail;
                event.preventDefault();
             });",
        )
        .await;
    stage.browser.press_in_page("[data-consent-withdraw]").await;
    stage.decided(2).await;
    // Deleted at once, and not only by the next page.
    assert_eq!(names(&stage.browser.storage().await), ["consent"]);
    let claims = stage.receipt().await;
    assert_eq!(recorded(&claims, "analytics"), Some(Recorded::Withdrawn));
    let told = stage.browser.run("return [window.mark, window.told]").await;
    let all = serde_json::json!(["analytics", "communications", "email.open_tracking"]);
    assert_eq!(told, serde_json::json!(["same page", { "granted": [], "withdrawn": all }]));
}

async fn the_choices_are_reopened_and_changed_in_the_panel(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.press(ACCEPT).await;
    stage.collects(1).await;
    stage.browser.gone().await;
    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.press("input[name=purpose][value=analytics]").await;
    stage.browser.press(SAVE).await;
    let asked = stage.decided(2).await;
    assert_eq!(asked["choices"]["analytics"], "refused");
    assert_eq!(asked["choices"]["communications"], "granted");
    assert!(asked["previous"].is_string());
    wait_for("analytics to be off", async || {
        let on = stage.browser.run("return window.consent?.allows('analytics') ?? true").await;
        (on == false).then_some(())
    })
    .await;
    let claims = wait_for("the new receipt", async || {
        let claims = stage.receipt().await;
        claims.previous.is_some().then_some(claims)
    })
    .await;
    assert_eq!(recorded(&claims, "analytics"), Some(Recorded::Withdrawn));
    assert_eq!(recorded(&claims, "communications"), Some(Recorded::Granted));
    assert_eq!(names(&stage.browser.storage().await), ["consent"]);
}

async fn the_receipt_is_saved_as_a_file(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.press(REFUSE).await;
    stage.decided(1).await;
    let held = stage.receipt().await;
    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.press("button[name=history]").await;
    stage.browser.press("button[name=receipt]").await;
    let file = stage.browser.downloaded("receipt.jws").await;
    let saved = stage.verify(&std::fs::read_to_string(file).unwrap()).await;
    assert_eq!(saved.claims().jti, held.jti);
}

/// Who reads with the ears stays where they were, and is told what becomes of what they asked for:
/// neither the button nor what speaks is made anew.
async fn the_focus_stays_where_the_choices_so_far_are_asked_for(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.press(REFUSE).await;
    stage.decided(1).await;
    stage.browser.press_in_page("[data-consent-open]").await;
    let button = stage.browser.shown("button[name=history]").await;
    let save = stage.browser.shown("button[name=receipt]").await;
    let history = stage.browser.shown(".history").await;
    let status = history.find(By::Css("[role=status]")).await.unwrap();
    button.focus().await.unwrap();
    stage.browser.key(Key::Enter).await;
    stage.browser.shown("button[name=save-receipt]").await;
    let focused = "return document.activeElement?.shadowRoot?.activeElement?.name ?? null";
    assert_eq!(stage.browser.run(focused).await, "history");
    for element in [button, save, status] {
        assert!(element.is_present().await.unwrap(), "it was made anew");
    }
}

/// A script's click is answered by a change that the browser calls trusted.
async fn only_the_visitors_own_click_flips_a_switch(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit().await;
    stage.browser.press(CUSTOMIZE).await;
    stage.browser.press("input[value=communications]").await;
    let script = "const root = document.querySelector('consent-banner').shadowRoot;
        root.querySelector('input[value=analytics]').click();
        root.querySelector('input[value=\"email.open_tracking\"]').closest('label').click();";
    stage.browser.run(script).await;
    stage.browser.press(SAVE).await;
    stage.decided(1).await;
    let claims = stage.receipt().await;
    for (purpose, state) in [
        ("analytics", Recorded::Refused),
        ("communications", Recorded::Granted),
        ("email.open_tracking", Recorded::Refused),
    ] {
        assert_eq!(recorded(&claims, purpose), Some(state), "{purpose}");
    }
}
