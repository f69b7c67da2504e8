//! JWS in compact form with HMAC-SHA-256, as far as receipts and links need it, and nothing more.
//!
//! One algorithm is allowed, the key is found by `kid`, the signature is checked over the bytes
//! as they came, in constant time, and before anything in the payload is believed.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The longest receipt that is read, in bytes.
pub const MAX_RECEIPT: usize = 16 * 1024;

const ALGORITHM: &str = "HS256";

/// The first check that a receipt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Longer than [`MAX_RECEIPT`].
    #[error("size: a receipt is at most {MAX_RECEIPT} bytes long")]
    Size,
    /// Not three parts in base64url, or a header of another type.
    #[error("format: this is not a receipt (a JWS of three parts in base64url)")]
    Format,
    /// Signed by an algorithm that is not allowed, `none` included.
    #[error("algorithm: only HS256 is allowed")]
    Algorithm,
    /// Signed by a key that this ring does not hold.
    #[error("key: it was signed by a key that is not held here")]
    Key,
    /// The signature does not belong to these bytes.
    #[error("signature: it does not belong to this text; something was changed")]
    Signature,
    /// Properly signed, but not a receipt.
    #[error("claims: it is properly signed, but does not state what a receipt states")]
    Claims,
}

impl Failure {
    /// The name of the check, used over HTTP.
    pub fn check(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Format => "format",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Claims => "claims",
        }
    }
}

/// Why a key or a ring cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// RFC 7518 §3.2 asks for a key at least as long as the hash.
    #[error("a key for HS256 is at least 32 bytes long (RFC 7518 §3.2)")]
    TooShort,
    /// The identifier is empty or too long.
    #[error("a key's identifier has 1 to 64 letters, digits, '-' or '_'")]
    Id,
    /// There is nothing to sign with.
    #[error("a key ring holds at least one key")]
    Empty,
    /// Which key is meant would be a guess.
    #[error("two keys of the ring have the same identifier")]
    Doubled,
}

/// A secret key with its identifier.
#[derive(Clone)]
pub struct Key {
    id: String,
    mac: Hmac<Sha256>,
}

impl Key {
    /// A key from its identifier (`kid`) and at least 32 secret bytes.
    pub fn new(id: &str, secret: &[u8]) -> Result<Self, InvalidKey> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(1..=64).contains(&id.len()) || !id.bytes().all(plain) {
            return Err(InvalidKey::Id);
        }
        if secret.len() < 32 {
            return Err(InvalidKey::TooShort);
        }
        let mac = Hmac::new_from_slice(secret).map_err(|_| InvalidKey::TooShort)?;
        Ok(Self { id: id.to_owned(), mac })
    }

    fn tag(&self, signed: &str) -> [u8; 32] {
        self.mac.clone().chain_update(signed.as_bytes()).finalize().into_bytes().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.id)
    }
}

/// The keys of a region: the first signs, all verify.
#[derive(Debug, Clone)]
pub struct KeyRing(Vec<Key>);

#[derive(Serialize, Deserialize)]
struct Header<'h> {
    alg: &'h str,
    kid: &'h str,
    typ: &'h str,
}

impl KeyRing {
    /// A ring from its keys, the current one first.
    pub fn new(keys: Vec<Key>) -> Result<Self, InvalidKey> {
        if keys.is_empty() {
            return Err(InvalidKey::Empty);
        }
        let doubled = |(i, key): (usize, &Key)| keys[..i].iter().any(|other| other.id == key.id);
        if keys.iter().enumerate().any(doubled) {
            return Err(InvalidKey::Doubled);
        }
        Ok(Self(keys))
    }

    /// Signs `payload` as a JWS of this type (`typ`, RFC 7515 §4.1.9) with the current key.
    pub fn sign(&self, typ: &str, payload: &[u8]) -> String {
        let key = &self.0[0];
        let header = serde_json::to_vec(&Header { alg: ALGORITHM, kid: &key.id, typ })
            .expect("three plain texts");
        let mut jws = BASE64URL_NOPAD.encode(&header);
        jws.push('.');
        jws.push_str(&BASE64URL_NOPAD.encode(payload));
        let tag = key.tag(&jws);
        jws.push('.');
        jws.push_str(&BASE64URL_NOPAD.encode(&tag));
        jws
    }

