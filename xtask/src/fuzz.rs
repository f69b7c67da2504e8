//! `cargo xtask fuzz`: the fuzz targets of `fuzz/`, one after the other. Not part of
//! `cargo xtask test`: it takes a nightly compiler, and as long as one likes.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail, ensure};

use crate::run::{root, run};

/// The targets, and the longest input that is tried: about what it takes to reach everything.
const TARGETS: [(&str, u32); 5] =
    [("policy", 16_384), ("receipt", 4_096), ("proof", 4_096), ("cookie", 1_024), ("subject", 256)];

/// Runs the targets named, or all, for so many minutes each. Ends at the first input found on
/// which one fails; cargo-fuzz tells where it keeps it.
pub(crate) fn fuzz(minutes: u32, names: &[String]) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| TARGETS.iter().all(|(known, _)| known != name))
    {
        let known = TARGETS.map(|(name, _)| name).join(", ");
        bail!("there is no target '{unknown}'; there are {known}");
    }
    let mut version = nightly(["fuzz", "--version"]);
    ensure!(
        version.stdout(Stdio::null()).status().is_ok_and(|status| status.success()),
        "fuzzing takes a nightly compiler and cargo-fuzz:\n  rustup toolchain install nightly \
         --profile minimal\n  cargo install --locked cargo-fuzz"
    );
    let folder = root().join("fuzz");
    for (name, longest) in TARGETS {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        eprintln!("\n== {name}, for {minutes} minutes");
        // What is found goes to the first folder, which is not committed.
        let corpus = folder.join("corpus").join(name);
        std::fs::create_dir_all(&corpus)?;
        let mut command = nightly(["fuzz", "run", name]);
        command.args([&corpus, &folder.join("seeds").join(name)]).arg("--");
        command.args([format!("-max_total_time={}", minutes * 60), format!("-max_len={longest}")]);
        command.args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]);
        let words = folder.join("dictionaries").join(name).with_extension("dict");
        if Path::exists(&words) {
            command.arg(format!("-dict={}", words.display()));
        }
        run(command)?;
    }
    Ok(())
}

/// A cargo command with the nightly compiler, whatever compiler this runs with.
fn nightly<const N: usize>(arguments: [&str; N]) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]).args(arguments).current_dir(root());
    command
}
