//! `cargo xtask size`: what a visitor downloads, as compressed bytes, against its budget.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::widget::{PLACEHOLDER, compress};

/// A configuration as a server puts it into the loader.
const CONFIG: &str = r#"{"base":"https://consent.example.org/v1/sites/cloud-pbs","app":"https://consent.example.org/v1/widget/5d41402a/consent_widget.js","policy":12,"since":11,"months":6,"languages":["en","fr"],"purposes":[{"id":"analytics","cookies":["_cpbs*"]},{"id":"communications","cookies":[]},{"id":"email.open_tracking","cookies":[]}]}"#;

/// The parts of the download.
#[derive(Debug)]
pub(crate) struct Sizes {
    parts: Vec<Part>,
}

/// Files that are loaded together.
#[derive(Debug)]
struct Part {
    name: &'static str,
    bytes: usize,
    budget: usize,
}

impl Sizes {
    /// Measures what `widget` wrote.
    pub(crate) fn of(dist: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = dist.join(name);
            fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let loader = String::from_utf8(read("consent.js")?)?.replace(PLACEHOLDER, CONFIG);
        let (glue, wasm) = (read("consent_widget.js.br")?, read("consent_widget_bg.wasm.br")?);
        Ok(Self {
            parts: vec![
                Part { name: "loader", bytes: compress(loader.as_bytes())?.len(), budget: 3072 },
                Part { name: "panel", bytes: glue.len() + wasm.len(), budget: 70 * 1024 },
            ],
        })
    }

    /// Prints the table; an error when a part is over its budget.
    pub(crate) fn report(&self) -> Result<()> {
        println!("{self}");
        let over: Vec<_> =
            self.parts.iter().filter(|p| p.bytes > p.budget).map(|p| p.name).collect();
        ensure!(over.is_empty(), "over budget: {}", over.join(", "));
        Ok(())
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {:>8} {:>8}  (bytes, brotli)", "part", "size", "budget")?;
        for Part { name, bytes, budget } in &self.parts {
            write!(f, "\n{name:<8} {bytes:>8} {budget:>8}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_over_budget_is_an_error_that_names_it() {
        let part = |name, bytes| Part { name, bytes, budget: 100 };
        assert!(Sizes { parts: vec![part("loader", 100)] }.report().is_ok());
        let sizes = Sizes { parts: vec![part("loader", 100), part("panel", 101)] };
        assert_eq!(sizes.report().unwrap_err().to_string(), "over budget: panel");
        assert!(sizes.to_string().ends_with("panel         101      100"), "{sizes}");
    }

    #[test]
    fn each_part_is_measured_compressed() {
        let dist = std::env::temp_dir().join(format!("xtask-size-{}", std::process::id()));
        fs::create_dir_all(&dist).unwrap();
        fs::write(dist.join("consent.js"), format!("f({PLACEHOLDER})").repeat(50)).unwrap();
        fs::write(dist.join("consent_widget.js.br"), [0; 10]).unwrap();
        let missing = Sizes::of(&dist).unwrap_err().to_string();
        assert!(missing.contains("consent_widget_bg.wasm.br"), "{missing}");
        fs::write(dist.join("consent_widget_bg.wasm.br"), [0; 20]).unwrap();
        let sizes = Sizes::of(&dist).unwrap();
        fs::remove_dir_all(&dist).unwrap();
        assert_eq!(sizes.parts[1].bytes, 30);
        assert!(sizes.parts[0].bytes < 500, "{sizes}");
    }
}
