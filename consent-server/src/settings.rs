//! The configuration: one TOML file, checked as a whole before anything starts.
//!
//! Paths in it are relative to the file itself. How a banner looks is in `settings/look.rs`.

mod look;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::http::Uri;
use consent_core::document::{Document, Faults};
use consent_core::{Policy, RegionId, SiteId, read_table};

pub use look::{Colors, Look, Position, Theme};

/// Everything the server has to know to start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens and how it is reached.
    pub server: ServerSettings,
    /// How mail leaves.
    pub mail: MailSettings,
    /// Where records are kept.
    pub regions: Vec<RegionSettings>,
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

/// Where records are kept.
#[derive(Debug, Clone)]
pub struct RegionSettings {
    /// Its name.
    pub id: RegionId,
    /// The SQLite file.
    pub store: PathBuf,
    /// The file of its secrets.
    pub keys: PathBuf,
}

/// Who asks for consent.
#[derive(Debug, Clone)]
pub struct SiteSettings {
    /// Its name.
    pub id: SiteId,
    /// Where its records are kept.
    pub region: RegionId,
    /// Its policy in force.
    pub policy: Policy,
    /// The origins whose pages may ask, as browsers write them.
    pub origins: Vec<String>,
    /// How its banner looks.
    pub look: Look,
    /// Hosts that pages may not reach before a purpose is allowed, however they try.
    pub hosts: BTreeMap<String, Vec<String>>,
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
read_table!(RegionSection { id, store, keys });
read_table!(SiteSection {
    id,
    region,
    policy,
    origins,
    theme = Theme::default(),
    position = Position::default(),
    colors = Colors::default(),
    hosts = BTreeMap::new(),
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

struct RegionSection {
    id: RegionId,
    store: String,
    keys: PathBuf,
}

struct SiteSection {
    id: SiteId,
    region: RegionId,
    policy: PathBuf,
    origins: Vec<String>,
    theme: Theme,
    position: Position,
    colors: Colors,
    hosts: BTreeMap<String, Vec<String>>,
}

impl Settings {
    /// Reads the configuration and the policies that it names.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text = read(path)?;
        let base = path.parent().unwrap_or(Path::new(""));
        let faulty = |faults| SettingsError::Faults { path: path.to_owned(), faults };
        let (file, mut document) = Document::read::<File>(&text).map_err(faulty)?;

        let regions = regions(&file.region, base, &mut document);
        let server = server(&file.server, &mut document);
        let mail = mail(&file.mail, base, &mut document);
        check_sites(&file, &mut document);
        let mut sites = Vec::new();
        // Policies are read only for a configuration that is right so far, so that it is mended first.
        for section in file.site.iter().filter(|_| document.is_clean()) {
            let path = base.join(&section.policy);
            let policy = Policy::from_toml(&read(&path)?)
                .map_err(|faults| SettingsError::Faults { path, faults })?;
            sites.push(SiteSettings {
                id: section.id.clone(),
                region: section.region.clone(),
                policy,
                origins: section.origins.clone(),
                look: Look {
                    theme: section.theme,
                    position: section.position,
                    colors: section.colors.clone(),
                },
                hosts: section.hosts.clone(),
            });
        }
        for (i, site) in sites.iter().enumerate() {
            check_hosts(site, i, &mut document);
            if !site.policy.regions.iter().any(|region| region.id == site.region) {
                let message = format!("the site's policy has no region '{}'", site.region);
                document.fault(format!("site[{i}].region"), message);
            }
        }
        let parts = document.finish((server, mail)).map_err(faulty)?;
        let (Some(server), Some(mail)) = parts else { unreachable!("what is missing was a fault") };
        Ok(Self { server, mail, regions, sites })
    }
}

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

fn regions(
    sections: &[RegionSection],
    base: &Path,
    document: &mut Document<'_>,
) -> Vec<RegionSettings> {
    let mut seen = BTreeSet::new();
    let mut regions = Vec::new();
    for (i, section) in sections.iter().enumerate() {
        if !seen.insert(&section.id) {
            document.fault(format!("region[{i}].id"), format!("'{}' is defined twice", section.id));
        }
        match section.store.strip_prefix("sqlite:").filter(|file| !file.is_empty()) {
            Some(file) => regions.push(RegionSettings {
                id: section.id.clone(),
                store: base.join(file),
                keys: base.join(&section.keys),
            }),
            None => document.fault(format!("region[{i}].store"), "must be sqlite:FILE"),
        }
    }
    if sections.is_empty() {
        document.fault("region", "at least one [[region]] is needed");
    }
    regions
}

fn check_sites(file: &File, document: &mut Document<'_>) {
    let mut seen = BTreeSet::new();
    for (i, site) in file.site.iter().enumerate() {
        if !seen.insert(&site.id) {
            document.fault(format!("site[{i}].id"), format!("'{}' is defined twice", site.id));
        }
        if !file.region.iter().any(|region| region.id == site.region) {
            let known: Vec<_> = file.region.iter().map(|region| region.id.as_str()).collect();
            let message =
                format!("there is no region '{}'; there are {}", site.region, known.join(", "));
            document.fault(format!("site[{i}].region"), message);
        }
        if site.origins.is_empty() {
            document.fault(format!("site[{i}].origins"), "at least one origin is needed");
        }
        for (j, origin) in site.origins.iter().enumerate() {
            if !is_origin(origin) {
                document.fault(format!("site[{i}].origins[{j}]"), ORIGIN);
            }
        }
        for (field, message) in site.colors.faults() {
            document.fault(format!("site[{i}].colors.{field}"), message);
        }
    }
    if file.site.is_empty() {
        document.fault("site", "at least one [[site]] is needed");
    }
}

/// Only what leaves a choice can be waited for, and a host is written as addresses write it.
fn check_hosts(site: &SiteSettings, i: usize, document: &mut Document<'_>) {
    for (id, hosts) in &site.hosts {
        let field = format!("site[{i}].hosts.{id}");
        if !site.policy.choosable_purposes().any(|purpose| purpose.id.as_str() == id) {
            let message = "the site's policy has no such purpose that leaves something to choose";
            document.fault(field, message);
            continue;
        }
        for (j, host) in hosts.iter().enumerate() {
            let name = host.strip_prefix("*.").unwrap_or(host);
            if name.is_empty()
                || !name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
            {
                let message = "must be a host in small letters, as in \"www.example.net\", or \"*.example.net\"";
                document.fault(format!("{field}[{j}]"), message);
            }
        }
    }
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

    const GOOD: &str = r#"[server]
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

    fn read(config: &str, policy: &str) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("consent.toml"), config).unwrap();
        std::fs::write(folder.path().join("policy.toml"), policy).unwrap();
        Settings::read(&folder.path().join("consent.toml"))
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let settings = read(GOOD, consent_core::policy::EXAMPLE).unwrap();
        assert!(
            settings.regions[0].store.is_absolute() && settings.regions[0].store.ends_with("eu.db")
        );
        assert_eq!(settings.sites[0].policy.number, 1);
    }

