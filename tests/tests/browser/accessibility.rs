//! The banner and the panel for everybody: WCAG 2.2 AA, as far as a program can tell. What has to
//! be looked at is in the screenshots.

use consent_tests::wait_for;
use consent_tests::{Kind, Options, Setting, Stage, in_both_browsers, languages, policy_in};
use thirtyfour::Key;

const PHONE: (u32, u32) = (360, 740);
const DESKTOP: (u32, u32) = (1280, 800);

in_both_browsers!(the_focus_goes_through_the_banner_in_reading_order);

/// A stage whose site speaks every language that the widget speaks.
async fn set(browser: Options) -> Stage {
    Stage::set_with(Setting { browser, policy: policy_in(&languages()), ..Setting::default() })
        .await
}

/// Opens the panel, from the banner if that is there, with all its details.
async fn open_panel(stage: &Stage) {
    if stage.browser.has(".banner").await {
        stage.browser.press("button[value=customize]").await;
    } else {
        stage.browser.press_in_page("[data-consent-open]").await;
    }
    stage.browser.shown("dialog[open]").await;
    stage.browser.open_details().await;
}

/// In every language, theme and size. The panel without the banner behind it: axe takes what is
/// painted in the browser's top layer for covered by it, and then cannot tell its contrast.
#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_in_the_banner_and_the_panel() {
    let mut stage = set(Options::default()).await;
    let mut looks = Vec::new();
    for language in languages() {
        for (size, dark) in [(PHONE, false), (DESKTOP, true), (PHONE, true), (DESKTOP, false)] {
            let options = Options { size, dark, reduced_motion: true, ..Options::default() };
            looks.push((language, options));
        }
    }
    for (language, options) in &looks {
        stage.browser.change(options.clone()).await;
        stage.visit_in(language).await;
        stage.browser.shown("button[value=accept]").await;
        assert_eq!(stage.browser.axe(&[]).await, [""; 0], "banner in {language}, {options:?}");
    }
    open_panel(&stage).await;
    let top_layer = ["color-contrast"];
    assert_eq!(stage.browser.axe(&top_layer).await, [""; 0], "panel over the banner");
    stage.browser.press("dialog button[value=refuse]").await;
    stage.browser.gone().await;
    for (language, options) in &looks {
        stage.browser.change(options.clone()).await;
        stage.visit_in(language).await;
        open_panel(&stage).await;
        assert_eq!(stage.browser.axe(&[]).await, [""; 0], "panel in {language}, {options:?}");
    }
}

/// 1.4.10 Reflow, 1.4.4 and 400 % zoom, 1.4.12 Text spacing; and no label is clipped.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_cut_off_at_320_pixels_at_any_zoom_and_spacing() {
    let mut stage = set(Options { reduced_motion: true, ..Options::default() }).await;
    // 1280 pixels at 400 % are 320 CSS pixels, and 1024 in height are 256.
    for (size, scale) in [((320, 640), 1.0), ((320, 256), 4.0), (DESKTOP, 1.0)] {
        let options = Options { size, scale, reduced_motion: true, ..Options::default() };
        stage.browser.change(options).await;
        for language in languages() {
            let which = format!("{language}, {size:?}");
            stage.visit_in(language).await;
            stage.browser.shown("button[value=accept]").await;
            assert_eq!(stage.browser.cut_off().await, [""; 0], "banner in {which}");
            stage.browser.space_text().await;
            assert_eq!(stage.browser.cut_off().await, [""; 0], "spaced banner in {which}");
            open_panel(&stage).await;
            assert_eq!(stage.browser.cut_off().await, [""; 0], "spaced panel in {which}");
        }
    }
}

