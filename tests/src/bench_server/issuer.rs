//! Receipts as the server makes them, for what it is measured against and for stores that are full
//! before anybody asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use consent_core::log::Salt;
use consent_core::receipt::{Layer, NoticeRef, Outcome, PolicyRef};
use consent_core::rules::{Act, Event};
use consent_core::{
    Choice, Claims, Decision, Digest, KeyRing, LegalBasis, Method, Policy, PurposeId, Receipt,
    Record, RegionId, SiteId, Subject, Timestamp,
};
use consent_server::Settings;
use consent_server::ambient::System;
use consent_server::keys::Keys;
use consent_server::store::{Entry, History, Request};
use uuid::Uuid;

/// Signs receipts of one site.
pub(super) struct Issuer {
    iss: String,
    site: SiteId,
    region: RegionId,
    pub(super) policy: Policy,
    digest: Digest,
    /// Stands for the digest of the text shown, which is of the same length.
    notice: Digest,
    ring: Arc<KeyRing>,
    pub(super) keys: Keys,
}

impl Issuer {
    /// With the keys of the first region, which are made where there are none.
    pub(super) fn new(settings: &Settings, now: Timestamp) -> Self {
        let (region, site) = (&settings.regions[0], &settings.sites[0]);
        let keys = Keys::open(region, true, &System).unwrap();
        let digest = Digest::of(&site.policy.canonical_json());
        Self {
            iss: settings.server.public_url.clone(),
            site: site.id.clone(),
            region: region.id.clone(),
            policy: site.policy.clone(),
            digest,
            notice: digest,
            ring: keys.receipts(now),
            keys,
        }
    }

    /// What a visitor decides who agrees to everything, or to nothing.
    pub(super) fn all(&self, choice: Choice) -> Decision {
        let consent = self.policy.purposes.iter().filter(|one| one.basis == LegalBasis::Consent);
        let choices: BTreeMap<_, _> = consent.map(|one| (one.id.clone(), choice)).collect();
        let method = if choice == Choice::Granted { Method::AcceptAll } else { Method::RefuseAll };
        Decision::new(&self.policy, self.policy.number, &choices, method, "en").unwrap()
    }

    /// The receipt of a visitor's first decision, and all that is stored with it.
    pub(super) fn entry(
        &self,
        decision: &Decision,
        subject: Subject,
        (id, now): (Uuid, Timestamp),
        salt: Salt,
        request: Option<Request>,
    ) -> Entry {
        let (policy, until) = (self.policy.number, self.policy.remembered_until(now));
        let record = |(purpose, _, act): (&PurposeId, LegalBasis, Act)| {
            let event = Event { sequence: 1, act, at: now, policy, until };
            (purpose.clone(), Record::after(None, &event))
        };
        let records: BTreeMap<_, _> = decision.acts().map(record).collect();
        let outcome = |(purpose, basis, _): (&PurposeId, LegalBasis, Act)| {
            (purpose.clone(), Outcome { basis, state: records[purpose].recorded })
        };
        let claims = Claims {
            iss: self.iss.clone(),
            jti: id,
            iat: now,
            exp: until,
            sub: subject,
            site: self.site.clone(),
            region: self.region.clone(),
            policy: PolicyRef { number: policy, digest: self.digest },
            notice: NoticeRef { language: decision.language().to_owned(), digest: self.notice },
            method: decision.method(),
            layer: Some(Layer::First),
            signals: Vec::new(),
            purposes: decision.acts().map(outcome).collect(),
            previous: None,
        };
        let receipt = Receipt::sign(claims, &self.ring).unwrap();
        Entry { receipt, salt, before: History::default(), records, request, event: None }
    }
}
