//! Who is involved, in what, where, and what people may ask of them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Text;
use crate::{ActivityId, DataId, PurposeId, RegionId, read_table, read_value};

read_table!(Controller { name, country, email, address = None });
read_table!(Contact { name, email });
read_table!(Authority { name, address, url });
read_table!(Data { id, title });
read_table!(Activity { id, role, title, description, data });
read_table!(SubProcessor { name, service, country, purposes, transfer = None });
read_table!(Region { id, title, transfers });
read_table!(Deadlines {
    answer_months = one_month(),
    extension_months = two_months(),
    breach_hours = three_days(),
});
read_value!(Role, Right);

/// The European Economic Area, within which data move freely (GDPR Art. 44).
pub(super) const EEA: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// Who decides why and how data are processed (GDPR Art. 4(7)).
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// assert_eq!(Policy::from_toml(EXAMPLE)?.controller.country, "FR");
///
/// let faults = Policy::from_toml(&EXAMPLE.replace("\"FR\"", "\"France\"")).unwrap_err();
/// assert!(faults.to_string().ends_with(
///     "controller.country: a country is two capital letters (ISO 3166-1), for example \"FR\""
/// ));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Controller {
    /// The name in law, for example `Example SAS`.
    pub name: String,
    /// Where it is established: two capital letters (ISO 3166-1 alpha-2), for example `FR`.
    pub country: String,
    /// The e-mail address that people write to.
    pub email: String,
    /// The postal address, if one is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// Whom to write to about the protection of data (GDPR Art. 13(1)(b), 38(4)).
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// assert_eq!(Policy::from_toml(EXAMPLE)?.officer.email, "dpo@example.org");
///
/// let faults = Policy::from_toml(&EXAMPLE.replace("dpo@example.org", "dpo")).unwrap_err();
/// assert!(faults.to_string().ends_with("officer.email: an e-mail address is written name@domain"));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Who reads the mail, in each language: a person, or a role.
    pub name: Text,
    /// The e-mail address.
    pub email: String,
}

/// A supervisory authority, where anybody may complain (GDPR Art. 51, 77).
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// assert_eq!(Policy::from_toml(EXAMPLE)?.authority.url, "https://www.cnil.fr");
///
/// let faults = Policy::from_toml(&EXAMPLE.replace("https://www", "www")).unwrap_err();
/// assert!(faults.to_string().ends_with("authority.url: must begin with https://"));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
///
/// ```
/// use consent_core::{Policy, policy::{EXAMPLE, Role}};
/// assert_eq!(Policy::from_toml(EXAMPLE)?.activities[0].role, Role::Controller);
///
/// let silent = EXAMPLE.replace("What we need to run the service.", "");
/// let faults = Policy::from_toml(&silent).unwrap_err();
/// assert!(faults.to_string().ends_with("activity[0].description.en: the text in 'en' is missing"));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Activity {
    /// Its identifier: small letters, digits, and `-`, `_` or `.` between them.
    pub id: ActivityId,
    /// Whether the organisation decides, or follows a customer's instructions.
    pub role: Role,
    /// What it is called, in each language.
    pub title: Text,
    /// What it is, in each language, in a sentence or two.
    pub description: Text,
    /// The categories of data in it, by their identifiers in `[[data]]` (GDPR Art. 14(1)(d)).
    pub data: Vec<DataId>,
}

/// A category of personal data (GDPR Art. 4(1)).
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// assert_eq!(Policy::from_toml(EXAMPLE)?.data[1].id.as_str(), "usage");
///
/// let unused = EXAMPLE.replace("[\"account\", \"usage\"]", "[\"account\"]");
/// let faults = Policy::from_toml(&unused).unwrap_err();
/// assert!(faults.to_string().ends_with(
///     "data[1].id: no [[activity]] processes 'usage'; list it there or remove it here"
/// ));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Its identifier, which activities and purposes name.
    pub id: DataId,
    /// What it is called, in each language: words that its owner understands.
    pub title: Text,
}

