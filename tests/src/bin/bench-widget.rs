//! Measures what the banner costs a visitor; `cargo xtask bench widget` builds and starts it.

use std::path::PathBuf;

use clap::Parser;
use consent_tests::bench::Bench;

/// Measures what the banner costs a visitor.
#[derive(Parser)]
struct Arguments {
    /// How often each is measured.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// The `consent` program, whose snippet is measured too.
    #[arg(long, default_value = "target/release/consent")]
    consent: PathBuf,
}

#[tokio::main]
async fn main() {
    let Arguments { rounds, consent } = Arguments::parse();
    let table = Bench { rounds, consent }.run(|step| eprintln!("{step}")).await;
    println!("{table}");
}
