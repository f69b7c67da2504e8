//! What the server is measured against, each as a process of its own: the same HTTP stack that
//! keeps nothing, the same with a transaction for each request, and a route that answers a constant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use consent_core::log::Salt;
use consent_core::receipt::Layer;
use consent_core::{
    Choice, Decision, Digest, Method, PurposeId, Recorded, Signal, Subject, Timestamp,
};
use consent_server::ambient::{Ambient, System};
use consent_server::store::{self, Entry, open_sqlite};
use consent_server::{Settings, stop_signal};
use rusqlite::{Connection, TransactionBehavior};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::fill::commitment;
use super::issuer::Issuer;
use super::rows;

/// What there is.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Rival {
    /// Parses a decision and signs a receipt, and keeps nothing.
    Bare,
    /// And stores it in a transaction of its own.
    Single,
    /// Answers every check the same.
    Constant,
}

/// What the server reads, field by field.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    policy: u32,
    #[serde(deserialize_with = "consent_core::rules::choices")]
    choices: BTreeMap<PurposeId, Choice>,
    method: Method,
    language: String,
    previous: Option<String>,
    layer: Option<Layer>,
    #[serde(default)]
    signals: BTreeSet<Signal>,
    since: Option<u32>,
}

/// What the server answers.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    id: Uuid,
    receipt: &'a str,
    states: BTreeMap<&'a PurposeId, Held>,
    cookie: String,
}

#[derive(Debug, Serialize)]
struct Held {
    state: Recorded,
    until: Timestamp,
}

struct Parts {
    issuer: Issuer,
    db: Option<Mutex<Connection>>,
}

/// As large as what a check is answered with.
const CONSTANT: &str = r#"{"allowed":true,"state":"granted","reason":"the subject agreed, and the agreement is in force","as_of":"2026-01-01T00:00:00Z"}"#;

/// Serves until it is told to stop.
pub async fn serve(rival: Rival, config: &Path) {
    let settings = Settings::read(config).unwrap_or_else(|error| panic!("{error}"));
    let router = match rival {
        Rival::Constant => Router::new().route("/v1/sites/{site}/check", get(constant)),
        Rival::Bare | Rival::Single => decisions(rival, &settings).await,
    };
    let router = router.route("/healthz", get(|| async { "ok\n" }));
    let listener = consent_server::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    println!("listening on http://{}", listener.local_addr().unwrap());
    axum::serve(listener, router).with_graceful_shutdown(stop_signal()).await.unwrap();
}

async fn constant() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, CONSTANT).into_response()
}

/// With the server's limits, without its log lines, its origin check and its cookies.
async fn decisions(rival: Rival, settings: &Settings) -> Router {
    let issuer = Issuer::new(settings, System.now());
    let db = match (rival, &settings.regions[0].store) {
        (Rival::Single, consent_server::settings::StoreSettings::Sqlite(path)) => {
            open_sqlite(path, true).await.unwrap().close().await;
            Some(Mutex::new(connect(path)))
        }
        _ => None,
    };
    Router::new()
        .route("/v1/sites/{site}/decisions", post(decide))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .layer(tower_http::catch_panic::CatchPanicLayer::new())
        .layer(middleware::from_fn(limit_time))
        .with_state(Arc::new(Parts { issuer, db }))
}

/// Durable at each commit, as ours is.
fn connect(path: &Path) -> Connection {
    let db = Connection::open(path).unwrap();
    db.set_prepared_statement_cache_capacity(32);
    db.execute_batch("PRAGMA journal_mode = wal; PRAGMA synchronous = full;").unwrap();
    db
}

async fn limit_time(request: Request, next: Next) -> Response {
    let limit = tokio::time::timeout(Duration::from_secs(15), next.run(request));
    limit.await.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}

async fn decide(
    State(parts): State<Arc<Parts>>,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> Response {
    let policy = &parts.issuer.policy;
    let language = policy.negotiate([body.language.as_str()]);
    let decision = Decision::new(policy, body.policy, &body.choices, body.method, language);
    let Ok(decision) = decision else { return StatusCode::UNPROCESSABLE_ENTITY.into_response() };
    let ambient = &System as &dyn Ambient;
    let precisely = ambient.now();
    let now = Timestamp::from_second(precisely.as_second()).unwrap();
    let subject = Subject::browser(ambient.random());
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let request = parts.db.as_ref().and(key).map(|key| store::Request {
        key: key.to_owned(),
        content: Digest::of(&serde_json::to_vec(&body).unwrap()),
    });
    let salt = Salt::from(ambient.random::<32>());
    let made = (ambient.uuid(precisely), now);
    let entry = parts.issuer.entry(&decision, subject, made, salt, request);
    let answer = answer(&entry);
    if parts.db.is_some() {
        let parts = Arc::clone(&parts);
        let stored = tokio::task::spawn_blocking(move || keep(&parts, &entry)).await;
        if !matches!(stored, Ok(Ok(()))) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    }
    answer
}

fn keep(parts: &Parts, entry: &Entry) -> rusqlite::Result<()> {
    let Some(db) = &parts.db else { return Ok(()) };
    let mut db = db.lock().unwrap();
    let one = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    rows::subject(&one, entry)?;
    rows::receipt(&one, entry)?;
    rows::pending(&one, entry, commitment(entry).as_bytes())?;
    rows::request(&one, entry)?;
    rows::count(&one, entry, 1)?;
    one.commit()
}

fn answer(entry: &Entry) -> Response {
    let claims = entry.receipt.claims();
    let held = |purpose| {
        let record = entry.records.get(purpose)?;
        Some((purpose, Held { state: record.recorded, until: record.until }))
    };
    let body = Answer {
        id: claims.jti,
        receipt: entry.receipt.as_str(),
        states: claims.purposes.keys().filter_map(held).collect(),
        cookie: "1.1-1.0-0.0-0.0".into(),
    };
    (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