    /// The payload, if it is a JWS of this type and the signature is right.
    pub fn verify(&self, typ: &str, jws: &str) -> Result<Vec<u8>, Failure> {
        if jws.len() > MAX_RECEIPT {
            return Err(Failure::Size);
        }
        let (signed, signature) = jws.rsplit_once('.').ok_or(Failure::Format)?;
        let (header, payload) = signed.split_once('.').ok_or(Failure::Format)?;
        // Strict: padding, white space and stray bits at the end are refused.
        let decode =
            |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Failure::Format);
        let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
        let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| Failure::Format)?;
        if header.alg != ALGORITHM {
            return Err(Failure::Algorithm);
        }
        if header.typ != typ {
            return Err(Failure::Format);
        }
        let key = self.0.iter().find(|key| key.id == header.kid).ok_or(Failure::Key)?;
        // A missing signature has another length, and is therefore unequal.
        if bool::from(key.tag(signed).as_slice().ct_eq(&signature)) {
            Ok(payload)
        } else {
            Err(Failure::Signature)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TYPE: &str = "consent-receipt+jwt";

    fn ring(ids: &[&str]) -> KeyRing {
        let key = |id: &&str| Key::new(id, id.repeat(32).as_bytes()).unwrap();
        KeyRing::new(ids.iter().map(key).collect()).unwrap()
    }

    /// RFC 7515 appendix A.1.
    #[test]
    fn the_vector_of_the_standard() {
        let secret = BASE64URL_NOPAD
            .decode(b"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let signed = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let tag = Key::new("rfc7515", &secret).unwrap().tag(signed);
        assert_eq!(BASE64URL_NOPAD.encode(&tag), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    }

    #[test]
    fn the_first_failing_check_is_named() {
        let ring = ring(&["a"]);
        let good = ring.sign(TYPE, b"{}");
        let with_header = |header: &str| {
            let rest = good.split_once('.').unwrap().1;
            format!("{}.{rest}", BASE64URL_NOPAD.encode(header.as_bytes()))
        };
        let unsigned = good.rsplit_once('.').unwrap().0;
        for (jws, failure) in [
            (String::new(), Failure::Format),
            ("a.b".into(), Failure::Format),
            ("a".repeat(MAX_RECEIPT + 1), Failure::Size),
            (format!("{good}="), Failure::Format),
            (unsigned.to_owned(), Failure::Format),
            (format!("{unsigned}."), Failure::Signature),
            (
                with_header(r#"{"alg":"none","kid":"a","typ":"consent-receipt+jwt"}"#),
                Failure::Algorithm,
            ),
            (with_header(r#"{"alg":"HS256","kid":"b","typ":"consent-receipt+jwt"}"#), Failure::Key),
            (with_header(r#"{"alg":"HS256","kid":"a","typ":"JWT"}"#), Failure::Format),
            (
                with_header(r#"{ "alg":"HS256","kid":"a","typ":"consent-receipt+jwt"}"#),
                Failure::Signature,
            ),
        ] {
            assert_eq!(ring.verify(TYPE, &jws), Err(failure), "{jws}");
        }
    }

    #[test]
    fn keys_rotate() {
        let old = ring(&["old"]).sign(TYPE, b"{}");
        assert!(ring(&["new", "old"]).verify(TYPE, &old).is_ok());
        assert_eq!(ring(&["new"]).verify(TYPE, &old), Err(Failure::Key));
        assert_ne!(ring(&["new", "old"]).sign(TYPE, b"{}"), old);
    }

    #[test]
    fn weak_rings_are_refused() {
        assert_eq!(Key::new("a", &[0; 31]).err(), Some(InvalidKey::TooShort));
        assert_eq!(Key::new("a b", &[0; 32]).err(), Some(InvalidKey::Id));
        assert_eq!(KeyRing::new(vec![]).err(), Some(InvalidKey::Empty));
        let key = Key::new("a", &[0; 32]).unwrap();
        assert_eq!(KeyRing::new(vec![key.clone(), key]).err(), Some(InvalidKey::Doubled));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[a-zA-Z0-9_-]{0,40}(\\.[a-zA-Z0-9_-]{0,40}){0,4}") {
            prop_assert!(ring(&["a"]).verify(TYPE, &text).is_err());
        }
    }
}
