//! The policy: what a site says about the personal data it processes.
//!
//! Written in TOML, checked when read ([`Policy::from_toml`]), and identified by the SHA-256 of
//! its canonical JSON (RFC 8785), so that two machines that hold the same policy name it alike.
//! What GDPR Art. 13 requires a notice to hold, a policy must hold.

mod validate;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::{Document, Faults};
use crate::{Digest, PurposeId, RegionId};

/// A small valid policy, used by the examples of this documentation.
pub const EXAMPLE: &str = include_str!("policy/example.toml");

/// A text in each language of the policy, by BCP 47 tag.
pub type Text = BTreeMap<String, String>;

/// A site's policy. Immutable once published: a change is a new number.
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
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Counts the published policies of the site, from 1.
    pub number: u32,
    /// The name of the service, as visitors know it.
    pub name: String,
    /// The languages in which every text is given; the first is the default.
    pub languages: Vec<String>,
    /// How many months a choice is remembered, refusals too; then it is asked again.
    #[serde(default = "default_lifetime")]
    pub lifetime_months: u8,
    /// Who decides why and how data are processed (GDPR Art. 13(1)(a)).
    pub controller: Controller,
    /// The data protection officer (GDPR Art. 13(1)(b)).
    pub officer: Contact,
    /// Where to lodge a complaint (GDPR Art. 13(2)(d)).
    pub authority: Authority,
    /// What is processed, and in which role.
    #[serde(rename = "activity")]
    pub activities: Vec<Activity>,
    /// What data are processed for, each on one legal basis (GDPR Art. 13(1)(c)).
    #[serde(rename = "purpose")]
    pub purposes: Vec<Purpose>,
    /// Who processes data on the controller's behalf (GDPR Art. 13(1)(e), 28).
    #[serde(rename = "sub_processor", default)]
    pub sub_processors: Vec<SubProcessor>,
    /// Where data are kept (GDPR Art. 13(1)(f)).
    #[serde(rename = "region")]
    pub regions: Vec<Region>,
    /// The rights that can be exercised (GDPR Art. 13(2)(b)).
    pub rights: Vec<Right>,
}

fn default_lifetime() -> u8 {
    6
}

/// Who decides why and how data are processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// The name in law.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Where people write to.
    pub email: String,
    /// The postal address, if one is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Whom to write to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Who reads it, in each language.
    pub name: Text,
    /// The address.
    pub email: String,
}

/// A supervisory authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Its name.
    pub name: String,
    /// Its postal address.
    pub address: String,
    /// Its site, with `https://`.
    pub url: String,
}

/// A part of what the organisation does, with its role in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Whether the organisation decides, or follows a customer's instructions.
    pub role: Role,
    /// What it is called.
    pub title: Text,
    /// What it is, in a sentence or two.
    pub description: Text,
    /// The categories of data (GDPR Art. 14(1)(d)).
    pub data: Vec<Text>,
}

/// The role in a processing activity (GDPR Art. 4(7) and (8)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides why and how.
    Controller,
    /// Acts on a controller's instructions.
    Processor,
}

/// What data are processed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// Its identifier, used in markup, over HTTP and in receipts.
    pub id: PurposeId,
    /// The legal basis. Only consent is asked for.
    pub basis: LegalBasis,
    /// A short title.
    pub title: Text,
    /// A plain description.
    pub description: Text,
    /// The services that serve it.
    #[serde(default)]
    pub services: Vec<String>,
    /// Who else receives the data.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// What it writes in the browser. Deleted when the purpose is withdrawn.
    #[serde(default, rename = "cookie")]
    pub cookies: Vec<Cookie>,
    /// How long the data are kept (GDPR Art. 13(2)(a)).
    pub retention: Text,
}

/// A cookie that a purpose sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cookie {
    /// Its name; a trailing `*` stands for any ending.
    pub name: String,
    /// How many days it lives.
    pub days: u16,
}

/// The legal bases of GDPR Art. 6(1) that a purpose may rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegalBasis {
    /// Art. 6(1)(a): asked for, and shown with a choice.
    Consent,
    /// Art. 6(1)(b): needed for the service that was ordered.
    Contract,
    /// Art. 6(1)(f): may be objected to.
    LegitimateInterest,
    /// Art. 6(1)(c): required by law.
    LegalObligation,
}

impl LegalBasis {
    /// The name used in policies, receipts and over HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Contract => "contract",
            Self::LegitimateInterest => "legitimate_interest",
            Self::LegalObligation => "legal_obligation",
        }
    }
}

impl fmt::Display for LegalBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}

/// Who processes data on the controller's behalf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubProcessor {
    /// Its name.
    pub name: String,
    /// What it does.
    pub service: Text,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The purposes it serves.
    #[serde(default)]
    pub purposes: Vec<PurposeId>,
}

/// A place where data are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its identifier.
    pub id: RegionId,
    /// Whose data are kept there.
    pub title: Text,
    /// Whether the data ever leave it, and on which ground (GDPR Art. 13(1)(f)).
    pub transfers: Text,
}

/// The rights of the person concerned (GDPR Art. 15 to 21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Art. 15.
    Access,
    /// Art. 16.
    Rectification,
    /// Art. 17.
    Erasure,
    /// Art. 18.
    Restriction,
    /// Art. 20.
    Portability,
    /// Art. 21.
    Objection,
}

impl Right {
    /// All of them, in the order of the articles.
    pub const ALL: [Self; 6] = [
        Self::Access,
        Self::Rectification,
        Self::Erasure,
        Self::Restriction,
        Self::Portability,
        Self::Objection,
    ];

    /// The name used in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Rectification => "rectification",
            Self::Erasure => "erasure",
            Self::Restriction => "restriction",
            Self::Portability => "portability",
            Self::Objection => "objection",
        }
    }
}

impl Policy {
    /// Reads and checks a policy. The error holds everything wrong, each with field and line.
    pub fn from_toml(text: &str) -> Result<Self, Faults> {
        let (policy, mut document) = Document::read::<Self>(text)?;
        validate::check(&policy, &mut document);
        document.finish(policy)
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

    /// The purposes that are asked for, in the order of the policy.
    pub fn consent_purposes(&self) -> impl Iterator<Item = &Purpose> {
        self.purposes.iter().filter(|purpose| purpose.basis == LegalBasis::Consent)
    }

    /// The language to answer in: the first wanted one that the policy is written in, or else its
    /// default. A regional tag (`fr-CA`) is content with its language (`fr`).
    pub fn negotiate<'l>(&self, wanted: impl IntoIterator<Item = &'l str>) -> &str {
        wanted
            .into_iter()
            .flat_map(|tag| [tag, tag.split('-').next().unwrap_or(tag)])
            .find_map(|tag| self.languages.iter().find(|known| known.eq_ignore_ascii_case(tag)))
            .unwrap_or(&self.languages[0])
    }

    /// Until when a choice made at `at` is remembered: whole calendar months later, in UTC.
    pub fn remembered_until(&self, at: jiff::Timestamp) -> jiff::Timestamp {
        months_after(at, self.lifetime_months)
    }
}

/// The same day and hour `months` calendar months later, in UTC (31 January → last of February).
pub fn months_after(at: jiff::Timestamp, months: u8) -> jiff::Timestamp {
    let span = jiff::Span::new().months(i64::from(months));
    at.to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .checked_add(span)
        .map_or(jiff::Timestamp::MAX, |later| later.timestamp())
}
