//! The keys that sign notes (C2SP signed-note, Ed25519): names, identifiers, and the text that
//! hands a public key to strangers. The notes themselves are in `note.rs`.

use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek as ed25519;
use ed25519_dalek::Signer;
use sha2::{Digest as _, Sha256};

use super::hash::base64;

/// The longest name of a key, in bytes.
pub const MAX_KEY_NAME: usize = 255;

/// The byte that says Ed25519 in a key's identifier and text.
const ED25519: u8 = 1;

/// Why a key cannot be used.
///
/// ```
/// use consent_core::log::{InvalidKey, VerifierKey};
/// let error = "log.example.org+c74f20a3".parse::<VerifierKey>().unwrap_err();
/// assert_eq!(error, InvalidKey::Format);
/// assert_eq!(
///     error.to_string(),
///     "a verifier key is <name>+<8 hexadecimal digits>+<base64>, all on one line",
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// The name breaks the rules of signed-note.
    #[error(
        "a key's name has 1 to {MAX_KEY_NAME} bytes, without spaces, '+' or control characters"
    )]
    Name,
    /// Not three parts, or not the right ones.
    #[error("a verifier key is <name>+<8 hexadecimal digits>+<base64>, all on one line")]
    Format,
    /// A key of another algorithm, a witness's for example.
    #[error("only Ed25519 keys of type 1 are known here")]
    Algorithm,
    /// The bytes are no point of the curve, or one that any signature would fit.
    #[error("these bytes are not an Ed25519 public key")]
    Key,
    /// The identifier belongs to another name or key.
    #[error("the key's identifier does not belong to its name and bytes; something was changed")]
    Id,
}

/// What a log signs its checkpoints with. The secret is wiped from memory when this is dropped,
/// and `Debug` does not show it.
///
/// ```
/// use consent_core::log::SigningKey;
/// let key = SigningKey::new("log.example.org/eu", &[7; 32])?; // 32 random bytes
/// println!("Give this to whoever wants to verify: {}", key.verifier());
/// let error = SigningKey::new("not a name", &[7; 32]).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "a key's name has 1 to 255 bytes, without spaces, '+' or control characters",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SigningKey {
    secret: ed25519::SigningKey,
    verifier: VerifierKey,
}

impl SigningKey {
    /// A key from its name, which is the log's origin, and 32 secret random bytes. Wiping the
    /// caller's copy of them is the caller's matter.
    pub fn new(name: &str, secret: &[u8; 32]) -> Result<Self, InvalidKey> {
        let secret = ed25519::SigningKey::from_bytes(secret);
        let verifier = VerifierKey::new(name, secret.verifying_key())?;
        Ok(Self { secret, verifier })
    }

    /// The public half.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(super) fn sign(&self, text: &str) -> [u8; 64] {
        self.secret.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, …)", self.verifier.name)
    }
}

/// What a log's checkpoints are verified with, written `<name>+<identifier>+<base64>`.
///
/// ```
/// use consent_core::log::VerifierKey;
/// let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
/// let key: VerifierKey = text.parse()?;
/// assert_eq!(key.name(), "PeterNeumann");
/// assert_eq!(key.to_string(), text);
/// // The identifier covers the name as well.
/// assert!(text.replace("Peter", "Petra").parse::<VerifierKey>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: ed25519::VerifyingKey,
}

impl VerifierKey {
    /// A key from its name and the 32 bytes of its public half (RFC 8032 §5.1.5).
    ///
    /// ```
    /// use consent_core::log::{SigningKey, VerifierKey};
    /// let key = SigningKey::new("log.example.org/eu", &[7; 32])?;
    /// let public = key.verifier().to_bytes();
    /// assert_eq!(&VerifierKey::from_bytes("log.example.org/eu", &public)?, key.verifier());
    /// assert!(VerifierKey::from_bytes("log.example.org/eu", &[0; 32]).is_err());
    /// # Ok::<(), consent_core::log::InvalidKey>(())
    /// ```
    pub fn from_bytes(name: &str, public: &[u8; 32]) -> Result<Self, InvalidKey> {
        let key = ed25519::VerifyingKey::from_bytes(public).map_err(|_| InvalidKey::Key)?;
        Self::new(name, key)
    }