/// The measurements of these tests notice what they are for.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_on_purpose_is_noticed() {
    let stage = Stage::set().await;
    stage.visit_in("en").await;
    stage.browser.shown("button[value=accept]").await;
    let change = async |script: &str| {
        let root = "const root = document.querySelector('consent-banner').shadowRoot;";
        stage.browser.run(&format!("{root} {script}")).await;
    };
    change("root.host.style.setProperty('--consent-muted', '#bbbbbb')").await;
    let found = stage.browser.axe(&[]).await;
    assert!(found.iter().any(|line| line.starts_with("violation color-contrast")), "{found:?}");
    assert_eq!(stage.browser.axe(&["color-contrast"]).await, [""; 0]);
    change("root.querySelector('[value=refuse]').textContent = ''").await;
    let found = stage.browser.axe(&["color-contrast"]).await;
    assert!(found.iter().any(|line| line.starts_with("violation button-name")), "{found:?}");

    assert_eq!(stage.browser.cut_off().await, [""; 0]);
    change("root.querySelector('.answers').style.inlineSize = '60rem'").await;
    let found = stage.browser.cut_off().await;
    assert!(found.iter().any(|line| line.contains("form.actions")), "{found:?}");
    change("root.querySelector('.banner').style.left = '-2rem'").await;
    let found = stage.browser.cut_off().await;
    assert!(found.iter().any(|line| line.contains("reaches from -32 to 400")), "{found:?}");

    // Under a banner that covers the window, nothing of the page is seen.
    stage.browser.run("document.querySelector('[data-consent-open]').focus()").await;
    assert_eq!(stage.browser.focused().await.unwrap().seen, 9);
    change("root.querySelector('.banner').style.cssText = 'inset: 0; width: auto'").await;
    assert_eq!(stage.browser.focused().await.unwrap().seen, 0);
}

/// 2.4.3 Focus order, 2.1.2 No keyboard trap.
async fn the_focus_goes_through_the_banner_in_reading_order(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    stage.visit_in("en").await;
    stage.browser.shown("button[value=accept]").await;
    let mut order = Vec::new();
    for _ in 0..4 {
        stage.browser.key(Key::Tab).await;
        order.push(stage.browser.focused().await.unwrap().name);
    }
    assert_eq!(order, ["refuse", "accept", "customize", "Choices"]);
}

/// 2.4.3, and the pattern of a modal dialog: Tab goes round, and the focus returns.
#[tokio::test(flavor = "multi_thread")]
async fn tab_goes_round_in_the_panel_and_the_focus_returns() {
    let stage = Stage::set().await;
    stage.visit_in("en").await;
    stage.browser.shown("button[value=accept]").await;
    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.shown("dialog[open]").await;
    let first = stage.browser.focused().await.unwrap();
    assert!(first.inside, "{first:?}");
    let mut round = vec![first.name.clone()];
    loop {
        stage.browser.key(Key::Tab).await;
        let focused = stage.browser.focused().await.unwrap();
        assert!(focused.inside, "{focused:?} after {round:?}");
        if focused.name == first.name {
            break;
        }
        round.push(focused.name);
        assert!(round.len() < 60, "{round:?}");
    }
    for reached in
        ["analytics", "communications", "email.open_tracking", "accept", "refuse", "save", "close"]
    {
        assert!(round.iter().any(|name| name == reached), "{reached} in {round:?}");
    }
    stage.browser.key(Key::Escape).await;
    wait_for("the focus to return", async || {
        let focused = stage.browser.focused().await?;
        (focused.name == "Choices").then_some(())
    })
    .await;
}

/// 2.4.11 Focus not obscured: of whatever has the focus in the page, something is seen beside the
/// banner.
#[tokio::test(flavor = "multi_thread")]
async fn the_banner_never_hides_what_has_the_focus() {
    for (size, position) in
        [(PHONE, "corner"), (DESKTOP, "corner"), (DESKTOP, "bottom"), (DESKTOP, "center")]
    {
        let (corner, wanted) = ("position = \"corner\"", format!("position = \"{position}\""));
        assert!(consent_examples::CONFIG.contains(corner));
        let config = consent_examples::CONFIG.replace(corner, &wanted);
        let browser = Options { size, ..Options::default() };
        let stage = Stage::set_with(Setting { browser, config, ..Setting::default() }).await;
        stage.visit().await;
        stage.browser.shown("button[value=accept]").await;
        let mut seen = 0;
        // Through the whole page, until the focus is back in the banner or leaves the page.
        for stop in 0..100 {
            stage.browser.key(Key::Tab).await;
            let Some(focused) = stage.browser.focused().await else { break };
            if focused.inside && stop > 3 {
                break;
            }
            if !focused.inside {
                // The page may scroll smoothly.
                let what = format!("{} to be seen at {size:?}, {position}", focused.name);
                wait_for(&what, async || (stage.browser.focused().await?.seen > 0).then_some(()))
                    .await;
                seen += 1;
            }
        }
        assert!(seen > 10, "{seen} stops");
    }
}

