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

/// Who decides why and how data are processed.
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

/// Whom to write to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// Who reads the mail, in each language: a person, or a role.
    pub name: Text,
    /// The e-mail address.
    pub email: String,
}

/// A supervisory authority.
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

/// A category of personal data.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides why and how.
    Controller,
    /// Acts on a controller's instructions.
    Processor,
}

/// Who processes data on the controller's behalf.
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

/// A place where data are kept.
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
