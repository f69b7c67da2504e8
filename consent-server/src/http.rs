//! The HTTP interface: routes, limits, and one file for each noun.

mod check;
mod choices;
mod confirm;
mod cookies;
mod decisions;
mod docs;
mod document;
mod extract;
mod keys;
mod log;
mod me;
mod openapi;
mod origin;
mod problem;
mod subscriptions;
mod time;
mod verify;
mod withdrawals;

#[cfg(test)]
mod tests;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, MatchedPath, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use consent_core::Signal;
use futures_util::FutureExt as _;
use serde::Serialize;
use tower_http::cors::{self, CorsLayer};
use utoipa::{IntoParams, IntoResponses, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes as all;

use crate::app::App;
use crate::schemas;
use extract::{AtSite, Shown, Wanted};
use openapi::problems;
use problem::{Kind, Problem};

pub use openapi::document;

/// Routes, with what the document of the interface says of each.
type Routes = OpenApiRouter<App>;

/// The largest body that is read, in bytes. A decision on 64 purposes with a receipt fits.
const MAX_BODY: usize = 64 * 1024;

impl App {
    /// All routes of the server. Others may be merged with it.
    pub fn router(&self) -> Router {
        let guard = middleware::from_fn_with_state(self.clone(), origin::guard);
        let guarded = |visitor: Routes| {
            // The fallback comes first, so that the guard sees preflight requests, which are no
            // route's method.
            with(visitor, |visitor| visitor.method_not_allowed_fallback(wrong_method).layer(guard))
        };
        Router::from(routes(guarded))
            .fallback(unknown_route)
            .method_not_allowed_fallback(wrong_method)
            .layer(middleware::from_fn_with_state(self.clone(), around))
            .with_state(self.clone())
    }
}

/// All routes. What the pages of a site ask is limited to its origins by `guarded`. Each is named by its
/// whole path: a route within a route costs every request a layer.
fn routes(guarded: impl FnOnce(Routes) -> Routes) -> Routes {
    let visitor = openapi::described()
        .routes(all!(loader))
        .routes(all!(ask))
        .routes(all!(banner))
        .routes(all!(notice))
        .routes(all!(decisions::post))
        .routes(all!(me::get))
        .routes(all!(subscriptions::post));
    let tiles = |routes: Routes| {
        let path = "/v1/log/{region}/tile/{*path}";
        with(routes, |all| all.route(path, axum::routing::get(log::tile)))
    };
    tiles(guarded(visitor))
        // What programs with a token ask, and people with a link.
        .routes(all!(check::get))
        .routes(all!(withdrawals::post))
        .routes(all!(choices::get, choices::post))
        .routes(all!(confirm::get, confirm::post))
        // Its own method for preflight requests, so that the fallback leaves them alone.
        .routes(
            all!(verify::post)
                .map(|verify| verify.options(|| async { StatusCode::NO_CONTENT }).layer(anybody())),
        )
        .routes(all!(log::post_bundle))
        .routes(all!(log::checkpoint))
        .routes(all!(log::keys))
        .routes(all!(log::inclusion))
        .routes(all!(widget))
        .routes(all!(page_style))
        .routes(all!(gpc))
        .routes(all!(keys::get))
        .routes(all!(healthy))
        .routes(all!(ready))
        .routes(all!(metrics))
        .routes(all!(openapi::get))
        .routes(all!(docs::page))
        .routes(all!(docs::file))
}

/// Changes routes, and nothing of what is said about them.
fn with(routes: Routes, change: impl FnOnce(Router<App>) -> Router<App>) -> Routes {
    let (served, told) = routes.split_for_parts();
    let mut routes = Routes::from(change(served));
    *routes.get_openapi_mut() = told;
    routes
}

/// Lets the pages of any origin ask and read the answer: it holds nothing of who asks.
fn anybody() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(cors::Any)
        .allow_methods([Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .max_age(Duration::from_mins(10))
}

/// The browser has it already.
#[derive(IntoResponses)]
#[response(status = 304, description = "Not changed since the `ETag` in `If-None-Match`")]
struct Unchanged;

problems!(
    SiteProblems: &[Kind::OriginForeign, Kind::SiteUnknown],
);
problems!(
    TextProblems: &[
        Kind::OriginForeign,
        Kind::SiteUnknown,
        Kind::FieldInvalid,
        Kind::StoreUnavailable,
    ],
);

/// The loader
///
/// What every page of the site runs.
#[utoipa::path(
    get, path = "/v1/sites/{site}/consent.js", tag = "pages", operation_id = "loader",
    params(schemas::SitePath),
    responses(
        (status = 200, description = "The script", body = String, content_type = "text/javascript"),
        Unchanged,
        SiteProblems,
    ),
)]
async fn loader(AtSite(site): AtSite, headers: HeaderMap) -> Response {
    site.loader.answer(&headers)
}

