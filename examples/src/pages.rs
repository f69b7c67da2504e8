//! The pages of the Cloud-PBS site and of the embedding site, and how they are served.
//!
//! The files in `cloud-pbs/site` and `embed/site` are part of the program. Where they name another
//! part of the demo they hold `{{consent}}`, `{{embed}}` or `{{collector}}`, which become the
//! addresses in use. Pages hold no inline script or style: their security policy forbids both.

use std::path::PathBuf;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

use crate::{Addresses, mailbox};

/// A file that the demo serves.
struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The icon, the same for all three sites.
const ICON: &str = include_str!("../cloud-pbs/site/icon.svg");
/// Refreshes the mailbox and the collector.
const LIVE: &str = include_str!("../cloud-pbs/site/live.js");
/// The mailbox, without its messages.
const MAIL: &str = include_str!("../cloud-pbs/site/mail.html");

const SITE: [File; 7] = [
    File { path: "/", kind: HTML, text: include_str!("../cloud-pbs/site/index.html") },
    File { path: "/fr", kind: HTML, text: include_str!("../cloud-pbs/site/index.fr.html") },
    File { path: "/bench", kind: HTML, text: include_str!("../cloud-pbs/site/bench.html") },
    File { path: "/site.css", kind: CSS, text: include_str!("../cloud-pbs/site/site.css") },
    File { path: "/site.js", kind: SCRIPT, text: include_str!("../cloud-pbs/site/site.js") },
    File { path: "/live.js", kind: SCRIPT, text: LIVE },
    File { path: "/icon.svg", kind: SVG, text: ICON },
];

const EMBED: [File; 3] = [
    File { path: "/", kind: HTML, text: include_str!("../embed/site/index.html") },
    File { path: "/site.css", kind: CSS, text: include_str!("../embed/site/site.css") },
    File { path: "/icon.svg", kind: SVG, text: ICON },
];

const COLLECTOR: [File; 4] = [
    File { path: "/collect.js", kind: SCRIPT, text: include_str!("../collector/site/collect.js") },
    File { path: "/site.css", kind: CSS, text: include_str!("../collector/site/site.css") },
    File { path: "/live.js", kind: SCRIPT, text: LIVE },
    File { path: "/icon.svg", kind: SVG, text: ICON },
];

