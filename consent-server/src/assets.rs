//! The files that browsers download: the loader, the banner and the WASM. Each is made once,
//! compressed when it is first asked for, and answered without further work from then on.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consent_core::mapping::Mapping;
use consent_core::policy::{PolicyHistory, Purpose};
use consent_core::{Digest, Signal};
use data_encoding::BASE64;
use rust_embed::RustEmbed;
use serde::Serialize;

use crate::settings::SiteSettings;

/// What `cargo xtask widget` wrote.
#[derive(RustEmbed)]
#[folder = "../dist"]
#[allow_missing = true]
struct Dist;

/// The widget is missing from this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this program was built without the widget; run `cargo xtask widget`, then build it again")]
pub struct WidgetMissing;

/// A body ready to be sent.
#[derive(Debug, Clone)]
pub struct Asset {
    kind: &'static str,
    cache: &'static str,
    etag: String,
    plain: Bytes,
    brotli: OnceLock<Bytes>,
}

/// Named by its content, so it never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Changes with the policy: asked for again after five minutes, and then mostly not sent again.
const SHORT: &str = "public, max-age=300, stale-while-revalidate=86400";

impl Asset {
    fn new(kind: &'static str, cache: &'static str, plain: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", &Digest::of(&plain).to_string()[..32]);
        Self { kind, cache, etag, plain: plain.into(), brotli: OnceLock::new() }
    }

    /// One that the build compressed: at this quality the WASM takes too long for a visitor.
    fn packed(kind: &'static str, cache: &'static str, plain: Vec<u8>, brotli: Vec<u8>) -> Self {
        Self { brotli: Bytes::from(brotli).into(), ..Self::new(kind, cache, plain) }
    }

    /// JSON that changes with the policy.
    pub fn json<T: Serialize>(value: &T) -> Self {
        let body = serde_json::to_vec(value).expect("made of texts and numbers");
        Self::new("application/json", SHORT, body)
    }

    /// What the program carries compressed only. Browsers say that they take it compressed where
    /// the connection is encrypted.
    pub(crate) fn unpacked(kind: &'static str, brotli: &[u8]) -> Self {
        let mut plain = Vec::new();
        brotli::BrotliDecompress(&mut &brotli[..], &mut plain).expect("the build compressed it");
        Self::packed(kind, SHORT, plain, brotli.to_vec())
    }

    /// A page that is the same for everybody.
    pub(crate) fn html(text: &str) -> Self {
        Self::new("text/html; charset=utf-8", SHORT, text.into())
    }

    /// The document of the interface, which changes with the program only.
    pub(crate) fn document(text: String) -> Self {
        Self::new("application/json", SHORT, text.into())
    }

    /// The style sheet of the pages for owners of addresses.
    pub fn css(text: &str) -> Self {
        Self::new("text/css; charset=utf-8", SHORT, text.into())
    }

    /// The answer to a request with these headers.
    pub fn answer(&self, request: &HeaderMap) -> Response {
        let shared = [
            (header::CACHE_CONTROL, self.cache),
            (header::ETAG, &self.etag),
            (header::VARY, "Accept-Encoding, Origin"),
        ];
        let says = |name: header::HeaderName, word: &str| {
            request
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|item| item.split(';').next().unwrap_or_default().trim() == word)
        };
        if says(header::IF_NONE_MATCH, &self.etag) {
            return (StatusCode::NOT_MODIFIED, shared).into_response();
        }
        let kind = [(header::CONTENT_TYPE, self.kind), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        if says(header::ACCEPT_ENCODING, "br") {
            let encoding = [(header::CONTENT_ENCODING, "br")];
            let packed = self.brotli.get_or_init(|| compress(&self.plain).into());
            (shared, kind, encoding, packed.clone()).into_response()
        } else {
            (shared, kind, self.plain.clone()).into_response()
        }
    }
}

fn compress(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut &plain[..], &mut out, &params)
        .expect("writing to memory does not fail");
    out
}

/// The widget's WASM and its glue, the same for every site.
#[derive(Debug, Clone)]
pub struct WidgetFiles {
    /// Names the content; part of the address.
    pub hash: String,
    /// The style sheet of the banner, which goes with its HTML.
    pub banner_style: String,
    glue: Asset,
    wasm: Asset,
    panel_style: Asset,
}

impl WidgetFiles {
    /// The widget that this program carries.
    pub fn load() -> Result<Self, WidgetMissing> {
        let get =
            |name: &str| Dist::get(name).map(|file| file.data.into_owned()).ok_or(WidgetMissing);
        let (glue, wasm) = (get("consent_widget.js")?, get("consent_widget_bg.wasm")?);
        let panel_style = get("panel.css")?;
        let all = [glue.as_slice(), wasm.as_slice(), panel_style.as_slice()].concat();
        let hash = Digest::of(&all).to_string()[..8].to_owned();
        let ready = |kind, name: &str, plain| {
            Ok(Asset::packed(kind, FOREVER, plain, get(&format!("{name}.br"))?))
        };
        Ok(Self {
            hash,
            banner_style: text("banner.css")?,
            panel_style: Asset::new("text/css; charset=utf-8", FOREVER, panel_style),
            glue: ready("text/javascript; charset=utf-8", "consent_widget.js", glue)?,
            wasm: ready("application/wasm", "consent_widget_bg.wasm", wasm)?,
        })
    }

