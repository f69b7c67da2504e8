//! The interface, asked as clients ask it, over real files.

mod bad_input;
mod choices;
mod faults;
mod fuzz;
mod keys;
mod log;
mod marketing;
mod regions;
mod shown;
mod visitor;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use consent_core::{Digest, Policy, Timestamp};
use serde_json::Value;
use tower::ServiceExt;

use crate::ambient::{Ambient, System};
use crate::app::{App, StartError};
use crate::settings::{
    DEFAULT_RETENTION, KeysSettings, LogSettings, Look, MailSettings, RegionSettings,
    ServerSettings, Settings, SiteSettings, StoreSettings, Transport,
};
use crate::store::fault::{FaultStore, Faults};
use crate::store::{AuditEvent, Token};

const OWN: &str = "http://127.0.0.1:8787";
const EMBED: &str = "http://embed.localhost:8788";
const DECISIONS: &str = "/v1/sites/example/decisions";

/// A clock that stands still until it is moved.
pub(super) struct Clock(AtomicI64);

impl Ambient for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn fill(&self, bytes: &mut [u8]) {
        System.fill(bytes);
    }
}

pub(super) struct TestApp {
    app: App,
    router: Router,
    clock: Arc<Clock>,
    /// What fails of the store; nothing by itself.
    faults: Arc<Faults>,
    folder: tempfile::TempDir,
}

pub(super) struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn cookies(&self) -> Vec<&str> {
        let values = self.headers.get_all("set-cookie").iter();
        values.map(|value| value.to_str().unwrap()).collect()
    }

    fn receipt(&self) -> String {
        self.json()["receipt"].as_str().unwrap_or_else(|| panic!("{}", self.text)).to_owned()
    }

    /// Asserts that this is a problem of that kind and returns its detail.
    #[track_caller]
    fn problem(&self, status: u16, name: &str) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let body = self.json();
        assert_eq!((self.status.as_u16(), &body["status"]), (status, &status.into()), "{body}");
        assert_eq!(body["type"], format!("/problems/{name}"), "{body}");
        body["detail"].as_str().unwrap().to_owned()
    }
}

/// The second is only worded otherwise; from the third on, letters use more data.
fn policy(number: u32) -> Policy {
    let purposes = "[[purpose]]\npreset = \"communications\"\ndata = [\"account\"]\n\n\
        [[purpose]]\nid = \"safety\"\nbasis = \"legitimate_interest\"\ndata = [\"usage\"]\n\
        title.en = \"Safety\"\ndescription.en = \"Noticing misuse.\"\n\
        interest.en = \"Keeping the site safe.\"\nretention.en = \"A year.\"\n\n[[region]]";
    let mut text = consent_core::policy::EXAMPLE
        .replace("number = 1", &format!("number = {number}"))
        .replace("[[region]]", purposes);
    if number > 1 {
        text = text.replace("Noticing misuse.", "Seeing misuse.");
    }
    if number > 2 {
        text = text.replace("communications\"\ndata = [", "communications\"\ndata = [\"usage\", ");
    }
    Policy::from_toml(&text).unwrap()
}

/// A region whose files are in that folder.
fn region(folder: &std::path::Path) -> RegionSettings {
    RegionSettings {
        id: "eu".parse().unwrap(),
        store: StoreSettings::Sqlite(folder.join("eu.db")),
        keys: KeysSettings::File(folder.join("eu.keys")),
        log: LogSettings {
            origin: "127.0.0.1:8787/eu".into(),
            witnesses: Vec::new(),
            checkpoints: None,
        },
    }
}

/// One site in that region, with that policy in force.
fn settings(folder: &std::path::Path, policy: Policy) -> Settings {
    Settings {
        server: ServerSettings { listen: ([127, 0, 0, 1], 0).into(), public_url: OWN.into() },
        mail: MailSettings {
            transport: Transport::Folder(folder.join("mail")),
            from: "News <news@example.org>".parse().unwrap(),
        },
        regions: vec![region(folder)],
        elsewhere: Vec::new(),
        sites: vec![SiteSettings {
            id: "example".parse().unwrap(),
            region: "eu".parse().unwrap(),
            policy,
            origins: vec![OWN.into(), EMBED.into()],
            look: Look::default(),
            hosts: std::collections::BTreeMap::new(),
            retention_months: DEFAULT_RETENTION,
        }],
    }
}

impl TestApp {
    async fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap(), 1).await
    }

    /// Starts over the files in `folder` with that policy in force.
    async fn at(folder: tempfile::TempDir, number: u32) -> Self {
        Self::with(folder, policy(number)).await
    }

    /// The same with any policy.
    async fn with(folder: tempfile::TempDir, policy: Policy) -> Self {
        let settings = settings(folder.path(), policy);
        Self::open(folder, settings).await.unwrap()
    }

    /// Starts with any settings, over the files in `folder`.
    async fn open(folder: tempfile::TempDir, settings: Settings) -> Result<Self, StartError> {
        Self::open_at(folder, settings, Timestamp::from_second(1_767_225_600).unwrap()).await
    }

    /// The same at another time.
    async fn open_at(
        folder: tempfile::TempDir,
        settings: Settings,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        let clock = Arc::new(Clock(AtomicI64::new(now.as_second())));
        let faults = Arc::<Faults>::default();
        let failing = Arc::clone(&faults);
        let app = App::open_over(settings, clock.clone(), move |inner| {
            Arc::new(FaultStore { inner, faults: Arc::clone(&failing) })
        });
        let app = app.await?;
        Ok(Self { router: app.router(), app, clock, faults, folder })
    }

    /// Ends, and starts again over the same files with that policy in force.
    async fn published(self, number: u32) -> Self {
        self.app.close().await;
        Self::at(self.folder, number).await
    }

    fn pass_days(&self, days: i64) {
        self.clock.0.fetch_add(days * 86_400, Ordering::SeqCst);
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// The store's file, read beside the server.
    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("eu.db")).unwrap()
    }

    /// What a query counts in the store.
    fn count(&self, query: &str) -> i64 {
        self.database().query_row(query, [], |row| row.get(0)).unwrap()
    }

    async fn form(&self, path: &str, body: &str) -> Answer {
        let kind = "application/x-www-form-urlencoded";
        let request = Request::post(path).header(header::CONTENT_TYPE, kind);
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn decide(&self, choices: &str, method: &str, previous: Option<&str>) -> Answer {
        let previous = previous.map(|jws| format!(",\"previous\":\"{jws}\"")).unwrap_or_default();
        let body = format!(
            "{{\"policy\":1,\"choices\":{choices},\"method\":\"{method}\",\"language\":\"en\"{previous}}}"
        );
        self.post(DECISIONS, &[("origin", OWN)], &body).await
    }

    /// A token with these scopes, as `consent token new` makes it.
    async fn token(&self, scopes: &[&str]) -> String {
        let site = self.app.site(&"example".parse().unwrap()).unwrap();
        let token = Token {
            site: site.id.clone(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
        };
        let text = format!("ct_{}", scopes.join("-"));
        let digest = Digest::of(text.as_bytes());
        let event = AuditEvent::new(&*self.clock, None, "token.made", &Value::Null);
        site.region.store.add_token(digest, &token, event).await.unwrap();
        format!("Bearer {text}")
    }

    async fn check(&self, bearer: &str, subject: &str, purpose: &str) -> Answer {
        let path = format!("/v1/sites/example/check?subject={subject}&purpose={purpose}");
        self.get(&path, &[("authorization", bearer)]).await
    }
}
