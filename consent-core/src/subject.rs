//! Whom a record is about, without knowing who it is.
//!
//! A subject is an opaque key. A browser's is 128 random bits; an e-mail address or a telephone
//! number becomes a keyed hash before it reaches storage, so the store alone does not tell whose
//! it was. How those two are read stands in `subject/email.rs` and `subject/phone.rs`.

mod email;
#[cfg(feature = "phone")]
mod phone;

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::SiteId;

pub use email::{EmailAddress, InvalidEmail};
#[cfg(feature = "phone")]
pub use phone::{InvalidPhone, PhoneNumber};

/// The longest text of a subject: `phone:`, `email:` or `browser:`, and 32 bytes in base64url.
const MAX_TEXT: usize = 64;

/// The key of a person, or of a browser, in one site.
///
/// Written as `browser:`, `email:` or `phone:` and base64url (RFC 4648 §5) without padding.
///
/// ```
/// use consent_core::Subject;
/// let subject = Subject::browser([7; 16]);
/// assert_eq!(subject.to_string().parse(), Ok(subject));
/// assert!("email:someone@example.org".parse::<Subject>().is_err(), "an address is not a subject");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject(Kind);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Browser([u8; 16]),
    Email([u8; 32]),
    Phone([u8; 32]),
}

/// Why a text is not a subject.
///
/// ```
/// let error = "someone@example.org".parse::<consent_core::Subject>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "a subject must be 'browser:', 'email:' or 'phone:' followed by its key in base64url",
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a subject must be 'browser:', 'email:' or 'phone:' followed by its key in base64url")]
pub struct InvalidSubject;

impl Subject {
    /// The subject of a browser, from 128 random bits made at its first grant.
    pub fn browser(random: [u8; 16]) -> Self {
        Self(Kind::Browser(random))
    }

    /// Whether this is a browser, and not a person's address or number.
    pub fn is_browser(&self) -> bool {
        matches!(self.0, Kind::Browser(_))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, key): (_, &[u8]) = match &self.0 {
            Kind::Browser(key) => ("browser", key),
            Kind::Email(key) => ("email", key),
            Kind::Phone(key) => ("phone", key),
        };
        write!(f, "{kind}:{}", BASE64URL_NOPAD.encode(key))
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Browser(_) => "Subject(browser)",
            Kind::Email(_) => "Subject(email)",
            Kind::Phone(_) => "Subject(phone)",
        })
    }
}

impl FromStr for Subject {
    type Err = InvalidSubject;
    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        if text.len() > MAX_TEXT {
            return Err(InvalidSubject);
        }
        let (kind, key) = text.split_once(':').ok_or(InvalidSubject)?;
        let key = BASE64URL_NOPAD.decode(key.as_bytes()).map_err(|_| InvalidSubject)?;
        match kind {
            "browser" => key.try_into().map(Kind::Browser),
            "email" => key.try_into().map(Kind::Email),
            "phone" => key.try_into().map(Kind::Phone),
            _ => return Err(InvalidSubject),
        }
        .map(Self)
        .map_err(|_| InvalidSubject)
    }
}

impl TryFrom<String> for Subject {
    type Error = InvalidSubject;
    fn try_from(text: String) -> Result<Self, InvalidSubject> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> String {
        subject.to_string()
    }
}

/// The secret that turns an address or a number into a subject; one for each region. Its bytes
/// are overwritten when it is dropped, and never shown.
///
/// ```
/// use consent_core::Pepper;
/// let pepper = Pepper::new([1; 32]);
/// let subject = pepper.email(&"cloud-pbs".parse()?, &"someone@example.org".parse()?);
/// let elsewhere = pepper.email(&"other".parse()?, &"someone@example.org".parse()?);
/// assert_ne!(subject, elsewhere);
/// assert_eq!(format!("{pepper:?}"), "Pepper(…)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```compile_fail,E0308
/// // A text of any other length is not a pepper.
/// consent_core::Pepper::new(*b"secret");
/// ```
#[derive(Clone)]
pub struct Pepper(Zeroizing<[u8; 32]>);

impl Pepper {
    /// A pepper from 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The subject of an address at a site. The same address at two sites gives two subjects that
    /// nobody can link without the pepper.
    pub fn email(&self, site: &SiteId, address: &EmailAddress) -> Subject {
        Subject(Kind::Email(self.key("consent subject email v1", site, address.as_str())))
    }

    /// The subject of a telephone number at a site, as of an address.
    #[cfg(feature = "phone")]
    pub fn phone(&self, site: &SiteId, number: &PhoneNumber) -> Subject {
        Subject(Kind::Phone(self.key("consent subject phone v1", site, number.as_str())))
    }

    /// HMAC-SHA-256 (RFC 2104) over kind, site and value. Neither of the first two holds a NUL
    /// byte, so the parts cannot run into one another.
    fn key(&self, kind: &str, site: &SiteId, value: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice())
            .expect("HMAC takes a key of any length (RFC 2104 §2)");
        for part in [kind, site.as_str()] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use sha2::Digest as _;

    use super::*;

    fn site(id: &str) -> SiteId {
        id.parse().unwrap()
    }