    /// The file of that name.
    pub fn get(&self, name: &str) -> Option<&Asset> {
        match name {
            "consent_widget.js" => Some(&self.glue),
            "consent_widget_bg.wasm" => Some(&self.wasm),
            "panel.css" => Some(&self.panel_style),
            _ => None,
        }
    }
}

/// A text of the widget, as the build wrote it.
fn text(name: &str) -> Result<String, WidgetMissing> {
    let file = Dist::get(name).ok_or(WidgetMissing)?;
    String::from_utf8(file.data.into_owned()).map_err(|_| WidgetMissing)
}

/// The same, with a value in place of its placeholder. No `<` stays in the value, so that the
/// script can also stand inside a page.
fn filled<T: Serialize>(name: &str, placeholder: &str, value: &T) -> Result<String, WidgetMissing> {
    Ok(fill(&text(name)?, placeholder, value))
}

fn fill<T: Serialize>(script: &str, placeholder: &str, value: &T) -> String {
    let json = serde_json::to_string(value).expect("made of texts and numbers");
    script.replacen(placeholder, &json.replace('<', "\\u003c"), 1)
}

/// What the stub knows about its site; `consent-widget/loader/parts.d.ts` says what the fields are.
#[derive(Serialize)]
struct StubConfig<'c> {
    base: String,
    policy: u32,
    asked: Vec<&'c str>,
    interests: Vec<&'c str>,
    since: Vec<u32>,
    signals: Vec<&'static str>,
}

/// What `ask.js` knows about its site.
#[derive(Serialize)]
struct AskConfig<'c> {
    files: String,
    verify: String,
    policy: u32,
    months: u8,
    cookies: Vec<Vec<&'c str>>,
    signals: BTreeMap<&'static str, (Signal, &'static str)>,
}

/// The property of `navigator` that tells a signal, and what people call it.
fn told(signal: Signal) -> (&'static str, &'static str) {
    match signal {
        Signal::Gpc => ("globalPrivacyControl", "Global Privacy Control"),
        Signal::Dnt => ("doNotTrack", "Do Not Track"),
    }
}

/// The stub of one site, with what it has to know filled in, and the parts that the site asks for:
/// what every page of it runs, as a file or inside the page.
pub(crate) fn stub<'s>(
    public_url: &str,
    site: &'s SiteSettings,
    history: &PolicyHistory,
) -> Result<String, WidgetMissing> {
    let policy = &site.policy;
    let id = |purpose: &'s Purpose| purpose.id.as_str();
    let config = StubConfig {
        base: format!("{public_url}/v1/sites/{}", site.id),
        policy: policy.number,
        asked: policy.consent_purposes().map(id).collect(),
        interests: policy.interests().map(id).collect(),
        since: policy
            .choosable_purposes()
            .map(|purpose| history.remembered(&purpose.id).since())
            .collect(),
        signals: policy.signals.iter().map(|signal| told(*signal).0).collect(),
    };
    let mut stub = filled("stub.js", "__CONSENT_CONFIG__", &config)?;
    let mapping = Mapping::of(policy);
    if !mapping.is_empty() {
        stub += &filled("vendors.js", "__CONSENT_VENDORS__", &mapping)?;
    }
    if !site.hosts.is_empty() {
        stub += &filled("strict.js", "__CONSENT_HOSTS__", &site.hosts)?;
    }
    Ok(stub)
}

/// A script of one site, as a file.
pub(crate) fn script(text: String) -> Asset {
    Asset::new("text/javascript; charset=utf-8", SHORT, text.into_bytes())
}

/// The loader of one site, to stand inside a page: a return visit then makes no request for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet(String);

impl Snippet {
    /// The snippet of a site, with its policy in force and those before it.
    pub fn new(
        public_url: &str,
        site: &SiteSettings,
        history: &PolicyHistory,
    ) -> Result<Self, WidgetMissing> {
        stub(public_url, site, history).map(Self)
    }

    /// The line for `<head>`.
    pub fn html(&self) -> String {
        format!("<script>{}</script>", self.0)
    }

    /// What `script-src` of a Content-Security-Policy needs to let it run (CSP Level 3, §2.3.1).
    pub fn hash(&self) -> String {
        let digest = BASE64.encode(Digest::of(self.0.as_bytes()).as_bytes());
        format!("'sha256-{digest}'")
    }
}

/// What the loader brings in when it is needed: with what it has to know of its site, and a place
/// left for the banner.
#[derive(Debug)]
pub(crate) struct Ask(String);

impl Ask {
    /// With a banner, so that both are one answer.
    pub(crate) fn with<T: Serialize>(&self, banner: &T) -> Asset {
        script(fill(&self.0, "__CONSENT_BANNER__", banner))
    }
}

/// The same of one site.
pub(crate) fn ask(
    public_url: &str,
    widget: &WidgetFiles,
    site: &SiteSettings,
) -> Result<Ask, WidgetMissing> {
    let policy = &site.policy;
    let config = AskConfig {
        files: format!("{public_url}/v1/widget/{}", widget.hash),
        verify: format!("{public_url}/v1/receipts/verify"),
        policy: policy.number,
        months: policy.lifetime_months,
        cookies: policy
            .choosable_purposes()
            .map(|purpose| purpose.cookies.iter().map(|cookie| cookie.name.as_str()).collect())
            .collect(),
        signals: policy
            .signals
            .iter()
            .map(|signal| (told(*signal).0, (*signal, told(*signal).1)))
            .collect(),
    };
    Ok(Ask(filled("ask.js", "__CONSENT_SITE__", &config)?))
}
