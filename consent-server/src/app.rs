//! The running system: regions with their stores and secrets, sites with what they show.

use std::collections::BTreeMap;
use std::sync::Arc;

use consent_core::cookie::StateCookie;
use consent_core::policy::{PolicyHistory, Purpose};
use consent_core::receipt::Failure;
use consent_core::{
    Choice, Digest, LegalBasis, Pepper, Policy, PurposeId, Receipt, Record, RegionId, SiteId,
    Standing, Subject, Timestamp, Verdict,
};
use consent_widget::Labels;
use serde_json::json;

use crate::ambient::{Ambient, SharedAmbient, System};
use crate::assets::{self, Ask, Asset, WidgetFiles, WidgetMissing};
use crate::browsers::Browsers;
use crate::keys::{Keys, KeysError};
use crate::log::Witnesses;
use crate::mail::{MailError, Mailer};
use crate::metrics::Metrics;
use crate::service::{ClockCheck, verify};
use crate::settings::{Look, RegionSettings, Settings, SiteSettings};
use crate::store::{self, AuditEvent, Owner, Published, SharedStore, StoreError};
use crate::texts::Made;
use crate::tokens::Tokens;

/// Why the system cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A region's secrets cannot be had.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// A region's store cannot be opened, or refuses a policy.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A site was given another region.
    #[error(
        "site '{site}': its records are in region '{from}', and the configuration says '{to}'; write \
         '{from}' again. A site that is to be kept in '{to}' from now on is a new one, with a name of \
         its own"
    )]
    Moved {
        /// The site.
        site: SiteId,
        /// Where its records are.
        from: RegionId,
        /// Where it would be.
        to: RegionId,
    },
    /// Mail cannot be sent that way.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// Built without the widget.
    #[error(transparent)]
    Widget(#[from] WidgetMissing),
    /// The widget has no texts in that language.
    #[error("site '{site}': the banner is not translated into '{language}'; there are {known}")]
    Language {
        /// The site.
        site: SiteId,
        /// The language of its policy.
        language: String,
        /// The languages there are.
        known: String,
    },
}

/// One region: what is kept here is nowhere else.
pub struct Region {
    /// Its name.
    pub id: RegionId,
    /// Its records.
    pub store: SharedStore,
    /// Its secrets.
    pub keys: Keys,
    /// The tokens that were asked for lately.
    pub tokens: Tokens,
    /// Who hears of its log's checkpoints.
    pub witnesses: Witnesses,
    /// Whether the clock may decide what is erased.
    pub clock: ClockCheck,
}

impl Region {
    /// Opens a region; makes store and secrets first if they do not exist and `create` says so.
    pub async fn open(
        settings: &RegionSettings,
        create: bool,
        ambient: &dyn Ambient,
    ) -> Result<Self, StartError> {
        let keys = Keys::open(settings, create, ambient)?;
        let store = store::open(&settings.store, create).await?;
        if create {
            let owner = Owner {
                region: settings.id.clone(),
                origin: settings.log.origin.clone(),
                secrets: fingerprint(&keys.pepper),
            };
            store.belong(&owner, ambient.now()).await?;
            store.prepare(ambient.now()).await?;
        }
        let clock = ClockCheck::new(&*store, ambient).await?;
        let witnesses = Witnesses {
            addresses: settings.log.witnesses.clone(),
            file: settings.log.checkpoints.clone(),
        };
        let tokens = Tokens::default();
        Ok(Self { id: settings.id.clone(), store, keys, tokens, witnesses, clock })
    }

    /// How many leaves its log has, and since when the oldest commitment waits; nothing if its store
    /// cannot be read.
    pub async fn measure(&self) -> Option<(u64, Option<Timestamp>)> {
        let head = self.store.head().await.ok()?;
        let oldest = self.store.pending(1).await.ok()?.first().and_then(|leaf| {
            let (second, _) = leaf.id.get_timestamp()?.to_unix();
            Timestamp::from_second(i64::try_from(second).ok()?).ok()
        });
        Some((head.size, oldest))
    }

