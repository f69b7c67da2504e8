//! `/docs`: the page that shows the document of the interface and tries it out. It loads nothing from
//! other hosts, and sends requests to this server only.
//!
//! `build.rs` says why it is Swagger UI, and packs it.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::Unchanged;
use super::openapi::problems;
use super::problem::{Kind, Problem};
use crate::assets::Asset;

/// Swagger UI needs images within its style sheet; a script inside the page it does not need.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

static PAGE: LazyLock<Asset> = LazyLock::new(|| Asset::html(include_str!("docs/page.html")));
static START: LazyLock<Asset> =
    LazyLock::new(|| crate::assets::script(include_str!("docs/start.js").to_owned()));
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let packed = include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui-bundle.js.br"));
    Asset::unpacked("text/javascript; charset=utf-8", packed)
});
static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let packed = include_bytes!(concat!(env!("OUT_DIR"), "/swagger-ui.css.br"));
    Asset::unpacked("text/css; charset=utf-8", packed)
});

/// The page that shows this document
///
/// And tries it out.
#[utoipa::path(
    get, path = "/docs", operation_id = "docs", tag = "operation",
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        Unchanged,
    ),
)]
pub(super) async fn page(headers: HeaderMap) -> Response {
    let mut response = PAGE.answer(&headers);
    let more = response.headers_mut();
    more.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    more.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A file of the page.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its shape is all that is used")]
struct FilePath {
    /// The file.
    file: DocsFile,
}

#[derive(Serialize, ToSchema)]
#[expect(dead_code, reason = "its shape is all that is used")]
pub(super) enum DocsFile {
    #[serde(rename = "start.js")]
    Start,
    #[serde(rename = "swagger-ui-bundle.js")]
    Script,
    #[serde(rename = "swagger-ui.css")]
    Style,
}

problems!(NoSuchFile: &[Kind::RouteUnknown]);

/// The files of that page
#[utoipa::path(
    get, path = "/docs/{file}", operation_id = "docs_file", tag = "operation",
    params(FilePath),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/javascript"),
            (String = "text/css"),
        )),
        Unchanged,
        NoSuchFile,
    ),
)]
pub(super) async fn file(
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = match file.as_str() {
        "start.js" => &START,
        "swagger-ui-bundle.js" => &SCRIPT,
        "swagger-ui.css" => &STYLE,
        _ => return Err(Problem::new(Kind::RouteUnknown, "there is no such file")),
    };
    Ok(asset.answer(&headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_asks_for_nothing_that_it_does_not_have() {
        let html = include_str!("docs/page.html");
        let named: Vec<_> = html.split('"').filter(|text| text.starts_with("/docs/")).collect();
        assert_eq!(named.len(), 3);
        for address in named {
            let name = address.trim_start_matches("/docs/").to_owned();
            let answer = file(Path(name), HeaderMap::new()).await.unwrap();
            assert_eq!(answer.status(), 200, "{address}");
        }
        assert!(!html.contains("//") && !include_str!("docs/start.js").contains("://"));

        let answer = page(HeaderMap::new()).await;
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert!(file(Path("swagger-ui.js".into()), HeaderMap::new()).await.is_err());
    }
}
