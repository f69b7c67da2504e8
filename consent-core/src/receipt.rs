//! Receipts: signed statements of what was asked and what was answered.
//!
//! A receipt is a JWS in compact form (RFC 7515 §3.1), signed with HMAC-SHA-256 (HS256, RFC 7518
//! §3.2). Whoever holds the key can verify it; nobody else can make one.

mod jws;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::policy::LegalBasis;
use crate::state::Recorded;
use crate::{Digest, Method, PurposeId, RegionId, SiteId, Subject};

pub use jws::{Failure, InvalidKey, Key, KeyRing, MAX_RECEIPT};

/// The type of a receipt's JWS, which keeps it apart from everything else a key may sign.
const TYPE: &str = "consent-receipt+jwt";

/// What a receipt states. Times are whole seconds since 1970, as RFC 7519 §2 has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Who issued it: the server's public address.
    pub iss: String,
    /// The receipt's own identifier (UUID version 7).
    pub jti: Uuid,
    /// When it was issued, by the server's clock.
    #[serde(with = "seconds")]
    pub iat: Timestamp,
    /// Until when the choices are remembered. The receipt proves them beyond that.
    #[serde(with = "seconds")]
    pub exp: Timestamp,
    /// Whom it is about.
    pub sub: Subject,
    /// The site that asked.
    pub site: SiteId,
    /// The region that keeps the record.
    pub region: RegionId,
    /// The policy in force.
    pub policy: PolicyRef,
    /// The exact text shown.
    pub notice: NoticeRef,
    /// How the decision was made.
    pub method: Method,
    /// For each purpose its basis and what was decided, refusals as well as grants.
    pub purposes: BTreeMap<PurposeId, Outcome>,
    /// The digest of this subject's receipt before, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<Digest>,
}

/// Names a policy exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRef {
    /// Its number at the site.
    pub number: u32,
    /// The digest of its canonical JSON.
    pub digest: Digest,
}

/// Names the text that was shown exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeRef {
    /// Its language.
    pub language: String,
    /// The digest of its canonical JSON.
    pub digest: Digest,
}

/// What was decided about one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The legal basis.
    pub basis: LegalBasis,
    /// Granted, refused or withdrawn.
    pub state: Recorded,
}

/// A signed receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    jws: String,
    claims: Claims,
}

impl Receipt {
    /// Signs what `claims` state with the ring's current key.
    ///
    /// ```
    /// use consent_core::{Key, KeyRing, Receipt};
    /// # let claims: consent_core::Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS).unwrap();
    /// let ring = KeyRing::new(vec![Key::new("2026-a", &[7; 32])?])?;
    /// let receipt = Receipt::sign(claims, &ring);
    ///
    /// assert!(Receipt::verify(receipt.as_str(), &ring).is_ok());
    /// let forged = receipt.as_str().replacen("eyJ", "eyK", 1);
    /// assert!(Receipt::verify(&forged, &ring).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sign(claims: Claims, ring: &KeyRing) -> Self {
        let payload = serde_json::to_vec(&claims).expect("claims are texts and whole numbers");
        Self { jws: ring.sign(TYPE, &payload), claims }
    }

    /// Reads a receipt, if every check passes. The error names the first that does not.
    pub fn verify(jws: &str, ring: &KeyRing) -> Result<Self, Failure> {
        let jws = jws.trim_ascii();
        let payload = ring.verify(TYPE, jws)?;
        let claims = serde_json::from_slice(&payload).map_err(|_| Failure::Claims)?;
        Ok(Self { jws: jws.to_owned(), claims })
    }

    /// The JWS, as kept and given to the subject.
    pub fn as_str(&self) -> &str {
        &self.jws
    }

    /// What it states.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// What the subject's next receipt refers to.
    pub fn digest(&self) -> Digest {
        Digest::of(self.jws.as_bytes())
    }
}

/// The receipt's statement in plain English, one fact a line.
impl fmt::Display for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Receipt {}", self.jti)?;
        writeln!(
            f,
            "  issued by   {} for the site {}, kept in {}",
            self.iss, self.site, self.region
        )?;
        writeln!(f, "  issued at   {}", self.iat)?;
        writeln!(f, "  remembered  until {}", self.exp)?;
        writeln!(f, "  subject     {}", self.sub)?;
        writeln!(f, "  decided by  {}", self.method.as_str().replace('_', " "))?;
        for (id, outcome) in &self.purposes {
            writeln!(
                f,
                "  purpose     {id}: {} (basis: {})",
                outcome.state.as_str(),
                outcome.basis
            )?;
        }
        writeln!(f, "  policy      {}, SHA-256 {}", self.policy.number, self.policy.digest)?;
        writeln!(f, "  text shown  in '{}', SHA-256 {}", self.notice.language, self.notice.digest)?;
        match &self.previous {
            Some(digest) => write!(f, "  follows     the receipt with SHA-256 {digest}"),
            None => write!(f, "  follows     nothing: it is the subject's first"),
        }
    }
}

/// Timestamps as whole seconds, as JWT has them.
mod seconds {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(at.as_second())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        Timestamp::from_second(i64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The claims used by the examples of this documentation.
#[doc(hidden)]
pub const EXAMPLE_CLAIMS: &str = r#"{
    "iss": "https://consent.example.org", "jti": "01890a5d-ac96-774b-bcce-b302099a8057",
    "iat": 1767225600, "exp": 1782864000, "sub": "browser:BwcHBwcHBwcHBwcHBwcHBw",
    "site": "example", "region": "eu",
    "policy": {"number": 1, "digest": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    "notice": {"language": "en", "digest": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    "method": "preferences",
    "purposes": {"analytics": {"basis": "consent", "state": "granted"}}}"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> KeyRing {
        KeyRing::new(vec![Key::new("k1", &[7; 32]).unwrap()]).unwrap()
    }

    fn receipt() -> Receipt {
        Receipt::sign(serde_json::from_str(EXAMPLE_CLAIMS).unwrap(), &ring())
    }

    #[test]
    fn the_bytes_are_frozen() {
        assert_eq!(receipt().as_str(), include_str!("receipt/frozen.jws").trim_end());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let genuine = receipt();
        let ring = ring();
        for i in 0..genuine.as_str().len() {
            for change in [1, 2, 0x20, 0x80] {
                let mut bytes = genuine.as_str().as_bytes().to_vec();
                bytes[i] ^= change;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(Receipt::verify(&changed, &ring).is_err(), "byte {i} ^ {change}");
            }
        }
    }

    #[test]
    fn people_can_read_it() {
        let text = receipt().claims().to_string();
        assert!(text.contains("purpose     analytics: granted (basis: consent)"), "{text}");
        assert!(text.contains("issued at   2026-01-01T00:00:00Z"), "{text}");
    }
}
