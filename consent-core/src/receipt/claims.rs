//! What a receipt states, and what makes a statement impossible.
//!
//! Not here: how it is signed (`jws.rs`), and how one receipt follows another (`chain.rs`).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use uuid::{Uuid, Variant};

use crate::policy::LegalBasis;
use crate::rules::MAX_CHOICES;
use crate::rules::Recorded;
use crate::{Digest, Method, PurposeId, RegionId, Signal, SiteId, Subject};

/// The longest issuer, in bytes.
pub const MAX_ISSUER: usize = 512;

/// The longest language tag, in bytes (RFC 5646 §4.4.1).
const MAX_LANGUAGE: usize = 35;

/// What a receipt states. Times are whole seconds since 1970, as RFC 7519 §2 has them.
///
/// Reading JSON checks its shape only; [`Claims::check`] the rest. A receipt is neither made of
/// claims that do not pass nor read from such.
///
/// ```
/// use consent_core::Claims;
/// # let json = consent_core::receipt::EXAMPLE_CLAIMS;
/// let mut claims: Claims = serde_json::from_str(json)?;
/// assert!(claims.check().is_ok());
///
/// claims.purposes.clear();
/// let error = claims.check().unwrap_err();
/// assert!(error.to_string().contains("at least one purpose"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// Where the text was shown, if that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub layer: Option<Layer>,
    /// The signals that the browser sent with the decision, each once.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub signals: Vec<Signal>,
    /// For each purpose its basis and what was decided, refusals as well as grants.
    #[serde(deserialize_with = "purposes")]
    pub purposes: BTreeMap<PurposeId, Outcome>,
    /// The digest of this subject's receipt before, if there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<Digest>,
}

/// Names a policy exactly.
///
/// ```
/// use consent_core::Claims;
/// # let mut claims: Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS)?;
/// assert_eq!((claims.policy.number, claims.check()), (1, Ok(())));
///
/// claims.policy.number = 0;
/// assert_eq!(claims.check().unwrap_err().to_string(), "policy: policies are counted from 1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRef {
    /// Its number at the site, counted from 1.
    pub number: u32,
    /// The digest of its canonical JSON.
    pub digest: Digest,
}

/// Names the text that was shown exactly.
///
/// ```
/// use consent_core::Claims;
/// # let mut claims: Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS)?;
/// assert_eq!((claims.notice.language.as_str(), claims.check()), ("en", Ok(())));
///
/// claims.notice.language = "en_GB".to_owned();
/// let error = claims.check().unwrap_err().to_string();
/// assert!(error.starts_with("notice: its language must be a BCP 47 tag"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeRef {
    /// Its language (BCP 47).
    pub language: String,
    /// The digest of its canonical JSON.
    pub digest: Digest,
}

/// What was decided about one purpose.
///
/// ```
/// use consent_core::{Recorded, receipt::Outcome};
/// let outcome: Outcome = serde_json::from_str(r#"{"basis": "consent", "state": "refused"}"#)?;
/// assert_eq!(outcome.state, Recorded::Refused);
/// let error = serde_json::from_str::<Outcome>(r#"{"state": "refused"}"#).unwrap_err();
/// assert!(error.to_string().starts_with("missing field `basis`"), "on which it was asked");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// The legal basis.
    pub basis: LegalBasis,
    /// Granted, refused or withdrawn.
    pub state: Recorded,
}

/// Where a text was shown.
///
/// ```
/// use consent_core::receipt::Layer;
/// assert_eq!(serde_json::from_str::<Layer>("\"preferences\"")?, Layer::Preferences);
/// assert!(serde_json::from_str::<Layer>("\"footer\"").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// In the banner, as a visitor first meets it.
    First,
    /// In the preferences, one step further.
    Preferences,
    /// On a page of its own.
    Page,
    /// In a mail, and on the page that its link leads to.
    Mail,
}

/// Why claims cannot be those of a receipt. The first reason found, in this order.
///
/// ```
/// use consent_core::{Claims, receipt::InvalidClaims};
/// # let claims: Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS)?;
/// let ended = Claims { exp: "2020-01-01T00:00:00Z".parse().unwrap(), ..claims };
/// let error = ended.check().unwrap_err();
/// assert_eq!(error, InvalidClaims::Expiry);
/// assert_eq!(error.to_string(), "exp: must not be before iat");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum InvalidClaims {
    /// Not the JSON of [`Claims`].
    #[error("a claim is missing, unknown, named twice or not of its type")]
    Shape,
    /// The issuer is no address.
    #[error("iss: must be 1 to {MAX_ISSUER} visible ASCII characters other than '\"' and '\\'")]
    Issuer,
    /// The identifier is of another kind.
    #[error("jti: must be a UUID of version 7 (RFC 9562 §5.7)")]
    Id,
    /// Signed, a fraction would be lost.
    #[error("iat, exp: must be whole seconds")]
    Fraction,
    /// It ended before it began.
    #[error("exp: must not be before iat")]
    Expiry,
    /// There is no policy 0.
    #[error("policy: policies are counted from 1")]
    Policy,
    /// The language is no tag.
    #[error(
        "notice: its language must be a BCP 47 tag of at most {MAX_LANGUAGE} letters and digits"
    )]
    Language,
    /// The same signal more than once.
    #[error("signals: each may be named once only")]
    Signals,
    /// Nothing was decided, or more than any policy asks.
    #[error("purposes: must name at least one purpose, and at most {MAX_CHOICES}")]
    Purposes,
}

