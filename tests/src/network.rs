//! Everything that the browser sends, seen on its way.
//!
//! The browser is told to send all its requests, loopback ones too, through this proxy. It writes
//! each down, forwards those for this machine, and refuses all others.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;

/// A request that the browser sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// Host and port.
    pub host: String,
    /// The path with its query.
    pub path: String,
    /// The headers, as they were sent.
    pub headers: HeaderMap,
    /// The body, as text.
    pub body: String,
    /// The status that was answered, once it was.
    pub status: Option<u16>,
}

/// The record, shared with the running proxy.
#[derive(Debug, Clone)]
pub struct Network {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    cut: Arc<AtomicBool>,
    client: reqwest::Client,
}

impl Network {
    /// Starts the proxy. It runs until the test's runtime ends.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let network = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            cut: Arc::default(),
            client: client.build().unwrap(),
        };
        let router = Router::new().fallback(forward).with_state(network.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        network
    }

    /// Where the browser has to send its requests.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All requests so far to an origin.
    pub fn to(&self, origin: &str) -> Vec<Seen> {
        let host = origin.trim_start_matches("http://");
        self.lock().iter().filter(|seen| seen.host == host).cloned().collect()
    }

    /// All requests so far, to whomever.
    pub fn all(&self) -> Vec<Seen> {
        self.lock().clone()
    }

    /// Lets every request fail from now on, or no longer.
    pub fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }

    /// Forgets what was seen.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The largest body that is passed on, in bytes.
const MAX_BODY: usize = 16 << 20;

async fn forward(State(network): State<Network>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let host = parts.uri.authority().map(ToString::to_string).unwrap_or_default();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let body = to_bytes(body, MAX_BODY).await.unwrap_or_default();
    let seen = Seen {
        method: parts.method.to_string(),
        host: host.clone(),
        path: path.clone(),
        headers: parts.headers.clone(),
        body: String::from_utf8_lossy(&body).into_owned(),
        status: None,
    };
    let index = {
        let mut all = network.lock();
        all.push(seen);
        all.len() - 1
    };
    if network.cut.load(Ordering::SeqCst) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let name = host.split(':').next().unwrap_or_default();
    let port = host.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let (true, Some(port)) = (name == "127.0.0.1" || name.ends_with(".localhost"), port) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let mut headers = parts.headers;
    for hop in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
        headers.remove(hop);
    }
    headers.remove("proxy-connection");
    let url = format!("http://127.0.0.1:{port}{path}");
    let sent = network.client.request(parts.method, url).headers(headers).body(body).send().await;
    let Ok(answer) = sent else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    let Ok(bytes) = answer.bytes().await else { return StatusCode::BAD_GATEWAY.into_response() };
    if let Some(seen) = network.lock().get_mut(index) {
        seen.status = Some(status.as_u16());
    }
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
