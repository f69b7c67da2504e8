//! The text of a keys file: what may stand in it.
//!
//! No fault tells a value, since any value may be a secret in the wrong place. Whatever holds one
//! wipes it when it is dropped. Not here: where the text is kept (`place.rs`), which key signs when
//! (`schedule.rs`), and changes to the text (`edit.rs`).

use consent_core::document::{Document, Faults, FromToml, Value};
use consent_core::receipt::{Algorithm, InvalidKey};
use consent_core::{Key, Timestamp, read_table};
use data_encoding::BASE64URL_NOPAD;
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Signs receipts.
    Receipt,
    /// Signs the links sent by mail.
    Link,
    /// Signs the checkpoints of the log.
    Log,
}

impl KeyKind {
    /// All kinds, in the order in which files hold them.
    pub const ALL: [Self; 3] = [Self::Receipt, Self::Link, Self::Log];

    /// The name of its tables in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Link => "link",
            Self::Log => "log",
        }
    }

    /// What its keys sign.
    pub fn signed(self) -> &'static str {
        match self {
            Self::Receipt => "receipts",
            Self::Link => "links",
            Self::Log => "checkpoints",
        }
    }

    /// The algorithm of a key that names none.
    pub(super) fn usual(self) -> Algorithm {
        match self {
            Self::Receipt | Self::Link => Algorithm::Hs256,
            Self::Log => Algorithm::Ed25519,
        }
    }

    /// Whether keys of this kind may be of that algorithm.
    pub(super) fn takes(self, algorithm: Algorithm) -> bool {
        self == Self::Receipt || algorithm == self.usual()
    }
}

/// A keys file that was read.
pub(super) struct KeyFile {
    /// Turns addresses into subjects.
    pub(super) pepper: Zeroizing<[u8; 32]>,
    /// The keys of all kinds, those of one kind in their order.
    pub(super) keys: Vec<Entry>,
}

/// One key of the file.
pub(super) struct Entry {
    pub(super) facts: KeyFacts,
    pub(super) half: Half,
}

/// What may be told of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyFacts {
    /// What it is for.
    pub kind: KeyKind,
    /// Its identifier.
    pub kid: String,
    /// What it signs with.
    #[serde(serialize_with = "name")]
    pub algorithm: Algorithm,
    /// It signs from then on; always, if nothing is said.
    pub from: Option<Timestamp>,
    /// From then on it only verifies.
    pub retired: Option<Timestamp>,
    /// Its secret was removed then, and nothing is left that verifies.
    pub destroyed: Option<Timestamp>,
    /// Whether its secret is here.
    #[serde(skip)]
    pub secret: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn name<S: Serializer>(algorithm: &Algorithm, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(algorithm.as_str())
}

/// What is there of a key.
pub(super) enum Half {
    /// Signs and verifies.
    Secret(Zeroizing<[u8; 32]>),
    /// Verifies.
    Public([u8; 32]),
    /// Neither.
    Destroyed,
}

impl KeyFile {
    pub(super) fn parse(text: &str) -> Result<Self, Faults> {
        let (file, mut document) = Document::read::<File>(text)?;
        let File { pepper, receipt, link, log } = file;
        let mut keys = Vec::new();
        for (kind, sections) in KeyKind::ALL.into_iter().zip([receipt, link, log]) {
            for (i, section) in sections.into_iter().enumerate() {
                let path = format!("{}[{i}]", kind.as_str());
                let Some(entry) = section.entry(kind, &path, &mut document) else { continue };
                let doubled =
                    |other: &Entry| other.facts.kind == kind && other.facts.kid == entry.facts.kid;
                if keys.iter().any(doubled) {
                    document.fault(format!("{path}.kid"), InvalidKey::Doubled.to_string());
                }
                keys.push(entry);
            }
        }
        document.finish(Self { pepper: pepper.0, keys })
    }

    pub(super) fn of(&self, kind: KeyKind) -> impl Iterator<Item = &Entry> {
        self.keys.iter().filter(move |entry| entry.facts.kind == kind)
    }
}

impl Entry {
    /// The key, unless it was destroyed.
    pub(super) fn key(&self) -> Option<Result<Key, InvalidKey>> {
        let KeyFacts { kid, algorithm, .. } = &self.facts;
        Some(match (&self.half, algorithm) {
            (Half::Secret(secret), Algorithm::Hs256) => Key::hs256(kid, &**secret),
            (Half::Secret(seed), Algorithm::Ed25519) => Key::ed25519(kid, seed),
            (Half::Public(public), _) => Key::ed25519_public(kid, public),
            (Half::Destroyed, _) => return None,
        })
    }
}

