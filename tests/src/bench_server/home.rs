//! A folder that a server runs in: its configuration, its store, and what the load needs to know.

use std::path::{Path, PathBuf};
use std::process::Command;

use consent_server::Settings;

/// The site that is asked.
pub(super) const SITE: &str = "cloud-pbs";
/// The page that asks.
pub(super) const ORIGIN: &str = "https://www.example.org";

const POLICY: &str = include_str!("../../../examples/cloud-pbs/policy.toml");

/// A folder with all that `consent serve` needs.
#[derive(Debug, Clone)]
pub(super) struct Home {
    folder: PathBuf,
}

impl Home {
    /// That folder. What is in it stays.
    pub(super) fn at(folder: &Path, store: &str) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:8787\"\n\n\
             [[region]]\nid = \"eu\"\nstore = \"{store}\"\nkeys = \"eu.keys\"\n\n\
             [[site]]\nid = \"{SITE}\"\nregion = \"eu\"\npolicy = \"policy.toml\"\n\
             origins = [\"{ORIGIN}\"]\n"
        );
        std::fs::write(folder.join("consent.toml"), config).unwrap();
        std::fs::write(folder.join("policy.toml"), POLICY).unwrap();
        Self { folder: folder.to_owned() }
    }

    /// That folder, with nothing in it but the configuration.
    pub(super) fn empty(folder: &Path, store: &str) -> Self {
        let _ = std::fs::remove_dir_all(folder);
        Self::at(folder, store)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn config(&self) -> PathBuf {
        self.folder.join("consent.toml")
    }

    pub(super) fn settings(&self) -> Settings {
        Settings::read(&self.config()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The file of a store in SQLite.
    pub(super) fn store(&self) -> PathBuf {
        self.folder.join("eu.db")
    }

    /// Some subjects that are stored, one on each line.
    pub(super) fn subjects(&self) -> PathBuf {
        self.folder.join("subjects")
    }

    /// Makes a token for checks, unless there is one.
    pub(super) fn make_token(&self, consent: &Path) {
        if self.folder.join("token").exists() {
            return;
        }
        let mut make = Command::new(consent);
        make.args(["token", "new", "--scope", "check", "--config"]).arg(self.config());
        let token = make.output().unwrap();
        assert!(token.status.success(), "{}", String::from_utf8_lossy(&token.stderr));
        std::fs::write(self.folder.join("token"), token.stdout).unwrap();
    }

    pub(super) fn token(&self) -> String {
        std::fs::read_to_string(self.folder.join("token")).unwrap().trim().to_owned()
    }
}
