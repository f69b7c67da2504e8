//! JWS in compact form (RFC 7515 §3.1), as far as receipts and links need it, and nothing more.
//!
//! The header is exactly `alg`, `kid` and `typ`. The key is found by `kid` and bound to its own
//! algorithm, whatever the header says. The signature is checked over the bytes as they came, and
//! before anything in the payload is believed.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::InvalidClaims;
use super::key::{Algorithm, Key};
use super::ring::Verifier;

/// The longest receipt that is read, in bytes.
pub const MAX_RECEIPT: usize = 16 * 1024;

/// The first check that a receipt failed. Checks are made in this order, and of two failures the
/// greater one came further.
///
/// ```
/// use consent_core::receipt::{Failure, Verifier};
/// use consent_core::Key;
/// let verifier = Verifier::new(vec![Key::hs256("2026-a", &[7; 32])?])?;
/// let failure = verifier.verify("consent-receipt+jwt", "no receipt").unwrap_err();
/// assert_eq!(
///     failure.to_string(),
///     "format: this is not a receipt (a JWS of three parts in base64url)",
/// );
/// assert_eq!(failure.check(), "format");
/// assert!(failure < Failure::Signature);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Failure {
    /// Longer than [`MAX_RECEIPT`].
    #[error("size: a receipt is at most {MAX_RECEIPT} bytes long")]
    Size,
    /// Not three parts in base64url, or a header that is not exactly `alg`, `kid` and `typ`.
    #[error("format: this is not a receipt (a JWS of three parts in base64url)")]
    Format,
    /// A JWS of another type (RFC 8725 §3.11), such as a link.
    #[error("type: this is signed, but as something else than a receipt")]
    Type,
    /// Its algorithm is not allowed, `none` included, or is not the one that its key is for.
    #[error("algorithm: it names one that is not allowed here, or not for its key")]
    Algorithm,
    /// Signed by a key that is not held here.
    #[error("key: it was signed by a key that is not held here")]
    Key,
    /// The signature does not belong to these bytes.
    #[error("signature: it does not belong to this text; something was changed")]
    Signature,
    /// Properly signed, but it does not state what a receipt states.
    #[error("claims: it is properly signed, but {0}")]
    Claims(InvalidClaims),
}

impl Failure {
    /// The name of the check, used over HTTP.
    pub fn check(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Format => "format",
            Self::Type => "type",
            Self::Algorithm => "algorithm",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Claims(_) => "claims",
        }
    }
}

/// Extensions that must be understood (`crit`, RFC 7515 §4.1.11), keys brought along (`jwk`,
/// `jku`) and unencoded payloads (`b64`) are refused like any other member not named here.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'h> {
    alg: &'h str,
    kid: &'h str,
    typ: &'h str,
}

/// `payload` signed by `key`, unless it is a public one. `typ` is plain ASCII without quotes.
pub(super) fn sign(key: &Key, typ: &str, payload: &[u8]) -> Option<String> {
    let header = serde_json::to_vec(&Header { alg: key.algorithm().as_str(), kid: key.id(), typ })
        .expect("three plain texts");
    let mut jws = BASE64URL_NOPAD.encode(&header);
    jws.push('.');
    BASE64URL_NOPAD.encode_append(payload, &mut jws);
    let signature = key.sign(jws.as_bytes())?;
    jws.push('.');
    BASE64URL_NOPAD.encode_append(&signature, &mut jws);
    Some(jws)
}

/// The payload, if every check passes.
pub(super) fn verify(keys: &Verifier, typ: &str, jws: &str) -> Result<Vec<u8>, Failure> {
    if jws.len() > MAX_RECEIPT {
        return Err(Failure::Size);
    }
    let (signed, signature) = jws.rsplit_once('.').ok_or(Failure::Format)?;
    let (header, payload) = signed.split_once('.').ok_or(Failure::Format)?;
    // Strict: padding, white space and stray bits at the end are refused.
    let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Failure::Format);
    let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
    let header: Header<'_> = object(&header).ok_or(Failure::Format)?;
    if header.typ != typ {
        return Err(Failure::Type);
    }
    let algorithm: Algorithm = header.alg.parse().map_err(|_| Failure::Algorithm)?;
    if !keys.allows(algorithm) {
        return Err(Failure::Algorithm);
    }
    let key = keys.key(header.kid).ok_or(Failure::Key)?;
    if key.algorithm() != algorithm {
        return Err(Failure::Algorithm);
    }
    if key.verifies(signed.as_bytes(), &signature) { Ok(payload) } else { Err(Failure::Signature) }
}

