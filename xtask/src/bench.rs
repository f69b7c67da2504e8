//! `cargo xtask bench`: builds what is measured, and starts the program that measures.

use anyhow::Result;

use crate::run::{cargo, run};
use crate::tools::{self, Npm};
use crate::widget;

/// What can be measured.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum What {
    /// What the banner costs a visitor, beside a page without one and with others' banners.
    Widget,
    /// What the server answers in a second, how fast, and what it takes of the machine.
    Server,
}

/// How often each is measured, where nothing else is said.
const WIDGET: u16 = 9;
const SERVER: u16 = 5;

pub(crate) fn bench(what: What, rounds: Option<u16>, quick: bool) -> Result<()> {
    match what {
        What::Widget => {
            let rounds = rounds.unwrap_or(if quick { 1 } else { WIDGET });
            tools::provide(Npm::Banners)?;
            widget::build(|step| eprintln!("{step}"))?;
            run(cargo(["build", "--release", "--package", "consent-server"]))?;
            let mut bench = cargo(["run", "--release", "--package", "consent-tests"]);
            bench.args(["--bin", "bench-widget", "--", "--rounds", &rounds.to_string()]);
            run(bench)
        }
        What::Server => {
            let rounds = rounds.unwrap_or(if quick { 1 } else { SERVER });
            tools::load_generator()?;
            widget::build(|step| eprintln!("{step}"))?;
            run(cargo(["build", "--release", "--package", "consent-server"]))?;
            let mut bench = cargo(["run", "--release", "--package", "consent-tests"]);
            bench.args(["--bin", "bench-server", "--", "--rounds", &rounds.to_string()]);
            if quick {
                bench.args([
                    "--receipts",
                    "200000",
                    "--no-curves",
                    "--folder",
                    "target/bench-quick",
                ]);
            } else {
                bench.args(["--write", "docs/performance.md"]);
            }
            run(bench)
        }
    }
}
