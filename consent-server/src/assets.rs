//! The files that browsers download: the loader, the banner and the WASM, all made ready at the
//! start, compressed once, and answered without further work.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consent_core::{Digest, Standing};
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
    brotli: Bytes,
}

/// Named by its content, so it never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Changes with the policy: asked for again after five minutes, and then mostly not sent again.
const SHORT: &str = "public, max-age=300, stale-while-revalidate=86400";

impl Asset {
    fn new(kind: &'static str, cache: &'static str, plain: Vec<u8>) -> Self {
        let brotli = compress(&plain);
        Self::ready(kind, cache, plain, brotli)
    }

    fn ready(kind: &'static str, cache: &'static str, plain: Vec<u8>, brotli: Vec<u8>) -> Self {
        let etag = format!("\"{}\"", &Digest::of(&plain).to_string()[..32]);
        Self { kind, cache, etag, plain: plain.into(), brotli: brotli.into() }
    }

    /// JSON that changes with the policy.
    pub fn json<T: Serialize>(value: &T) -> Self {
        let body = serde_json::to_vec(value).expect("made of texts and numbers");
        Self::new("application/json", SHORT, body)
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
            (shared, kind, encoding, self.brotli.clone()).into_response()
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
    glue: Asset,
    wasm: Asset,
}

impl WidgetFiles {
    /// The widget that this program carries.
    pub fn load() -> Result<Self, WidgetMissing> {
        let get =
            |name: &str| Dist::get(name).map(|file| file.data.into_owned()).ok_or(WidgetMissing);
        let (glue, wasm) = (get("consent_widget.js")?, get("consent_widget_bg.wasm")?);
        let hash =
            Digest::of(&[glue.as_slice(), wasm.as_slice()].concat()).to_string()[..8].to_owned();
        let ready = |kind, name: &str, plain| {
            // Compressed by the build: at this quality the WASM takes too long for every start.
            Ok(Asset::ready(kind, FOREVER, plain, get(&format!("{name}.br"))?))
        };
        Ok(Self {
            hash,
            glue: ready("text/javascript; charset=utf-8", "consent_widget.js", glue)?,
            wasm: ready("application/wasm", "consent_widget_bg.wasm", wasm)?,
        })
    }

    /// The file of that name.
    pub fn get(&self, name: &str) -> Option<&Asset> {
        match name {
            "consent_widget.js" => Some(&self.glue),
            "consent_widget_bg.wasm" => Some(&self.wasm),
            _ => None,
        }
    }
}

/// What the loader knows about its site.
#[derive(Serialize)]
struct LoaderConfig<'c> {
    base: String,
    app: String,
    policy: u32,
    since: u32,
    months: u8,
    languages: &'c [String],
    purposes: Vec<LoaderPurpose<'c>>,
}

#[derive(Serialize)]
struct LoaderPurpose<'c> {
    id: &'c str,
    cookies: Vec<&'c str>,
}

/// The loader of one site: the script, with what it has to know filled in.
pub(crate) fn loader(
    public_url: &str,
    widget: &WidgetFiles,
    site: &SiteSettings,
    standing: Standing,
) -> Result<Asset, WidgetMissing> {
    let script = Dist::get("consent.js").ok_or(WidgetMissing)?;
    let script = std::str::from_utf8(&script.data).map_err(|_| WidgetMissing)?;
    let config = LoaderConfig {
        base: format!("{public_url}/v1/sites/{}", site.id),
        app: format!("{public_url}/v1/widget/{}/consent_widget.js", widget.hash),
        policy: site.policy.number,
        since: standing.since(),
        months: site.policy.lifetime_months,
        languages: &site.policy.languages,
        purposes: site
            .policy
            .consent_purposes()
            .map(|purpose| LoaderPurpose {
                id: purpose.id.as_str(),
                cookies: purpose.cookies.iter().map(|cookie| cookie.name.as_str()).collect(),
            })
            .collect(),
    };
    let config = serde_json::to_string(&config).expect("made of texts and numbers");
    let script = script.replacen("__CONSENT_CONFIG__", &config, 1);
    Ok(Asset::new("text/javascript; charset=utf-8", SHORT, script.into_bytes()))
}
