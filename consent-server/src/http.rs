//! The HTTP interface: routes, limits, and one file for each noun.

mod check;
mod choices;
mod confirm;
mod cookies;
mod decisions;
mod document;
mod extract;
mod keys;
mod log;
mod me;
mod origin;
mod problem;
mod subscriptions;
mod time;
mod verify;
mod withdrawals;

#[cfg(test)]
mod tests;

use std::any::Any;
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, MatchedPath, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use consent_core::Signal;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{self, CorsLayer};

use crate::app::App;
use extract::{AtSite, Shown};
use problem::{Kind, Problem};

/// The largest body that is read, in bytes. A decision on 64 purposes with a receipt fits.
const MAX_BODY: usize = 64 * 1024;

impl App {
    /// All routes of the server. Others may be merged with it.
    pub fn router(&self) -> Router {
        // What the pages of a site ask: limited to its origins.
        let visitor = Router::new()
            .route("/consent.js", get(loader))
            .route("/ask.js", get(ask))
            .route("/banner", get(banner))
            .route("/notice", get(notice))
            .route("/decisions", post(decisions::post))
            .route("/me", get(me::get))
            .route("/subscriptions", post(subscriptions::post))
            // Before the guard, so that it sees preflight requests, which are no route's method.
            .method_not_allowed_fallback(wrong_method)
            .layer(middleware::from_fn_with_state(self.clone(), origin::guard));
        // What programs with a token ask, and people with a link.
        let site = visitor
            .route("/check", get(check::get))
            .route("/withdrawals", post(withdrawals::post))
            .route("/choices", get(choices::get).post(choices::post))
            .route("/confirm", get(confirm::get).post(confirm::post));
        let v1 = Router::new()
            .nest("/sites/{site}", site)
            // Its own method for preflight requests, so that the fallback below leaves them alone.
            .route(
                "/receipts/verify",
                post(verify::post).options(|| async { StatusCode::NO_CONTENT }).layer(anybody()),
            )
            .route("/receipts/bundle", post(log::post_bundle))
            .route("/log/{region}/checkpoint", get(log::checkpoint))
            .route("/log/{region}/keys", get(log::keys))
            .route("/log/{region}/proof/{id}", get(log::inclusion))
            .route("/log/{region}/tile/{*path}", get(log::tile))
            .route("/widget/{hash}/{file}", get(widget))
            .route("/page.css", get(page_style))
            .fallback(unknown_route)
            .method_not_allowed_fallback(wrong_method);
        Router::new()
            .nest("/v1", v1)
            .route("/.well-known/gpc.json", get(gpc))
            .route("/.well-known/jwks.json", get(keys::get))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .fallback(unknown_route)
            .method_not_allowed_fallback(wrong_method)
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn(time::limit))
            .layer(middleware::from_fn(log_request))
            .with_state(self.clone())
    }
}

/// Lets the pages of any origin ask and read the answer: it holds nothing of who asks.
fn anybody() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(cors::Any)
        .allow_methods([Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .max_age(Duration::from_mins(10))
}

async fn loader(AtSite(site): AtSite, headers: HeaderMap) -> Response {
    site.loader.answer(&headers)
}

async fn ask(Shown { texts, .. }: Shown, headers: HeaderMap) -> Response {
    in_language(texts.ask.answer(&headers))
}

async fn banner(Shown { texts, .. }: Shown, headers: HeaderMap) -> Response {
    in_language(texts.banner.answer(&headers))
}

async fn notice(Shown { texts, .. }: Shown, headers: HeaderMap) -> Response {
    in_language(texts.notice_asset.answer(&headers))
}

/// Says that another browser may be answered in another language.
fn in_language(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Language"));
    response
}

/// That Global Privacy Control is honoured here (GPC §4), if every site's policy says so: the
/// statement is about the whole origin.
async fn gpc(State(app): State<App>) -> Result<Response, Problem> {
    let honoured = app.sites().all(|site| site.policy.signals.contains(&Signal::Gpc));
    let published = app.sites().map(|site| site.published).max();
    let Some(published) = published.filter(|_| honoured) else {
        let detail = "not every site here honours Global Privacy Control";
        return Err(Problem::new(Kind::RouteUnknown, detail));
    };
    let update = published.strftime("%Y-%m-%d").to_string();
    Ok(Json(serde_json::json!({"gpc": true, "lastUpdate": update})).into_response())
}

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

async fn page_style(State(app): State<App>, headers: HeaderMap) -> Response {
    app.page_style.answer(&headers)
}

async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.ready().await?;
    Ok("ready\n")
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

fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::internal().into_response()
}

/// One line for each request: what was asked of which route, never by whom or about whom. The
/// route is logged as it is written here, since a path or a query may hold personal data.
async fn log_request(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let status = response.status().as_u16();
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    if response.status() >= StatusCode::INTERNAL_SERVER_ERROR {
        tracing::warn!(%method, route, status, micros, "request");
    } else {
        tracing::info!(%method, route, status, micros, "request");
    }
    response
}
