//! Keys together: which one signs, which ones verify, and which may be published.
//!
//! Not here: what a single key does (`key.rs`), and the checks of a JWS in their order (`jws.rs`).

use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

use super::jws::{self, Failure};
use super::key::{Algorithm, InvalidKey, Key};

/// Keys that verify and never sign: what a stranger has, or an auditor.
///
/// ```
/// use consent_core::receipt::Verifier;
/// use consent_core::{Key, KeyRing, Receipt};
/// # let claims: consent_core::Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS).unwrap();
/// let key = Key::ed25519("2026-a", &[7; 32])?;
/// let public = key.public().unwrap();
/// let receipt = Receipt::sign(claims, &KeyRing::new(vec![key])?)?;
///
/// let stranger = Verifier::new(vec![Key::ed25519_public("2026-a", &public)?])?;
/// assert!(Receipt::verify(receipt.as_str(), &stranger).is_ok());
/// let other = Verifier::new(vec![Key::ed25519("2026-a", &[8; 32])?])?;
/// assert!(Receipt::verify(receipt.as_str(), &other).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Verifier {
    keys: Vec<Key>,
    allowed: Vec<Algorithm>,
}

impl Verifier {
    /// A verifier from its keys, in any order. It allows their algorithms and no others.
    pub fn new(keys: Vec<Key>) -> Result<Self, InvalidKey> {
        if keys.is_empty() {
            return Err(InvalidKey::Empty);
        }
        let doubled =
            |(i, key): (usize, &Key)| keys[..i].iter().any(|other| other.id() == key.id());
        if keys.iter().enumerate().any(doubled) {
            return Err(InvalidKey::Doubled);
        }
        let allowed = keys.iter().map(Key::algorithm).collect();
        Ok(Self { keys, allowed })
    }

    /// The same keys, but only these algorithms are allowed.
    #[must_use]
    pub fn allowing(self, algorithms: &[Algorithm]) -> Self {
        Self { allowed: algorithms.to_vec(), ..self }
    }

    /// The payload, if it is a JWS of this type and every check passes. The error names the first
    /// that does not, in the order of [`Failure`].
    pub fn verify(&self, typ: &str, jws: &str) -> Result<Vec<u8>, Failure> {
        jws::verify(self, typ, jws)
    }

    /// The public keys as a JWK set (RFC 7517 §5, RFC 8037 §2), for whoever wants to verify.
    /// Keys for HS256 are secret and never in it.
    ///
    /// ```
    /// use consent_core::{Key, KeyRing};
    /// let ring = KeyRing::new(vec![Key::ed25519("b", &[7; 32])?, Key::hs256("a", &[7; 32])?])?;
    /// let keys = ring.jwks();
    /// assert_eq!(keys["keys"][0]["kid"], "b");
    /// assert!(keys["keys"].get(1).is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn jwks(&self) -> serde_json::Value {
        let jwk = |key: &Key| {
            let x = BASE64URL_NOPAD.encode(&key.public()?);
            let alg = key.algorithm().as_str();
            Some(
                json!({"kty": "OKP", "crv": "Ed25519", "alg": alg, "use": "sig", "kid": key.id(), "x": x}),
            )
        };
        json!({ "keys": self.keys.iter().filter_map(jwk).collect::<Vec<_>>() })
    }

    pub(super) fn allows(&self, algorithm: Algorithm) -> bool {
        self.allowed.contains(&algorithm)
    }

    pub(super) fn key(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id() == id)
    }
}

impl AsRef<Verifier> for Verifier {
    fn as_ref(&self) -> &Verifier {
        self
    }
}

/// The keys of a region: the first signs, all verify.
///
/// To rotate, put a new key first. The old one then only verifies; of an Ed25519 key its public
/// half is enough for that, and the secret can be destroyed.
///
/// ```
/// use consent_core::{Key, KeyRing};
/// let old = Key::ed25519("2025-a", &[7; 32])?;
/// let retired = Key::ed25519_public("2025-a", &old.public().unwrap())?;
///
/// assert!(KeyRing::new(vec![Key::ed25519("2026-a", &[8; 32])?, retired.clone()]).is_ok());
/// assert!(KeyRing::new(vec![retired]).is_err(), "nothing to sign with");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct KeyRing(Verifier);

impl KeyRing {
    /// A ring from its keys, the current one first. It allows their algorithms and no others.
    pub fn new(keys: Vec<Key>) -> Result<Self, InvalidKey> {
        let ring = Self(Verifier::new(keys)?);
        if ring.current().can_sign() { Ok(ring) } else { Err(InvalidKey::CannotSign) }
    }

