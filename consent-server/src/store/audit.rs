//! The audit trail: what happened to the records themselves.

use consent_core::log::{Commitment, RecordKind, Salt};
use consent_core::{SiteId, Timestamp};
use uuid::Uuid;

use super::whole_seconds;
use crate::ambient::Ambient;

/// Something that happened to the records themselves, for the audit trail. Holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its identifier (UUID version 7).
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// The site that it concerns, if it concerns one only.
    pub site: Option<SiteId>,
    /// What happened, as in `policy.published`.
    pub kind: String,
    /// The particulars, as canonical JSON.
    pub body: String,
    /// The salt of its commitment in the log.
    pub salt: Salt,
}

impl AuditEvent {
    /// The kind of event that tells of the erasure of a subject.
    pub const ERASED: &str = "subject.erased";
    /// The kind of event that tells of receipts that had become too old.
    pub const EXPIRED: &str = "receipts.expired";

    /// Something that happens now. `body` tells the particulars, without personal data.
    pub fn new(
        ambient: &dyn Ambient,
        site: Option<&SiteId>,
        kind: &str,
        body: &serde_json::Value,
    ) -> Self {
        let now = ambient.now();
        Self {
            id: ambient.uuid(now),
            at: whole_seconds(now),
            site: site.cloned(),
            kind: kind.to_owned(),
            body: serde_json_canonicalizer::to_string(body).expect("JSON, with names as keys"),
            salt: Salt::from(ambient.random::<32>()),
        }
    }

    /// The bytes that the log commits to: identifier, time, site, kind and particulars, as lines.
    pub fn record(&self) -> String {
        let site = self.site.as_ref().map_or("-", SiteId::as_str);
        format!("{}\n{}\n{site}\n{}\n{}\n", self.id, self.at, self.kind, self.body)
    }

    /// Its commitment.
    pub fn commitment(&self) -> Commitment {
        Commitment::new(RecordKind::Event, &self.salt, self.record().as_bytes())
    }
}
