//! The pages that are measured, and their server. Each embeds a banner as its documentation says,
//! asks for the same, and is the same otherwise.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use consent_server::{App, Settings};
use tokio::net::TcpListener;

/// A banner, and a page with it.
#[derive(Debug, Clone)]
pub(super) struct Contestant {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// A JavaScript expression: the element that is the banner, or nothing.
    pub(super) banner: &'static str,
    /// Another: the button that accepts.
    pub(super) accept: &'static str,
    /// What its documentation puts into `<head>`.
    head: String,
    /// What it puts at the end of `<body>`.
    body: &'static str,
}

/// What a contestant stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No banner at all.
    Empty,
    /// No banner, but the least that one must do: read the page's cookies before other scripts. A
    /// browser asks another process for them, and the page waits.
    Floor,
    /// Ours, embedded by one line.
    Line,
    /// Ours, inlined.
    Inline,
    /// Somebody else's.
    Other,
}

impl Kind {
    /// Whether there is a banner to wait for.
    pub(super) fn shows(self) -> bool {
        !matches!(self, Self::Empty | Self::Floor)
    }
}

const OURS: &str = "document.querySelector('consent-banner')?.shadowRoot.querySelector('.banner')";
const OUR_ACCEPT: &str =
    "document.querySelector('consent-banner').shadowRoot.querySelector('button[value=accept]')";

/// What the pages load, of npm's packages and of `config/` beside this file.
const FILES: [&str; 14] = [
    "/config/cookieconsent.js",
    "/config/klaro.js",
    "/config/orejime.js",
    "/config/tarteaucitron.js",
    "/npm/vanilla-cookieconsent/dist/cookieconsent.css",
    "/npm/vanilla-cookieconsent/dist/cookieconsent.umd.js",
    "/npm/klaro/dist/klaro.js",
    "/npm/orejime/dist/orejime-standard-en.js",
    "/npm/orejime/dist/orejime-standard.css",
    "/npm/tarteaucitronjs/tarteaucitron.min.js",
    "/npm/tarteaucitronjs/tarteaucitron.services.min.js",
    "/npm/tarteaucitronjs/css/tarteaucitron.min.css",
    "/npm/tarteaucitronjs/lang/tarteaucitron.en.min.js",
    "/npm/tarteaucitronjs/advertising.min.js",
];

/// Serves pages, others' banners, and ours by the consent server itself: all of one origin.
pub(super) struct Server {
    origin: String,
    snippet: Option<String>,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(super) async fn start(consent: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let path = consent_examples::write_config(folder.path()).unwrap();
        let config = consent_examples::CONFIG.replace("http://127.0.0.1:8787", &origin);
        std::fs::write(&path, config).unwrap();
        let app = App::open(Settings::read(&path).unwrap()).await.unwrap();
        let server = Self { snippet: snippet(consent, &path), origin, _folder: folder };
        let pages = server.contestants().into_iter().map(|contestant| {
            let page = compress(contestant.page().as_bytes());
            (contestant.path(), ("text/html; charset=utf-8", "no-cache", page))
        });
        let answers: Served = Arc::new(pages.chain(files()).collect());
        let bench = Router::new()
            .route("/bench/{page}", get(serve))
            .route("/npm/{*file}", get(serve))
            .route("/config/{file}", get(serve))
            .with_state(answers);
        let router = app.router().merge(bench);
        tokio::spawn(async move { axum::serve(listener, router).await });
        server
    }

    pub(super) fn address(&self, contestant: &Contestant) -> String {
        format!("{}{}", self.origin, contestant.path())
    }

    /// The address of something without scripts.
    pub(super) fn blank(&self) -> String {
        format!("{}/healthz", self.origin)
    }

    /// Whether the inline variant could not be made.
    pub(super) fn snippet_missing(&self) -> bool {
        self.snippet.is_none()
    }

