//! Receipts: signed statements of what was asked and what was answered.
//!
//! A receipt is a JWS in compact form (RFC 7515 §3.1). Signed with HS256, whoever holds the key
//! can verify it, and nobody else can; signed with Ed25519, anybody can who has the public key.
//! Either way nobody but the key's holder can make one.
//!
//! What it states is in `claims.rs`, keys are in `key.rs` and `ring.rs`, the JWS in `jws.rs`, and
//! how one receipt follows another in `chain.rs`.

mod chain;
mod claims;
mod jws;
mod key;
mod ring;

use crate::Digest;

pub use chain::{ChainFailure, ChainFault, verify_chain, verify_chain_after};
pub use claims::{Claims, InvalidClaims, Layer, MAX_ISSUER, NoticeRef, Outcome, PolicyRef};
pub use jws::{Failure, MAX_RECEIPT};
pub use key::{Algorithm, InvalidKey, Key, UnknownAlgorithm};
pub use ring::{KeyRing, Verifier};

/// The type of a receipt's JWS, which keeps it apart from everything else a key may sign.
const TYPE: &str = "consent-receipt+jwt";

/// A signed receipt. There is none but those signed or verified here.
///
/// ```
/// use consent_core::{Key, KeyRing, Receipt};
/// # let claims: consent_core::Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS).unwrap();
/// let ring = KeyRing::new(vec![Key::hs256("2026-a", &[7; 32])?])?;
/// let receipt = Receipt::sign(claims, &ring)?;
///
/// assert!(Receipt::verify(receipt.as_str(), &ring).is_ok());
/// let forged = receipt.as_str().replacen(".eyJ", ".eyK", 1);
/// assert_eq!(
///     Receipt::verify(&forged, &ring).unwrap_err().to_string(),
///     "signature: it does not belong to this text; something was changed",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    jws: String,
    claims: Claims,
}

impl Receipt {
    /// Signs what `claims` state with the ring's current key. Claims that would not be verified
    /// are not signed.
    pub fn sign(claims: Claims, ring: &KeyRing) -> Result<Self, InvalidClaims> {
        claims.check()?;
        let payload = serde_json::to_vec(&claims).expect("claims are texts and whole numbers");
        Ok(Self { jws: ring.sign(TYPE, &payload), claims })
    }

    /// Reads a receipt, if every check passes, with a [`KeyRing`] or a [`Verifier`]. The error
    /// names the first check that does not, in the order of [`Failure`].
    pub fn verify(jws: &str, keys: &impl AsRef<Verifier>) -> Result<Self, Failure> {
        let jws = jws.trim_ascii();
        let payload = keys.as_ref().verify(TYPE, jws)?;
        let claims: Claims = jws::object(&payload).ok_or(Failure::Claims(InvalidClaims::Shape))?;
        claims.check().map_err(Failure::Claims)?;
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
mod tests;