/// A JSON object. serde would also read the fields of a struct from an array, in their order.
pub(super) fn object<'j, T: Deserialize<'j>>(json: &'j [u8]) -> Option<T> {
    if !json.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;
    use sha2::Sha256;

    use super::super::KeyRing;
    use super::*;

    const TYPE: &str = "consent-receipt+jwt";

    fn ring() -> KeyRing {
        let keys = [Key::ed25519("e", &[1; 32]), Key::hs256("h", &[2; 32])];
        KeyRing::new(keys.map(Result::unwrap).into()).unwrap()
    }

    fn encode(bytes: &[u8]) -> String {
        BASE64URL_NOPAD.encode(bytes)
    }

    fn decode<const N: usize>(text: &str) -> [u8; N] {
        BASE64URL_NOPAD.decode(text.as_bytes()).unwrap().try_into().unwrap()
    }

    /// A JWS with this header, signed as its key signs.
    fn with_header(key: &Key, header: &str) -> String {
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(b"{}"));
        let signature = key.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode(&signature))
    }

    /// RFC 7515 appendix A.1.
    #[test]
    fn the_hs256_vector_of_the_standard() {
        let secret = decode::<64>(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        );
        let signed = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let tag = decode::<32>("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let key = Key::hs256("rfc7515", &secret).unwrap();
        assert_eq!(key.sign(signed).unwrap(), tag);
        assert!(key.verifies(signed, &tag));
    }

    /// RFC 8037 appendices A.4 and A.5.
    #[test]
    fn the_ed25519_vector_of_the_standard() {
        let seed = decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let public = decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        let signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = decode::<64>(
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        );
        let key = Key::ed25519("rfc8037", &seed).unwrap();
        assert_eq!(key.sign(signed).unwrap(), signature);
        assert_eq!(key.public(), Some(public));
        let stranger = Key::ed25519_public("rfc8037", &public).unwrap();
        assert!(stranger.verifies(signed, &signature));
        assert!(stranger.sign(signed).is_none());
    }

    #[test]
    fn the_first_failing_check_is_named() {
        let ring = ring();
        let good = ring.sign(TYPE, b"{}");
        assert_eq!(ring.verify(TYPE, &good).unwrap(), b"{}");
        let (unsigned, signature) = good.rsplit_once('.').unwrap();
        for (jws, failure) in [
            (String::new(), Failure::Format),
            ("a.b".into(), Failure::Format),
            ("a".repeat(1_000_000), Failure::Size),
            (".".repeat(MAX_RECEIPT + 1), Failure::Size),
            (".".repeat(MAX_RECEIPT), Failure::Format),
            (format!("{good}="), Failure::Format),
            (format!("{good}.{signature}"), Failure::Format),
            (unsigned.to_owned(), Failure::Format),
            (format!("{unsigned}."), Failure::Signature),
            (format!("{unsigned}.{}", encode(&[0; 63])), Failure::Signature),
            (format!("{unsigned}.{}", encode(&[0; 64])), Failure::Signature),
        ] {
            assert_eq!(ring.verify(TYPE, &jws), Err(failure), "{jws:.80}");
        }
        assert_eq!(ring.verify("link", &good), Err(Failure::Type));
    }

    #[test]
    fn a_header_is_exactly_three_members() {
        let [e, h] = [Key::ed25519("e", &[1; 32]), Key::hs256("h", &[2; 32])].map(Result::unwrap);
        let typ = r#""typ":"consent-receipt+jwt""#;
        for (key, header, expected) in [
            (&e, format!(r#"{{"alg":"Ed25519","kid":"e",{typ}}}"#), Ok(())),
            (&h, format!(r#"{{"alg":"HS256","kid":"h",{typ}}}"#), Ok(())),
            (&h, format!(r#" {{ {typ}, "kid":"h","alg":"HS256" }}"#), Ok(())),
            // Every failure is told although the signature is right.
            (&h, r#"{"alg":"HS256","kid":"h","typ":"JWT"}"#.into(), Err(Failure::Type)),
            (&h, format!(r#"{{"alg":"none","kid":"h",{typ}}}"#), Err(Failure::Algorithm)),
            (&h, format!(r#"{{"alg":"hs256","kid":"h",{typ}}}"#), Err(Failure::Algorithm)),
            (&e, format!(r#"{{"alg":"EdDSA","kid":"e",{typ}}}"#), Err(Failure::Algorithm)),
            (&e, format!(r#"{{"alg":"HS256","kid":"e",{typ}}}"#), Err(Failure::Algorithm)),
            (&h, format!(r#"{{"alg":"Ed25519","kid":"h",{typ}}}"#), Err(Failure::Algorithm)),
            (&h, format!(r#"{{"alg":"HS256","kid":"x",{typ}}}"#), Err(Failure::Key)),
            (&h, r#"{"alg":"HS256","kid":"h"}"#.into(), Err(Failure::Format)),
            (&h, format!(r#"{{"alg":"HS256",{typ}}}"#), Err(Failure::Format)),
            (&h, format!(r#"{{"kid":"h",{typ}}}"#), Err(Failure::Format)),
            (&h, r#"["HS256","h","consent-receipt+jwt"]"#.into(), Err(Failure::Format)),
            (
                &h,
                format!(r#"{{"alg":"HS256","alg":"HS256","kid":"h",{typ}}}"#),
                Err(Failure::Format),
            ),
            (&h, format!(r#"{{"alg":"HS256","kid":"h","kid":"h",{typ}}}"#), Err(Failure::Format)),
            (&h, format!(r#"{{"alg":"HS256","kid":"h",{typ},{typ}}}"#), Err(Failure::Format)),
            (&h, format!(r#"{{"alg":"HS256","kid":"h",{typ}}} x"#), Err(Failure::Format)),
        ] {
            let result = ring().verify(TYPE, &with_header(key, &header)).map(|_| ());
            assert_eq!(result, expected, "{header}");
        }
        for member in [
            r#""crit":["b64"]"#,
            r#""b64":false"#,
            r#""jwk":{}"#,
            r#""jku":"https://example.org""#,
            r#""x5c":[]"#,
            r#""zip":"DEF""#,
        ] {
            let header = format!(r#"{{"alg":"HS256","kid":"h",{typ},{member}}}"#);
            let result = ring().verify(TYPE, &with_header(&h, &header));
            assert_eq!(result, Err(Failure::Format), "{header}");
        }
    }

    /// The attack on libraries that let the header choose: a public key taken for a secret.
    #[test]
    fn a_public_key_is_no_secret() {
        let public = Key::ed25519("e", &[1; 32]).unwrap().public().unwrap();
        let header = format!(r#"{{"alg":"HS256","kid":"e","typ":"{TYPE}"}}"#);
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(b"{}"));
        let mac = Hmac::<Sha256>::new_from_slice(&public).unwrap();
        let tag = mac.chain_update(signed.as_bytes()).finalize().into_bytes();
        let forged = format!("{signed}.{}", encode(&tag));

        assert_eq!(ring().verify(TYPE, &forged), Err(Failure::Algorithm));
        let stranger = Verifier::new(vec![Key::ed25519_public("e", &public).unwrap()]).unwrap();
        assert_eq!(stranger.verify(TYPE, &forged), Err(Failure::Algorithm));
        // Even if HS256 is allowed: no key of this ring is for it.
        let both = stranger.allowing(&[Algorithm::Hs256, Algorithm::Ed25519]);
        assert_eq!(both.verify(TYPE, &forged), Err(Failure::Algorithm));
    }

    /// A signature (R, S + L) fits the same equation as (R, S) (RFC 8032 §8.4).
    #[test]
    fn a_signature_has_one_form() {
        const ORDER: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
            0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let key = Key::ed25519("e", &[1; 32]).unwrap();
        let mut signature = key.sign(b"text").unwrap();
        assert!(key.verifies(b"text", &signature));
        let mut carry = 0;
        for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            [*byte, _] = sum.to_le_bytes();
            carry = sum >> 8;
        }
        assert!(!key.verifies(b"text", &signature));
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(payload: Vec<u8>, secret: [u8; 32]) {
            for key in [Key::hs256("k", &secret), Key::ed25519("k", &secret)] {
                let ring = KeyRing::new(vec![key.unwrap()]).unwrap();
                let jws = ring.sign(TYPE, &payload);
                prop_assert_eq!(ring.verify(TYPE, &jws), Ok(payload.clone()));
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[a-zA-Z0-9_-]{0,40}(\\.[a-zA-Z0-9_-]{0,40}){0,4}") {
            prop_assert!(ring().verify(TYPE, &text).is_err());
        }

        #[test]
        fn any_header_is_read_without_panic(header: Vec<u8>) {
            let key = Key::hs256("h", &[2; 32]).unwrap();
            let jws = with_header(&key, &String::from_utf8_lossy(&header));
            prop_assert_eq!(ring().verify(TYPE, &jws), Err(Failure::Format));
        }
    }
}
