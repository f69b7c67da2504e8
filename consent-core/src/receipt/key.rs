//! One key: what it signs, what it verifies, and what of it may be shown to anybody.
//!
//! Not here: several keys together (`ring.rs`), the JWS that is signed (`jws.rs`), and where
//! secrets are kept.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// How a JWS is signed.
///
/// ```
/// use consent_core::receipt::Algorithm;
/// assert_eq!(Algorithm::Ed25519.as_str(), "Ed25519");
/// assert!("EdDSA".parse::<Algorithm>().is_err(), "a name that says too little (RFC 9864 §2.2)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256 (RFC 7518 §3.2). Whoever can verify can also sign.
    Hs256,
    /// Ed25519 (RFC 8032 §5.1, named as in RFC 9864 §2.2). Anybody can verify.
    Ed25519,
}

impl Algorithm {
    /// The name in a header's `alg`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Ed25519 => "Ed25519",
        }
    }
}

/// Why a text does not name an algorithm.
///
/// ```
/// use consent_core::receipt::Algorithm;
/// let error = "none".parse::<Algorithm>().unwrap_err();
/// assert_eq!(error.to_string(), "an algorithm is HS256 or Ed25519");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an algorithm is HS256 or Ed25519")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;
    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        [Self::Hs256, Self::Ed25519]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or(UnknownAlgorithm)
    }
}

/// Why a key or a ring cannot be used.
///
/// ```
/// use consent_core::{Key, KeyRing, receipt::InvalidKey};
/// let key = || Key::hs256("2026-a", &[7; 32]);
/// assert!(KeyRing::new(vec![key()?]).is_ok());
/// let error = KeyRing::new(vec![key()?, key()?]).unwrap_err();
/// assert_eq!(error, InvalidKey::Doubled);
/// assert_eq!(error.to_string(), "two keys of the ring have the same identifier");
/// # Ok::<(), InvalidKey>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// RFC 7518 §3.2 asks for a key at least as long as the hash.
    #[error("a key for HS256 is at least 32 bytes long (RFC 7518 §3.2)")]
    TooShort,
    /// The identifier is empty or too long.
    #[error("a key's identifier has 1 to 64 letters, digits, '-' or '_'")]
    Id,
    /// No point of the curve, or one of the few with which a signature fits any text.
    #[error("this is not a public key for Ed25519 (RFC 8032 §5.1.3)")]
    Public,
    /// There is nothing to sign or verify with.
    #[error("a key ring holds at least one key")]
    Empty,
    /// Which key is meant would be a guess.
    #[error("two keys of the ring have the same identifier")]
    Doubled,
    /// The first key of a ring signs, and this one cannot.
    #[error("the first key of a ring signs, so it cannot be a public one")]
    CannotSign,
    /// The ring would refuse what it signs itself.
    #[error("the algorithm of the key that signs is not among those allowed")]
    NotAllowed,
}

/// A key with its identifier, bound to one algorithm. Secrets are wiped when it is dropped.
///
/// ```
/// use consent_core::Key;
/// assert!(Key::hs256("2026-a", &[7; 32]).is_ok());
/// let error = Key::hs256("2026-a", b"password").err().unwrap();
/// assert_eq!(error.to_string(), "a key for HS256 is at least 32 bytes long (RFC 7518 §3.2)");
/// ```
#[derive(Clone)]
pub struct Key {
    id: String,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Hs256(Hmac<Sha256>),
    Ed25519(SigningKey),
    Ed25519Public(VerifyingKey),
}

impl Key {
    /// A secret key for HS256 from its identifier (`kid`) and at least 32 random bytes.
    pub fn hs256(id: &str, secret: &[u8]) -> Result<Self, InvalidKey> {
        if secret.len() < 32 {
            return Err(InvalidKey::TooShort);
        }
        let mac = Hmac::new_from_slice(secret).map_err(|_| InvalidKey::TooShort)?;
        Self::new(id, Material::Hs256(mac))
    }

    /// A secret key for Ed25519 from its identifier (`kid`) and 32 random bytes, which RFC 8032
    /// §5.1.5 calls the private key.
    pub fn ed25519(id: &str, seed: &[u8; 32]) -> Result<Self, InvalidKey> {
        Self::new(id, Material::Ed25519(SigningKey::from_bytes(seed)))
    }

