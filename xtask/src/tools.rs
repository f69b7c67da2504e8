//! The programs that tests drive and that are no part of the product: browsers with their drivers,
//! fonts, PostgreSQL, and what comes from npm and from Python's index. Each is installed where it is
//! missing and that is possible without asking; elsewhere the error says how.
//!
//! Building and running the product takes none of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::run::{cargo, root, run};

/// What has to be there, by any of these names, and the Debian package that brings it.
type Package = (&'static [&'static str], &'static str);

/// What the tests need. The fonts draw every script that the widget speaks, so that no test depends
/// on what else is installed.
const PACKAGES: [Package; 7] = [
    (&["chromium"], "chromium"),
    (&["chromedriver"], "chromium-driver"),
    (&["firefox-esr", "firefox"], "firefox-esr"),
    (&["npm"], "npm"),
    (&["/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"], "fonts-dejavu-core"),
    // Tells what the server writes, for the power to be cut in between.
    (&["strace"], "strace"),
    // Whichever version it is; the tests start their own server.
    (&["/usr/lib/postgresql/*/bin/postgres"], "postgresql"),
];

/// Drives Firefox. Debian does not have it, so cargo builds it.
const GECKODRIVER: Built = Built { name: "geckodriver", version: "0.37.1" };

/// Says what the server may be built from. `deny.toml` tells it.
const DENY: Built = Built { name: "cargo-deny", version: "0.20.2" };

/// A program that cargo builds once, beside everything else that is built.
struct Built {
    name: &'static str,
    version: &'static str,
}

/// Asks the server everything that the document of its interface allows, and what it forbids.
const SCHEMATHESIS: &str = include_str!("../schemathesis.txt");

/// What to take from npm; `tests/npm/package.json` tells the versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Npm {
    /// What the tests need.
    Tests,
    /// And the banners that ours is measured against.
    Banners,
}

/// Makes sure that everything is there.
pub(crate) fn provide(npm: Npm) -> Result<()> {
    let mut lacking = missing(&PACKAGES);
    // Debian's python3 is there without what an environment takes.
    let mut python = Command::new("python3");
    if !python.args(["-c", "import ensurepip"]).output().is_ok_and(|it| it.status.success()) {
        lacking.push("python3-venv");
    }
    install("the suite of tests", lacking)?;
    GECKODRIVER.provide()?;
    schemathesis()?;
    modules(npm)
}

/// Makes sure that there is a load generator.
pub(crate) fn load_generator() -> Result<()> {
    install("the bench", missing(&[(&["wrk"], "wrk")]))
}

/// Where npm puts what it installs.
pub(crate) fn node_modules() -> PathBuf {
    root().join("tests/npm/node_modules")
}

/// What of these is not there.
fn missing(packages: &[Package]) -> Vec<&'static str> {
    packages
        .iter()
        .filter(|(names, _)| !names.iter().any(|name| found(name)))
        .map(|(_, package)| *package)
        .collect()
}

/// Installs what `who` needs and lacks.
fn install(who: &str, missing: Vec<&str>) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    ensure!(
        root && Path::new("/usr/bin/apt-get").exists(),
        "{who} needs {names}; on Debian: sudo apt-get install {names}"
    );
    eprintln!("installing {names}");
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null());
        command
    };
    run(apt(&["update", "--quiet"]))?;
    let mut install = apt(&["install", "--yes", "--quiet", "--no-install-recommends"]);
    install.args(missing);
    run(install)
}

/// Whether there is such a file, or such a program on the path. `*` stands for any folder.
fn found(name: &str) -> bool {
    if let Some((folder, rest)) = name.split_once("/*/") {
        let mut folders = fs::read_dir(folder).into_iter().flatten().flatten();
        return folders.any(|folder| folder.path().join(rest).is_file());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

impl Built {
    /// Where it is. `tests/src/driver.rs` looks there as well.
    fn path(&self) -> PathBuf {
        root().join("target/tools/bin").join(self.name)
    }

    /// Builds it, if it is not there in this version.
    fn provide(&self) -> Result<()> {
        let Self { name, version } = self;
        let current = Command::new(self.path()).arg("--version").output().is_ok_and(|output| {
            // "geckodriver 1.2.3", and where it was built from a repository also its commit.
            String::from_utf8_lossy(&output.stdout).split_whitespace().nth(1) == Some(version)
        });
        if current {
            return Ok(());
        }
        eprintln!("building {name} {version}; this is done once and takes some minutes");
        let mut install = cargo(["install", "--locked", "--quiet", "--force", name, "--version"]);
        // They wait for browsers, or for files: built fast is better than built to be fast.
        install.arg(version).arg("--debug").arg("--root").arg(root().join("target/tools"));
        run(install).with_context(|| format!("{name}, which the tests take, cannot be built"))
    }
}

/// Checks licences, sources and doubled versions of all that the server is built from.
pub(crate) fn deny() -> Result<()> {
    DENY.provide()?;
    let mut deny = Command::new(DENY.path());
    deny.current_dir(root()).args([
        "--manifest-path",
        "consent-server/Cargo.toml",
        "--exclude-dev",
    ]);
    deny.args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]);
    run(deny)
}

/// Installs it once, beside everything else that is built. `consent-server/tests/process/interface.rs`
/// looks there.
fn schemathesis() -> Result<()> {
    let folder = root().join("target/tools/schemathesis");
    // Written last, so that an installation that was broken off is done again.
    let done = folder.join("installed.txt");
    if fs::read_to_string(&done).is_ok_and(|installed| installed == SCHEMATHESIS) {
        return Ok(());
    }
    eprintln!("installing schemathesis");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    run(venv).context("python3 makes no environment; on Debian: apt-get install python3-venv")?;
    let mut install = Command::new(folder.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    install.arg(root().join("xtask/schemathesis.txt"));
    run(install).context("schemathesis, which tests the interface, cannot be installed")?;
    fs::write(&done, SCHEMATHESIS).with_context(|| format!("cannot write {}", done.display()))
}

/// Installs what the lock file names, if it is not there. Nothing of it runs while it is installed.
fn modules(npm: Npm) -> Result<()> {
    let folder = root().join("tests/npm");
    let modified = |name: &str| fs::metadata(folder.join(name)).and_then(|file| file.modified());
    let done = modified("node_modules/.package-lock.json");
    let is_current = done.is_ok_and(|done| {
        modified("package-lock.json").is_ok_and(|lock| lock <= done)
            && (npm == Npm::Tests || folder.join("node_modules/klaro").exists())
    });
    if is_current {
        return Ok(());
    }
    eprintln!("installing what the tests take from npm");
    let mut install = Command::new("npm");
    install.args(["ci", "--ignore-scripts"]).current_dir(&folder).stdout(Stdio::null());
    if npm == Npm::Tests {
        install.arg("--omit=dev");
    }
    run(install)
}
