//! Regions: where records, secrets and log are kept, here or by another server.
//!
//! Secrets may stand in environment variables (`env:NAME`), so that none stands in the file. Such
//! a value is read together with the file, and never shown.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use axum::http::Uri;
use consent_core::document::Document;
use consent_core::log::SigningKey;
use consent_core::{RegionId, read_table};
use zeroize::Zeroizing;

use super::{Environment, ORIGIN, is_origin};

/// A region held here.
#[derive(Debug, Clone)]
pub struct RegionSettings {
    /// Its name.
    pub id: RegionId,
    /// Where its records are.
    pub store: StoreSettings,
    /// Where its secrets are.
    pub keys: KeysSettings,
    /// What its log is called, and whom it is shown to.
    pub log: LogSettings,
}

/// A region that another server holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its name.
    pub id: RegionId,
    /// The origin of that server.
    pub url: String,
}

/// Where a region's records are.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreSettings {
    /// In this SQLite file.
    Sqlite(PathBuf),
    /// In the PostgreSQL database at this address.
    Postgres(String),
}

// By hand, since the address of a database may hold a password.
impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

/// Where a region's secrets are.
#[derive(Clone, PartialEq, Eq)]
pub enum KeysSettings {
    /// In this file, which is made on the first start.
    File(PathBuf),
    /// In an environment variable, which nobody here can change.
    Env {
        /// The variable's name.
        name: String,
        /// What such a file would hold.
        text: Zeroizing<String>,
    },
}

// By hand, since `Zeroizing` shows what it holds.
impl fmt::Debug for KeysSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Env { name, .. } => write!(f, "Env({name}, …)"),
        }
    }
}

/// A region's transparency log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// Its origin, which is also the name of the keys that sign its checkpoints.
    pub origin: String,
    /// Addresses that checkpoints are posted to.
    pub witnesses: Vec<String>,
    /// A file that checkpoints are appended to.
    pub checkpoints: Option<PathBuf>,
}

read_table!(RegionSection {
    id,
    store = None,
    keys = None,
    url = None,
    log = None,
    witness = Vec::new(),
    checkpoints = None,
});

pub(super) struct RegionSection {
    pub(super) id: RegionId,
    store: Option<String>,
    keys: Option<PathBuf>,
    url: Option<String>,
    log: Option<String>,
    witness: Vec<String>,
    checkpoints: Option<PathBuf>,
}

/// What regions are read with.
pub(super) struct Reader<'r> {
    /// The folder that paths are relative to.
    pub(super) base: &'r Path,
    /// The server's origin, unless it is faulty.
    pub(super) public_url: Option<&'r str>,
    /// Where environment variables are looked up.
    pub(super) env: Environment<'r>,
}

impl Reader<'_> {
    /// The regions held here, and those held elsewhere.
    pub(super) fn regions(
        &self,
        sections: &[RegionSection],
        document: &mut Document<'_>,
    ) -> (Vec<RegionSettings>, Vec<Elsewhere>) {
        let mut seen = BTreeSet::new();
        let (mut here, mut elsewhere) = (Vec::new(), Vec::new());
        for (i, section) in sections.iter().enumerate() {
            let field = |name: &str| format!("region[{i}].{name}");
            let RegionSection { id, .. } = section;
            if !seen.insert(id) {
                document.fault(field("id"), format!("'{id}' is defined twice"));
            }
            match &section.url {
                Some(url) => {
                    let url = url.clone();
                    if !is_origin(&url) {
                        document.fault(field("url"), ORIGIN);
                    }
                    if section.has_more_than_url() {
                        document.fault(field("url"), ONLY_URL);
                    }
                    elsewhere.push(Elsewhere { id: id.clone(), url });
                }
                None => here.extend(self.held_here(section, field, document)),
            }
        }
        if sections.is_empty() {
            document.fault("region", "at least one [[region]] is needed");
        } else if sections.iter().all(|section| section.url.is_some()) {
            let message = "at least one region must be held here, with a store and keys";
            document.fault("region", message);
        }
        check_apart(&here, sections, document);
        (here, elsewhere)
    }

    fn held_here(
        &self,
        section: &RegionSection,
        field: impl Fn(&str) -> String,
        document: &mut Document<'_>,
    ) -> Option<RegionSettings> {
        let mut given = |name: &str, is: bool| {
            if !is {
                document.fault(field(name), MISSING);
            }
        };
        given("store", section.store.is_some());
        given("keys", section.keys.is_some());
        let store = section.store.as_ref().and_then(|store| {
            let store = self.store(store);
            store.map_err(|message| document.fault(field("store"), message)).ok()
        });
        let keys = section.keys.as_ref().and_then(|keys| {
            let keys = self.keys(keys);
            keys.map_err(|message| document.fault(field("keys"), message)).ok()
        });
        for (j, witness) in section.witness.iter().enumerate() {
            if !is_address(witness) {
                document.fault(format!("{}[{j}]", field("witness")), ADDRESS);
            }
        }
        let origin = section.log.clone().or_else(|| default_origin(self.public_url?, &section.id));
        if let Some(origin) = &origin
            && let Err(error) = SigningKey::new(origin, &[0; 32])
        {
            document.fault(field("log"), error.to_string());
        }
        Some(RegionSettings {
            id: section.id.clone(),
            store: store?,
            keys: keys?,
            log: LogSettings {
                origin: origin?,
                witnesses: section.witness.clone(),
                checkpoints: section.checkpoints.as_ref().map(|path| self.base.join(path)),
            },
        })
    }

    fn store(&self, text: &str) -> Result<StoreSettings, String> {
        if let Some(name) = text.strip_prefix("env:") {
            let value = self.variable(name)?;
            return self.parse_store(&value).ok_or_else(|| format!("{name}: {STORE}"));
        }
        self.parse_store(text).ok_or_else(|| format!("{STORE}, or env:NAME"))
    }

    fn parse_store(&self, text: &str) -> Option<StoreSettings> {
        let (scheme, rest) = text.split_once(':')?;
        match scheme {
            "sqlite" if !rest.is_empty() => Some(StoreSettings::Sqlite(self.base.join(rest))),
            "postgres" | "postgresql" if rest.starts_with("//") && rest.len() > 2 => {
                Some(StoreSettings::Postgres(text.to_owned()))
            }
            _ => None,
        }
    }

    fn keys(&self, path: &Path) -> Result<KeysSettings, String> {
        match path.to_str().and_then(|path| path.strip_prefix("env:")) {
            Some(name) => {
                let text = self.variable(name)?;
                Ok(KeysSettings::Env { name: name.to_owned(), text })
            }
            None => Ok(KeysSettings::File(self.base.join(path))),
        }
    }

    fn variable(&self, name: &str) -> Result<Zeroizing<String>, String> {
        let value = (self.env)(name).map(Zeroizing::new);
        value.ok_or_else(|| format!("the environment variable {name} is not set"))
    }
}

