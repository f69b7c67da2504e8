//! Strict mode: whatever a page's scripts try, a declared host is not reached before it is allowed.

use consent_tests::{Setting, Stage, wait_for};

use super::page::{open, reached};

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_host_is_not_reached_in_any_way_before_a_grant() {
    let config = format!("{}hosts.analytics = [\"third.localhost\"]\n", consent_examples::CONFIG);
    let stage = Stage::set_with(Setting { config, ..Setting::default() }).await;
    open(&stage, "", "").await;
    stage.browser.shown("button[value=accept]").await;
    let tries = format!(
        "const third = '{}';
         window.failed = [];
         fetch(third + '/fetch').catch((error) => failed.push('fetch ' + error.name));
         fetch(new Request(third + '/request')).catch((error) => failed.push('request ' + error.name));
         try {{ new XMLHttpRequest().open('GET', third + '/xhr'); }} catch (error) {{ failed.push('xhr ' + error.name); }}
         failed.push('beacon ' + navigator.sendBeacon(third + '/beacon'));
         new Image().src = third + '/image.gif';
         const made = (name, attributes) => {{
             const element = document.createElement(name);
             for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
             document.body.append(element, 'text');
             return element;
         }};
         made('img', {{ src: third + '/set.gif' }});
         made('script', {{}}).src = third + '/property.js';
         made('script', {{ SRC: third + '/attribute.js' }});
         made('iframe', {{}}).src = third + '/frame.html';
         made('link', {{ rel: 'stylesheet', href: third + '/style.css' }});",
        stage.third.origin()
    );
    stage.browser.run(&tries).await;
    wait_for("the requests to fail", async || {
        let failed = stage.browser.run("return window.failed.sort()").await;
        let expected = ["beacon false", "fetch TypeError", "request TypeError", "xhr TypeError"];
        (failed == serde_json::json!(expected)).then_some(())
    })
    .await;
    // Time enough for what would go out: the panel loads.
    stage.browser.press("button[value=customize]").await;
    stage.browser.press("dialog button[value=accept]").await;
    stage.decided(1).await;
    let after = ["/attribute.js", "/frame.html", "/property.js", "/set.gif", "/style.css"];
    wait_for("what waited", async || {
        let mut found = reached(&stage);
        found.sort();
        (found == after).then_some(())
    })
    .await;
    // The first picture was in no page, so nobody waits for it; now it may be fetched.
    stage
        .browser
        .run(&format!("return fetch('{}/now').then(() => 1, () => 1)", stage.third.origin()))
        .await;
    assert!(reached(&stage).contains(&"/now".to_owned()));
}
