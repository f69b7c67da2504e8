//! The configuration: one TOML file, checked as a whole before anything starts.
//!
//! Paths in it are relative to the file itself. Regions are in `settings/region.rs`, sites in
//! `settings/site.rs`, how their banners look in `settings/look.rs`.

mod look;
mod region;
mod site;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::http::Uri;
use consent_core::document::{Document, Faults};
use consent_core::read_table;

pub use look::{Colors, Look, Position, Theme};
use region::RegionSection;
pub use region::{Elsewhere, KeysSettings, LogSettings, RegionSettings, StoreSettings};
use site::SiteSection;
pub use site::{DEFAULT_RETENTION, SiteSettings};

/// Everything the server has to know to start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens and how it is reached.
    pub server: ServerSettings,
    /// How mail leaves.
    pub mail: MailSettings,
    /// The regions held here: where records are kept. There is at least one.
    pub regions: Vec<RegionSettings>,
    /// The regions that another server holds.
    pub elsewhere: Vec<Elsewhere>,
    /// Who asks for consent.
    pub sites: Vec<SiteSettings>,
}

/// Where the server listens and how it is reached.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The origin under which browsers reach it, without a slash at the end.
    pub public_url: String,
}

/// How mail leaves.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// A folder that mails are written to, or a mail server.
    pub transport: Transport,
    /// The sender, as in `News <news@example.org>`.
    pub from: lettre::message::Mailbox,
}

/// Where mails go.
#[derive(Clone)]
pub enum Transport {
    /// Each mail becomes an `.eml` file in this folder.
    Folder(PathBuf),
    /// A mail server, as `smtp://…` or `smtps://…`.
    Smtp(String),
}

// By hand, since the address of a mail server may hold a password.
impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => f.debug_tuple("Folder").field(path).finish(),
            Self::Smtp(_) => f.write_str("Smtp(…)"),
        }
    }
}

/// Why the configuration cannot be used. Each line names a file, a line and a field.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// A file holds something wrong.
    #[error("{}", lines(.path, .faults))]
    Faults {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        faults: Faults,
    },
}

fn lines(path: &Path, faults: &Faults) -> String {
    let lines: Vec<_> =
        faults.as_slice().iter().map(|fault| format!("{}: {fault}", path.display())).collect();
    lines.join("\n")
}

read_table!(File { server, mail = MailSection::default(), region, site });
read_table!(ServerSection { listen = default_listen(), public_url = None });
read_table!(MailSection {
    transport = MailSection::default().transport,
    from = MailSection::default().from,
});
struct File {
    server: ServerSection,
    mail: MailSection,
    region: Vec<RegionSection>,
    site: Vec<SiteSection>,
}

struct ServerSection {
    listen: SocketAddr,
    public_url: Option<String>,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8787))
}

struct MailSection {
    transport: String,
    from: String,
}

impl Default for MailSection {
    fn default() -> Self {
        Self { transport: "file:data/mail".into(), from: "consent@localhost".into() }
    }
}

impl Settings {
    /// Reads the configuration, the policies, and the environment variables that it names.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        Self::read_with(path, &|name| std::env::var(name).ok())
    }

    /// The same, with other environment variables.
    pub fn read_with(path: &Path, env: Environment<'_>) -> Result<Self, SettingsError> {
        let text = read(path)?;
        let base = path.parent().unwrap_or(Path::new(""));
        let faulty = |faults| SettingsError::Faults { path: path.to_owned(), faults };
        let (file, mut document) = Document::read::<File>(&text).map_err(faulty)?;

        let server = server(&file.server, &mut document);
        let public_url = server.as_ref().map(|server| server.public_url.as_str());
        let regions = region::Reader { base, public_url, env }.regions(&file.region, &mut document);
        let mail = mail(&file.mail, base, &mut document);
        let sites = site::sites(file.site, &file.region, base, &mut document)?;
        let parts = document.finish((server, mail)).map_err(faulty)?;
        let (Some(server), Some(mail)) = parts else { unreachable!("what is missing was a fault") };
        let (regions, elsewhere) = regions;
        Ok(Self { server, mail, regions, elsewhere, sites })
    }
}

/// Looks up an environment variable.
pub type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

fn read(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path)
        .map_err(|error| SettingsError::Read { path: path.to_owned(), error })
}

fn server(section: &ServerSection, document: &mut Document<'_>) -> Option<ServerSettings> {
    let listen = section.listen;
    let public_url = section.public_url.clone().unwrap_or_else(|| format!("http://{listen}"));
    if !is_origin(&public_url) {
        document.fault("server.public_url", ORIGIN);
        return None;
    }
    Some(ServerSettings { listen, public_url })
}

