//! What data are processed for, and on which legal basis.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Text;
use crate::{DataId, PurposeId, read_table, read_value};

/// What data are processed for. It rests on exactly one legal basis: where two apply, there are
/// two purposes, so that refusing one never touches the other.
///
/// ```
/// use consent_core::{LegalBasis, Policy, policy::EXAMPLE};
/// let policy = Policy::from_toml(EXAMPLE)?;
/// assert_eq!(policy.purposes[0].basis, LegalBasis::Contract);
///
/// let both = EXAMPLE.replace("basis = \"contract\"", "basis = [\"contract\", \"consent\"]");
/// let faults = Policy::from_toml(&both).unwrap_err().to_string();
/// assert!(faults.contains("purpose[0].basis: a purpose rests on exactly one legal basis"));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// Its identifier, used in markup, over HTTP and in receipts.
    pub id: PurposeId,
    /// The legal basis, exactly one. Only consent is asked for, with a switch that is off.
    pub basis: LegalBasis,
    /// A short title, in each language: what stands beside the switch.
    pub title: Text,
    /// What the data are used for, in each language, in words that a visitor understands.
    pub description: Text,
    /// The categories of data that it uses, by their identifiers in `[[data]]`.
    pub data: Vec<DataId>,
    /// The interest pursued (GDPR Art. 13(1)(d)). Needed for a legitimate interest, and only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interest: Option<Text>,
    /// Whether the data have to be given, and what follows if they are not (GDPR Art. 13(2)(e)).
    /// Needed for a contract or a legal obligation, and only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub necessity: Option<Text>,
    /// The services that serve it.
    #[serde(default)]
    pub services: Vec<String>,
    /// Who else receives the data: names, or categories of recipients.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// What it writes in the browser. Deleted when the purpose is withdrawn.
    #[serde(default, rename = "cookie")]
    pub cookies: Vec<Cookie>,
    /// How long the data are kept, in words, in each language (GDPR Art. 13(2)(a)).
    pub retention: Text,
    /// The same in whole months at most, where it is a fixed time. Without it any change of the
    /// words counts as longer, and asks again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_months: Option<u16>,
    /// Raised by the author when the words now mean something else, which no program can tell:
    /// the purpose is then asked again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
}

read_table!(Purpose {
    id,
    basis,
    title,
    description,
    data,
    interest = None,
    necessity = None,
    services = Vec::new(),
    recipients = Vec::new(),
    cookies as "cookie" = Vec::new(),
    retention,
    retention_months = None,
    revision = None,
});
read_table!(Cookie { name, days });
read_value!(LegalBasis);

/// A cookie that a purpose sets (ePrivacy Directive Art. 5(3), CNIL 2020-091).
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// assert_eq!(Policy::from_toml(EXAMPLE)?.purposes[1].cookies[0].days, 390);
///
/// let faults = Policy::from_toml(&EXAMPLE.replace("days = 390", "days = 400")).unwrap_err();
/// assert!(faults.to_string().ends_with(
///     "purpose[1].cookie[0].days: a cookie lives 13 months (396 days) at most, not 400"
/// ));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Cookie {
    /// Its name; a trailing `*` stands for any ending.
    pub name: String,
    /// How many days it lives; for a purpose on consent 396 at most (13 months, CNIL 2020-091).
    pub days: u16,
}

/// The legal bases of GDPR Art. 6(1) that a purpose may rest on.
///
/// ```
/// use consent_core::LegalBasis;
/// let basis: LegalBasis = serde_json::from_str("\"legitimate_interest\"")?;
/// assert_eq!(basis.to_string(), "legitimate interest");
/// let error = serde_json::from_str::<LegalBasis>("\"implied\"").unwrap_err().to_string();
/// assert!(error.starts_with("unknown variant `implied`, expected one of `consent`, `contract`"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

    /// Whether the person concerned has a say: by agreeing and refusing, or by objecting.
    ///
    /// ```
    /// use consent_core::LegalBasis;
    /// assert!(LegalBasis::LegitimateInterest.leaves_choice());
    /// assert!(!LegalBasis::Contract.leaves_choice());
    /// ```
    pub fn leaves_choice(self) -> bool {
        match self {
            Self::Consent | Self::LegitimateInterest => true,
            Self::Contract | Self::LegalObligation => false,
        }
    }
}

impl fmt::Display for LegalBasis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}
