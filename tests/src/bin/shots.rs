//! Takes pictures of what a visitor sees; `cargo xtask shots` builds and starts it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use consent_tests::shots::{committed, compare, take};

/// Takes pictures of what a visitor sees.
#[derive(Parser)]
struct Arguments {
    /// Compares them with the committed ones instead of replacing these.
    #[arg(long)]
    check: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { check } = Arguments::parse();
    if !check {
        take(&committed()).await;
        return ExitCode::SUCCESS;
    }
    let new: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target/shots");
    take(&new).await;
    let comparison = compare(&committed(), &new);
    println!("{comparison}");
    if comparison.is_same() {
        return ExitCode::SUCCESS;
    }
    println!("if that is meant: `cargo xtask shots`, look at docs/shots, and commit it");
    ExitCode::FAILURE
}