    /// Everybody who takes part.
    pub(super) fn contestants(&self) -> Vec<Contestant> {
        let new = |name, kind, banner, accept, head: &str, body| Contestant {
            name,
            kind,
            banner,
            accept,
            head: head.to_owned(),
            body,
        };
        let line = "<script src=\"/v1/sites/cloud-pbs/consent.js\"></script>";
        let mut all = vec![
            new("no banner", Kind::Empty, "null", "null", "", ""),
            new(
                "cookies, read",
                Kind::Floor,
                "null",
                "null",
                "<script>document.cookie</script>",
                "",
            ),
            new("ours, one line", Kind::Line, OURS, OUR_ACCEPT, line, ""),
        ];
        let inline = |head: &String| new("ours, inlined", Kind::Inline, OURS, OUR_ACCEPT, head, "");
        all.extend(self.snippet.as_ref().map(inline));
        let other =
            |name, banner, accept, head, body| new(name, Kind::Other, banner, accept, head, body);
        all.extend([
            other(
                "cookieconsent",
                "document.querySelector('#cc-main .cm')",
                "document.querySelector('#cc-main .cm [data-role=all]')",
                "<link rel=\"stylesheet\" href=\"/npm/vanilla-cookieconsent/dist/cookieconsent.css\">",
                "<script type=\"module\" src=\"/config/cookieconsent.js\"></script>",
            ),
            other(
                "klaro",
                "document.querySelector('.klaro .cookie-notice')",
                "document.querySelector('.klaro .cm-btn-success')",
                "<script defer src=\"/config/klaro.js\"></script>\
                 <script defer src=\"/npm/klaro/dist/klaro.js\"></script>",
                "",
            ),
            other(
                "orejime",
                "document.querySelector('.orejime-Banner')",
                "document.querySelector('.orejime-Banner-saveButton')",
                "<script src=\"/config/orejime.js\"></script>\
                 <script src=\"/npm/orejime/dist/orejime-standard-en.js\"></script>\
                 <link href=\"/npm/orejime/dist/orejime-standard.css\" rel=\"stylesheet\">",
                "",
            ),
            other(
                "tarteaucitron",
                "document.querySelector('#tarteaucitronAlertBig')",
                "document.querySelector('#tarteaucitronPersonalize2')",
                "<script src=\"/npm/tarteaucitronjs/tarteaucitron.min.js\"></script>\
                 <script src=\"/config/tarteaucitron.js\"></script>",
                "",
            ),
        ]);
        all
    }
}

impl Contestant {
    fn path(&self) -> String {
        let name = self.name.replace([' ', ','], "");
        format!("/bench/{name}")
    }

    fn page(&self) -> String {
        let Self { head, body, .. } = self;
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>A page</title><link rel=\"icon\" href=\"data:,\">{head}</head><body>\
             <h1>A page</h1>{}{body}</body></html>",
            "<p>It holds some text, so that there is something to read, to draw and to shift.</p>"
                .repeat(12)
        )
    }
}

/// What the program prints to be put into a page. Nothing if it does not know how.
fn snippet(consent: &Path, config: &Path) -> Option<String> {
    let mut command = Command::new(consent);
    command.args(["snippet", "--site", "cloud-pbs", "--config"]).arg(config);
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let end = text.rfind("</script>")? + "</script>".len();
    Some(text.get(text.find("<script")?..end)?.to_owned())
}

/// What is served, compressed, with its type and for how long it may be kept.
type Served = Arc<HashMap<String, (&'static str, &'static str, Vec<u8>)>>;

/// Others' files, and how they are set up.
fn files() -> impl Iterator<Item = (String, (&'static str, &'static str, Vec<u8>))> {
    FILES.into_iter().map(|path| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = match path.strip_prefix("/npm/") {
            Some(name) => root.join("npm/node_modules").join(name),
            None => root.join("src/bench").join(path.trim_start_matches('/')),
        };
        let bytes = std::fs::read(&file).unwrap_or_else(|_| {
            panic!("{} is missing; `cargo xtask bench widget` installs it", file.display())
        });
        let is_style = path.rsplit('.').next() == Some("css");
        let kind =
            if is_style { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
        (path.to_owned(), (kind, "public, max-age=86400", compress(&bytes)))
    })
}

async fn serve(State(answers): State<Served>, uri: Uri) -> Response {
    match answers.get(uri.path()) {
        Some((kind, cache, body)) => packed(kind, cache, body.clone()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn packed(kind: &str, cache: &str, body: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        // As the consent server sends what is ours.
        (header::CONTENT_ENCODING, "br"),
    ];
    (headers, body).into_response()
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut small = Vec::new();
    let best = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut &*bytes, &mut small, &best).unwrap();
    small
}
