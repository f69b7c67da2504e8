//! `consent policy`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, ensure};
use clap::{Args, Subcommand};
use consent_core::Policy;
use consent_core::policy::{Comparison, Weight};
use serde_json::json;

use super::print_json;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Say what is wrong with a policy, all of it at once: exit code 0 for valid, 1 for not, 2 for an error.
    #[command(after_help = "Example:\n  consent policy check policy.toml")]
    Check(Check),
    /// Say what differs between two policies, and who is asked again because of it: exit code 0 for nobody, 1 for somebody, 2 for an error.
    #[command(
        after_help = "Example:\n  consent policy diff policy-1.toml policy-2.toml --language fr"
    )]
    Diff(Diff),
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The policy.
    file: PathBuf,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The policy in force.
    old: PathBuf,
    /// The policy that follows it.
    new: PathBuf,
    /// The language of the reasons, and of the names in them.
    #[arg(long, default_value = "en", value_name = "TAG")]
    language: String,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

impl PolicyCommand {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check(check) => check.run(),
            Self::Diff(diff) => diff.run(),
        }
    }
}

impl Check {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let text = read(&self.file)?;
        let policy = Policy::from_toml(&text);
        match (&policy, self.json) {
            (Ok(policy), false) => {
                println!("valid: policy {}, SHA-256 {}", policy.number, policy.digest());
            }
            (Ok(policy), true) => print_json(
                &json!({"valid": true, "number": policy.number, "digest": policy.digest()}),
            )?,
            (Err(faults), false) => println!("{faults}"),
            (Err(faults), true) => {
                let faults: Vec<_> = faults
                    .as_slice()
                    .iter()
                    .map(|f| json!({"line": f.line, "path": f.path, "message": f.message}))
                    .collect();
                print_json(&json!({"valid": false, "faults": faults}))?;
            }
        }
        Ok(ExitCode::from(u8::from(policy.is_err())))
    }
}

impl Diff {
    fn run(&self) -> anyhow::Result<ExitCode> {
        let (old, new) = (valid(&self.old)?, valid(&self.new)?);
        ensure!(
            new.number > old.number,
            "{}: number: a policy that follows policy {} has a greater number, not {}",
            self.new.display(),
            old.number,
            new.number
        );
        let comparison = Comparison::of(&old, &new);
        if self.json {
            print_json(&self.as_json(&old, &new, &comparison))?;
        } else {
            print!("{}", self.as_text(&old, &new, &comparison));
        }
        Ok(ExitCode::from(u8::from(!comparison.asks_again().is_empty())))
    }

    fn as_json(&self, old: &Policy, new: &Policy, comparison: &Comparison) -> serde_json::Value {
        let differences: Vec<_> = comparison
            .differences()
            .iter()
            .map(|difference| {
                json!({
                    "reason": difference.reason(),
                    "path": difference.path(),
                    "material": difference.weight() == Weight::Material,
                    "asks_again": difference.asks_again(),
                    "text": difference.text(&self.language),
                })
            })
            .collect();
        let asks_again: serde_json::Map<_, _> = comparison
            .asks_again()
            .into_iter()
            .map(|id| (id.to_string(), comparison.because(id, &self.language).into()))
            .collect();
        json!({
            "old": {"number": old.number, "digest": old.digest()},
            "new": {"number": new.number, "digest": new.digest()},
            "differences": differences,
            "asks_again": asks_again,
        })
    }

    fn as_text(&self, old: &Policy, new: &Policy, comparison: &Comparison) -> String {
        let mut text = format!("policy {} → {}\n", old.number, new.number);
        for difference in comparison.differences() {
            let weight = match difference.weight() {
                Weight::Material => "material ",
                Weight::Editorial => "editorial",
            };
            let (path, clause) = (difference.path(), difference.text(&self.language));
            _ = write!(text, "\n{weight}  {path}\n           {clause}\n");
        }
        if comparison.differences().is_empty() {
            text += "\nnothing differs\n";
        } else if comparison.asks_again().is_empty() {
            text += "\nnobody is asked again\n";
        }
        for purpose in comparison.asks_again() {
            if let Some(because) = comparison.because(purpose, &self.language) {
                _ = write!(text, "\n{purpose}\n  {because}\n");
            }
        }
        text
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn valid(path: &Path) -> anyhow::Result<Policy> {
    Policy::from_toml(&read(path)?).map_err(|faults| anyhow!("{}: {faults}", path.display()))
}