    /// The policies published for a site, up to `current`. One that cannot be read any more ends
    /// the list: what was decided before it is asked again.
    pub async fn policies(
        &self,
        site: &SiteId,
        current: &Policy,
    ) -> Result<PolicyHistory, StoreError> {
        let mut policies = vec![current.clone()];
        for (_, document) in self.store.policies(site).await?.iter().rev() {
            let Ok(policy) = Policy::from_canonical_json(document) else {
                tracing::warn!(%site, "an earlier policy cannot be read; its choices are asked again");
                break;
            };
            if policy.number < current.number {
                policies.insert(0, policy);
            }
        }
        PolicyHistory::new(policies).ok_or(StoreError::Corrupt("policy"))
    }

    /// The subject that a text names: `email:` and an address, `phone:` and a number in
    /// international form, or `browser:` and its key.
    pub fn subject(&self, site: &SiteId, text: &str) -> Result<Subject, InvalidSubject> {
        match text.split_once(':') {
            Some(("email", address)) => Ok(self.keys.pepper.email(site, &address.parse()?)),
            Some(("phone", number)) => Ok(self.keys.pepper.phone(site, &number.parse()?)),
            Some(("browser", _)) => text.parse().map_err(|_| InvalidSubject::Key),
            _ => Err(InvalidSubject::Kind),
        }
    }
}

/// What tells a pepper from others: what it makes of an address that nobody has.
fn fingerprint(pepper: &Pepper) -> String {
    let site: SiteId = "fingerprint".parse().expect("a name");
    let address = "pepper@fingerprint.invalid".parse().expect("an address");
    pepper.email(&site, &address).to_string()
}