impl Claims {
    /// Whether a receipt may state this. What passes always fits into
    /// [`MAX_RECEIPT`](super::MAX_RECEIPT) bytes.
    pub fn check(&self) -> Result<(), InvalidClaims> {
        let visible = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
        let language = &self.notice.language;
        let once = |(i, signal): (usize, &Signal)| !self.signals[..i].contains(signal);
        for (fits, otherwise) in [
            (
                (1..=MAX_ISSUER).contains(&self.iss.len()) && self.iss.bytes().all(visible),
                InvalidClaims::Issuer,
            ),
            (
                self.jti.get_version_num() == 7 && self.jti.get_variant() == Variant::RFC4122,
                InvalidClaims::Id,
            ),
            (
                self.iat.subsec_nanosecond() == 0 && self.exp.subsec_nanosecond() == 0,
                InvalidClaims::Fraction,
            ),
            (self.exp >= self.iat, InvalidClaims::Expiry),
            (self.policy.number > 0, InvalidClaims::Policy),
            (
                language.len() <= MAX_LANGUAGE && language.split('-').all(word),
                InvalidClaims::Language,
            ),
            (self.signals.iter().enumerate().all(once), InvalidClaims::Signals),
            ((1..=MAX_CHOICES).contains(&self.purposes.len()), InvalidClaims::Purposes),
        ] {
            if !fits {
                return Err(otherwise);
            }
        }
        Ok(())
    }
}

impl Layer {
    fn describe(self) -> &'static str {
        match self {
            Self::First => "in the banner",
            Self::Preferences => "in the preferences",
            Self::Page => "on a page of its own",
            Self::Mail => "in a mail",
        }
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
        for signal in &self.signals {
            writeln!(f, "  signal      {signal}")?;
        }
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
        if let Some(layer) = self.layer {
            writeln!(f, "  shown       {}", layer.describe())?;
        }
        match &self.previous {
            Some(digest) => write!(f, "  follows     the receipt with SHA-256 {digest}"),
            None => write!(f, "  follows     nothing: it is the subject's first"),
        }
    }
}