    #[test]
    fn each_fault_names_file_line_and_field() {
        for (from, to, expected) in [
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
            ("sqlite:eu.db", "mysql:eu", "line 9: region[0].store: must be sqlite:FILE"),
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
                "line 10: region[0].key: unknown field; there are id, store, keys",
            ),
            ("policy.toml", "other.toml", "other.toml: No such file"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error =
                read(&GOOD.replacen(from, to, 1), consent_core::policy::EXAMPLE).unwrap_err();
            assert!(error.to_string().contains(expected), "{to}: {error}");
        }
    }

    #[test]
    fn a_look_that_somebody_could_not_read_is_refused() {
        let good = "theme = \"page\"\nposition = \"top\"\nhosts.analytics = [\"a.example\", \"*.b.example\"]\n[site.colors]\n\
                    accent = \"#006400\"\n[site.colors.dark]\naccent = \"#90EE90\"\n";
        let with = |more: &str| read(&format!("{GOOD}{more}"), consent_core::policy::EXAMPLE);
        let settings = with(good).unwrap();
        let Look { theme, position, .. } = settings.sites[0].look;
        assert_eq!((theme, position), (Theme::Page, Position::Top));
        assert_eq!(settings.sites[0].hosts["analytics"], ["a.example", "*.b.example"]);
        let plain = with("").unwrap();
        assert!(plain.sites[0].hosts.is_empty() && plain.sites[0].look.css().is_empty());

        for (from, to, expected) in [
            ("\"page\"", "\"neon\"", "line 16: site[0].theme: unknown variant `neon`, expected"),
            ("\"top\"", "\"left\"", "line 17: site[0].position: unknown variant `left`"),
            ("\"a.ex", "\"A.ex", "line 18: site[0].hosts.analytics[0]: must be a host in small"),
            ("*.b.", "*.*.", "line 18: site[0].hosts.analytics[1]: must be a host in small"),
            (
                "hosts.a",
                "hosts.x",
                "line 18: site[0].hosts.xnalytics: the site's policy has no such",
            ),
            ("#006400", "green", "line 20: site[0].colors.accent: must be a colour as in"),
            ("#006400", "#06400", "line 20: site[0].colors.accent: must be a colour as in"),
            ("#006400", "#0064gg", "line 20: site[0].colors.accent: must be a colour as in"),
            (
                "#006400",
                "#c0c0c0",
                "line 20: site[0].colors.accent: on_accent #ffffff on accent #c0c0c0 has a contrast \
                 of 1.81 to 1, and needs 4.5 (WCAG 2.2, 1.4.3); make one of them darker or lighter",
            ),
            (
                "accent = \"#006400\"",
                "text = \"#777777\"",
                "line 20: site[0].colors.text: text #777777 on surface #ffffff has a contrast of 4.47",
            ),
            (
                "accent = \"#006400\"",
                "surface = \"#808080\"",
                "line 20: site[0].colors.surface: text #17202a on surface #808080 has a contrast of",
            ),
            (
                "#90EE90",
                "#202020",
                "line 22: site[0].colors.dark.accent: accent #202020 on surface #171c22 has a \
                 contrast of 1.05 to 1, and needs 3 (WCAG 2.2, 1.4.11)",
            ),
            (
                "accent = \"#0",
                "accept = \"#0",
                "line 20: site[0].colors.accept: both answers share",
            ),
            (
                "accent = \"#9",
                "refuse_text = \"#9",
                "line 22: site[0].colors.dark.refuse_text: both answers share one look",
            ),
            ("accent = \"#0", "acceptable = \"#0", "colors.acceptable: unknown field; there are"),
        ] {
            assert!(good.contains(from), "{from}");
            let error = with(&good.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
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