/// Why a text names no subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// Neither an address, nor a number, nor a browser's key.
    #[error(
        "subject: must be 'email:' and an address, 'phone:' and a number, or 'browser:' and its key"
    )]
    Kind,
    /// Not an e-mail address.
    #[error("subject: {0}")]
    Email(#[from] consent_core::subject::InvalidEmail),
    /// Only the owner of an address can be asked by mail.
    #[error("subject: must be 'email:' and an address")]
    NotEmail,
    /// Not a telephone number.
    #[error("subject: {0}")]
    Phone(#[from] consent_core::subject::InvalidPhone),
    /// Not a browser's key.
    #[error("subject: a browser's key is 22 characters of base64url")]
    Key,
}

/// One site: its policy, and everything that its visitors are shown.
pub struct Site {
    /// Its name.
    pub id: SiteId,
    /// Where its records are.
    pub region: Arc<Region>,
    /// Its policy in force.
    pub policy: Policy,
    /// That policy after those before it: which choices still stand.
    pub history: PolicyHistory,
    /// The digest of the policy.
    pub policy_digest: Digest,
    /// The origins whose pages may ask.
    pub origins: Vec<String>,
    /// The loader with the site's facts in it.
    pub loader: Asset,
    /// What the loader brings in when it is needed.
    pub(crate) ask: Ask,
    /// How its banner looks.
    pub look: Look,
    /// The banner's style sheet, with that look.
    pub(crate) style: String,
    /// For how many months receipts are kept, after the choices in them are too old.
    pub retention_months: u32,
    /// When its policy was published.
    pub published: Timestamp,
    /// Names the widget's files.
    pub(crate) widget: String,
    pub(crate) ambient: SharedAmbient,
    pub(crate) made: Made,
}

impl Site {
    /// The policies under which a choice about that purpose still stands.
    pub fn standing(&self, purpose: &PurposeId) -> Standing {
        self.history.standing(purpose)
    }

    /// What follows from these records for one purpose of the policy.
    pub fn verdict(
        &self,
        purpose: &Purpose,
        records: &BTreeMap<PurposeId, Record>,
        now: Timestamp,
    ) -> Verdict {
        Verdict::of(purpose.basis, records.get(&purpose.id), self.standing(&purpose.id), now)
    }

    /// What a browser with these records should remember until then.
    pub fn remembered(
        &self,
        records: &BTreeMap<PurposeId, Record>,
        until: Timestamp,
        now: Timestamp,
    ) -> StateCookie {
        StateCookie::new(&self.policy, until, |purpose| {
            let verdict = self.verdict(purpose, records, now);
            match purpose.basis {
                LegalBasis::Consent => verdict.state.choice(),
                _ => (!verdict.allowed).then_some(Choice::Refused),
            }
        })
    }

    async fn open(
        settings: &SiteSettings,
        region: Arc<Region>,
        public_url: &str,
        widget: &WidgetFiles,
        ambient: &SharedAmbient,
    ) -> Result<Self, StartError> {
        let SiteSettings { id, policy, .. } = settings;
        for language in &policy.languages {
            if !Labels::languages().any(|known| known == language) {
                let known = Labels::languages().collect::<Vec<_>>().join(", ");
                return Err(StartError::Language {
                    site: id.clone(),
                    language: language.clone(),
                    known,
                });
            }
        }
        let document = policy.canonical_json();
        let published =
            Published { policy: policy.number, digest: Digest::of(&document), document };
        let told = json!({ "number": published.policy, "digest": published.digest });
        let event = AuditEvent::new(&**ambient, Some(id), "policy.published", &told);
        region.store.publish(id, &published, event).await?;
        let (published_at, _) = region.store.policies(id).await?.pop().unwrap_or_default();
        let history = region.policies(id, policy).await?;
        let site = Self {
            id: id.clone(),
            region,
            policy: policy.clone(),
            policy_digest: published.digest,
            origins: settings.origins.clone(),
            loader: assets::script(assets::stub(public_url, settings, &history)?),
            ask: assets::ask(public_url, widget, settings)?,
            history,
            look: settings.look.clone(),
            style: widget.banner_style.clone() + &settings.look.css(),
            retention_months: settings.retention_months,
            published: published_at,
            widget: widget.hash.clone(),
            ambient: Arc::clone(ambient),
            made: Made::default(),
        };
        for language in &policy.languages {
            site.texts([language.as_str()], None).await?;
        }
        Ok(site)
    }
}

/// Fails where a site has records in another region than the one it is to be in now: they would be
/// left behind, and nothing of one region goes to another by editing a file.
async fn stay(regions: &[Arc<Region>], sites: &[SiteSettings]) -> Result<(), StartError> {
    for region in regions {
        let known = region.store.sites().await?;
        let moved = sites.iter().find(|site| site.region != region.id && known.contains(&site.id));
        if let Some(site) = moved {
            return Err(StartError::Moved {
                site: site.id.clone(),
                from: region.id.clone(),
                to: site.region.clone(),
            });
        }
    }
    Ok(())
}

/// The running system. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What the system is made of.
pub struct Parts {
    /// The origin under which browsers reach the server.
    pub public_url: String,
    /// The clock and randomness.
    pub ambient: SharedAmbient,
    /// What is counted.
    pub metrics: Metrics,
    /// Sends mail.
    pub mailer: Mailer,
    /// The widget's files.
    pub widget: WidgetFiles,
    /// The style sheet of the pages for owners of addresses.
    pub page_style: Asset,
    /// Makes keys for browsers that decide for the first time.
    pub(crate) browsers: Browsers,
    regions: Vec<Arc<Region>>,
    sites: BTreeMap<SiteId, Arc<Site>>,
    /// The addresses of those who hold other regions, and the sites of these.
    elsewhere: BTreeMap<RegionId, String>,
    sites_elsewhere: BTreeMap<SiteId, RegionId>,
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens every store, makes what is missing, and publishes each site's policy.
    pub async fn open(settings: Settings) -> Result<Self, StartError> {
        Self::open_with(settings, Arc::new(System)).await
    }

    /// The same, with another clock and source of randomness.
    pub async fn open_with(settings: Settings, ambient: SharedAmbient) -> Result<Self, StartError> {
        Self::open_over(settings, ambient, |store| store).await
    }

    /// The same, over what `wrap` makes of each store.
    pub(crate) async fn open_over(
        settings: Settings,
        ambient: SharedAmbient,
        wrap: impl Fn(SharedStore) -> SharedStore + Send,
    ) -> Result<Self, StartError> {
        let public_url = settings.server.public_url;
        let widget = WidgetFiles::load()?;
        let mailer = Mailer::new(&settings.mail)?;
        let mut regions = Vec::new();
        for region in &settings.regions {
            let mut region = Region::open(region, true, &*ambient).await?;
            region.store = wrap(region.store);
            regions.push(Arc::new(region));
        }
        stay(&regions, &settings.sites).await?;
        let (mut sites, mut sites_elsewhere) = (BTreeMap::new(), BTreeMap::new());
        for site in &settings.sites {
            let Some(region) = regions.iter().find(|region| region.id == site.region) else {
                // That of a region held elsewhere is that server's.
                sites_elsewhere.insert(site.id.clone(), site.region.clone());
                continue;
            };
            let region = Arc::clone(region);
            let site = Site::open(site, region, &public_url, &widget, &ambient).await?;
            sites.insert(site.id.clone(), Arc::new(site));
        }
        let page_style = Asset::css(consent_widget::PAGE_STYLE);
        Ok(Self(Arc::new(Parts {
            public_url,
            ambient,
            metrics: Metrics::default(),
            mailer,
            widget,
            page_style,
            browsers: Browsers::default(),
            regions,
            sites,
            elsewhere: settings
                .elsewhere
                .into_iter()
                .map(|region| (region.id, region.url))
                .collect(),
            sites_elsewhere,
        })))
    }

    /// The region of a site whose records another server keeps.
    pub fn region_elsewhere(&self, site: &SiteId) -> Option<&RegionId> {
        self.0.sites_elsewhere.get(site)
    }

    /// Where a region is held that is not held here.
    pub fn elsewhere(&self, region: &RegionId) -> Option<&str> {
        self.0.elsewhere.get(region).map(String::as_str)
    }

    /// All sites.
    pub fn sites(&self) -> impl Iterator<Item = &Arc<Site>> {
        self.0.sites.values()
    }

    /// The site of that name.
    pub fn site(&self, id: &SiteId) -> Option<&Arc<Site>> {
        self.0.sites.get(id)
    }

    /// Verifies a receipt of any region held here.
    pub fn verify(&self, receipt: &str) -> Result<Receipt, Failure> {
        verify(
            receipt.as_bytes(),
            self.0.regions.iter().map(|region| region.keys.receipt_verifier()),
        )
    }

    /// The regions held here.
    pub fn regions(&self) -> impl Iterator<Item = &Arc<Region>> {
        self.0.regions.iter()
    }

    /// Reads every region's keys again, where they have changed. Failures are logged, and the keys
    /// in use stay.
    pub fn refresh_keys(&self) {
        for region in &self.0.regions {
            region.keys.refresh(self.ambient.now());
        }
    }

    /// Whether every store can be read and written.
    pub async fn ready(&self) -> Result<(), StoreError> {
        for region in &self.0.regions {
            region.store.ready().await?;
        }
        Ok(())
    }

    /// Finishes what is under way and closes every store.
    pub async fn close(&self) {
        for region in &self.0.regions {
            region.store.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::System;
    use crate::settings::{KeysSettings, LogSettings};

    #[tokio::test]
    async fn a_person_is_one_subject_however_named() {
        let folder = tempfile::tempdir().unwrap();
        let settings = RegionSettings {
            id: "eu".parse().unwrap(),
            store: crate::settings::StoreSettings::Sqlite(folder.path().join("eu.db")),
            keys: KeysSettings::File(folder.path().join("eu.keys")),
            log: LogSettings { origin: "eu".into(), witnesses: Vec::new(), checkpoints: None },
        };
        let region = Region::open(&settings, true, &System).await.unwrap();
        let site = "example".parse().unwrap();
        let subject = |text: &str| region.subject(&site, text);

        let phone = subject("phone:+33612345678").unwrap();
        assert!(phone.to_string().starts_with("phone:") && !phone.is_browser());
        assert_eq!(subject("phone:+33 (0)6 12 34 56 78"), Ok(phone));
        assert_eq!(subject("email:A@example.org"), subject("email:a@example.org"));
        let browser = "browser:BwcHBwcHBwcHBwcHBwcHBw";
        assert_eq!(subject(browser).unwrap().to_string(), browser);

        for (text, told) in [
            ("fax:+33612345678", "must be 'email:'"),
            ("phone:0612345678", "starts with '+'"),
            ("phone:+336", "no country has"),
            ("email:+33612345678", "name@domain"),
            ("browser:AAAA", "a browser's key"),
        ] {
            let error = subject(text).unwrap_err().to_string();
            assert!(error.starts_with("subject: ") && error.contains(told), "{error}");
        }
    }
}