    /// The same ring, but only these algorithms are allowed; that of the current key must be.
    pub fn allowing(self, algorithms: &[Algorithm]) -> Result<Self, InvalidKey> {
        let ring = Self(self.0.allowing(algorithms));
        if ring.0.allows(ring.current().algorithm()) {
            Ok(ring)
        } else {
            Err(InvalidKey::NotAllowed)
        }
    }

    /// Signs `payload` as a JWS of this type (`typ`, RFC 7515 §4.1.9) with the current key.
    pub fn sign(&self, typ: &str, payload: &[u8]) -> String {
        jws::sign(self.current(), typ, payload).expect("the current key can sign; `new` checks it")
    }

    /// As [`Verifier::verify`].
    pub fn verify(&self, typ: &str, jws: &str) -> Result<Vec<u8>, Failure> {
        self.0.verify(typ, jws)
    }

    /// As [`Verifier::jwks`].
    pub fn jwks(&self) -> serde_json::Value {
        self.0.jwks()
    }

    fn current(&self) -> &Key {
        &self.0.keys[0]
    }
}

impl AsRef<Verifier> for KeyRing {
    fn as_ref(&self) -> &Verifier {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    const TYPE: &str = "test";

    fn hs256(id: &str) -> Key {
        Key::hs256(id, id.repeat(32).as_bytes()).unwrap()
    }

    fn ed25519(id: &str) -> Key {
        Key::ed25519(id, &[id.as_bytes()[0]; 32]).unwrap()
    }

    fn public(key: &Key) -> Key {
        Key::ed25519_public(key.id(), &key.public().unwrap()).unwrap()
    }

    fn ring(keys: &[Key]) -> KeyRing {
        KeyRing::new(keys.to_vec()).unwrap()
    }

    #[test]
    fn keys_rotate() {
        for (old, retired, new) in [
            (hs256("o"), hs256("o"), hs256("n")),
            (hs256("o"), hs256("o"), ed25519("n")),
            (ed25519("o"), public(&ed25519("o")), ed25519("n")),
            (ed25519("o"), ed25519("o"), hs256("n")),
        ] {
            let jws = ring(&[old]).sign(TYPE, b"{}");
            let rotated = ring(&[new.clone(), retired]);
            assert_eq!(rotated.verify(TYPE, &jws).unwrap(), b"{}", "{rotated:?}");
            assert!(ring(slice::from_ref(&new)).verify(TYPE, &jws).is_err(), "{rotated:?}");
            // The retired key does not sign: the new one alone verifies.
            let signed = rotated.sign(TYPE, b"{}");
            assert_eq!(ring(&[new]).verify(TYPE, &signed).unwrap(), b"{}", "{rotated:?}");
        }
    }

    #[test]
    fn weak_rings_are_refused() {
        let (a, b) = (hs256("a"), ed25519("b"));
        for (keys, error) in [
            (vec![], InvalidKey::Empty),
            (vec![a.clone(), a.clone()], InvalidKey::Doubled),
            (vec![a.clone(), b.clone(), public(&b)], InvalidKey::Doubled),
            (vec![public(&b), a.clone()], InvalidKey::CannotSign),
        ] {
            assert_eq!(KeyRing::new(keys).err(), Some(error));
        }
        assert_eq!(Verifier::new(vec![]).err(), Some(InvalidKey::Empty));
        assert!(Verifier::new(vec![public(&b)]).is_ok());
        let not_allowed = ring(&[a, b]).allowing(&[Algorithm::Ed25519]).err();
        assert_eq!(not_allowed, Some(InvalidKey::NotAllowed));
    }

    #[test]
    fn only_what_is_allowed_verifies() {
        let (old, new) = (hs256("o"), ed25519("n"));
        let jws = ring(slice::from_ref(&old)).sign(TYPE, b"{}");
        let both = ring(&[new, old]);
        let strict = both.clone().allowing(&[Algorithm::Ed25519]).unwrap();
        assert!(both.verify(TYPE, &jws).is_ok());
        assert_eq!(strict.verify(TYPE, &jws), Err(Failure::Algorithm));
        assert!(strict.verify(TYPE, &strict.sign(TYPE, b"{}")).is_ok());
    }

    /// The key of RFC 8037 appendix A.1, published as in A.2.
    #[test]
    fn strangers_see_public_keys_only() {
        let seed = BASE64URL_NOPAD.decode(b"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = Key::ed25519("a", &seed.try_into().unwrap()).unwrap();
        let expected = json!({"kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "use": "sig",
            "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let keys = ring(&[key.clone(), hs256("h"), public(&ed25519("p"))]).jwks();
        assert_eq!(keys["keys"][0], expected);
        assert_eq!(keys["keys"][1]["kid"], "p");
        assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2));
        assert_eq!(Verifier::new(vec![public(&key)]).unwrap().jwks()["keys"][0], expected);
        assert_eq!(ring(&[hs256("h")]).jwks(), json!({"keys": []}));
    }
}
