//! What the other tests stand on: a browser is as it was asked for, and all that it sends is seen.

use consent_tests::{Answer, Kind, Options, Setting, Stage, in_both_browsers, wait_for};
use serde_json::json;

in_both_browsers!(
    a_browser_is_as_it_was_asked_for,
    without_scripts_nothing_runs,
    pages_and_third_parties_are_seen,
    a_violation_of_the_policy_is_on_the_console,
);

async fn set(browser: Options) -> Stage {
    Stage::set_with(Setting { browser, ..Setting::default() }).await
}

async fn a_browser_is_as_it_was_asked_for(kind: Kind) {
    const FACTS: &str = "
        const is = (query) => matchMedia(query).matches;
        return [
            [innerWidth, innerHeight, devicePixelRatio],
            is('(prefers-color-scheme: dark)'), is('(prefers-reduced-motion: reduce)'),
            is('(forced-colors: active)'), navigator.language, navigator.globalPrivacyControl ?? false,
        ]";
    let plain = set(Options { dark: true, ..Options::of(kind) }).await;
    let page = plain.pages.set("/", Answer::html("<!doctype html><p>Hello"));
    plain.browser.open(&page).await;
    let facts = plain.browser.run(FACTS).await;
    assert_eq!(facts, json!([[1280, 800, 1], true, false, false, "en", false]));
    assert!(!plain.network.all().iter().any(|seen| seen.headers.contains_key("sec-gpc")));
    // Whatever else it tried, to its maker's servers, got no further than the proxy.
    let mut others = plain.network.all();
    others.retain(|seen| format!("http://{}", seen.host) != plain.pages.origin());
    others.retain(|seen| seen.status.is_some());
    assert_eq!(others, []);

    let stage = set(Options {
        size: (640, 700),
        scale: 2.0,
        reduced_motion: true,
        forced_colors: true,
        languages: "de".into(),
        signal: true,
        ..Options::of(kind)
    })
    .await;
    let page = stage.pages.set("/", Answer::html("<!doctype html><p>Hello"));
    stage.browser.open(&page).await;
    let facts = stage.browser.run(FACTS).await;
    assert_eq!(facts, json!([[640, 700, 2], false, true, true, "de", true]));
    let seen = &stage.network.to(stage.pages.origin())[0];
    assert_eq!(seen.headers["sec-gpc"], "1");
    assert!(seen.headers["accept-language"].to_str().unwrap().starts_with("de"));
}

async fn without_scripts_nothing_runs(kind: Kind) {
    let stage = set(Options { scripts: false, ..Options::of(kind) }).await;
    let third = stage.third.origin();
    let page = stage.pages.set(
        "/",
        Answer::html(format!(
            "<!doctype html><p>Hello<script src='{third}/a.js'></script>
             <noscript><img src='{third}/b.gif'></noscript>"
        )),
    );
    stage.browser.open(&page).await;
    let paths: Vec<_> = stage.network.to(third).into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/b.gif"]);
}

async fn pages_and_third_parties_are_seen(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    let third = stage.third.origin();
    let page = stage.pages.set(
        "/page",
        Answer::html(format!(
            "<!doctype html><title>Page</title><script src='{third}/a.js'></script>
             <img src='{third}/b.png'><iframe src='{third}/c.html'></iframe>"
        ))
        .with("x-test", "1"),
    );
    stage.browser.open(&page).await;
    assert_eq!(stage.browser.run("return window.ran").await, json!(["/a.js"]));
    let mut paths: Vec<_> = stage.network.to(third).into_iter().map(|seen| seen.path).collect();
    paths.sort();
    paths.retain(|path| path != "/favicon.ico");
    assert_eq!(paths, ["/a.js", "/b.png", "/c.html"]);
}

async fn a_violation_of_the_policy_is_on_the_console(kind: Kind) {
    let stage = Stage::set_in(kind).await;
    let page = stage.pages.set(
        "/strict",
        Answer::html("<!doctype html><script src='/a.js'></script><p>Hello")
            .policy("default-src 'none'"),
    );
    stage.browser.open(&page).await;
    assert_eq!(stage.browser.run("return window.ran ?? null").await, json!(null));
    wait_for("the violation", async || {
        let console = stage.browser.console().await;
        console.iter().any(|line| line.contains("Security Policy")).then_some(())
    })
    .await;
    let paths = stage.network.to(stage.pages.origin()).into_iter().map(|seen| seen.path);
    assert!(!paths.into_iter().any(|path| path == "/a.js"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_crashes_is_not_told_and_what_it_stored_stays() {
    let stage = set(Options { size: (700, 500), ..Options::default() }).await;
    let page = stage.pages.set("/", Answer::html("<!doctype html><p>Hello"));
    stage.browser.open(&page).await;
    stage
        .browser
        .run(
            "localStorage.mark = 'kept';
             for (const kind of ['visibilitychange', 'pagehide', 'beforeunload', 'blur'])
                addEventListener(kind, () => (localStorage.told = kind), true);",
        )
        .await;
    stage.browser.crash().await;
    stage.browser.open(&page).await;
    let kept = "return [localStorage.mark, localStorage.told ?? null, innerWidth]";
    assert_eq!(stage.browser.run(kept).await, json!(["kept", null, 700]));
}