/// The pages of the main site, to be merged with the routes of the consent server.
pub fn site(addresses: &Addresses, mail: Option<PathBuf>) -> Router {
    let Addresses { collector, .. } = addresses;
    let policy = format!(
        "default-src 'none'; script-src 'self' {collector} 'wasm-unsafe-eval'; \
         connect-src 'self' {collector}; style-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    let policy = header_value(&policy);
    let page = fill(MAIL, addresses);
    let csp = policy.clone();
    let mailbox = get(move || async move {
        let messages = mailbox::read(mail).await;
        html(page.replace("{{messages}}", &mailbox::render(&messages)), &csp)
    });
    files(&SITE, addresses, &policy).route("/mail", mailbox)
}

/// The embedding site. It answers under any host name.
pub fn embed(addresses: &Addresses) -> Router {
    let Addresses { consent, collector, .. } = addresses;
    let policy = format!(
        "default-src 'none'; script-src {consent} {collector} 'wasm-unsafe-eval'; \
         connect-src {consent} {collector}; style-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    );
    files(&EMBED, addresses, &header_value(&policy))
}

/// The collector's files: its script, and what its page needs.
pub(crate) fn collector(addresses: &Addresses) -> Router {
    files(&COLLECTOR, addresses, &collector_policy())
}

/// What the collector's own page may do.
pub(crate) fn collector_policy() -> HeaderValue {
    HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; \
         img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
}

/// Puts the addresses in use into a text.
pub(crate) fn fill(text: &str, addresses: &Addresses) -> String {
    text.replace("{{consent}}", &addresses.consent)
        .replace("{{embed}}", &addresses.embed)
        .replace("{{collector}}", &addresses.collector)
}

/// An answer with a page made for it.
pub(crate) fn html(page: String, policy: &HeaderValue) -> Response {
    (headers(HTML, policy), page).into_response()
}

/// A text made safe to stand in HTML, between tags or in a quoted attribute.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

fn files(files: &[File], addresses: &Addresses, policy: &HeaderValue) -> Router {
    files.iter().fold(Router::new(), |router, file| {
        router.route(file.path, serve(file.kind, fill(file.text, addresses), policy.clone()))
    })
}

fn serve(kind: &'static str, text: String, policy: HeaderValue) -> MethodRouter {
    let text = axum::body::Bytes::from(text);
    get(move || async move { (headers(kind, &policy), text).into_response() })
}

fn headers(kind: &'static str, policy: &HeaderValue) -> [(HeaderName, HeaderValue); 5] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, policy.clone()),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // Addresses change from run to run, so nothing here may be taken from a cache.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ]
}

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).expect("made of our own words and socket addresses, all ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    fn addresses() -> Addresses {
        Addresses {
            consent: "http://127.0.0.1:1".into(),
            embed: "http://embed.localhost:2".into(),
            collector: "http://collector.localhost:3".into(),
        }
    }

    async fn load(router: Router, path: &str) -> (HeaderValue, String) {
        let request = Request::get(path).header("host", "any.test").body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].clone();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (policy, String::from_utf8(body.to_vec()).unwrap())
    }

    /// Every script must have a source, and no style or handler may stand in the page.
    fn assert_nothing_inline(page: &str, name: &str) {
        // What the page shows as an example is escaped, so it is not counted.
        for tag in page.split("<script").skip(1) {
            let (head, rest) = tag.split_once('>').unwrap();
            assert!(head.contains("src=\""), "{name}: a script without a source");
            assert!(rest.starts_with("</script>"), "{name}: a script with a body");
        }
        for forbidden in ["<style", " style=", "javascript:", " onclick=", " onload=", "{{"] {
            assert!(!page.contains(forbidden), "{name}: {forbidden}");
        }
    }

    #[tokio::test]
    async fn each_page_embeds_the_banner_once_and_holds_nothing_inline() {
        let site = site(&addresses(), None);
        for (path, language) in [("/", "en"), ("/fr", "fr"), ("/bench", "en")] {
            let (policy, page) = load(site.clone(), path).await;
            let line = "<script src=\"/v1/sites/cloud-pbs/consent.js\"></script>";
            assert_eq!(page.matches(line).count(), 1, "{path}");
            assert!(page.contains(&format!("<html lang=\"{language}\">")), "{path}");
            assert!(!policy.to_str().unwrap().contains("unsafe-inline"), "{path}");
            assert_nothing_inline(&page, path);
        }
        let (_, page) = load(site, "/mail").await;
        assert!(!page.contains("consent.js"));
        assert_nothing_inline(&page, "/mail");
    }

    #[tokio::test]
    async fn the_embedding_site_answers_any_host_under_a_strict_policy() {
        let (policy, page) = load(embed(&addresses()), "/").await;
        let line = "<script src=\"http://127.0.0.1:1/v1/sites/cloud-pbs/consent.js\"></script>";
        assert_eq!(page.matches(line).count(), 1);
        assert_nothing_inline(&page, "embed");
        assert_eq!(
            policy,
            "default-src 'none'; \
             script-src http://127.0.0.1:1 http://collector.localhost:3 'wasm-unsafe-eval'; \
             connect-src http://127.0.0.1:1 http://collector.localhost:3; style-src 'self'; \
             img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
    }

    #[tokio::test]
    async fn measurement_waits_in_a_template_and_choices_are_always_in_reach() {
        let main = site(&addresses(), None);
        for (router, path) in [(main.clone(), "/"), (main, "/fr"), (embed(&addresses()), "/")] {
            let (_, page) = load(router, path).await;
            let held = "<template data-consent=\"analytics\">\
                        <script src=\"http://collector.localhost:3/collect.js\" \
                        data-site=\"cloud-pbs\"></script></template>";
            assert!(page.contains(held), "{path}");
            assert_eq!(page.matches("/collect.js").count(), 1, "{path}");
            assert!(page.contains("<button type=\"button\" data-consent-open>"), "{path}");
            assert!(page.contains("<button type=\"button\" data-consent-withdraw>"), "{path}");
        }
    }

    #[test]
    fn boxes_are_separate_and_unticked() {
        for file in SITE.iter().filter(|file| file.text.contains("id=\"newsletter\"")) {
            for purpose in ["communications", "email.open_tracking"] {
                let field =
                    format!("<input type=\"checkbox\" name=\"purpose\" value=\"{purpose}\">");
                assert_eq!(file.text.matches(&field).count(), 1, "{}", file.path);
            }
            assert!(!file.text.contains(" checked"), "{}", file.path);
        }
    }
}
