//! The running system: regions with their stores and secrets, sites with what they show.

mod region;
mod site;

use std::collections::BTreeMap;
use std::sync::Arc;

use consent_core::receipt::Failure;
use consent_core::{Receipt, RegionId, SiteId};

use crate::ambient::{SharedAmbient, System};
use crate::assets::{Asset, WidgetFiles, WidgetMissing};
use crate::browsers::Browsers;
use crate::keys::KeysError;
use crate::mail::{MailError, Mailer};
use crate::metrics::Metrics;
use crate::service::verify;
use crate::settings::{Settings, SiteSettings};
use crate::store::{SharedStore, StoreError};

pub use region::{InvalidSubject, Region};
pub use site::Site;

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
