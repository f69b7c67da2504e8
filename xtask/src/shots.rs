//! `cargo xtask shots`: builds what is shown, and starts the program that takes the pictures.

use anyhow::{Context as _, Result};

use crate::run::{cargo, run};
use crate::tools::{self, Npm};
use crate::widget;

/// Takes the pictures; compares them with the committed ones if `check` is set.
pub(crate) fn shots(check: bool) -> Result<()> {
    tools::provide(Npm::Tests)?;
    widget::build(|step| eprintln!("{step}"))?;
    take(check)
}

/// The same, where everything is built already.
pub(crate) fn take(check: bool) -> Result<()> {
    let mut shots = cargo(["run", "--package", "consent-tests", "--bin", "shots", "--"]);
    shots.args(check.then_some("--check"));
    run(shots).context("the pictures are not as they are committed")
}
