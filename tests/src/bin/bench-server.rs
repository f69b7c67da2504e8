//! Measures what the server can do; `cargo xtask bench server` builds and starts it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use consent_tests::bench_server::{Bench, Rival, serve};

/// What the server has, what it is measured against has as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures what the server can do.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    rival: Option<Command>,
    /// How often each is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many seconds each is asked.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How many receipts a full store holds.
    #[arg(long, default_value_t = 10_000_000)]
    receipts: u64,
    /// No curves.
    #[arg(long)]
    no_curves: bool,
    /// The `consent` program.
    #[arg(long, default_value = "target/release/consent")]
    consent: PathBuf,
    /// Where stores are kept from run to run.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// The document that the figures are written into.
    #[arg(long)]
    write: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Is what the server is measured against.
    Rival {
        /// Which.
        rival: Rival,
        /// The server's configuration.
        config: PathBuf,
    },
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    if let Some(Command::Rival { rival, config }) = arguments.rival {
        serve(rival, &config).await;
        return;
    }
    let bench = Bench {
        rounds: arguments.rounds,
        seconds: arguments.seconds,
        receipts: arguments.receipts,
        curves: !arguments.no_curves,
        consent: arguments.consent,
        folder: arguments.folder,
    };
    let figures = bench.run(|step| eprintln!("{step}")).await;
    println!("{figures}");
    if let Some(document) = arguments.write {
        figures.write(&document);
    }
}
