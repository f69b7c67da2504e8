//! Whom a record is about, without knowing who it is.
//!
//! A subject is an opaque key. A browser's is 128 random bits; an e-mail address becomes a keyed
//! hash before it reaches storage, so the store alone does not tell whose address it was.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::SiteId;

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
        mac.update(address.0.as_bytes());
        Subject(Kind::Email(mac.finalize().into_bytes().into()))
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(…)")
    }
}

/// An e-mail address in its normal form: domain in small ASCII letters (IDNA), local part as it
/// was written in small letters. Nothing is guessed about dots or `+`.
///
/// ```
/// use consent_core::subject::EmailAddress;
/// let address: EmailAddress = " Someone@EXÄMPLE.org ".parse()?;
/// assert_eq!(address.as_str(), "someone@xn--exmple-cua.org");
/// assert!("someone".parse::<EmailAddress>().is_err());
/// # Ok::<(), consent_core::subject::InvalidEmail>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct EmailAddress(String);

/// Why a text is not an e-mail address. The text itself is left out: it may be personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// RFC 5321 §4.5.3.1 allows 254 bytes.
    #[error("an e-mail address is at most 254 bytes long")]
    TooLong,
    /// No `@`, or nothing on one side of it.
    #[error("an e-mail address is written name@domain")]
    NoAt,
    /// The part before the `@` has a character that needs quoting, or misplaced dots.
    #[error("the part before the @ has a character that is not allowed there")]
    LocalPart,
    /// The part after the `@` is not a domain name.
    #[error("the part after the @ is not a domain name")]
    Domain,
}

impl EmailAddress {
    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        if text.len() > 254 {
            return Err(InvalidEmail::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail::NoAt)?;
        if local.is_empty() || domain.is_empty() {
            return Err(InvalidEmail::NoAt);
        }
        // The dot-atom of RFC 5322 §3.2.3, with the letters beyond ASCII of RFC 6531.
        let allowed = |c: char| {
            c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c) || !c.is_ascii()
        };
        let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
        if dots || !local.chars().all(|c| allowed(c) && !c.is_control() && !c.is_whitespace()) {
            return Err(InvalidEmail::LocalPart);
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| InvalidEmail::Domain)?;
        if !domain.contains('.') && domain != "localhost" || domain.ends_with('.') {
            return Err(InvalidEmail::Domain);
        }
        // Small letters, because providers in practice hold Some.One and some.one to be one box:
        // a withdrawal must reach whoever was written to, however the address was typed.
        let address = format!("{}@{domain}", local.to_lowercase());
        if address.len() > 254 {
            return Err(InvalidEmail::TooLong);
        }
        Ok(Self(address))
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
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
    fn refuses_what_is_no_address() {
        let long = format!("{}@example.org", "a".repeat(250));
        for bad in [
            "",
            "a",
            "@",
            "a@",
            "@b.org",
            "a b@c.org",
            "a\0@c.org",
            ".a@c.org",
            "a..b@c.org",
            "a@b",
            "a@b_c.org",
            "a@-b.org",
            "a@b.org.",
            "a@b@c",
            "\"a\"@b.org",
            "a\n@b.org",
            long.as_str(),
        ] {
            assert!(bad.parse::<EmailAddress>().is_err(), "{bad:?}");
        }
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
            if let Ok(address) = text.parse::<EmailAddress>() {
                // The normal form is its own normal form.
                prop_assert_eq!(address.as_str().parse(), Ok(address.clone()));
            }
            let _ = text.parse::<Subject>();
        }
    }
}