/// Reads outcomes; a purpose named twice is refused rather than read as either.
fn purposes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<PurposeId, Outcome>, D::Error> {
    struct Purposes;
    impl<'de> Visitor<'de> for Purposes {
        type Value = BTreeMap<PurposeId, Outcome>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of purposes, each with its basis and state")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut purposes = BTreeMap::new();
            while let Some((purpose, outcome)) = map.next_entry::<PurposeId, Outcome>()? {
                match purposes.entry(purpose) {
                    Entry::Vacant(place) => place.insert(outcome),
                    Entry::Occupied(place) => {
                        return Err(A::Error::custom(format!("'{}' is named twice", place.key())));
                    }
                };
            }
            Ok(purposes)
        }
    }
    deserializer.deserialize_map(Purposes)
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

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::EXAMPLE_CLAIMS;
    use super::*;

    type Change = fn(&mut Claims);

    fn example() -> Claims {
        serde_json::from_str(EXAMPLE_CLAIMS).unwrap()
    }

    #[test]
    fn the_first_impossible_claim_is_named() {
        use InvalidClaims::*;
        let cases: [(Change, Option<InvalidClaims>); 28] = [
            (|_| {}, None),
            (|c| c.iss = String::new(), Some(Issuer)),
            (|c| c.iss = "https://a b".into(), Some(Issuer)),
            (|c| c.iss = "\"".into(), Some(Issuer)),
            (|c| c.iss = "\\".into(), Some(Issuer)),
            (|c| c.iss = "é".into(), Some(Issuer)),
            (|c| c.iss = "a".repeat(MAX_ISSUER), None),
            (|c| c.iss = "a".repeat(MAX_ISSUER + 1), Some(Issuer)),
            (|c| c.jti = Uuid::nil(), Some(Id)),
            (|c| c.jti = uuid::uuid!("01890a5d-ac96-474b-bcce-b302099a8057"), Some(Id)),
            (|c| c.jti = uuid::uuid!("01890a5d-ac96-774b-0cce-b302099a8057"), Some(Id)),
            (|c| c.iat -= SignedDuration::from_millis(500), Some(Fraction)),
            (|c| c.exp += SignedDuration::from_millis(500), Some(Fraction)),
            (|c| c.exp = c.iat, None),
            (|c| c.exp = c.iat - SignedDuration::from_secs(1), Some(Expiry)),
            (|c| c.policy.number = 0, Some(Policy)),
            (|c| c.notice.language = "zh-Hant-CN-x-private1-private2-abcd".into(), None),
            (|c| c.notice.language = "zh-Hant-CN-x-private1-private2-abcde".into(), Some(Language)),
            (|c| c.notice.language = String::new(), Some(Language)),
            (|c| c.notice.language = "en-".into(), Some(Language)),
            (|c| c.notice.language = "en_GB".into(), Some(Language)),
            (|c| c.signals = vec![Signal::Dnt, Signal::Gpc], None),
            (|c| c.signals = vec![Signal::Gpc, Signal::Gpc], Some(Signals)),
            (|c| c.signals = vec![Signal::Gpc, Signal::Dnt, Signal::Gpc], Some(Signals)),
            (|c| c.purposes.clear(), Some(Purposes)),
            (|c| c.purposes = many(MAX_CHOICES), None),
            (|c| c.purposes = many(MAX_CHOICES + 1), Some(Purposes)),
            // Of two the first is told.
            (|c| (c.policy.number, c.iss) = (0, String::new()), Some(Issuer)),
        ];
        for (i, (change, expected)) in cases.into_iter().enumerate() {
            let mut claims = example();
            change(&mut claims);
            assert_eq!(claims.check().err(), expected, "case {i}");
        }
    }

    fn many(count: usize) -> BTreeMap<PurposeId, Outcome> {
        let outcome = Outcome { basis: LegalBasis::Consent, state: Recorded::Granted };
        (0..count).map(|i| (format!("p{i:063}").parse().unwrap(), outcome)).collect()
    }

    /// Every member at every depth: gone, unknown, and twice.
    #[test]
    fn the_shape_is_exact() {
        let outcome = r#"{"basis": "consent", "state": "granted"}"#;
        for (from, to) in [
            (r#""iat": 1767225600, "#, ""),
            (r#""iat": 1767225600"#, r#""iat": "1767225600""#),
            (r#""iat": 1767225600"#, r#""iat": 1767225600.5"#),
            (r#""iat": 1767225600"#, r#""iat": 9223372036854775807"#),
            (r#""iat": 1767225600"#, r#""iat": 1767225600, "nbf": 0"#),
            (r#""iat": 1767225600"#, r#""iat": 1767225600, "iat": 1767225600"#),
            (r#""number": 1"#, r#""number": 1, "number": 1"#),
            (r#""number": 1"#, r#""number": 1, "name": "x""#),
            (r#""language": "en""#, r#""language": "en", "language": "en""#),
            (r#""language": "en""#, r#""language": "en", "colour": 1"#),
            (r#""basis": "consent""#, r#""basis": "consent", "basis": "consent""#),
            (r#""basis": "consent""#, r#""basis": "consent", "x": 1"#),
            (outcome, &format!(r#"{outcome}, "analytics": {outcome}"#)),
            (&format!(r#"{{"analytics": {outcome}}}"#), "[]"),
            (r#""method""#, r#""signals": ["GPC"], "method""#),
            (r#""method""#, r#""signals": [], "signals": [], "method""#),
            (r#""method""#, r#""layer": "second", "method""#),
        ] {
            let json = EXAMPLE_CLAIMS.replacen(from, to, 1);
            assert_ne!(json, EXAMPLE_CLAIMS, "{from}");
            assert!(serde_json::from_str::<Claims>(&json).is_err(), "{to}");
        }
        let list = EXAMPLE_CLAIMS.replace(&format!(r#"{{"analytics": {outcome}}}"#), "[]");
        let error = serde_json::from_str::<Claims>(&list).unwrap_err().to_string();
        assert!(error.contains("expected an object of purposes, each with its basis"), "{error}");
    }

    #[test]
    fn people_can_read_it() {
        let mut claims = example();
        let plain = claims.to_string();
        for line in [
            "issued by   https://consent.example.org for the site example, kept in eu\n",
            "issued at   2026-01-01T00:00:00Z\n",
            "purpose     analytics: granted (basis: consent)\n",
            "follows     nothing: it is the subject's first",
        ] {
            assert!(plain.contains(line), "{plain}");
        }
        assert!(!plain.contains("shown       ") && !plain.contains("signal "), "{plain}");

        claims.previous = Some(Digest::of(b""));
        claims.signals = vec![Signal::Gpc, Signal::Dnt];
        for (layer, shown) in [
            (Layer::First, "in the banner"),
            (Layer::Preferences, "in the preferences"),
            (Layer::Page, "on a page of its own"),
            (Layer::Mail, "in a mail"),
        ] {
            claims.layer = Some(layer);
            let text = claims.to_string();
            assert!(text.contains(&format!("\n  shown       {shown}\n")), "{text}");
            assert!(text.contains("\n  signal      Global Privacy Control\n"), "{text}");
            assert!(text.contains("\n  signal      Do Not Track\n"), "{text}");
            assert!(text.ends_with(&Digest::of(b"").to_string()), "{text}");
        }
    }
}
