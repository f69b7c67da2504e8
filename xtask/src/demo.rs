//! `cargo xtask demo`: builds everything and shows it in a browser.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, anyhow};

use crate::run::{cargo, root, run};
use crate::widget;

/// Builds the widget, the server and the demo, and becomes the demo: Ctrl-C goes to it alone.
pub(crate) fn demo(arguments: &[String]) -> Result<()> {
    widget::build(|step| eprintln!("{step}"))?;
    eprintln!("building the server and the demo");
    run(cargo([
        "build",
        "--profile",
        "demo",
        "--package",
        "consent-examples",
        "--package",
        "consent-server",
    ]))?;
    let program = target()?.join("demo/consent-demo");
    let config = root().join("examples/cloud-pbs/consent.toml");
    let error = Command::new(&program).arg("--config").arg(config).args(arguments).exec();
    Err(error).with_context(|| program.display().to_string())
}

/// Where cargo puts what it builds.
fn target() -> Result<std::path::PathBuf> {
    let program = std::env::current_exe()?;
    // This program is target/debug/xtask.
    let target = program.ancestors().nth(2).map(ToOwned::to_owned);
    target.ok_or_else(|| anyhow!("{} is not in a target folder", program.display()))
}