/// The role in a processing activity (GDPR Art. 4(7) and (8)).
///
/// ```
/// use consent_core::policy::Role;
/// assert_eq!(serde_json::from_str::<Role>("\"processor\"")?, Role::Processor);
/// let error = serde_json::from_str::<Role>("\"owner\"").unwrap_err().to_string();
/// assert!(error.starts_with("unknown variant `owner`, expected `controller` or `processor`"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides why and how.
    Controller,
    /// Acts on a controller's instructions.
    Processor,
}

/// Who processes data on the controller's behalf (GDPR Art. 4(8), 28).
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// let sub_processor = "\n[[sub_processor]]\nname = 'Post'\ncountry = 'GB'\nservice.en = 'Mail'\n\
///                      purposes = ['service']\n";
/// let grounded = format!("{EXAMPLE}{sub_processor}transfer.en = 'An adequacy decision.'");
/// assert_eq!(Policy::from_toml(&grounded)?.sub_processors[0].country, "GB");
///
/// let faults = Policy::from_toml(&format!("{EXAMPLE}{sub_processor}")).unwrap_err();
/// assert!(faults.to_string().contains(
///     "sub_processor[0].transfer: outside the European Economic Area the ground of the transfer must \
///      be said (GDPR Art. 13(1)(f))"
/// ));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SubProcessor {
    /// Its name.
    pub name: String,
    /// What it does, in each language.
    pub service: Text,
    /// Its country: two capital letters (ISO 3166-1 alpha-2), for example `DE`.
    pub country: String,
    /// The purposes it serves. It receives the data that these use.
    pub purposes: Vec<PurposeId>,
    /// On which ground data may go to that country (GDPR Art. 13(1)(f), 44 to 49). Needed outside
    /// the European Economic Area.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Text>,
}

/// A place where data are kept, and whether they leave it (GDPR Art. 13(1)(f), 44).
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// assert_eq!(Policy::from_toml(EXAMPLE)?.regions[0].id.as_str(), "eu");
///
/// let silent =
///     EXAMPLE.replace("transfers.en = \"Data are not transferred out of the European Union.\"", "");
/// let faults = Policy::from_toml(&silent).unwrap_err();
/// assert!(faults.to_string().ends_with("region[0].transfers: is missing, and has to be given"));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Its identifier, which a site's configuration names.
    pub id: RegionId,
    /// Whose data are kept there.
    pub title: Text,
    /// Whether the data ever leave it, and on which ground (GDPR Art. 13(1)(f)).
    pub transfers: Text,
}

/// The rights of the person concerned (GDPR Art. 15 to 21).
///
/// ```
/// use consent_core::policy::Right;
/// assert_eq!(serde_json::from_str::<Right>("\"erasure\"")?, Right::Erasure);
/// let error = serde_json::from_str::<Right>("\"oblivion\"").unwrap_err().to_string();
/// assert!(error.starts_with("unknown variant `oblivion`, expected one of `access`, `rectification`"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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

/// Within which time things are done. What is left out is what the law allows at most.
///
/// ```
/// use consent_core::{Policy, policy::EXAMPLE};
/// assert_eq!(Policy::from_toml(EXAMPLE)?.deadlines.breach_hours, 72);
///
/// let slow = format!("{EXAMPLE}\n[deadlines]\nanswer_months = 2");
/// let faults = Policy::from_toml(&slow).unwrap_err();
/// assert!(faults.to_string().ends_with(
///     "deadlines.answer_months: GDPR Art. 12(3) allows 1 at most, not 2"
/// ));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Deadlines {
    /// A request is answered within so many calendar months (GDPR Art. 12(3): at most 1).
    #[serde(default = "one_month")]
    pub answer_months: u8,
    /// A complex one may take so many months more (GDPR Art. 12(3): at most 2).
    #[serde(default = "two_months")]
    pub extension_months: u8,
    /// The authority hears of a breach within so many hours (GDPR Art. 33(1): at most 72).
    #[serde(default = "three_days")]
    pub breach_hours: u8,
}

fn one_month() -> u8 {
    1
}

fn two_months() -> u8 {
    2
}

fn three_days() -> u8 {
    72
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            answer_months: one_month(),
            extension_months: two_months(),
            breach_hours: three_days(),
        }
    }
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
