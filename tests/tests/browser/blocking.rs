//! What waits for consent: nothing of it reaches anybody before, and all of it runs after, in the
//! order in which it is written.

use consent_tests::{Answer, Stage, wait_for};
use serde_json::json;

use super::page::{open, page, reached};

/// Everything that a page can mark.
const MARKED: &str = r#"
    <template data-consent="analytics">
        <script src="{third}/1.js"></script>
        <script>ran.push("2 inline")</script>
        <script src="{third}/5.js" defer></script>
        <script type="module">ran.push("6 module")</script>
        <script src="{third}/3.js"></script>
        <script src="{third}/never.js" nomodule></script>
        <script>ran.push("4 inline")</script>
    </template>
    <script type="text/plain" data-consent="analytics" src="{third}/7.js"></script>
    <script type="text/plain" data-consent="analytics">ran.push("8 inline")</script>
    <script type="text/plain" data-type="module" data-consent="analytics" src="{third}/9.js"></script>
    <img alt="" data-consent="analytics" data-src="{third}/picture.gif">
    <img alt="" data-consent="analytics" data-srcset="{third}/large.gif 1x">
    <link rel="stylesheet" data-consent="analytics" data-href="{third}/style.css">
    <p>The end</p>"#;

async fn ran(stage: &Stage, count: usize) -> serde_json::Value {
    wait_for("what was released to run", async || {
        let ran = stage.browser.run("return window.ran").await;
        (ran.as_array()?.len() >= count).then_some(ran)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_is_marked_waits_and_then_runs_in_its_order() {
    let stage = Stage::set().await;
    // A module of another origin takes its leave.
    let module = Answer::script("ran.push('/9.js')").with("access-control-allow-origin", "*");
    stage.third.set("/9.js", module);
    open(&stage, "<script>window.ran = []</script>", MARKED).await;
    stage.browser.shown("button[value=accept]").await;
    assert_eq!(reached(&stage), [""; 0]);
    assert_eq!(stage.browser.run("return window.ran").await, json!([]));

    stage.browser.press("button[value=accept]").await;
    let expected = json!([
        "/1.js", "2 inline", "/3.js", "4 inline", "/5.js", "6 module", "/7.js", "8 inline", "/9.js"
    ]);
    // The page is parsed by now, so what is deferred has no reason to wait any longer, except for
    // what stands before it.
    let found = ran(&stage, 9).await;
    let (mut sorted, mut wanted) = (found.clone(), expected.clone());
    for list in [&mut sorted, &mut wanted] {
        list.as_array_mut().unwrap().sort_by_key(ToString::to_string);
    }
    assert_eq!(sorted, wanted);
    for rest in ["/picture.gif", "/large.gif", "/style.css"] {
        wait_for(rest, async || reached(&stage).iter().any(|path| path == rest).then_some(()))
            .await;
    }
    assert!(!reached(&stage).contains(&"/never.js".to_owned()));
    assert_eq!(
        stage.browser.run("return document.querySelectorAll('[data-consent]').length").await,
        0
    );

    // On a return visit the parser is still at work: deferred scripts and modules come last.
    stage.network.clear();
    open(&stage, "<script>window.ran = []</script>", MARKED).await;
    let found = ran(&stage, 9).await;
    let place = |what: &str| found.as_array().unwrap().iter().position(|ran| ran == what).unwrap();
    for pair in
        [["/1.js", "2 inline"], ["2 inline", "/3.js"], ["/3.js", "4 inline"], ["/5.js", "6 module"]]
    {
        let [one, other] = pair.map(place);
        assert!(one < other, "{pair:?}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deferred_scripts_and_modules_wait_for_the_page_to_be_parsed() {
    let stage = Stage::set().await;
    open(&stage, "", "").await;
    stage.browser.press("button[value=accept]").await;
    stage.decided(1).await;
    stage.browser.gone().await;
    // A page that is still being written, for as long as the test wants.
    stage.browser.open(&stage.pages.set("/plain", Answer::html("<!doctype html><p>Plain"))).await;
    let loader = format!("{}/v1/sites/cloud-pbs/consent.js", stage.at.consent);
    let html = format!(
        "<!doctype html><script>window.ran = []</script><script src=\"{loader}\"></script>\
         <template data-consent=\"analytics\"><script src=\"{third}/1.js\" defer></script>\
         <script type=\"module\">ran.push(\"2 module\")</script></template>\
         <template data-consent=\"analytics\"><script>ran.push(\"3 inline\")</script></template> <p>",
        third = stage.third.origin()
    );
    let write = "document.open(); document.write(arguments[0]);";
    stage.browser.driver().execute(write, vec![html.into()]).await.unwrap();
    wait_for("the loader", async || {
        (stage.browser.run("return window.consent?.allows('analytics') ?? null").await == true)
            .then_some(())
    })
    .await;
    // What would run by mistake has had its time once the panel, which takes longer, is there.
    stage.browser.run("consent.open()").await;
    stage.browser.shown("dialog[open]").await;
    assert_eq!(stage.browser.run("return window.ran").await, json!(["3 inline"]));
    stage.browser.run("document.close()").await;
    assert_eq!(ran(&stage, 3).await, json!(["3 inline", "/1.js", "2 module"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_later_waits_too() {
    let stage = Stage::set().await;
    open(&stage, "<script>window.ran = []</script>", "<main></main>").await;
    stage.browser.shown("button[value=accept]").await;
    let add = |name: &str| {
        format!(
            "const template = document.createElement('template');
             template.dataset.consent = 'analytics';
             template.innerHTML = '<script src=\"{}/{name}\"><\\/script>';
             document.body.append(template, 'text');",
            stage.third.origin()
        )
    };
    stage.browser.run(&add("late.js")).await;
    stage.browser.press("button[value=accept]").await;
    ran(&stage, 1).await;
    // A page of one piece: its body is replaced, in a view transition where there is one.
    stage
        .browser
        .run(&format!(
            "history.pushState(null, '', '/other');
             document.startViewTransition(() => {{
                 document.body.innerHTML = '<h1>Another page</h1>';
                 {}
             }});",
            add("transition.js")
        ))
        .await;
    assert_eq!(ran(&stage, 2).await, json!(["/late.js", "/transition.js"]));
    assert_eq!(reached(&stage), ["/late.js", "/transition.js"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_banner_survives_a_page_that_replaces_its_body() {
    let stage = Stage::set().await;
    open(&stage, "", "<main></main>").await;
    stage.browser.shown("button[value=accept]").await;
    stage.browser.run("document.body.innerHTML = '<h1>Another page</h1>'").await;
    stage.browser.press("button[value=refuse]").await;
    stage.decided(1).await;
    stage.browser.gone().await;
}

const TEMPLATE: &str = "<template data-consent=\"analytics\"><script src=\"{third}/a.js\"></script>\
                        </template><p>The end</p>";

#[tokio::test(flavor = "multi_thread")]
async fn tabs_keep_in_step() {
    let stage = Stage::set().await;
    open(&stage, "", TEMPLATE).await;
    stage.browser.shown("button[value=accept]").await;
    let driver = stage.browser.driver();
    let first = driver.window().await.unwrap();
    let second = driver.new_tab().await.unwrap();
    driver.switch_to_window(second.clone()).await.unwrap();
    open(&stage, "", TEMPLATE).await;
    stage.browser.press("button[value=accept]").await;
    let reaches = async |count: usize| {
        wait_for("the script in so many tabs", async || {
            (reached(&stage).len() >= count).then_some(())
        })
        .await;
    };
    // The other tab is not even looked at.
    reaches(2).await;
    stage.network.clear();

    stage.browser.press_in_page("[data-consent-withdraw]").await;
    stage.decided(1).await;
    let loads = async || {
        let pages = stage.network.to(stage.pages.origin());
        (pages.iter().filter(|seen| seen.path == "/page").count() >= 2).then_some(())
    };
    wait_for("both tabs to be loaded anew", loads).await;
    driver.switch_to_window(first).await.unwrap();
    assert_eq!(stage.browser.run("return consent.allows('analytics')").await, false);
    assert_eq!(reached(&stage), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_restored_learns_what_was_withdrawn_meanwhile() {
    let stage = Stage::set().await;
    let other = stage.pages.set("/other", page(&stage, "", "<p>Other</p>"));
    open(&stage, "", TEMPLATE).await;
    stage.browser.press("button[value=accept]").await;
    wait_for("the script", async || (reached(&stage) == ["/a.js"]).then_some(())).await;
    stage.browser.open(&other).await;
    stage.browser.press_in_page("[data-consent-withdraw]").await;
    stage.decided(2).await;
    stage.network.clear();
    stage.browser.driver().back().await.unwrap();
    wait_for("the page to be without it", async || {
        let script = "return document.querySelector('script[src*=\"/a.js\"]') === null
                      && consent.allows('analytics') === false";
        (stage.browser.run(script).await == true).then_some(())
    })
    .await;
    assert_eq!(reached(&stage), [""; 0]);
}
