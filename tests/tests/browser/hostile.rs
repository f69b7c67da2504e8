//! A page that means ill, or is only careless: it cannot break the banner, nor grant anything.

use consent_tests::{Options, Setting, Stage, wait_for};
use serde_json::{Value, json};

use super::page::{open, reached, told};

const TEMPLATE: &str = "<template data-consent=\"analytics\"><script src=\"{third}/a.js\"></script>\
                        </template><p>The end</p>";

const FACES: &str = "\
    const root = document.querySelector('consent-banner').shadowRoot;
    return ['.banner', 'button[value=refuse]', 'button[value=accept]'].map((selector) => {
        const { offsetWidth: width, offsetHeight: height } = root.querySelector(selector);
        const { color, backgroundColor, fontSize } = getComputedStyle(root.querySelector(selector));
        return { width, height, color, backgroundColor, fontSize };
    })";

async fn faces(stage: &Stage, head: &str) -> Value {
    open(stage, head, TEMPLATE).await;
    stage.browser.shown("button[value=accept]").await;
    stage.browser.run(FACES).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_style_of_the_page_reaches_the_banner() {
    let stage = Stage::set().await;
    let plain = faces(&stage, "").await;
    for style in [
        "* { all: revert !important; color: red !important; font: 40px serif !important; letter-spacing: 1em !important }",
        "body * { display: none !important; visibility: hidden !important; opacity: 0 !important }",
        "consent-banner { display: none !important; position: absolute !important; zoom: 3; filter: blur(9px) }",
        "button { background: lime !important; transform: scale(3) !important } :root { font-size: 16px }",
    ] {
        assert_eq!(faces(&stage, &format!("<style>{style}</style>")).await, plain, "{style}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_theme_of_the_page_is_taken_over_if_it_is_legible() {
    let stage = Stage::set().await;
    let page = |color: &str| {
        format!(
            "<script>document.documentElement.dataset.consentTheme = 'page'</script>\
             <style>body {{ background: #102030; color: {color} }} a {{ color: #ffd080 }}</style>"
        )
    };
    let template = format!("<a href=\"#\">A link</a>{TEMPLATE}");
    open(&stage, &page("#f0f0f0"), &template).await;
    stage.browser.shown("button[value=accept]").await;
    let found = stage.browser.run(FACES).await;
    assert_eq!(
        (&found[0]["backgroundColor"], &found[0]["color"]),
        (&"rgb(16, 32, 48)".into(), &"rgb(240, 240, 240)".into())
    );
    assert_eq!(
        (&found[1]["backgroundColor"], &found[1]["color"]),
        (&"rgb(255, 208, 128)".into(), &"rgb(16, 32, 48)".into())
    );
    assert_eq!(told(&stage).await, [""; 0]);

    open(&stage, &page("#203040"), &template).await;
    stage.browser.shown("button[value=accept]").await;
    assert_eq!(stage.browser.run(FACES).await[0]["backgroundColor"], "rgb(255, 255, 255)");
    let told = told(&stage).await;
    assert!(
        told.len() == 1 && told[0].contains("the page's own colours are not legible"),
        "{told:?}"
    );
}

/// On a page that knows no dark theme itself.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_prefers_dark_gets_it() {
    let browser = Options { dark: true, ..Options::default() };
    let stage = Stage::set_with(Setting { browser, ..Setting::default() }).await;
    let dark = faces(&stage, "").await;
    assert_eq!(dark[0]["backgroundColor"], "rgb(23, 28, 34)");
    let light = "<script>document.documentElement.dataset.consentTheme = 'light'</script>";
    assert_eq!(faces(&stage, light).await[0]["backgroundColor"], "rgb(255, 255, 255)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_theme_that_makes_an_answer_weaker_is_rejected_with_a_message() {
    let stage = Stage::set().await;
    let plain = faces(&stage, "").await;
    for style in [
        "consent-banner { --consent-accent: #eeeeee; --consent-on-accent: #dddddd }",
        "consent-banner::part(answer) { opacity: 0.2 }",
        "consent-banner::part(answer) { color: #2255aa; background: #2255ab }",
    ] {
        faces(&stage, &format!("<style>{style}</style>")).await;
        // It is looked at once it is painted.
        let told = wait_for("a word on the console", async || {
            let told = told(&stage).await;
            (!told.is_empty()).then_some(told)
        })
        .await;
        assert_eq!(stage.browser.run(FACES).await, plain, "{style}");
        assert_eq!(told.len(), 1, "{style}: {told:?}");
        assert!(told[0].contains("both answers must look alike, and be legible"), "{told:?}");
    }
    // One that is fair is used.
    let fair = "consent-banner { --consent-accent: #006400 } consent-banner::part(answer) { border-radius: 0 }";
    let found = faces(&stage, &format!("<style>{fair}</style>")).await;
    assert_eq!(found[1]["backgroundColor"], "rgb(0, 100, 0)");
    assert_eq!(told(&stage).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_script_of_the_page_grants_or_keeps_a_visitor_from_refusing() {
    let stage = Stage::set().await;
    let head = "<script>
        for (const [name, value] of Object.entries({ granted: 'g', interest: true, asked: [], letters: 'ggg', until: 9e9, isTrusted: true }))
            Object.prototype[name] = value;
        Array.prototype.extra = 'g';
        window.attempts = [];
        const attempt = (name, task) => { try { task(); attempts.push(name); } catch {} };
        attempt('replace', () => { 'use strict'; window.consent = { allows: () => true }; });
        attempt('change', () => { 'use strict'; window.consent.allows = () => true; });
        attempt('delete', () => { 'use strict'; delete window.consent; });
    </script>";
    let body = format!(
        "<form id=\"consent\" name=\"consent\"><input name=\"allows\"><input name=\"body\"></form>\
         <img name=\"cookie\" alt=\"\"><p id=\"dataLayer\"></p>{TEMPLATE}"
    );
    open(&stage, head, &body).await;
    stage.browser.shown("button[value=accept]").await;
    // In sloppy code an assignment is ignored rather than refused; nothing changes either way.
    assert_eq!(stage.browser.run("return consent.allows('analytics')").await, false);
    stage
        .browser
        .run(
            "const root = document.querySelector('consent-banner').shadowRoot;
             const accept = root.querySelector('button[value=accept]');
             accept.click();
             accept.dispatchEvent(new MouseEvent('click', { bubbles: true, composed: true }));
             accept.form.requestSubmit?.();
             const event = new Event('click', { bubbles: true, composed: true });
             try { Object.defineProperty(event, 'isTrusted', { value: true }); } catch {}
             accept.dispatchEvent(event);",
        )
        .await;
    stage
        .browser
        .run(
            "Promise.prototype.finally = () => { throw 1; };
             Array.prototype.at = () => 'g';
             String.prototype.at = () => 'g';
             document.querySelector = () => null;
             window.CustomEvent = undefined;
             window.fetchBefore = window.fetch;
             window.fetch = () => Promise.resolve(new Response('{\"receipt\":\"x\",\"cookie\":\"1.1.zzzzzz.ggg--\"}', { status: 201 }));",
        )
        .await;
    let posts = || {
        let seen = stage.network.to(&stage.at.consent).into_iter();
        seen.filter(|seen| seen.method == "POST").count()
    };
    assert_eq!(posts(), 0, "no script's click is a decision");
    stage.browser.run("consent.refuse()").await;
    assert_eq!(stage.browser.run("return consent.allows('analytics')").await, false);
    wait_for("the refusal to be remembered", async || {
        let cookies = stage.browser.cookies().await;
        cookies
            .iter()
            .any(|(name, value)| name == "consent" && value.contains(".rrr"))
            .then_some(())
    })
    .await;
    assert_eq!(reached(&stage), [""; 0]);
    // The next page is an honest one: nothing that was tried has stayed.
    open(&stage, "", TEMPLATE).await;
    assert_eq!(stage.browser.run("return consent.allows('analytics')").await, false);
    assert_eq!(reached(&stage), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_a_script_flips_is_not_granted() {
    let stage = Stage::set().await;
    open(&stage, "", TEMPLATE).await;
    stage.browser.press("button[value=customize]").await;
    stage.browser.shown("dialog[open]").await;
    stage
        .browser
        .run(
            "const root = document.querySelector('consent-banner').shadowRoot;
             for (const box of root.querySelectorAll('input[name=purpose]')) {
                 box.checked = true;
                 box.dispatchEvent(new Event('change', { bubbles: true }));
             }
             root.querySelector('button[value=save]').click();",
        )
        .await;
    stage.browser.press("button[value=save]").await;
    let asked = stage.decided(1).await;
    let refused = json!({ "analytics": "refused", "communications": "refused", "email.open_tracking": "refused" });
    assert_eq!(asked["choices"], refused);
    assert_eq!(reached(&stage), [""; 0]);
}
