//! A stand-in with the shape of `consent_server`, so that the demo's pages can be built and looked
//! at before the server is there. It keeps nothing and asks nothing: its banner script is empty.
//!
//! To be replaced by the crate itself: remove this file, and `use crate::server as consent_server`
//! in the library.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::net::TcpListener;

pub(crate) use settings::Settings;

pub(crate) mod settings {
    //! The configuration, as far as the demo looks at it.

    use std::path::PathBuf;

    use super::{Deserialize, Path, SocketAddr};

    #[derive(Debug, Deserialize)]
    pub(crate) struct Settings {
        pub(crate) server: Server,
        pub(crate) mail: Mail,
        #[serde(rename = "site")]
        pub(crate) sites: Vec<Site>,
    }

    #[derive(Debug, Deserialize)]
    pub(crate) struct Server {
        pub(crate) listen: SocketAddr,
        pub(crate) public_url: String,
    }

    #[derive(Debug, Deserialize)]
    pub(crate) struct Mail {
        pub(crate) transport: Transport,
    }

    #[derive(Debug, Deserialize)]
    #[serde(from = "String")]
    pub(crate) enum Transport {
        Folder(PathBuf),
        Smtp(()),
    }

    #[derive(Debug, Deserialize)]
    pub(crate) struct Site {
        pub(crate) origins: Vec<String>,
    }

    impl From<String> for Transport {
        fn from(text: String) -> Self {
            match text.strip_prefix("file:") {
                Some(folder) => Self::Folder(folder.into()),
                None => Self::Smtp(()),
            }
        }
    }

    impl Settings {
        pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
            let mut settings: Self = toml::from_str(&std::fs::read_to_string(path)?)?;
            if let Transport::Folder(folder) = &mut settings.mail.transport {
                *folder = path.parent().unwrap_or(Path::new("")).join(&folder);
            }
            Ok(settings)
        }
    }
}

pub(crate) struct App;

impl App {
    #[expect(clippy::unused_async, reason = "the server opens its stores here")]
    pub(crate) async fn open(settings: Settings) -> anyhow::Result<Self> {
        anyhow::ensure!(!settings.server.public_url.is_empty(), "server.public_url is missing");
        anyhow::ensure!(!settings.sites.is_empty(), "there is no [[site]]");
        Ok(Self)
    }

    #[expect(clippy::unused_self, reason = "the server's routes hold its stores")]
    pub(crate) fn router(&self) -> Router {
        let script = || async { ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], "") };
        Router::new()
            .route("/v1/sites/{site}/consent.js", get(script))
            .route("/v1/sites/{site}/subscriptions", post(|| async { StatusCode::ACCEPTED }))
    }
}

impl App {
    #[expect(clippy::unused_async, reason = "the server closes its stores here")]
    pub(crate) async fn close(&self) {}
}

pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}
