//! `consent serve`

mod lines;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use consent_server::{App, bind, serve, stop_signal};
use tracing_subscriber::EnvFilter;

use super::Config;
use lines::Lines;

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    config: Config,
    /// Listen here instead of where the configuration says.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// How log lines are written. `RUST_LOG` sets what is logged: with `info,consent_server=debug` there is
    /// a line for every request, else only for those that failed here.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    log: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl Serve {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let (lines, _flusher) = Lines::start()?;
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
        // A line that cannot be written, on a full disk for example, must not end what writes it: the
        // complaint about it would go the same way, and panic.
        let log = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .log_internal_errors(false)
            .with_writer(lines);
        match self.log {
            LogFormat::Text => log.init(),
            LogFormat::Json => log.json().init(),
        }
        let settings = self.config.read()?;
        let listener = bind(self.listen.unwrap_or(settings.server.listen)).await?;
        let address = listener.local_addr()?;
        let app = App::open(settings).await?;
        println!("listening on http://{address}");
        let router = app.router();
        serve(app, listener, router, stop_signal()).await?;
        println!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}
