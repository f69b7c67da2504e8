//! Sites: who asks for consent, on which pages, and what these may not reach before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use consent_core::document::Document;
use consent_core::{Policy, RegionId, SiteId, read_table};

use super::{Colors, Look, ORIGIN, Position, RegionSection, SettingsError, Theme, is_origin, read};

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
    /// For how many months a receipt is kept after the last day on which its decision is remembered.
    pub retention_months: u32,
}

/// Five years: how long a claim can be brought in France (Code civil, art. 2224), and so how long
/// the proof against it is wanted.
pub const DEFAULT_RETENTION: u32 = 60;

/// The longest retention, in months: twenty years.
const MAX_RETENTION: u32 = 240;

read_table!(SiteSection {
    id,
    region,
    policy,
    origins,
    theme = Theme::default(),
    position = Position::default(),
    colors = Colors::default(),
    hosts = BTreeMap::new(),
    retention_months = DEFAULT_RETENTION,
});

pub(super) struct SiteSection {
    id: SiteId,
    region: RegionId,
    policy: PathBuf,
    origins: Vec<String>,
    theme: Theme,
    position: Position,
    colors: Colors,
    hosts: BTreeMap<String, Vec<String>>,
    retention_months: u32,
}

/// The sites, with the policies that they name.
pub(super) fn sites(
    sections: Vec<SiteSection>,
    regions: &[RegionSection],
    base: &Path,
    document: &mut Document<'_>,
) -> Result<Vec<SiteSettings>, SettingsError> {
    check(&sections, regions, document);
    // Policies are read only for a configuration that is right so far, so that it is mended first.
    if !document.is_clean() {
        return Ok(Vec::new());
    }
    let sites: Vec<_> =
        sections.into_iter().map(|section| section.open(base)).collect::<Result<_, _>>()?;
    for (i, site) in sites.iter().enumerate() {
        check_hosts(site, i, document);
        if !site.policy.regions.iter().any(|region| region.id == site.region) {
            let message = format!("the site's policy has no region '{}'", site.region);
            document.fault(format!("site[{i}].region"), message);
        }
    }
    Ok(sites)
}

impl SiteSection {
    fn open(self, base: &Path) -> Result<SiteSettings, SettingsError> {
        let Self { id, region, policy: path, origins, hosts, retention_months, .. } = self;
        let look = Look { theme: self.theme, position: self.position, colors: self.colors };
        let path = base.join(path);
        let policy = Policy::from_toml(&read(&path)?)
            .map_err(|faults| SettingsError::Faults { path, faults })?;
        Ok(SiteSettings { id, region, policy, origins, look, hosts, retention_months })
    }
}

fn check(sites: &[SiteSection], regions: &[RegionSection], document: &mut Document<'_>) {
    let mut seen = BTreeSet::new();
    for (i, site) in sites.iter().enumerate() {
        if !seen.insert(&site.id) {
            document.fault(format!("site[{i}].id"), format!("'{}' is defined twice", site.id));
        }
        if !regions.iter().any(|region| region.id == site.region) {
            let known: Vec<_> = regions.iter().map(|region| region.id.as_str()).collect();
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
        if !(1..=MAX_RETENTION).contains(&site.retention_months) {
            let message = format!("must be from 1 to {MAX_RETENTION} months");
            document.fault(format!("site[{i}].retention_months"), message);
        }
        for (field, message) in site.colors.faults() {
            document.fault(format!("site[{i}].colors.{field}"), message);
        }
    }
    if sites.is_empty() {
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

#[cfg(test)]
mod tests {
    use consent_core::policy::EXAMPLE;

    use super::*;
    use crate::settings::tests::{GOOD, read, refused};

    #[test]
    fn receipts_are_kept_for_a_time_that_has_an_end() {
        assert_eq!(read(GOOD, EXAMPLE).unwrap().sites[0].retention_months, DEFAULT_RETENTION);
        let good = format!("{GOOD}retention_months = 12\n");
        assert_eq!(read(&good, EXAMPLE).unwrap().sites[0].retention_months, 12);
        let expected = "line 16: site[0].retention_months: must be from 1 to 240 months";
        refused(&good, &[("= 12", "= 0", expected), ("= 12", "= 241", expected)]);
    }

    #[test]
    fn a_look_that_somebody_could_not_read_is_refused() {
        let good = format!(
            "{GOOD}theme = \"page\"\nposition = \"bottom\"\nhosts.analytics = [\"a.example\", \"*.b.example\"]\n\
             [site.colors]\naccent = \"#006400\"\n[site.colors.dark]\naccent = \"#90EE90\"\n"
        );
        let settings = read(&good, EXAMPLE).unwrap();
        let Look { theme, position, .. } = settings.sites[0].look;
        assert_eq!((theme, position), (Theme::Page, Position::Bottom));
        assert_eq!(settings.sites[0].hosts["analytics"], ["a.example", "*.b.example"]);
        let plain = read(GOOD, EXAMPLE).unwrap();
        assert!(plain.sites[0].hosts.is_empty() && plain.sites[0].look.css().is_empty());

        let edits = [
            ("\"page\"", "\"neon\"", "line 16: site[0].theme: unknown variant `neon`, expected"),
            ("\"bottom\"", "\"top\"", "line 17: site[0].position: unknown variant `top`"),
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
        ];
        refused(&good, &edits);
    }
}
