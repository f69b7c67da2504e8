//! The loader reads the state cookie as the core does: the same vectors, run in the browser.

use consent_tests::Stage;

const LOADER: &str = include_str!("../../../consent-widget/loader/stub.js");
const VECTORS: &str = include_str!("../../../consent-core/src/cookie-vectors.json");

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_vectors() {
    let (_, rest) = LOADER.split_once("// #region cookie").unwrap();
    let (codec, _) = rest.split_once("// #endregion").unwrap();
    let stage = Stage::set().await;
    stage.visit().await;
    let script = format!(
        "const config = {{ policy: 2 ** 32 - 1 }};
         {codec}
         const {{ valid, invalid }} = {VECTORS};
         return {{
            read: valid.map(({{ value }}) => {{
                const [policy, until, letters] = decode('other=1; consent=' + value + '; more=2');
                return [policy, new Date(until * 6e4).toISOString().replace('.000', ''), letters];
            }}),
            refused: invalid.filter((value) => decode('consent=' + value).length === 0),
         }}"
    );
    let answer = stage.browser.run(&script).await;
    let vectors: serde_json::Value = serde_json::from_str(VECTORS).unwrap();
    for (i, vector) in vectors["valid"].as_array().unwrap().iter().enumerate() {
        let expected = serde_json::json!([vector["policy"], vector["until"], vector["letters"]]);
        assert_eq!(answer["read"][i], expected);
    }
    assert_eq!(answer["refused"], vectors["invalid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_cannot_be_read_is_never_asked() {
    let stage = Stage::set().await;
    stage.visit().await;
    stage.browser.shown("button[value=accept]").await;
    for rubbish in ["rubbish", "2.1.zzzzz.ggg", "1.2.zzzzz.ggg", "1.1.zzzzz.gg", "1.1.0.ggg"] {
        stage.browser.run(&format!("document.cookie = 'consent={rubbish};path=/'")).await;
        stage.visit().await;
        stage.browser.shown("button[value=accept]").await;
        assert_eq!(
            stage.browser.run("return window.consent.allows('analytics')").await,
            false,
            "{rubbish}"
        );
    }
    assert_eq!(stage.collected(), []);
}

/// The budget of `cargo xtask size` for what no build knows: the banner of a site.
#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_loaded_until_the_banner_is_painted_fits_in_9_kilobytes() {
    let stage = Stage::set().await;
    let client = reqwest::Client::new();
    for language in ["en", "fr"] {
        let mut bytes = 0;
        for part in ["consent.js", &format!("ask.js?lang={language}")] {
            let url = format!("{}/v1/sites/cloud-pbs/{part}", stage.at.consent);
            let answer = client.get(url).header("accept-encoding", "br").send().await.unwrap();
            assert_eq!(answer.headers()["content-encoding"], "br", "{part}");
            bytes += answer.bytes().await.unwrap().len();
        }
        assert!(bytes <= 9 * 1024, "{language}: {bytes}");
    }
}
