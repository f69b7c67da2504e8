//! The collector: an audience measurement service as a site might run it, on an origin of its own.
//!
//! It takes whatever is sent and shows it. It knows nothing of consent, on purpose: what arrives
//! here shows whether the banner held the script back.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::Addresses;
use crate::pages::{self, escape};

/// How many hits are kept.
pub const MAX_HITS: usize = 1000;
/// The longest hit, in bytes.
pub const MAX_BYTES: usize = 4 * 1024;
/// How many hits the page shows.
const SHOWN: usize = 50;
/// A script that runs sends every two seconds, so after this time none does.
const QUIET: Duration = Duration::from_secs(5);

const PAGE: &str = include_str!("../collector/site/index.html");

/// What the measurement script sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    site: String,
    page: String,
    id: String,
    event: String,
}

struct Hit {
    number: u64,
    at: Instant,
    message: Message,
}

/// The last hits, and how many there were in all.
#[derive(Default)]
struct Record {
    total: u64,
    hits: VecDeque<Hit>,
}

type Shared = Arc<Mutex<Record>>;

/// The collector's routes: its script, the hits it takes, and what it shows of them.
pub fn router(addresses: &Addresses) -> Router {
    let page = pages::fill(PAGE, addresses);
    let show = move |State(record): State<Shared>| async move {
        let live = render(&lock(&record), Instant::now());
        pages::html(page.replace("{{hits}}", &live), &pages::collector_policy())
    };
    Router::new()
        .route("/", get(show))
        .route("/hits", get(list))
        .route("/collect", post(collect).options(allow))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .with_state(Shared::default())
        .merge(pages::collector(addresses))
}

fn lock(record: &Shared) -> MutexGuard<'_, Record> {
    // A record is whole between any two of its changes, so a panic elsewhere did not spoil it.
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `POST /collect`. The type is not looked at: scripts send JSON as text to avoid a preflight.
async fn collect(State(record): State<Shared>, body: Bytes) -> Response {
    let status = match serde_json::from_slice(&body) {
        Ok(message) => {
            lock(&record).add(message, Instant::now());
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::BAD_REQUEST,
    };
    (status, anyone()).into_response()
}

/// `OPTIONS /collect`: any site may send.
async fn allow() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST")),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type")),
    ];
    (StatusCode::NO_CONTENT, anyone(), headers).into_response()
}

