//! Builds, tests and shows the project. Run as `cargo xtask`.
//!
//! Only reads the command line here; each command is a module.

mod bench;
mod demo;
mod fuzz;
mod generate;
mod run;
mod shots;
mod size;
mod test;
mod tools;
mod widget;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Builds, tests and shows the project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds everything and shows it: the reference site, a site on another origin, a collector.
    #[command(after_help = "Example:\n  cargo xtask demo --listen 127.0.0.1:9000 --no-open")]
    Demo {
        /// Passed on to the demo: --listen, --embed, --collector, --no-open; --help lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Does everything that CI does.
    Test,
    /// Looks for inputs on which a parser fails, with the targets of `fuzz/`.
    #[command(after_help = "Example:\n  cargo xtask fuzz --minutes 1 policy receipt")]
    Fuzz {
        /// How long each target runs.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_440))]
        minutes: u32,
        /// The targets; all of them if none is named.
        targets: Vec<String>,
    },
    /// Measures, for people to read: a target that is missed is no error.
    ///
    /// The server's figures are also written into `docs/performance.md`, unless it is to be quick.
    #[command(
        after_help = "Examples:\n  cargo xtask bench widget --rounds 3\n  cargo xtask bench server --quick"
    )]
    Bench {
        /// What is measured.
        what: bench::What,
        /// How often each is measured; the figures are medians. 9 for the widget, 5 for the server.
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=99))]
        rounds: Option<u16>,
        /// Once only, and the server with 200,000 receipts instead of 10 million.
        #[arg(long)]
        quick: bool,
    },
    /// Writes the files that are made from the code and committed: the JSON Schema of policies, and
    /// the document of the HTTP interface.
    Generate,
    /// Takes pictures of what a visitor sees, into `docs/shots/`.
    Shots {
        /// Compares them with the committed ones instead, and shows in `target/shots/` what differs.
        #[arg(long)]
        check: bool,
    },
    /// Builds what browsers download, into `dist/`.
    Widget,
    /// Measures what browsers download, compressed, and fails when it is over budget.
    Size,
}

fn main() -> ExitCode {
    match run_command(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run_command(command: Command) -> Result<()> {
    let progress = |step: &str| eprintln!("{step}");
    match command {
        Command::Demo { arguments } => demo::demo(&arguments),
        Command::Fuzz { minutes, targets } => fuzz::fuzz(minutes, &targets),
        Command::Bench { what, rounds, quick } => bench::bench(what, rounds, quick),
        Command::Shots { check } => shots::shots(check),
        Command::Test => test::test(),
        Command::Generate => generate::generate(),
        Command::Widget | Command::Size => {
            widget::build(progress)?;
            size::Sizes::of(&widget::dist())?.report()
        }
    }
}
