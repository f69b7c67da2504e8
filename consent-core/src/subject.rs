//! Whom a record is about, without knowing who it is.
//!
//! A subject is an opaque key. A browser's is 128 random bits; an e-mail address becomes a keyed
//! hash before it reaches storage, so the store alone does not tell whose address it was. How an
//! address is read stands in `subject/email.rs`.

mod email;

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::SiteId;

pub use email::{EmailAddress, InvalidEmail};

/// The key of a person, or of a browser, in one site.
///
/// Written as `browser:` or `email:` and base64url without padding.
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
}

/// Why a text is not a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a subject must be 'browser:' or 'email:' followed by its key in base64url")]
pub struct InvalidSubject;

impl Subject {
    /// The subject of a browser, from 128 random bits made at its first grant.
    pub fn browser(random: [u8; 16]) -> Self {
        Self(Kind::Browser(random))
    }

    /// Whether this is a browser, and not an address.
    pub fn is_browser(&self) -> bool {
        matches!(self.0, Kind::Browser(_))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, key): (_, &[u8]) = match &self.0 {
            Kind::Browser(key) => ("browser", key),
            Kind::Email(key) => ("email", key),
        };
        write!(f, "{kind}:{}", BASE64URL_NOPAD.encode(key))
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Browser(_) => "Subject(browser)",
            Kind::Email(_) => "Subject(email)",
        })
    }
}

impl FromStr for Subject {
    type Err = InvalidSubject;
    fn from_str(text: &str) -> Result<Self, InvalidSubject> {
        let (kind, key) = text.split_once(':').ok_or(InvalidSubject)?;
        let key = BASE64URL_NOPAD.decode(key.as_bytes()).map_err(|_| InvalidSubject)?;
        match kind {
            "browser" => key.try_into().map(Kind::Browser),
            "email" => key.try_into().map(Kind::Email),
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

/// The secret that turns an address into a subject; one for each region.
#[derive(Clone)]
pub struct Pepper([u8; 32]);

impl Pepper {
    /// A pepper from 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The subject of an address at a site: HMAC-SHA-256 (RFC 2104) over a fixed prefix, the site
    /// and the address. The same address at two sites gives two subjects that nobody can link
    /// without the pepper.
    pub fn email(&self, site: &SiteId, address: &EmailAddress) -> Subject {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .expect("HMAC takes a key of any length (RFC 2104 §2)");
        // A site identifier holds no NUL byte, so the parts cannot run into one another.
        for part in ["consent subject email v1", site.as_str()] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac.update(address.as_str().as_bytes());
        Subject(Kind::Email(mac.finalize().into_bytes().into()))
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn site(id: &str) -> SiteId {
        id.parse().unwrap()
    }

    #[test]
    fn one_box_is_one_subject_at_one_site() {
        let pepper = Pepper::new([1; 32]);
        let subject = |s: &str, a: &str| pepper.email(&site(s), &a.parse().unwrap());
        let one = subject("a", "some.one@example.org");
        assert_eq!(one, subject("a", "Some.One@Example.ORG"));
        assert_ne!(one, subject("a", "someone@example.org"));
        assert_ne!(one, subject("b", "some.one@example.org"));
        let other = Pepper::new([2; 32]);
        assert_ne!(one, other.email(&site("a"), &"some.one@example.org".parse().unwrap()));
    }

    #[test]
    fn debug_output_holds_nothing_personal() {
        let address: EmailAddress = "someone@example.org".parse().unwrap();
        let subject = Pepper::new([1; 32]).email(&site("a"), &address);
        let shown = format!("{address:?} {subject:?} {:?}", Pepper::new([1; 32]));
        assert!(!shown.contains("someone") && !shown.contains(&subject.to_string()[6..]));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,64}") {
            let _ = text.parse::<Subject>();
        }
    }
}
