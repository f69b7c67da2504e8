//! The policy: what a site says about the personal data it processes.
//!
//! Written in TOML, checked when read ([`Policy::from_toml`]), and identified by the SHA-256 of
//! its canonical JSON (RFC 8785), so that two machines that hold the same policy name it alike.
//! What GDPR Art. 13 requires a notice to hold, a policy must hold.

mod change;
mod history;
mod parties;
mod preset;
mod purpose;
#[cfg(feature = "schema")]
mod schema;
mod validate;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::{Document, Faults, MAX_DOCUMENT};
use crate::{DataId, Digest, PurposeId, Signal, mapping, read_table};

pub(crate) use change::ChangeWords;
pub use change::{Comparison, Difference, Reason, Weight};
pub use history::PolicyHistory;
pub use parties::{
    Activity, Authority, Contact, Controller, Data, Deadlines, Region, Right, Role, SubProcessor,
};
pub use purpose::{Cookie, LegalBasis, Purpose};
#[cfg(feature = "schema")]
pub use schema::schema;

/// A small valid policy, used by the examples of this documentation.
pub const EXAMPLE: &str = include_str!("policy/example.toml");

/// A text in each language of the policy, by BCP 47 tag.
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// assert_eq!(Policy::from_toml(EXAMPLE)?.purposes[0].title["en"], "The service");
///
/// let bilingual = EXAMPLE.replace("languages = [\"en\"]", "languages = [\"en\", \"fr\"]");
/// let faults = Policy::from_toml(&bilingual).unwrap_err().to_string();
/// assert!(faults.contains("purpose[0].title.fr: the text in 'fr' is missing"));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
pub type Text = BTreeMap<String, String>;

/// A site's policy. Immutable once published: a change is a new number.
///
/// Fields added to this type later are optional and left out of the JSON when they are empty, so
/// that the digests of published policies stay what they are.
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// assert_eq!(Policy::from_toml(EXAMPLE)?.number, 1);
///
/// // A policy without what GDPR Art. 13 requires is refused, with the field and the line.
/// let broken = EXAMPLE.replace("lifetime_months = 6", "lifetime_months = 14");
/// let faults = Policy::from_toml(&broken).unwrap_err();
/// assert_eq!(
///     faults.to_string(),
///     "line 4: lifetime_months: a choice is remembered from 1 to 13 months, not 14",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Counts the published policies of the site, from 1. A published one is never edited: a
    /// change takes the next number.
    pub number: u32,
    /// The name of the service, as visitors know it.
    pub name: String,
    /// The languages in which every text is given, as BCP 47 tags; the first is the default.
    pub languages: Vec<String>,
    /// How many months a choice is remembered, refusals too, before it is asked again: 1 to 13.
    #[serde(default = "default_lifetime")]
    pub lifetime_months: u8,
    /// The browsers' signals that count as a refusal, until the visitor says otherwise.
    #[serde(default = "default_signals")]
    pub signals: Vec<Signal>,
    /// Who decides why and how data are processed (GDPR Art. 13(1)(a)).
    pub controller: Controller,
    /// The data protection officer (GDPR Art. 13(1)(b)).
    pub officer: Contact,
    /// Where to lodge a complaint (GDPR Art. 13(2)(d)).
    pub authority: Authority,
    /// The categories of personal data.
    pub data: Vec<Data>,
    /// What is processed, and in which role.
    #[serde(rename = "activity")]
    pub activities: Vec<Activity>,
    /// What data are processed for, each on one legal basis (GDPR Art. 13(1)(c)).
    #[serde(rename = "purpose")]
    pub purposes: Vec<Purpose>,
    /// Who processes data on the controller's behalf (GDPR Art. 13(1)(e), 28).
    #[serde(rename = "sub_processor", default)]
    pub sub_processors: Vec<SubProcessor>,
    /// How customers hear of a new or replaced sub-processor, in time to object (GDPR Art. 28(2)).
    /// Needed where data are processed on customers' behalf with sub-processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_processor_changes: Option<Text>,
    /// Where data are kept (GDPR Art. 13(1)(f)).
    #[serde(rename = "region")]
    pub regions: Vec<Region>,
    /// The rights that can be exercised (GDPR Art. 13(2)(b)).
    pub rights: Vec<Right>,
    /// Within which time requests are answered and breaches notified.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// How data are protected, one measure each (GDPR Art. 32).
    #[serde(default)]
    pub security: Vec<Text>,
    /// Decisions made by machines alone, with their logic and consequences (GDPR Art. 13(2)(f)).
    /// Left out where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automated_decisions: Option<Text>,
    /// Which purposes a vendor's consent signals follow, by vendor and signal. Only vendors named
    /// here are told anything; an empty table is enough.
    ///
    /// [`mapping`] says what they are told.
    #[serde(rename = "mapping", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mappings: BTreeMap<String, BTreeMap<String, Vec<PurposeId>>>,
}

