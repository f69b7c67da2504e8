//! `cargo xtask generate`: the files that are written by the code and committed.
//!
//! What they hold is not made here, only written down and compared.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use consent_core::policy;

use crate::run::{cargo, root};

/// The document of the HTTP interface. The server makes it, and a test of the server compares it: to
/// build the server in order to compare one file would come too early in CI.
const INTERFACE: &str = "docs/openapi.json";

/// Writes every generated file.
pub(crate) fn generate() -> Result<()> {
    let mut print = cargo(["run", "--quiet", "--package", "consent-server", "--", "openapi"]);
    let printed = print.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(printed.status.success(), "the server does not print its document, see above");
    fs::write(root().join(INTERFACE), printed.stdout)
        .with_context(|| format!("cannot write {INTERFACE}"))?;
    for (name, text) in files()? {
        let path = root().join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Fails when a committed file is not what the code says now.
pub(crate) fn check() -> Result<()> {
    files()?.iter().try_for_each(|(name, text)| same(&root().join(name), text))
}

/// The generated files, by their place in the workspace.
fn files() -> Result<Vec<(&'static str, String)>> {
    let schema = serde_json::to_string_pretty(&policy::schema())?;
    Ok(vec![("docs/policy.schema.json", schema + "\n")])
}

fn same(path: &Path, text: &str) -> Result<()> {
    let committed =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(
        committed == text,
        "{} is not what the code says; run `cargo xtask generate` and commit what it writes",
        path.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_differs_is_an_error_that_says_what_to_run() {
        let path = std::env::temp_dir().join(format!("xtask-generate-{}", std::process::id()));
        let missing = same(&path, "a").unwrap_err().to_string();
        assert!(missing.contains("cannot read"), "{missing}");
        fs::write(&path, "a").unwrap();
        let (equal, differs) = (same(&path, "a"), same(&path, "b"));
        fs::remove_file(&path).unwrap();
        assert!(equal.is_ok());
        let differs = differs.unwrap_err().to_string();
        assert!(differs.contains("run `cargo xtask generate`"), "{differs}");
    }
}