    /// A public key for Ed25519: it verifies and cannot sign.
    ///
    /// ```
    /// use consent_core::Key;
    /// let public = Key::ed25519("2026-a", &[7; 32])?.public().unwrap();
    /// assert!(Key::ed25519_public("2026-a", &public).is_ok());
    /// assert!(Key::ed25519_public("2026-a", &[0; 32]).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ed25519_public(id: &str, bytes: &[u8; 32]) -> Result<Self, InvalidKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey::Public)?;
        if key.is_weak() {
            return Err(InvalidKey::Public);
        }
        Self::new(id, Material::Ed25519Public(key))
    }

    fn new(id: &str, material: Material) -> Result<Self, InvalidKey> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(1..=64).contains(&id.len()) || !id.bytes().all(plain) {
            return Err(InvalidKey::Id);
        }
        Ok(Self { id: id.to_owned(), material })
    }

    /// Its identifier, the `kid` of a header.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The only algorithm that it is used with.
    pub fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Hs256(_) => Algorithm::Hs256,
            Material::Ed25519(_) | Material::Ed25519Public(_) => Algorithm::Ed25519,
        }
    }

    /// The 32 bytes that strangers verify with (RFC 8032 §5.1.5). A key for HS256 has none.
    pub fn public(&self) -> Option<[u8; 32]> {
        match &self.material {
            Material::Hs256(_) => None,
            Material::Ed25519(key) => Some(key.verifying_key().to_bytes()),
            Material::Ed25519Public(key) => Some(key.to_bytes()),
        }
    }

    pub(super) fn can_sign(&self) -> bool {
        !matches!(self.material, Material::Ed25519Public(_))
    }

    /// The signature of `text`, unless the key is a public one.
    pub(super) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match &self.material {
            Material::Hs256(mac) => Some(tag(mac, text).to_vec()),
            Material::Ed25519(key) => Some(key.sign(text).to_bytes().to_vec()),
            Material::Ed25519Public(_) => None,
        }
    }

    /// Whether `signature` is this key's, of `text`.
    pub(super) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        // Strict: of the signatures that some libraries accept for one text, only one is.
        let strictly = |key: &VerifyingKey| {
            Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(text, &signature).is_ok())
        };
        match &self.material {
            // A missing signature has another length, and is therefore unequal.
            Material::Hs256(mac) => tag(mac, text).as_slice().ct_eq(signature).into(),
            Material::Ed25519(key) => strictly(&key.verifying_key()),
            Material::Ed25519Public(key) => strictly(key),
        }
    }
}

fn tag(mac: &Hmac<Sha256>, text: &[u8]) -> [u8; 32] {
    mac.clone().chain_update(text).finalize().into_bytes().into()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, {}, …)", self.id, self.algorithm().as_str())
    }
}

#[cfg(test)]
mod tests {
    use hmac::digest::zeroize::ZeroizeOnDrop;

    use super::*;

    #[test]
    fn weak_keys_are_refused() {
        let long = "a".repeat(65);
        for id in ["", "a b", "é", "a.b", long.as_str()] {
            assert_eq!(Key::hs256(id, &[0; 32]).err(), Some(InvalidKey::Id), "{id}");
            assert_eq!(Key::ed25519(id, &[0; 32]).err(), Some(InvalidKey::Id), "{id}");
        }
        assert!(Key::hs256(&"-_aZ09".repeat(10), &[0; 32]).is_ok());
        assert_eq!(Key::hs256("a", &[0; 31]).err(), Some(InvalidKey::TooShort));
        // The identity (1, 0), which has small order, and a y for which there is no x.
        let (mut one, mut two) = ([0; 32], [0; 32]);
        (one[0], two[0]) = (1, 2);
        for bytes in [one, two] {
            assert_eq!(Key::ed25519_public("a", &bytes).err(), Some(InvalidKey::Public));
        }
    }

    #[test]
    fn secrets_are_not_shown_and_are_wiped() {
        fn wiped<T: ZeroizeOnDrop>() {}
        let secret = [7; 32];
        let shown = [Key::hs256("a", &secret), Key::ed25519("b", &secret)].map(Result::unwrap);
        assert_eq!(format!("{shown:?}"), "[Key(a, HS256, …), Key(b, Ed25519, …)]");

        // What HMAC keeps of a secret is the state of its two hashes. Without the features named
        // in Cargo.toml this does not compile.
        wiped::<Sha256>();
        wiped::<SigningKey>();
    }
}