/// What the loader brings in when it is needed
///
/// With the banner in it.
#[utoipa::path(
    get, path = "/v1/sites/{site}/ask.js", tag = "pages", operation_id = "ask",
    params(schemas::SitePath, Wanted, schemas::AcceptLanguage),
    responses(
        (status = 200, description = "The script", body = String, content_type = "text/javascript"),
        Unchanged,
        TextProblems,
    ),
)]
async fn ask(Shown { texts, .. }: Shown, headers: HeaderMap) -> Response {
    in_language(texts.ask.answer(&headers))
}

/// The banner alone, for another language
#[utoipa::path(
    get, path = "/v1/sites/{site}/banner", tag = "pages", operation_id = "banner",
    params(schemas::SitePath, Wanted, schemas::AcceptLanguage),
    responses(
        (status = 200, description = "The banner, as the loader paints it",
            body = crate::texts::Banner),
        Unchanged,
        TextProblems,
    ),
)]
async fn banner(Shown { texts, .. }: Shown, headers: HeaderMap) -> Response {
    in_language(texts.banner.answer(&headers))
}

/// Everything that a visitor is shown, as data
///
/// Its canonical JSON (RFC 8785) is what a receipt's `notice.digest` covers.
#[utoipa::path(
    get, path = "/v1/sites/{site}/notice", tag = "pages", operation_id = "notice",
    params(schemas::SitePath, Wanted, schemas::AcceptLanguage),
    responses(
        (status = 200, description = "The notice", body = Object),
        Unchanged,
        TextProblems,
    ),
)]
async fn notice(Shown { texts, .. }: Shown, headers: HeaderMap) -> Response {
    in_language(texts.notice_asset.answer(&headers))
}

/// Says that another browser may be answered in another language.
fn in_language(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Language"));
    response
}

/// That Global Privacy Control is honoured here.
#[derive(Serialize, ToSchema)]
#[schema(as = GpcSupport)]
struct Gpc {
    /// Always true.
    gpc: bool,
    /// The day on which the latest policy was published.
    #[serde(rename = "lastUpdate")]
    #[schema(format = Date)]
    last_update: String,
}

problems!(NothingHere: &[Kind::RouteUnknown]);

/// That Global Privacy Control is honoured here (GPC §4)
///
/// If every site's policy says so: the statement is about the whole origin.
#[utoipa::path(
    get, path = "/.well-known/gpc.json", tag = "anybody", operation_id = "gpc",
    responses((status = 200, description = "It is", body = Gpc), NothingHere),
)]
async fn gpc(State(app): State<App>) -> Result<Response, Problem> {
    let honoured = app.sites().all(|site| site.policy.signals.contains(&Signal::Gpc));
    let published = app.sites().map(|site| site.published).max();
    let Some(published) = published.filter(|_| honoured) else {
        let detail = "not every site here honours Global Privacy Control";
        return Err(Problem::new(Kind::RouteUnknown, detail));
    };
    let last_update = published.strftime("%Y-%m-%d").to_string();
    Ok(Json(Gpc { gpc: true, last_update }).into_response())
}

/// A file of the widget, named by its content.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its shape is all that is used")]
struct WidgetPath {
    /// Names the build.
    #[param(pattern = "^[0-9a-f]{8}$")]
    hash: String,
    /// The file.
    file: WidgetFile,
}

