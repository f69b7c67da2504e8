//! Global Privacy Control: an answer before the question, which only the visitor can overrule.

use consent_core::{Recorded, Signal};
use consent_tests::{Kind, Options, Setting, Stage, Storage, in_both_browsers, wait_for};

use super::page::{open, reached};

in_both_browsers!(whoever_sends_the_signal_is_not_asked);

const TEMPLATE: &str = "<template data-consent=\"analytics\"><script src=\"{third}/a.js\"></script>\
                        </template><p>The end</p>";

async fn whoever_sends_the_signal_is_not_asked(kind: Kind) {
    let browser = Options { signal: true, ..Options::of(kind) };
    let stage = Stage::set_with(Setting { browser, ..Setting::default() }).await;
    open(&stage, "", TEMPLATE).await;
    assert_eq!(stage.browser.run("return navigator.globalPrivacyControl").await, true);
    // The panel takes longer than a banner would.
    stage.browser.press_in_page("[data-consent-open]").await;
    let panel = stage.browser.shown("dialog[open]").await.text().await.unwrap();
    assert!(panel.contains("sends the signal “Global Privacy Control”"), "{panel}");
    assert!(!stage.browser.has(".banner").await);
    assert_eq!(stage.browser.storage().await, Storage::default());
    assert_eq!(reached(&stage), [""; 0]);

    // An explicit choice wins, and stays.
    stage.browser.press("input[name=purpose][value=analytics]").await;
    stage.browser.press("button[value=save]").await;
    let asked = stage.decided(1).await;
    assert_eq!((&asked["signals"], &asked["layer"]), (&["gpc"].into(), &"preferences".into()));
    wait_for("what was granted", async || (reached(&stage) == ["/a.js"]).then_some(())).await;
    let claims = stage.receipt().await;
    assert_eq!(claims.signals, [Signal::Gpc]);
    assert_eq!(claims.purposes[&"analytics".parse().unwrap()].state, Recorded::Granted);
    stage.network.clear();
    open(&stage, "", TEMPLATE).await;
    wait_for("it again", async || (reached(&stage) == ["/a.js"]).then_some(())).await;
}
