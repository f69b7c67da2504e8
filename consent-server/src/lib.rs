//! Keeps the proof: stores signed consent receipts and answers checks.
//!
//! [`Settings`] are read and checked as a whole, [`App::open`] opens stores and secrets and
//! publishes the policies, [`App::router`] is the HTTP interface, and [`serve`] runs it until it
//! is told to stop. The rules themselves are in `consent-core`, which this crate only calls.

pub mod ambient;
pub mod app;
pub mod assets;
pub mod background;
mod browsers;
mod http;
pub mod keys;
pub mod links;
pub mod log;
pub mod mail;
pub mod metrics;
mod schemas;
pub mod service;
pub mod settings;
pub mod store;
pub mod texts;
pub mod tokens;

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

pub use app::{App, StartError};
pub use background::Background;
pub use http::document;
pub use settings::Settings;

/// Listens on `address`. The error says what to do when it is taken.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = if error.kind() == io::ErrorKind::AddrInUse {
            "; another program listens there: stop it, or choose another address with --listen"
        } else {
            ""
        };
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}{hint}"))
    })
}

/// Serves until `shutdown` resolves, then finishes the requests under way, and what they left to be
/// done, and closes every store. `router` is [`App::router`], alone or with other routes.
pub async fn serve(
    app: App,
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let background = Background::start(&app);
    let served = axum::serve(listener, router).with_graceful_shutdown(shutdown).await;
    background.stop().await;
    app.close().await;
    served
}

/// Resolves when the process is asked to stop: Ctrl-C or SIGTERM.
pub async fn stop_signal() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}
