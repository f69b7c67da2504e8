//! Keeps the proof: stores signed consent receipts and answers checks.
//!
//! [`Settings`] are read and checked as a whole, [`App::open`] opens stores and secrets and
//! publishes the policies, [`App::router`] is the HTTP interface, and [`serve`] runs it until it
//! is told to stop. The rules themselves are in `consent-core`, which this crate only calls.

pub mod ambient;
pub mod app;
pub mod assets;
mod http;
pub mod keys;
pub mod links;
pub mod log;
pub mod mail;
pub mod service;
pub mod settings;
pub mod store;
pub mod texts;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

pub use app::{App, StartError};
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

/// Serves until `shutdown` resolves, then finishes the requests under way.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

/// How often keys are looked at for changes.
const KEYS_READ_EVERY: Duration = Duration::from_secs(2);

/// Reads the keys again every two seconds, and at once on SIGHUP. Never ends.
pub async fn follow_keys(app: App) {
    let mut every = tokio::time::interval(KEYS_READ_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut hangup = signal(SignalKind::hangup()).ok();
    loop {
        let told = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = every.tick() => {}
            _ = told => {}
        }
        let app = app.clone();
        // Files may be slow. A panic is told by its own message.
        let _ = tokio::task::spawn_blocking(move || app.refresh_keys()).await;
    }
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
