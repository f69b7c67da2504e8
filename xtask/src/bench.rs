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
}

pub(crate) fn bench(what: What, rounds: u16) -> Result<()> {
    match what {
        What::Widget => {
            tools::provide(Npm::Banners)?;
            widget::build(|step| eprintln!("{step}"))?;
            run(cargo(["build", "--release", "--package", "consent-server"]))?;
            let mut bench = cargo(["run", "--release", "--package", "consent-tests"]);
            bench.args(["--bin", "bench-widget", "--", "--rounds", &rounds.to_string()]);
            run(bench)
        }
    }
}