/// 1.4.1 and forced colours: everything that can be operated has an edge, and both answers share
/// one look.
#[tokio::test(flavor = "multi_thread")]
async fn with_forced_colors_everything_keeps_an_edge() {
    let stage = set(Options { forced_colors: true, ..Options::default() }).await;
    stage.visit_in("en").await;
    stage.browser.shown("button[value=accept]").await;
    assert_eq!(
        stage.browser.run("return matchMedia('(forced-colors: active)').matches").await,
        true
    );
    open_panel(&stage).await;
    let bare = stage
        .browser
        .run(
            "const root = document.querySelector('consent-banner').shadowRoot;
             const parts = root.querySelectorAll('.banner, dialog, button, [role=switch]');
             return [...parts].filter((part) => {
                const { borderTopStyle, borderTopWidth, borderTopColor, backgroundColor } = getComputedStyle(part);
                return borderTopStyle === 'none' || borderTopWidth === '0px' || borderTopColor === backgroundColor;
             }).map((part) => part.outerHTML.slice(0, 80))",
        )
        .await;
    assert_eq!(bare, serde_json::json!([]));
}

/// 2.3.3: with less motion wanted, nothing moves.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_when_less_motion_is_wanted() {
    const MOVES: &str = "
        const root = document.querySelector('consent-banner').shadowRoot;
        return [...root.querySelectorAll('*')].filter((part) => {
            const { animationName, transitionDuration } = getComputedStyle(part);
            return animationName !== 'none' || parseFloat(transitionDuration) > 0;
        }).length";
    let mut stage = Stage::set().await;
    stage.visit_in("en").await;
    stage.browser.shown("button[value=accept]").await;
    assert!(stage.browser.run(MOVES).await.as_u64() > Some(0), "otherwise this sees nothing");
    stage.browser.change(Options { reduced_motion: true, ..Options::default() }).await;
    open_panel(&stage).await;
    assert_eq!(stage.browser.run(MOVES).await, 0);
}

/// 4.1.2 and 2.5.3: what a screen reader is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_screen_reader_is_told_what_is_asked_and_what_each_control_does() {
    let stage = Stage::set().await;
    stage.visit_in("en").await;
    stage.browser.shown("button[value=accept]").await;
    let said = controls(&stage).await;
    assert_eq!(
        said,
        [
            "dialog \"Your choices on Cloud-PBS\" modal=false",
            "heading \"Your choices on Cloud-PBS\"",
            "button \"Refuse all\"",
            "button \"Accept all\"",
            "button \"Choose\"",
        ]
    );
    stage.browser.press_in_page("[data-consent-open]").await;
    stage.browser.press("input[value=analytics]").await;
    let said = controls(&stage).await;
    assert_eq!(said[0], "dialog \"Your choices\" modal=true");
    for control in [
        "button \"Close without changing anything\"",
        "switch \"Audience measurement\" checked=true",
        "switch \"News by e-mail\" checked=false",
        "switch \"Knowing whether our e-mails are opened\" checked=false",
        "button \"Refuse all\"",
        "button \"Accept all\"",
        "button \"Save my choices\"",
        "link \"CNIL\"",
    ] {
        assert!(said.iter().any(|line| line == control), "{control} in {said:#?}");
    }
    let nameless: Vec<_> = said.iter().filter(|line| line.contains("\"\"")).collect();
    assert!(nameless.is_empty(), "{nameless:?}");
}

/// What is said of headings and of everything that can be operated.
async fn controls(stage: &Stage) -> Vec<String> {
    const ROLES: [&str; 6] =
        ["dialog", "heading", "button", "switch", "link", "DisclosureTriangle"];
    let said = stage.browser.spoken().await;
    let is_told = |line: &String| ROLES.iter().any(|role| line.starts_with(role));
    said.into_iter().filter(is_told).collect()
}