/// `GET /hits`: `{"total": 2, "hits": [{"number", "age_ms", "site", "page", "id", "event"}]}`,
/// newest first.
async fn list(State(record): State<Shared>) -> Response {
    #[derive(Serialize)]
    struct Shown<'r> {
        number: u64,
        age_ms: u128,
        #[serde(flatten)]
        message: &'r Message,
    }
    let record = lock(&record);
    let now = Instant::now();
    let hits: Vec<_> = record
        .hits
        .iter()
        .rev()
        .map(|hit| Shown {
            number: hit.number,
            age_ms: now.duration_since(hit.at).as_millis(),
            message: &hit.message,
        })
        .collect();
    let body = serde_json::json!({ "total": record.total, "hits": hits });
    (anyone(), [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn anyone() -> [(header::HeaderName, HeaderValue); 1] {
    [(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"))]
}

impl Record {
    fn add(&mut self, message: Message, at: Instant) {
        self.total += 1;
        if self.hits.len() == MAX_HITS {
            self.hits.pop_front();
        }
        self.hits.push_back(Hit { number: self.total, at, message });
    }
}

fn render(record: &Record, now: Instant) -> String {
    let total = record.total;
    let ago = |hit: &Hit| now.saturating_duration_since(hit.at);
    let (class, state, detail) = match record.hits.back().map(ago) {
        None => ("state", "Nothing has arrived", "Waiting since the demo was started.".into()),
        Some(age) if age < QUIET => ("state busy", "Receiving", received(total)),
        Some(age) => {
            let detail = format!("{} The last one came {}.", received(total), words(age));
            ("state", "Quiet", detail)
        }
    };
    let mut page =
        format!("<div class=\"{class}\"><strong>{state}</strong> <span>{detail}</span></div>\n");
    if record.hits.is_empty() {
        return page;
    }
    page.push_str("<ul class=\"hits\">\n");
    for hit in record.hits.iter().rev().take(SHOWN) {
        let Message { site, page: from, id, event } = &hit.message;
        let class = if event == "view" { "event view" } else { "event" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "<li><span class=\"page\">{}</span><span class=\"{class}\">{}</span>\
             <span class=\"who\">{} · visitor <code>{}</code></span>\
             <span class=\"age\">{}</span></li>",
            escape(from),
            escape(event),
            escape(site),
            escape(id),
            words(ago(hit)),
        );
    }
    page.push_str("</ul>\n");
    if total > SHOWN as u64 {
        let _ = writeln!(page, "<p class=\"note\">The last {SHOWN} of {total}.</p>");
    }
    page
}

fn received(total: u64) -> String {
    if total == 1 { "1 message.".into() } else { format!("{total} messages.") }
}

fn words(age: Duration) -> String {
    match age.as_secs() {
        0..=1 => "just now".into(),
        seconds @ 2..=119 => format!("{seconds} s ago"),
        seconds => format!("{} min ago", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt as _;

    fn collector() -> Router {
        router(&Addresses {
            consent: "http://127.0.0.1:1".into(),
            embed: "http://embed.localhost:2".into(),
            collector: "http://collector.localhost:3".into(),
        })
    }

    fn event(page: &str) -> String {
        serde_json::json!({ "site": "s", "page": page, "id": "1f", "event": "view" }).to_string()
    }

    async fn send(router: &Router, body: String) -> Response {
        let request = Request::post("/collect").header("content-type", "text/plain");
        router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap()
    }

    async fn load(router: &Router, path: &str) -> String {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let body = to_bytes(response.into_body(), 8 << 20).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn hits_are_recorded_shown_and_escaped() {
        let router = collector();
        assert!(load(&router, "/").await.contains("Nothing has arrived"));
        let response = send(&router, event("<script>")).await;
        assert_eq!(response.status(), 204);
        assert_eq!(response.headers()["access-control-allow-origin"], "*");
        let hits: serde_json::Value = serde_json::from_str(&load(&router, "/hits").await).unwrap();
        assert_eq!(hits["total"], 1);
        assert_eq!(hits["hits"][0]["page"], "<script>");
        assert_eq!(hits["hits"][0]["event"], "view");
        let page = load(&router, "/").await;
        assert!(page.contains("Receiving") && page.contains("&lt;script&gt;"), "{page}");
        assert!(!page.contains("<script>"), "{page}");
    }

    #[tokio::test]
    async fn what_is_too_long_or_no_event_is_refused() {
        let router = collector();
        assert_eq!(send(&router, event(&"x".repeat(MAX_BYTES))).await.status(), 413);
        assert_eq!(send(&router, "not JSON".into()).await.status(), 400);
        assert_eq!(send(&router, "{\"site\": \"s\"}".into()).await.status(), 400);
        assert!(load(&router, "/hits").await.contains("\"total\":0"));
    }

    #[test]
    fn only_the_last_hits_are_kept() {
        let (mut record, now) = (Record::default(), Instant::now());
        for i in 0..MAX_HITS + 3 {
            record.add(serde_json::from_str(&event(&i.to_string())).unwrap(), now);
        }
        assert_eq!((record.hits.len(), record.total), (MAX_HITS, MAX_HITS as u64 + 3));
        assert_eq!(record.hits[0].message.page, "3");
        let later = now + Duration::from_secs(90);
        let page = render(&record, later);
        assert!(page.contains("Quiet") && page.contains("90 s ago"), "{page}");
        assert_eq!(page.matches("<li>").count(), SHOWN);
    }

    #[tokio::test]
    async fn the_script_sends_to_where_the_collector_is() {
        let script = load(&collector(), "/collect.js").await;
        assert!(script.contains("http://collector.localhost:3/collect"), "{script}");
        assert!(!script.contains("{{"), "{script}");
    }
}