read_table!(File { pepper, receipt, link, log = Vec::new() });
read_table!(Section {
    kid,
    algorithm = None,
    secret = None,
    public = None,
    destroyed = None,
    from = None,
    retired = None,
});

struct File {
    pepper: Bytes,
    receipt: Vec<Section>,
    link: Vec<Section>,
    log: Vec<Section>,
}

struct Section {
    kid: Kid,
    algorithm: Option<Named>,
    secret: Option<Bytes>,
    public: Option<Bytes>,
    destroyed: Option<Moment>,
    from: Option<Moment>,
    retired: Option<Moment>,
}

impl Section {
    fn entry(self, kind: KeyKind, path: &str, document: &mut Document<'_>) -> Option<Entry> {
        let algorithm = self.algorithm.map_or(kind.usual(), |Named(algorithm)| algorithm);
        if !kind.takes(algorithm) {
            let message = format!("a key of this kind is for {}", kind.usual().as_str());
            document.fault(format!("{path}.algorithm"), message);
            return None;
        }
        let moment = |moment: Option<Moment>| moment.map(|Moment(at)| at);
        let destroyed = moment(self.destroyed);
        let half = match (self.secret, self.public, destroyed) {
            (Some(Bytes(secret)), None, None) => Half::Secret(secret),
            (None, Some(Bytes(public)), None) if algorithm == Algorithm::Ed25519 => {
                Half::Public(*public)
            }
            (None, Some(_), None) => {
                document.fault(format!("{path}.public"), "a key for HS256 has no public half");
                return None;
            }
            (None, None, Some(_)) => Half::Destroyed,
            _ => {
                document.fault(path, "has to have one of secret, public and destroyed");
                return None;
            }
        };
        let facts = KeyFacts {
            kind,
            kid: self.kid.0,
            algorithm,
            from: moment(self.from),
            retired: moment(self.retired),
            destroyed,
            secret: matches!(half, Half::Secret(_)),
        };
        let entry = Entry { facts, half };
        if let Some(Err(error)) = entry.key() {
            document.fault(path, error.to_string());
            return None;
        }
        Some(entry)
    }
}

/// 32 bytes in base64url.
struct Bytes(Zeroizing<[u8; 32]>);

impl FromToml for Bytes {
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
        let decoded = match value {
            Value::String(text) => decode(&Zeroizing::new(text)),
            _ => None,
        };
        if decoded.is_none() {
            document.fault(path, "must be 32 bytes in base64url: 43 letters, digits, '-' or '_'");
        }
        decoded.map(Self)
    }
}

fn decode(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut bytes = Zeroizing::new([0; 32]);
    if BASE64URL_NOPAD.decode_len(text.len()) != Ok(bytes.len()) {
        return None;
    }
    BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut *bytes).ok()?;
    Some(bytes)
}

struct Kid(String);

impl FromToml for Kid {
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
        if let Value::String(text) = value {
            return Some(Self(text));
        }
        document.fault(path, InvalidKey::Id.to_string());
        None
    }
}

struct Named(Algorithm);

impl FromToml for Named {
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
        let named = value.as_str().and_then(|name| name.parse().ok());
        if named.is_none() {
            document.fault(path, "must be \"HS256\" or \"Ed25519\"");
        }
        named.map(Self)
    }
}

/// A time, as a text or as TOML writes it.
struct Moment(Timestamp);

