//! `cargo xtask size`: what a visitor downloads, as compressed bytes, against its budget.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::widget::compress;

/// What a server puts into the scripts, for a site with Google's tags.
const FILLED: [(&str, &str); 3] = [
    (
        "__CONSENT_CONFIG__",
        r#"{"base":"https://consent.example.org/v1/sites/cloud-pbs","policy":12,"asked":["analytics","communications","email.open_tracking"],"interests":["improvement"],"since":[11,11,12,11],"signals":["globalPrivacyControl"]}"#,
    ),
    (
        "__CONSENT_VENDORS__",
        r#"{"google":{"signals":{"ad_personalization":[],"ad_storage":[],"ad_user_data":[],"analytics_storage":["analytics"],"functionality_storage":[],"personalization_storage":[],"security_storage":"always"},"target":"dataLayer","form":"push_arguments","before":["consent","default","{signals}"],"granted":["consent","update","{signals}"],"denied":["consent","update","{signals}"]}}"#,
    ),
    (
        "__CONSENT_SITE__",
        r#"{"files":"https://consent.example.org/v1/widget/5d41402a","verify":"https://consent.example.org/v1/receipts/verify","policy":12,"months":6,"cookies":[["_cpbs*"],[],[],[]],"signals":{"globalPrivacyControl":["gpc","Global Privacy Control"]}}"#,
    ),
];

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
    /// Measures what `widget` wrote. The loader is the stub, and the part for vendors' tags.
    pub(crate) fn of(dist: &Path) -> Result<Self> {
        let read = |name: &str| {
            let path = dist.join(name);
            fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let script = |name: &str| -> Result<String> {
            let mut text = String::from_utf8(read(name)?)?;
            for (placeholder, value) in FILLED {
                text = text.replace(placeholder, value);
            }
            Ok(text)
        };
        let size = |text: &str| Ok::<_, anyhow::Error>(compress(text.as_bytes())?.len());
        let (stub, vendors, ask) = (script("stub.js")?, script("vendors.js")?, script("ask.js")?);
        let (glue, wasm) = (read("consent_widget.js.br")?, read("consent_widget_bg.wasm.br")?);
        Ok(Self {
            parts: vec![
                Part { name: "stub", bytes: size(&stub)?, budget: 1536 },
                Part { name: "loader", bytes: size(&(stub + &vendors))?, budget: 3072 },
                Part { name: "ask", bytes: size(&ask)?, budget: 4608 },
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
        for (name, (placeholder, _)) in ["stub.js", "vendors.js", "ask.js"].into_iter().zip(FILLED)
        {
            fs::write(dist.join(name), format!("f({placeholder})").repeat(50)).unwrap();
        }
        fs::write(dist.join("consent_widget.js.br"), [0; 10]).unwrap();
        let missing = Sizes::of(&dist).unwrap_err().to_string();
        assert!(missing.contains("consent_widget_bg.wasm.br"), "{missing}");
        fs::write(dist.join("consent_widget_bg.wasm.br"), [0; 20]).unwrap();
        let sizes = Sizes::of(&dist).unwrap();
        fs::remove_dir_all(&dist).unwrap();
        assert_eq!(sizes.parts[3].bytes, 30);
        assert!(sizes.parts[0].bytes > 100 && sizes.parts[0].bytes < 500, "{sizes}");
    }
}