impl RegionSection {
    fn has_more_than_url(&self) -> bool {
        self.store.is_some()
            || self.keys.is_some()
            || self.log.is_some()
            || self.checkpoints.is_some()
            || !self.witness.is_empty()
    }
}

/// Nothing of one region is in another, so they share nothing.
fn check_apart(here: &[RegionSettings], sections: &[RegionSection], document: &mut Document<'_>) {
    for (n, region) in here.iter().enumerate() {
        for other in &here[..n] {
            let shared = [
                ("store", region.store == other.store),
                ("keys", region.keys == other.keys),
                ("log", region.log.origin == other.log.origin),
            ];
            for (name, _) in shared.iter().filter(|(_, shared)| *shared) {
                // The last of that name: of one defined twice this is the second.
                let i = sections.iter().rposition(|section| section.id == region.id).unwrap_or(n);
                let message = format!(
                    "is that of region '{}' as well; each region has its own, so that nothing \
                     passes from one to another",
                    other.id
                );
                document.fault(format!("region[{i}].{name}"), message);
            }
        }
    }
}

/// The host, with its port, and the region: `consent.example.org/eu`.
fn default_origin(public_url: &str, id: &RegionId) -> Option<String> {
    Some(format!("{}/{id}", public_url.parse::<Uri>().ok()?.authority()?))
}

/// Whether something can be posted there.
fn is_address(text: &str) -> bool {
    text.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
    }) && !text.contains(['@', '#'])
}

const STORE: &str = "must be sqlite:FILE, postgres://USER@HOST/DATABASE";
const MISSING: &str =
    "is missing; a region held here has a store and keys, one held elsewhere a url";
const ONLY_URL: &str = "a region held elsewhere has an id and a url, and nothing else; take the url out if it is \
                        held here";
const ADDRESS: &str = "must be an address, as in \"https://witness.example.net/add-checkpoint\"";

#[cfg(test)]
mod tests {
    use consent_core::policy::EXAMPLE;

    use super::*;
    use crate::settings::tests::{GOOD, read, refused};