impl FromToml for Moment {
    fn from_toml(value: Value, path: &str, document: &mut Document<'_>) -> Option<Self> {
        let moment = match value {
            Value::String(text) => text.parse().ok(),
            Value::Datetime(time) => time.to_string().parse().ok(),
            _ => None,
        };
        if moment.is_none() {
            document.fault(path, "must be a time, as in \"2026-01-01T00:00:00Z\"");
        }
        moment.map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    const OTHER: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
    const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn good() -> String {
        format!(
            "pepper = \"{SECRET}\"\n\
             [[receipt]]\nkid = \"a\"\nsecret = \"{SECRET}\"\nretired = 2026-03-01T00:00:00Z\n\
             [[receipt]]\nkid = \"b\"\nalgorithm = \"Ed25519\"\nsecret = \"{OTHER}\"\nfrom = \"2026-02-01T00:00:00Z\"\n\
             [[receipt]]\nkid = \"c\"\nalgorithm = \"Ed25519\"\npublic = \"{PUBLIC}\"\n\
             [[receipt]]\nkid = \"d\"\ndestroyed = \"2026-01-01T00:00:00Z\"\n\
             [[link]]\nkid = \"a\"\nsecret = \"{SECRET}\"\n\
             [[log]]\nkid = \"e\"\nsecret = \"{OTHER}\"\n"
        )
    }

    #[test]
    fn every_form_of_a_key_is_read() {
        let file = KeyFile::parse(&good()).unwrap();
        let told: Vec<_> =
            file.keys.iter().map(|key| serde_json::to_value(&key.facts).unwrap()).collect();
        assert_eq!(told.len(), 6);
        assert_eq!(told[0]["retired"], "2026-03-01T00:00:00Z");
        assert_eq!((&told[0]["algorithm"], &told[0]["from"]), (&"HS256".into(), &().into()));
        assert_eq!(told[1]["from"], "2026-02-01T00:00:00Z");
        assert_eq!((&told[5]["kind"], &told[5]["algorithm"]), (&"log".into(), &"Ed25519".into()));
        let keys: Vec<_> = file.of(KeyKind::Receipt).map(|entry| entry.key().is_some()).collect();
        assert_eq!(keys, [true, true, true, false]);
        let earlier = good().replace(&format!("[[log]]\nkid = \"e\"\nsecret = \"{OTHER}\"\n"), "");
        assert_eq!(KeyFile::parse(&earlier).unwrap().of(KeyKind::Log).count(), 0);
    }

    #[test]
    fn faults_name_the_field_and_never_the_value() {
        let good = good();
        for (from, to, expected) in [
            (
                "kid = \"a\"\n",
                "kid = 1\n",
                "line 3: receipt[0].kid: a key's identifier has 1 to 64",
            ),
            (
                "kid = \"a\"",
                &format!("kid = \".{OTHER}\""),
                "line 2: receipt[0]: a key's identifier",
            ),
            ("kid = \"b\"", "kid = \"a\"", "line 7: receipt[1].kid: two keys of the ring have"),
            ("pepper = \"A", "pepper = \"", "line 1: pepper: must be 32 bytes in base64url"),
            (&format!("\"{OTHER}\""), "7", "line 9: receipt[1].secret: must be 32 bytes"),
            (OTHER, &OTHER[1..], "line 9: receipt[1].secret: must be 32 bytes"),
            ("Ed25519", OTHER, "line 8: receipt[1].algorithm: must be \"HS256\" or \"Ed25519\""),
            ("2026-02-01T00:00:00Z", OTHER, "line 10: receipt[1].from: must be a time"),
            ("2026-02-01T00:00:00Z", "2026-02-01", "line 10: receipt[1].from: must be a time"),
            ("2026-03-01T00:00:00Z", "true", "line 5: receipt[0].retired: must be a time"),
            (PUBLIC, SECRET, "line 11: receipt[2]: this is not a public key for Ed25519"),
            ("public = ", "secret = \"\"\npublic = ", "line 14: receipt[2].secret: must be 32"),
            ("destroyed", "retired", "line 15: receipt[3]: has to have one of secret, public and"),
            (
                "kid = \"d\"",
                &format!("kid = \"d\"\nsecret = \"{OTHER}\""),
                "receipt[3]: has to have one",
            ),
            (
                "kid = \"e\"",
                "kid = \"e\"\nalgorithm = \"HS256\"",
                "line 23: log[0].algorithm: a key of",
            ),
            (
                "[[log]]\nkid = \"e\"",
                "[[link]]\nalgorithm = \"Ed25519\"\nkid = \"e\"",
                "link[1].algorithm",
            ),
            (
                "[[log]]\n",
                &format!("[[log]]\nx = \"{OTHER}\"\n"),
                "line 22: log[0].x: unknown field",
            ),
            ("[[log]]\n", &format!("[[log]]\n{OTHER}\n"), "line 22: "),
            ("kid = \"c\"", &format!("kid = \"c\"\nkid = \"{OTHER}\""), "line 13: "),
        ] {
            assert!(good.contains(from), "{from}");
            let faults = KeyFile::parse(&good.replacen(from, to, 1)).err().unwrap().to_string();
            assert!(faults.contains(expected), "{to}: {faults}");
            assert!(!faults.contains(SECRET) && !faults.contains(&OTHER[1..]), "{to}: {faults}");
        }
    }

    #[test]
    fn what_holds_a_secret_wipes_it() {
        fn wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        let file = KeyFile::parse(&good()).unwrap();
        wiped(&file.pepper);
        let Half::Secret(secret) = &file.keys[0].half else { panic!() };
        wiped(secret);
    }
}