#[derive(Serialize, ToSchema)]
#[expect(dead_code, reason = "its shape is all that is used")]
enum WidgetFile {
    #[serde(rename = "consent_widget.js")]
    Glue,
    #[serde(rename = "consent_widget_bg.wasm")]
    Wasm,
    #[serde(rename = "panel.css")]
    PanelStyle,
}

/// The preferences' own files
///
/// The same for every site.
#[utoipa::path(
    get, path = "/v1/widget/{hash}/{file}", tag = "pages", operation_id = "widget",
    params(WidgetPath),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/javascript"),
            (String = "text/css"),
            (Vec<u8> = "application/wasm"),
        )),
        Unchanged,
        NothingHere,
    ),
)]
async fn widget(
    State(app): State<App>,
    Path((hash, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = app.widget.get(&file).filter(|_| hash == app.widget.hash);
    let asset =
        asset.ok_or_else(|| Problem::new(Kind::RouteUnknown, "there is no such widget file"))?;
    let mut response = asset.answer(&headers);
    // The same for everybody and without cookies, so every origin may read it.
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    Ok(response)
}

/// The style sheet of the pages for people
#[utoipa::path(
    get, path = "/v1/page.css", tag = "people", operation_id = "page_style",
    responses(
        (status = 200, description = "The style sheet", body = String, content_type = "text/css"),
        Unchanged,
    ),
)]
async fn page_style(State(app): State<App>, headers: HeaderMap) -> Response {
    app.page_style.answer(&headers)
}

/// Whether the process runs
#[utoipa::path(
    get, path = "/healthz", tag = "operation", operation_id = "healthy",
    responses((status = 200, description = "It does", body = String, content_type = "text/plain")),
)]
async fn healthy() -> &'static str {
    "ok\n"
}

problems!(NotReady: &[Kind::StoreUnavailable]);

/// Whether every store can be written
#[utoipa::path(
    get, path = "/readyz", tag = "operation", operation_id = "ready",
    responses(
        (status = 200, description = "It can", body = String, content_type = "text/plain"),
        NotReady,
    ),
)]
async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.ready().await?;
    Ok("ready\n")
}

/// Figures for Prometheus
///
/// How many requests there were and how long they took, whether stores can be read, how large logs
/// are and for how long commitments wait. No personal data; but keep it to your own network.
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "operation",
    responses((status = 200, description = "The figures, in the text format of OpenMetrics",
        body = String, content_type = "application/openmetrics-text")),
)]
async fn metrics(State(app): State<App>) -> Response {
    let now = app.ambient.now();
    for region in app.regions() {
        app.metrics.region(&region.id, region.measure().await, now);
    }
    let kind = crate::metrics::MEDIA_TYPE;
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], app.metrics.text())
        .into_response()
}

async fn unknown_route() -> Problem {
    Problem::new(
        Kind::RouteUnknown,
        "see the documentation of the interface for the addresses there are",
    )
}

async fn wrong_method() -> Problem {
    Problem::new(Kind::MethodNotAllowed, "this address takes another method")
}

/// What is done around every request: the limits of its size and its time, an answer if it panics, and
/// its place in the figures. One layer, since each costs every request something.
async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    DefaultBodyLimit::max(MAX_BODY).apply(&mut request);
    let answer = time::limit(request, |request| {
        // Whatever broke off is dropped with it, and a store takes back what was half done.
        AssertUnwindSafe(next.run(request)).catch_unwind()
    });
    let response = answer.await.unwrap_or_else(|_| Problem::internal().into_response());
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    told(&app, &method, route, response.status(), started.elapsed());
    response
}

/// Counts a request, and logs what was asked of which route, never by whom or about whom. The route is
/// logged as it is written here, since a path or a query may hold personal data.
fn told(app: &App, method: &Method, route: &str, status: StatusCode, took: Duration) {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    app.metrics.request(method.as_str(), route, status.as_u16(), took);
    let answered = status.as_u16();
    if status.is_server_error() {
        tracing::warn!(%method, route, status = answered, micros, "request");
    } else {
        tracing::debug!(%method, route, status = answered, micros, "request");
    }
}