fn mail(section: &MailSection, base: &Path, document: &mut Document<'_>) -> Option<MailSettings> {
    let transport = match section.transport.split_once(':') {
        Some(("file", folder)) if !folder.is_empty() => Some(Transport::Folder(base.join(folder))),
        Some(("smtp" | "smtps", _)) => Some(Transport::Smtp(section.transport.clone())),
        _ => {
            document.fault(
                "mail.transport",
                "must be file:FOLDER, smtp://HOST:PORT or smtps://HOST:PORT",
            );
            None
        }
    };
    let from = section.from.parse();
    if from.is_err() {
        document.fault("mail.from", "must be an address, as in \"News <news@example.org>\"");
    }
    Some(MailSettings { transport: transport?, from: from.ok()? })
}

const ORIGIN: &str = "must be an origin, as in \"https://www.example.org\": http or https, a host in small \
                      letters, a port if it is not the usual one, and nothing after it";

/// Whether this is how a browser writes an origin (RFC 6454 §6.2).
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority())
    else {
        return false;
    };
    let usual = if scheme == "http" { 80 } else { 443 };
    text == format!("{scheme}://{authority}")
        && !authority.as_str().contains('@')
        && !authority.as_str().bytes().any(|b| b.is_ascii_uppercase())
        && authority.port_u16() != Some(usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) const GOOD: &str = r#"[server]
listen = "127.0.0.1:8787"
public_url = "http://127.0.0.1:8787"
[mail]
transport = "file:mail"
from = "News <news@example.org>"
[[region]]
id = "eu"
store = "sqlite:eu.db"
keys = "eu.keys"
[[site]]
id = "example"
region = "eu"
policy = "policy.toml"
origins = ["https://www.example.org"]
"#;

    pub(super) fn read(config: &str, policy: &str) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("consent.toml"), config).unwrap();
        std::fs::write(folder.path().join("policy.toml"), policy).unwrap();
        let env = |name: &str| {
            let known = [("PG", "postgres://consent:hunter2@db.example/eu"), ("KEYS", "hunter3")];
            known.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Settings::read_with(&folder.path().join("consent.toml"), &env)
    }

    /// Each edit of a good configuration is refused, with these words.
    #[track_caller]
    pub(super) fn refused(good: &str, edits: &[(&str, &str, &str)]) {
        for (from, to, expected) in edits {
            assert!(good.contains(from), "{from}");
            let error = read(&good.replacen(from, to, 1), consent_core::policy::EXAMPLE);
            let error = error.unwrap_err().to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let settings = read(GOOD, consent_core::policy::EXAMPLE).unwrap();
        let StoreSettings::Sqlite(store) = &settings.regions[0].store else { panic!() };
        assert!(store.is_absolute() && store.ends_with("eu.db"));
        assert_eq!(settings.sites[0].policy.number, 1);
    }

    #[test]
    fn each_fault_names_file_line_and_field() {
        let edits = [
            (
                "127.0.0.1:8787\"\npub",
                "nowhere\"\npub",
                "consent.toml: line 2: server.listen: invalid socket address",
            ),
            (
                "http://127.0.0.1:8787",
                "http://127.0.0.1:8787/",
                "line 3: server.public_url: must be an origin",
            ),
            ("file:mail", "pigeon:x", "line 5: mail.transport: must be file:FOLDER"),
            ("News <news@example.org>", "News", "line 6: mail.from: must be an address"),
            ("sqlite:eu.db", "mysql:eu", "line 9: region[0].store: must be sqlite:FILE, "),
            (
                "region = \"eu\"",
                "region = \"us\"",
                "line 13: site[0].region: there is no region 'us'; there are eu",
            ),
            (
                "https://www.example.org",
                "www.example.org",
                "line 15: site[0].origins[0]: must be an origin",
            ),
            (
                "https://www.example.org",
                "https://www.example.org:443",
                "line 15: site[0].origins[0]: must be",
            ),
            (
                "keys = ",
                "key = ",
                "line 10: region[0].key: unknown field; there are id, store, keys, url, log",
            ),
            ("policy.toml", "other.toml", "other.toml: No such file"),
        ];
        refused(GOOD, &edits);
    }

    #[test]
    fn a_fault_in_the_policy_names_the_policy() {
        let broken = consent_core::policy::EXAMPLE.replace("months = 6", "months = 60");
        let error = read(GOOD, &broken).unwrap_err().to_string();
        assert!(error.contains("policy.toml: line 4: lifetime_months:"), "{error}");
        let moved = consent_core::policy::EXAMPLE.replace("id = \"eu\"", "id = \"us\"");
        let error = read(GOOD, &moved).unwrap_err().to_string();
        assert!(
            error.contains("line 13: site[0].region: the site's policy has no region 'eu'"),
            "{error}"
        );
    }
}
