//! A small server on an origin of its own, whose answers a test sets. What reaches it is seen by
//! the [`Network`](crate::Network), as everything is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

/// A picture of one pixel.
const PICTURE: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// What is answered to one path.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// A page.
    pub fn html(body: impl Into<String>) -> Self {
        Self::of("text/html; charset=utf-8", body.into().into_bytes())
    }

    /// A script.
    pub fn script(body: impl Into<String>) -> Self {
        Self::of("text/javascript; charset=utf-8", body.into().into_bytes())
    }

    /// Anything.
    pub fn of(kind: &str, body: Vec<u8>) -> Self {
        let headers = vec![(header::CONTENT_TYPE, kind.to_owned())];
        Self { status: StatusCode::OK, headers, body }
    }

    /// Under that Content-Security-Policy.
    #[must_use]
    pub fn policy(self, policy: &str) -> Self {
        self.with("content-security-policy", policy)
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((HeaderName::from_static(name), value.to_owned()));
        self
    }

    /// With another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap();
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        for (name, value) in self.headers {
            // A page may have several policies; it has one type.
            let value = HeaderValue::try_from(value).unwrap();
            if name == header::CONTENT_TYPE {
                response.headers_mut().insert(name, value);
            } else {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// The server. Runs until the test's runtime ends.
#[derive(Debug, Clone)]
pub struct Pages {
    origin: String,
    answers: Arc<Mutex<HashMap<String, Answer>>>,
}

impl Pages {
    /// Starts it under that name, which browsers find on this machine if it ends in `.localhost`.
    pub(crate) async fn start(host: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{host}:{}", listener.local_addr().unwrap().port());
        let pages = Self { origin, answers: Arc::default() };
        let router = Router::new().fallback(answer).with_state(pages.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        pages
    }

    /// Where it is reached, without a slash at the end.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Answers that path so from now on; returns its address.
    pub fn set(&self, path: &str, answer: Answer) -> String {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
        format!("{}{path}", self.origin)
    }
}

/// What is set for the path; otherwise something harmless of the kind that its ending names, so
/// that a third party needs no setting. A script leaves its path in `window.ran`.
async fn answer(State(pages): State<Pages>, request: Request) -> Answer {
    let path = request.uri().path();
    if let Some(answer) = pages.answers.lock().unwrap().get(path) {
        return answer.clone();
    }
    let answer = match path.rsplit('.').next() {
        Some("js") => Answer::script(format!("(window.ran ??= []).push({path:?});")),
        Some("gif" | "png") => Answer::of("image/gif", PICTURE.to_vec()),
        Some("html") => Answer::html(format!("<!doctype html><title>{path}</title><p>{path}")),
        _ => Answer::of("text/plain", Vec::new()),
    };
    answer.with("access-control-allow-origin", "*")
}
