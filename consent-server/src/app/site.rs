//! A site: its policy, and everything that its visitors are shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use consent_core::cookie::StateCookie;
use consent_core::policy::{PolicyHistory, Purpose};
use consent_core::{
    Choice, Digest, LegalBasis, Policy, PurposeId, Record, SiteId, Standing, Timestamp, Verdict,
};
use consent_widget::Labels;
use serde_json::json;

use super::{Region, StartError};
use crate::ambient::SharedAmbient;
use crate::assets::{self, Ask, Asset, WidgetFiles};
use crate::settings::{Look, SiteSettings};
use crate::store::{AuditEvent, Published};
use crate::texts::Made;

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

    pub(super) async fn open(
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
