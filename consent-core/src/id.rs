//! The small values that name things: sites, regions, purposes and digests.
//!
//! Each is checked once, when it is made, so that code further in cannot hold a wrong one.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The longest identifier, in bytes.
pub const MAX_ID: usize = 64;

/// The same rule as [`is_valid`] but for the length, for the JSON Schema.
#[cfg(feature = "schema")]
pub(crate) const PATTERN: &str = "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$";

/// Why an identifier was refused.
///
/// ```
/// let error = "ad storage".parse::<consent_core::PurposeId>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "a purpose must be 1 to 64 characters: small letters, digits, and '-', '_' or '.' between them",
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} must be 1 to 64 characters: small letters, digits, and '-', '_' or '.' between them"
)]
pub struct InvalidId {
    what: &'static str,
}

fn is_valid(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= MAX_ID
        && bytes.first().copied().is_some_and(word)
        && bytes.last().copied().is_some_and(word)
        && bytes.iter().all(|&b| word(b) || b"-_.".contains(&b))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "schema", schemars(extend("pattern" = PATTERN, "maxLength" = MAX_ID)))]
        pub struct $name(String);

        crate::read_value!($name);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                if is_valid(&text) { Ok(Self(text)) } else { Err(InvalidId { what: $what }) }
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Names a site, as in `/v1/sites/cloud-pbs/…`.
    ///
    /// ```
    /// use consent_core::SiteId;
    /// assert!("cloud-pbs".parse::<SiteId>().is_ok());
    /// let error = "Cloud PBS".parse::<SiteId>().unwrap_err();
    /// assert!(error.to_string().starts_with("a site must be 1 to 64 characters: small letters"));
    /// ```
    SiteId, "a site"
}
id! {
    /// Names a region: a place with its own store, keys and pepper. Nothing crosses regions.
    ///
    /// ```
    /// use consent_core::RegionId;
    /// assert!("eu".parse::<RegionId>().is_ok());
    /// let error = "EU".parse::<RegionId>().unwrap_err();
    /// assert!(error.to_string().starts_with("a region must be 1 to 64 characters: small letters"));
    /// ```
    RegionId, "a region"
}
id! {
    /// Names a category of personal data, such as `usage`.
    ///
    /// ```
    /// use consent_core::DataId;
    /// assert!("usage".parse::<DataId>().is_ok());
    /// let error = "data on usage".parse::<DataId>().unwrap_err();
    /// assert!(error.to_string().starts_with("a category of data must be 1 to 64 characters: small letters"));
    /// ```
    DataId, "a category of data"
}
id! {
    /// Names an activity: a part of what the organisation does.
    ///
    /// ```
    /// use consent_core::ActivityId;
    /// assert!("backups".parse::<ActivityId>().is_ok());
    /// let error = "-backups".parse::<ActivityId>().unwrap_err();
    /// assert!(error.to_string().starts_with("an activity must be 1 to 64 characters: small letters"));
    /// ```
    ActivityId, "an activity"
}
id! {
    /// Names a purpose of a policy, such as `analytics`.
    ///
    /// ```
    /// use consent_core::PurposeId;
    /// assert!("email.open_tracking".parse::<PurposeId>().is_ok());
    /// let error = "e-mail/opens".parse::<PurposeId>().unwrap_err();
    /// assert!(error.to_string().starts_with("a purpose must be 1 to 64 characters: small letters"));
    /// ```
    PurposeId, "a purpose"
}

/// A SHA-256 digest, written as 64 hexadecimal digits.
///
/// ```
/// use consent_core::Digest;
/// let digest = Digest::of(b"");
/// assert!(digest.to_string().starts_with("e3b0c442"));
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// assert!("e3b0".parse::<Digest>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// Why a text is not a digest.
///
/// ```
/// let error = "e3b0c442".parse::<consent_core::Digest>().unwrap_err();
/// assert_eq!(error.to_string(), "a digest must be 64 hexadecimal digits");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest must be 64 hexadecimal digits")]
pub struct InvalidDigest;

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Digest {
    type Err = InvalidDigest;
    fn from_str(text: &str) -> Result<Self, InvalidDigest> {
        if text.len() != 64 {
            return Err(InvalidDigest);
        }
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| InvalidDigest)?;
        bytes.try_into().map(Self).map_err(|_| InvalidDigest)
    }
}

impl TryFrom<String> for Digest {
    type Error = InvalidDigest;
    fn try_from(text: String) -> Result<Self, InvalidDigest> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_bounded_and_plain() {
        for good in ["a", "cloud-pbs", "email.open_tracking", "7"] {
            assert!(good.parse::<PurposeId>().is_ok(), "{good}");
        }
        let long = "a".repeat(MAX_ID + 1);
        for bad in ["", "-a", "a.", "A", "a b", "a\0", "é", "a/b", long.as_str()] {
            assert!(bad.parse::<PurposeId>().is_err(), "{bad:?}");
        }
    }
}