fn default_signals() -> Vec<Signal> {
    vec![Signal::Gpc]
}

read_table!(Policy {
    number,
    name,
    languages,
    lifetime_months = default_lifetime(),
    signals = default_signals(),
    controller,
    officer,
    authority,
    data,
    activities as "activity",
    purposes as "purpose",
    sub_processors as "sub_processor" = Vec::new(),
    sub_processor_changes = None,
    regions as "region",
    rights,
    deadlines = Deadlines::default(),
    security = Vec::new(),
    automated_decisions = None,
    mappings as "mapping" = BTreeMap::new(),
});

fn default_lifetime() -> u8 {
    6
}

impl Policy {
    /// Reads and checks a policy. The error holds everything wrong, each with field and line.
    pub fn from_toml(text: &str) -> Result<Self, Faults> {
        let (policy, mut document) = Document::read_with::<Self>(text, |table, document| {
            preset::expand(table, document);
            mapping::expand(table);
        })?;
        validate::check(&policy, &mut document);
        document.finish(policy)
    }

    /// Reads a published policy back from its canonical JSON. Other JSON is refused, so that what
    /// is read is what the digest covers.
    pub fn from_canonical_json(json: &[u8]) -> Result<Self, Faults> {
        let mut document = Document::empty();
        if json.len() > MAX_DOCUMENT {
            return Err(Faults::one(format!("a policy is at most {MAX_DOCUMENT} bytes long")));
        }
        let policy: Self =
            serde_json::from_slice(json).map_err(|error| Faults::one(error.to_string()))?;
        validate::check(&policy, &mut document);
        let policy = document.finish(policy)?;
        if policy.canonical_json() == json {
            Ok(policy)
        } else {
            Err(Faults::one("this is not the canonical JSON (RFC 8785) of a policy"))
        }
    }

    /// The canonical JSON (RFC 8785), which the digest covers.
    pub fn canonical_json(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self)
            .expect("a policy is made of texts and whole numbers, which always serialise")
    }

    /// What identifies this policy, byte for byte.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical_json())
    }

    /// The purpose of that name.
    pub fn purpose(&self, id: &PurposeId) -> Option<&Purpose> {
        self.purposes.iter().find(|purpose| purpose.id == *id)
    }

    /// The category of data of that name.
    pub fn data(&self, id: &DataId) -> Option<&Data> {
        self.data.iter().find(|data| data.id == *id)
    }

    /// The purposes that are asked for, in the order of the policy.
    pub fn consent_purposes(&self) -> impl Iterator<Item = &Purpose> {
        self.purposes.iter().filter(|purpose| purpose.basis == LegalBasis::Consent)
    }

    /// The purposes that rest on a legitimate interest, which may be objected to, likewise.
    pub fn interests(&self) -> impl Iterator<Item = &Purpose> {
        self.purposes.iter().filter(|purpose| purpose.basis == LegalBasis::LegitimateInterest)
    }

    /// The purposes that leave something to choose: those asked for, and then those that may be
    /// objected to. Browsers remember their choices in this order.
    pub fn choosable_purposes(&self) -> impl Iterator<Item = &Purpose> {
        self.consent_purposes().chain(self.interests())
    }

    /// The language to answer in: the first wanted one that the policy is written in, or else its
    /// default. A regional tag (`fr-CA`) is content with its language (`fr`), and Norwegian of any
    /// kind with Bokmål.
    pub fn negotiate<'l>(&self, wanted: impl IntoIterator<Item = &'l str>) -> &str {
        wanted
            .into_iter()
            .flat_map(crate::words::lookup)
            .find_map(|tag| self.languages.iter().find(|known| known.eq_ignore_ascii_case(tag)))
            .unwrap_or(&self.languages[0])
    }

    /// Until when a choice made at `at` is remembered: whole calendar months later, in UTC.
    pub fn remembered_until(&self, at: jiff::Timestamp) -> jiff::Timestamp {
        months_after(at, self.lifetime_months)
    }
}

/// What a text says in this language (BCP 47), or else in the first that it has.
pub(crate) fn in_language<'t>(text: &'t Text, language: &str) -> &'t str {
    let wanted = crate::words::lookup(language).find_map(|tag| text.get(tag));
    wanted.or(text.values().next()).map_or("", String::as_str)
}

/// The same day and hour `months` calendar months later, in UTC (31 January → last of February).
pub fn months_after(at: jiff::Timestamp, months: u8) -> jiff::Timestamp {
    let span = jiff::Span::new().months(i64::from(months));
    at.to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .checked_add(span)
        .map_or(jiff::Timestamp::MAX, |later| later.timestamp())
}
