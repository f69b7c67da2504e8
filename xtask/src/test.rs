//! `cargo xtask test`: everything that CI does, in the order in which faults are cheapest to find.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::run::{cargo, root, run};
use crate::{generate, shots, size, tools, widget};

/// The fuzz targets, which are a workspace of their own.
const FUZZ: &str = "fuzz/Cargo.toml";

pub(crate) fn test() -> Result<()> {
    let started = Instant::now();
    let step = |name| eprintln!("\n== {name}, after {} seconds", started.elapsed().as_secs());

    step("format");
    run(cargo(["fmt", "--all", "--check"]))?;
    run(cargo(["fmt", "--manifest-path", FUZZ, "--check"]))?;

    step("generated files");
    generate::check()?;

    step("tools");
    tools::provide(tools::Npm::Tests)?;

    step("dependencies");
    tools::deny()?;

    step("types");
    check_types()?;

    step("widget");
    widget::build(|step| eprintln!("{step}"))?;
    size::Sizes::of(&widget::dist())?.report()?;

    step("lints");
    run(cargo(["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    run(cargo([
        "clippy",
        "--package",
        "consent-widget",
        "--features",
        "browser",
        "--target",
        widget::TARGET,
        "--",
        "--deny",
        "warnings",
    ]))?;

    // Not run here, but they have to follow what they test.
    run(cargo([
        "clippy",
        "--manifest-path",
        FUZZ,
        "--target-dir",
        "target",
        "--",
        "--deny",
        "warnings",
    ]))?;

    step("documentation");
    let mut doc = cargo(["doc", "--workspace", "--no-deps", "--document-private-items"]);
    doc.env("RUSTDOCFLAGS", "--deny warnings");
    run(doc)?;
    run(cargo(["test", "--workspace", "--doc"]))?;

    // All at once: a program that is built alone has other features, and most of what it depends on is
    // built once more for it.
    step("build");
    run(cargo(["test", "--workspace", "--lib", "--bins", "--tests", "--no-run"]))?;

    step("pictures");
    shots::check_as_built()?;

    // Last, so that the count of the tests is what is read last.
    step("tests");
    run(cargo(["test", "--workspace", "--lib", "--bins", "--tests"]))?;
    eprintln!("\nall of it passed in {} seconds", started.elapsed().as_secs());
    Ok(())
}

/// Checks the types of the widget's JavaScript.
fn check_types() -> Result<()> {
    let project = root().join("consent-widget/loader/tsconfig.json");
    if !project.exists() {
        return Ok(());
    }
    let mut tsc = Command::new(tools::node_modules().join(".bin/tsc"));
    tsc.arg("--project").arg(project);
    run(tsc).context("the types in consent-widget/loader do not fit; tsc says above where")
}

#[cfg(test)]
mod tests {
    use crate::run::cargo;

    /// The core holds rules only: nothing that reads, waits, guesses the time or rolls dice.
    #[test]
    fn the_core_depends_on_nothing_ambient() {
        for target in ["x86_64-unknown-linux-gnu", crate::widget::TARGET] {
            let mut tree =
                cargo(["tree", "--offline", "--package", "consent-core", "--edges", "normal"]);
            let output = tree.args(["--prefix", "none", "--target", target]).output().unwrap();
            let tree = String::from_utf8(output.stdout).unwrap();
            assert!(tree.contains("consent-core") && tree.contains("serde"), "{tree}");
            for ambient in [
                "tokio",
                "web-sys",
                "js-sys",
                "sqlx",
                "rand",
                "rand_core",
                "getrandom",
                "chrono",
                "reqwest",
            ] {
                let found = tree.lines().any(|line| line.split(' ').next() == Some(ambient));
                assert!(!found, "{ambient} in the tree of consent-core for {target}");
            }
        }
    }
}
