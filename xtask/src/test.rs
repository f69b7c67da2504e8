//! `cargo xtask test`: everything that CI does, in the order in which faults are cheapest to find.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::run::{cargo, run};
use crate::{generate, size, widget};

/// The programs that the browser tests drive, and the Debian packages that bring them.
const BROWSER: [(&str, &str); 2] = [("chromium", "chromium"), ("chromedriver", "chromium-driver")];

/// The fuzz targets, which are a workspace of their own.
const FUZZ: &str = "fuzz/Cargo.toml";

pub(crate) fn test() -> Result<()> {
    let started = Instant::now();
    step("format");
    run(cargo(["fmt", "--all", "--check"]))?;
    run(cargo(["fmt", "--manifest-path", FUZZ, "--check"]))?;

    step("generated files");
    generate::check()?;

    step("browser");
    provide_browser()?;

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

    step("tests");
    run(cargo(["test", "--workspace", "--lib", "--bins", "--tests"]))?;
    eprintln!("\nall of it passed in {} seconds", started.elapsed().as_secs());
    Ok(())
}

fn step(name: &str) {
    eprintln!("\n== {name}");
}

/// Makes sure that the browser is there: installs it where that is possible without asking.
fn provide_browser() -> Result<()> {
    let missing: Vec<&str> = BROWSER
        .iter()
        .filter(|(program, _)| !installed(program))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if !root || !Path::new("/usr/bin/apt-get").exists() {
        bail!("the browser tests need {packages}; on Debian: sudo apt-get install {packages}");
    }
    eprintln!("installing {packages}");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command
    };
    run(apt(&["update", "--quiet"]))?;
    let mut install =
        apt(&["install", "--yes", "--quiet", "--no-install-recommends", "fonts-dejavu-core"]);
    install.args(missing);
    run(install)
}

fn installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
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
