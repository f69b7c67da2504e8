//! What somebody was shown, shown again years later: a document that needs nothing but itself.
//!
//! It draws what was kept, and renders nothing anew: banner and page are the bytes of then, each in
//! a frame of its own in which no script runs and no form can be sent.

use yew::{AttrValue, Html, Properties, ServerRenderer, component, html};

/// What is shown.
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct Replay {
    /// The language of what was shown.
    pub language: String,
    /// What is known about it, as pairs of names and values.
    pub facts: Vec<(String, String)>,
    /// The banner as it was painted, if it was kept.
    pub banner: Option<PaintedBanner>,
    /// The page on which everything stands, if it was kept, with its style sheet in it.
    pub page: Option<String>,
    /// The text as it was signed for: canonical JSON.
    pub text: String,
}

/// The banner as the loader painted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaintedBanner {
    /// Its HTML.
    pub html: String,
    /// Its style sheet.
    pub css: String,
    /// Its theme.
    pub theme: String,
    /// Its position.
    pub position: String,
    /// `ltr` or `rtl`.
    pub direction: String,
}

impl PaintedBanner {
    /// A document with nothing but the banner, painted as the loader does it.
    fn document(&self, language: &str) -> String {
        let Self { html, css, theme, position, direction } = self;
        // Attributes and style hold names and what the server itself wrote, and no visitor's text.
        format!(
            "<!doctype html><html lang=\"{language}\" dir=\"{direction}\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>Banner</title><style>:root{{color-scheme:light dark}}</style>\
             <consent-banner theme=\"{theme}\" position=\"{position}\">\
             <template shadowrootmode=\"open\"><style>{css}</style><div>{html}</div></template>\
             </consent-banner></html>"
        )
    }
}

/// The whole document, from `<!doctype html>` on.
pub async fn render_replay(replay: Replay) -> String {
    let html = ServerRenderer::<Page>::with_props(move || replay).hydratable(false).render().await;
    ["<!doctype html>\n", &html, "\n"].concat()
}

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{margin:0 auto;max-inline-size:80rem;padding:1.5rem}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-block:2rem .5rem}\
dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.25rem 1.5rem;margin:0}\
dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}\
@media(max-width:40rem){dl{grid-template-columns:1fr}dd{margin-block-end:.5rem}}\
iframe{border:1px solid GrayText;border-radius:.5rem;max-inline-size:100%;background:Canvas}\
.wide{inline-size:100%;block-size:34rem}.phone{inline-size:24.5rem;block-size:44rem}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid GrayText;border-radius:.5rem;padding:1rem;font-size:.85rem}";

#[component]
fn Page(replay: &Replay) -> Html {
    let facts = replay.facts.iter().map(|(name, value)| {
        html! { <><dt>{ name }</dt><dd>{ value }</dd></> }
    });
    let frame = |class: &'static str, title: &'static str, document: String| {
        html! { <iframe sandbox="" {class} {title} srcdoc={AttrValue::from(document)}></iframe> }
    };
    let banner = replay.banner.as_ref().map(|banner| {
        let document = banner.document(&replay.language);
        html! {
            <>
                <h2>{ "The banner, on a wide screen" }</h2>
                { frame("wide", "The banner on a wide screen", document.clone()) }
                <h2>{ "The banner, on a phone" }</h2>
                { frame("phone", "The banner on a phone", document) }
            </>
        }
    });
    let page = replay.page.clone().map(|document| {
        html! {
            <>
                <h2>{ "Everything that the preferences told" }</h2>
                <p>
                    { "As the page without a script showed it: the same text as in the preferences, \
                       which a browser drew itself." }
                </p>
                { frame("wide", "Everything that the preferences told", document) }
            </>
        }
    });
    html! {
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <title>{ "What was shown" }</title>
                <style>{ Html::from_html_unchecked(AttrValue::Static(STYLE)) }</style>
            </head>
            <body>
                <main>
                    <h1>{ "What was shown" }</h1>
                    <dl>{ for facts }</dl>
                    { for banner }
                    { for page }
                    <h2>{ "The text that the receipt stands for" }</h2>
                    <pre>{ &replay.text }</pre>
                </main>
            </body>
        </html>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_kept_is_shown_and_nothing_of_it_runs() {
        let banner = PaintedBanner {
            html: "<p>\"Agree\"?</p>".into(),
            css: "p{color:red}".into(),
            theme: "auto".into(),
            position: "corner".into(),
            direction: "ltr".into(),
        };
        let html = render_replay(Replay {
            language: "en".into(),
            facts: vec![("Site".into(), "<b>example</b>".into())],
            banner: Some(banner),
            page: Some("<script>alert(1)</script>".into()),
            text: "{\"a\":\"</pre>\"}".into(),
        })
        .await;
        assert!(html.starts_with("<!doctype html>\n<html"), "{html}");
        assert!(html.contains("&lt;b&gt;example&lt;/b&gt;"), "{html}");
        assert!(!html.contains("<script>") && html.matches("sandbox=\"\"").count() == 3, "{html}");
        assert!(html.contains("shadowrootmode=&quot;open&quot;"), "{html}");
        assert_eq!(html.matches("</pre>").count(), 1, "{html}");
    }
}