    #[test]
    fn a_region_has_a_log_of_its_own() {
        let log = |config: &str| read(config, EXAMPLE).unwrap().regions[0].log.clone();
        let plain = LogSettings {
            origin: "127.0.0.1:8787/eu".into(),
            witnesses: Vec::new(),
            checkpoints: None,
        };
        assert_eq!(log(GOOD), plain);
        let full = GOOD.replace(
            "keys = \"eu.keys\"",
            "keys = \"eu.keys\"\nlog = \"log.example.org/eu\"\n\
             witness = [\"https://witness.example.net/add-checkpoint\"]\ncheckpoints = \"eu.log\"",
        );
        let named = log(&full);
        assert_eq!(named.origin, "log.example.org/eu");
        assert_eq!(named.witnesses, ["https://witness.example.net/add-checkpoint"]);
        let checkpoints = named.checkpoints.unwrap();
        assert!(checkpoints.is_absolute() && checkpoints.ends_with("eu.log"));

        let name = "line 11: region[0].log: a key's name has 1 to 255 bytes, without spaces";
        let address = "line 12: region[0].witness[0]: must be an address, as in";
        refused(
            &full,
            &[
                ("log.example.org/eu", "log example", name),
                ("log.example.org/eu", "", name),
                ("log.example.org/eu", "a+b", name),
                ("https://witness", "ftp://witness", address),
                ("https://witness.example.net", "witness.example.net", address),
                ("https://witness", "https://me:secret@witness", address),
            ],
        );
    }

    #[test]
    fn a_password_stands_in_the_environment_and_is_not_shown() {
        let in_env = GOOD.replace("sqlite:eu.db", "env:PG").replace("\"eu.keys", "\"env:KEYS");
        let settings = read(&in_env, EXAMPLE).unwrap();
        let region = &settings.regions[0];
        let url = "postgres://consent:hunter2@db.example/eu";
        assert_eq!(region.store, StoreSettings::Postgres(url.into()));
        let text = Zeroizing::new("hunter3".to_owned());
        assert_eq!(region.keys, KeysSettings::Env { name: "KEYS".into(), text });
        let shown = format!("{settings:?}");
        assert!(shown.contains("Postgres(…)") && shown.contains("Env(KEYS, …)"), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");

        let missing = "the environment variable NO is not set";
        refused(
            &in_env,
            &[
                ("env:PG", "env:NO", &format!("line 9: region[0].store: {missing}")),
                ("env:PG", "env:KEYS", "line 9: region[0].store: KEYS: must be sqlite:FILE"),
                ("env:KEYS", "env:NO", &format!("line 10: region[0].keys: {missing}")),
                ("env:PG", "postgres:eu", "line 9: region[0].store: must be sqlite:FILE"),
                ("env:PG", "sqlite:", "line 9: region[0].store: must be sqlite:FILE"),
            ],
        );
        let wrong = read(&in_env.replace("env:PG", "env:KEYS"), EXAMPLE).unwrap_err().to_string();
        assert!(!wrong.contains("hunter"), "{wrong}");
    }

    #[test]
    fn a_region_may_be_held_elsewhere() {
        let two = GOOD.replace(
            "[[site]]",
            "[[region]]\nid = \"us\"\nurl = \"https://us.example.org\"\n[[site]]",
        );
        let settings = read(&two, EXAMPLE).unwrap();
        assert_eq!((settings.regions.len(), settings.elsewhere.len()), (1, 1));
        let url = "https://us.example.org".to_owned();
        assert_eq!(settings.elsewhere[0], Elsewhere { id: "us".parse().unwrap(), url });

        // Its sites stand in the same file, with their policies.
        let policy = EXAMPLE.replace("id = \"eu\"", "id = \"us\"");
        let there = two.replace("region = \"eu\"", "region = \"us\"");
        assert_eq!(read(&there, &policy).unwrap().sites.len(), 1);

        let held = "store = \"sqlite:eu.db\"\nkeys = \"eu.keys\"";
        refused(
            &two,
            &[
                ("https://us.example.org", "us.example.org", "line 13: region[1].url: must be an"),
                ("id = \"us\"", "id = \"eu\"", "line 12: region[1].id: 'eu' is defined twice"),
                ("\"us\"", "\"us\"\nkeys = \"us.keys\"", "line 14: region[1].url: a region held"),
                ("\"us\"", "\"us\"\nlog = \"us\"", "line 14: region[1].url: a region held"),
                (held, "url = \"https://eu.example.org\"", "line 7: region: at least one region"),
                (held, "", "line 7: region[0].store: is missing; a region held here has"),
                ("keys = \"eu.keys\"", "", "line 7: region[0].keys: is missing; a region held"),
            ],
        );
    }

    #[test]
    fn regions_share_nothing() {
        let us =
            "[[region]]\nid = \"us\"\nstore = \"sqlite:us.db\"\nkeys = \"us.keys\"\nlog = \"us\"\n";
        let two = GOOD.replace("[[site]]", &format!("{us}[[site]]"));
        assert_eq!(read(&two, EXAMPLE).unwrap().regions.len(), 2);
        refused(
            &two,
            &[
                ("us.db", "eu.db", "line 13: region[1].store: is that of region 'eu' as well"),
                ("us.keys", "eu.keys", "line 14: region[1].keys: is that of region 'eu' as well"),
                (
                    "log = \"us\"",
                    "log = \"127.0.0.1:8787/eu\"",
                    "line 15: region[1].log: is that of region 'eu' as well; each region has its own",
                ),
            ],
        );
    }
}