    /// HMAC as RFC 2104 §2 defines it, for keys of at most a block.
    fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
        let pad = |with: u8| {
            let mut block = [with; 64];
            block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
            block
        };
        let inner = Sha256::digest([&pad(0x36), message].concat());
        Sha256::digest([&pad(0x5c), inner.as_slice()].concat()).into()
    }

    #[test]
    fn keys_are_those_of_the_published_construction() {
        // RFC 4231 §4.3
        assert_eq!(
            hmac(b"Jefe", b"what do ya want for nothing?")[..8],
            [0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e]
        );
        let key = Pepper::new([1; 32]).key("kind", &site("a"), "value");
        assert_eq!(key, hmac(&[1; 32], b"kind\0a\0value"));
    }

    #[test]
    fn a_pepper_is_overwritten_when_dropped() {
        fn is_overwritten<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        is_overwritten(&Pepper::new([1; 32]).0);
    }

    /// What is recorded is found by these keys: they may never change.
    #[test]
    fn subjects_are_frozen() {
        let pepper = Pepper::new([1; 32]);
        for (id, value, frozen) in [
            ("a", "Some.One@example.org", "email:XYdTvVf5vDply5qrZchUCITmI9MK9YnVIXsmVs3vnKM"),
            ("cloud-pbs", "josé@exämple.org", "email:UTkeBw_Kn4jwXtoPzcQSSud6bbwUMHibl9DDKWgmja0"),
            #[cfg(feature = "phone")]
            ("a", "+33 6 12 34 56 78", "phone:mqb4Xr4ggGmk_TvyZU4_URazS_TGopyJ2kNRTj7eB5o"),
            #[cfg(feature = "phone")]
            ("cloud-pbs", "+39 06 1234 5678", "phone:lnY0pcVBgrYuHty0WfHVwHH7n_U-P-XxGF8HLQREK5g"),
        ] {
            let subject = match value.contains('@') {
                true => pepper.email(&site(id), &value.parse().unwrap()),
                #[cfg(feature = "phone")]
                false => pepper.phone(&site(id), &value.parse().unwrap()),
                #[cfg(not(feature = "phone"))]
                false => unreachable!("no numbers without the feature"),
            };
            assert_eq!(subject.to_string(), frozen, "{value}");
            assert_eq!(frozen.parse().as_ref(), Ok(&subject));
            assert!(!subject.is_browser());
        }
    }

    #[test]
    fn refuses_what_is_no_subject() {
        let (short, long) = ("A".repeat(22), "A".repeat(43));
        assert!(format!("browser:{short}").parse::<Subject>().unwrap().is_browser());
        let mut bad =
            ["", ":", "email:", "someone", "email:someone@example.org", "phone:+33612345678"]
                .map(str::to_owned)
                .to_vec();
        for kind in ["email", "phone"] {
            assert!(!format!("{kind}:{long}").parse::<Subject>().unwrap().is_browser());
            bad.extend([
                format!("{kind}:{short}"),
                format!("{kind}:{long}="),
                format!("{kind}:{long}A"),
                // The last letter holds two bits that belong to no byte.
                format!("{kind}:{}B", &long[1..]),
                format!("{kind}: {long}"),
                format!(" {kind}:{long}"),
                format!("{}:{long}", kind.to_uppercase()),
                format!("{kind}:{}", "A".repeat(1_000_000)),
            ]);
        }
        bad.extend([format!("browser:{long}"), format!("phones:{long}"), format!(":{long}")]);
        bad.extend(["A", ":", "\0", "é"].map(|part| part.repeat(1_000_000 / part.len())));
        for text in bad {
            assert_eq!(text.parse::<Subject>(), Err(InvalidSubject), "{text:.60?}");
        }
    }

    #[test]
    fn debug_output_holds_nothing_personal() {
        let address: EmailAddress = "someone@example.org".parse().unwrap();
        let subject = Pepper::new([1; 32]).email(&site("a"), &address);
        let shown = format!("{address:?} {subject:?} {:?}", Pepper::new([1; 32]));
        assert_eq!(shown, "EmailAddress(…) Subject(email) Pepper(…)");
        let phone: Subject = format!("phone:{}", "A".repeat(43)).parse().unwrap();
        assert_eq!(format!("{phone:?}"), "Subject(phone)");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(
            text in "(browser:|email:|phone:)?[A-Za-z0-9_=:\\PC-]{0,50}"
        ) {
            if let Ok(subject) = text.parse::<Subject>() {
                prop_assert_eq!(subject.to_string(), text);
            }
        }

        #[test]
        fn every_subject_is_read_as_written(bytes in any::<[u8; 32]>(), random in any::<[u8; 16]>()) {
            for kind in [Kind::Email(bytes), Kind::Phone(bytes), Kind::Browser(random)] {
                let subject = Subject(kind);
                let json = serde_json::to_string(&subject).unwrap();
                prop_assert_eq!(serde_json::from_str::<Subject>(&json).unwrap(), subject.clone());
                prop_assert_eq!(subject.to_string().parse(), Ok(subject));
            }
        }

        /// Kind, site, value and pepper each make another subject, and cannot be moved into one
        /// another.
        #[test]
        fn different_people_are_different_subjects(
            sites in proptest::collection::btree_set("[a-z0-9]([a-z0-9._-]{0,6}[a-z0-9])?", 1..4),
            values in proptest::collection::btree_set("\\PC{0,8}", 1..4),
            peppers in proptest::collection::btree_set(any::<[u8; 32]>(), 1..3),
        ) {
            let mut keys = BTreeSet::new();
            let mut count = 0;
            for pepper in &peppers {
                for kind in ["consent subject email v1", "consent subject phone v1"] {
                    for id in &sites {
                        for value in &values {
                            keys.insert(Pepper::new(*pepper).key(kind, &site(id), value));
                            count += 1;
                        }
                    }
                }
            }
            prop_assert_eq!(keys.len(), count);
        }
    }
}