    /// The 32 bytes of the public half.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    fn new(name: &str, key: ed25519::VerifyingKey) -> Result<Self, InvalidKey> {
        if name.len() > MAX_KEY_NAME || !is_key_name(name) {
            return Err(InvalidKey::Name);
        }
        if key.is_weak() {
            return Err(InvalidKey::Key);
        }
        let hash = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize();
        Ok(Self { name: name.to_owned(), id: [hash[0], hash[1], hash[2], hash[3]], key })
    }

    /// The key's name, which is the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four bytes that, with the name, tell which key made a signature: the first of
    /// SHA-256(name ‖ `0a 01` ‖ public key).
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> bool {
        ed25519::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl FromStr for VerifierKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let (name, rest) = text.split_once('+').ok_or(InvalidKey::Format)?;
        // The base64 may hold a plus as well.
        let (id, key) = rest.split_once('+').ok_or(InvalidKey::Format)?;
        // A type and 32 bytes; keys of other algorithms are longer, but not without end.
        if id.len() != 8 || key.len() > 8 * 1024 {
            return Err(InvalidKey::Format);
        }
        let id = HEXLOWER.decode(id.as_bytes()).map_err(|_| InvalidKey::Format)?;
        let key = base64(key).ok_or(InvalidKey::Format)?;
        let key = match key.split_first() {
            Some((&ED25519, key)) => key.try_into().map_err(|_| InvalidKey::Key)?,
            Some(_) => return Err(InvalidKey::Algorithm),
            None => return Err(InvalidKey::Format),
        };
        let key = Self::from_bytes(name, key)?;
        if key.id[..] == id { Ok(key) } else { Err(InvalidKey::Id) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = BASE64.encode(&[&[ED25519][..], self.key.as_bytes()].concat());
        write!(f, "{}+{}+{key}", self.name, HEXLOWER.encode(&self.id))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

/// Whether signed-note allows this as the name of a key.
pub(super) fn is_key_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || c == '+' || c < ' ';
    !name.is_empty() && !name.contains(forbidden)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use signed_note::Verifier as _;

    use super::*;

    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    /// Keys made here are read by an independent implementation as the same keys.
    #[test]
    fn others_read_our_keys() {
        for seed in 0..20 {
            let key = SigningKey::new("log.example.org/eu", &[seed; 32]).unwrap();
            let text = key.verifier().to_string();
            assert_eq!(text.parse(), Ok(key.verifier().clone()));
            let theirs = signed_note::StandardVerifier::new(&text).unwrap();
            assert_eq!(theirs.key_id().to_be_bytes(), key.verifier().id());
            assert!(theirs.verify(b"text\n", &key.sign("text\n")));
        }
    }

    #[test]
    fn the_secret_is_wiped_and_not_shown() {
        fn is_wiped<T: zeroize::ZeroizeOnDrop>() {}
        is_wiped::<ed25519::SigningKey>();
        let key = SigningKey::new("log", b"a secret of thirty-two bytes ...").unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(log, …)");
    }

    #[test]
    fn wrong_keys_are_refused() {
        let with_bytes = |bytes: &[u8]| format!("a+00000000+{}", BASE64.encode(bytes));
        let mut weak = [0; 33];
        (weak[0], weak[1]) = (1, 1); // the neutral element
        for (text, error) in [
            (String::new(), InvalidKey::Format),
            ("a+00000000".into(), InvalidKey::Format),
            (format!(" {PETER}"), InvalidKey::Name),
            (format!("{PETER}\n"), InvalidKey::Format),
            (PETER.replace("c74f20a3", "c74f20a4"), InvalidKey::Id),
            (PETER.replace("c74f20a3", "C74F20A3"), InvalidKey::Format),
            (PETER.replace("c74f20a3", "c74f20"), InvalidKey::Format),
            (PETER.replace("PeterNeumann", "Peter"), InvalidKey::Id),
            (PETER.replace("PeterNeumann", ""), InvalidKey::Name),
            (PETER.replace("+ARpc", "+BBpc"), InvalidKey::Algorithm),
            (with_bytes(&[]), InvalidKey::Format),
            (with_bytes(&[1; 32]), InvalidKey::Key),
            (with_bytes(&[1; 34]), InvalidKey::Key),
            (with_bytes(&weak), InvalidKey::Key),
            (format!("a+00000000+{}", "A".repeat(1 << 20)), InvalidKey::Format),
        ] {
            assert_eq!(text.parse::<VerifierKey>(), Err(error), "{text:.90}");
        }
        for name in ["", "a b", "a+b", "a\n", "a\u{a0}b", "a\u{7}", &"a".repeat(256)] {
            assert_eq!(SigningKey::new(name, &[1; 32]).err(), Some(InvalidKey::Name), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), key in "[a-z]{0,3}(\\+[0-9a-f]{8}){0,2}\\+A[A-Za-z0-9+/]{43}") {
            prop_assert!(text.parse::<VerifierKey>().is_err());
            if let Ok(read) = key.parse::<VerifierKey>() {
                prop_assert_eq!(read.to_string(), key);
            }
        }
    }
}
