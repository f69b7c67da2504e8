//! `consent-demo`: starts the demo, opens it in a browser, and stops it cleanly.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use consent_examples::{Demo, Options};

/// Runs the Cloud-PBS demo: a site with its consent banner, a second site on another origin, and
/// the collector that measures both once a visitor agrees.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Example: consent-demo --no-open --listen 127.0.0.1:0\n\
                  Port 0 takes a free port. What the demo stores lies beside the configuration, \
                  in data/; remove that folder to begin anew."
)]
struct Arguments {
    /// The configuration to serve.
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/cloud-pbs/consent.toml"), hide_default_value = true)]
    config: PathBuf,
    /// Where the site and the consent server listen, instead of what the configuration says.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where the embedding site listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8788")]
    embed: SocketAddr,
    /// Where the collector listens.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8789")]
    collector: SocketAddr,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let Arguments { config, listen, embed, collector, no_open } = Arguments::parse();
    let mut demo =
        consent_examples::start(Options { config, listen, embed, collector, origins: Vec::new() })
            .await?;
    announce(&demo);
    if !no_open && let Err(error) = open::that_detached(&demo.addresses.consent) {
        eprintln!("No browser could be opened ({error}): follow the first address by hand.");
    }
    tokio::select! {
        () = consent_server::stop_signal() => {}
        error = demo.failed() => return Err(error),
    }
    println!("\nStopping.");
    demo.stop().await
}

fn announce(demo: &Demo) {
    let at = &demo.addresses;
    println!("The demo is running.\n");
    println!("  Site and consent server   {}/", at.consent);
    println!("  Another site              {}/", at.embed);
    println!("  Collector                 {}/", at.collector);
    if demo.mail.is_some() {
        println!("  Mailbox                   {}/mail", at.consent);
    }
    println!("\nCtrl-C stops it.");
}
