//! `cargo xtask shots`: builds what is shown, and starts the program that takes the pictures.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::run::{cargo, root, run};
use crate::tools::{self, Npm};
use crate::widget;

/// What it means when the program fails.
const DIFFER: &str = "the pictures are not as they are committed";

/// Takes the pictures; compares them with the committed ones if `check` is set.
pub(crate) fn shots(check: bool) -> Result<()> {
    tools::provide(Npm::Tests)?;
    widget::build(|step| eprintln!("{step}"))?;
    let mut shots = cargo(["run", "--package", "consent-tests", "--bin", "shots", "--"]);
    shots.args(check.then_some("--check"));
    run(shots).context(DIFFER)
}

/// Compares them, by the program that was built with the tests and lies beside this one.
pub(crate) fn check_as_built() -> Result<()> {
    let mut shots = Command::new(std::env::current_exe()?.with_file_name("shots"));
    shots.arg("--check").current_dir(root());
    run(shots).context(DIFFER)
}
