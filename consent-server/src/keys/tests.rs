//! Keys over real files: made, read again, changed, and never shown.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use consent_core::SiteId;
use consent_core::log::Note;
use consent_core::receipt::Algorithm;

use super::*;
use crate::ambient::System;
use crate::settings::{LogSettings, StoreSettings};

const MINUTES: Duration = Duration::from_mins(2);

/// A region's files, and a clock that stands still until it is moved.
struct Home {
    folder: tempfile::TempDir,
    clock: AtomicI64,
}

impl Ambient for Home {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock.load(Ordering::SeqCst)).unwrap()
    }

    fn fill(&self, bytes: &mut [u8]) {
        System.fill(bytes);
    }
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: AtomicI64::new(1_767_225_600) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("deep/eu.keys")
    }

    fn settings(&self) -> RegionSettings {
        RegionSettings {
            id: "eu".parse().unwrap(),
            store: StoreSettings::Sqlite(self.folder.path().join("eu.db")),
            keys: KeysSettings::File(self.path()),
            log: LogSettings {
                origin: "log.example.org/eu".into(),
                witnesses: Vec::new(),
                checkpoints: None,
            },
        }
    }

    fn open(&self) -> Keys {
        Keys::open(&self.settings(), true, self).unwrap()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    /// Writes the text as an editor does.
    fn write(&self, text: &str) {
        fs::write(self.path(), text).unwrap();
    }

    fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    fn rotate(&self, kind: KeyKind, algorithm: Option<Algorithm>, delay: Duration) -> Rotation {
        rotate(&self.settings(), kind, algorithm, delay, self).unwrap()
    }

    fn retire(&self, kid: &str, destroy: bool) -> Result<Retired, KeysError> {
        retire(&self.settings(), kid, None, destroy, self.now())
    }

    /// Why that is refused; the file stays as it is.
    #[track_caller]
    fn refused(&self, kid: &str, destroy: bool) -> String {
        let before = self.text();
        let error = self.retire(kid, destroy).unwrap_err().to_string();
        assert_eq!(self.text(), before);
        error
    }

    fn listed(&self, kid: &str) -> Listed {
        let list = Keys::open(&self.settings(), false, self).unwrap().list(self.now());
        list.into_iter().find(|key| key.facts.kid == kid).unwrap()
    }

    /// The identifier of the key of that kind which signs now.
    fn signing(&self, keys: &Keys, kind: KeyKind) -> String {
        let signs = |key: &Listed| key.signs && key.facts.kind == kind;
        keys.list(self.now()).into_iter().find(signs).unwrap().facts.kid
    }
}

/// What is signed with a ring bears the first key's identifier; both checked here.
fn signed(ring: &KeyRing) -> String {
    let jws = ring.sign("test", b"{}");
    assert!(ring.verify("test", &jws).is_ok());
    jws
}

/// A subject, to see whether two peppers are the same.
fn subject(keys: &Keys) -> consent_core::Subject {
    let site: SiteId = "example".parse().unwrap();
    keys.pepper.email(&site, &"a@example.org".parse().unwrap())
}

#[test]
fn made_once_private_and_read_again() {
    let home = Home::new();
    let missing = Keys::open(&home.settings(), false, &home);
    assert!(matches!(missing, Err(KeysError::Missing(_))));

    let first = home.open();
    let mode = fs::metadata(home.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let again = home.open();
    let now = home.now();
    let (receipt, link) = (signed(&first.receipts(now)), signed(&first.links(now)));
    assert!(again.receipt_verifier().verify("test", &receipt).is_ok());
    assert!(again.link_verifier().verify("test", &link).is_ok());
    assert!(again.link_verifier().verify("test", &receipt).is_err());
    assert_eq!(subject(&first), subject(&again));
    let note = Note::sign("text\n", &[&*first.log(now).unwrap()]).unwrap();
    assert!(note.verify(&again.log_verifiers()).is_ok());
    assert_eq!(again.log_verifiers()[0].name(), "log.example.org/eu");
}

#[test]
fn refused_when_others_may_read_it() {
    let home = Home::new();
    let keys = home.open();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let message = Keys::open(&home.settings(), true, &home).unwrap_err().to_string();
    assert!(message.contains("chmod 600"), "{message}");
    assert!(matches!(keys.reload(home.now()), Err(KeysError::Open { .. })));
}

/// A file as it was written before there was a log.
#[test]
fn an_earlier_file_gets_a_log_key_and_stays_otherwise() {
    let home = Home::new();
    home.open();
    let text = home.text();
    let earlier = format!("# mine\n{}", text.split("\n[[log]]").next().unwrap());
    home.write(&earlier);
    let reader = Keys::open(&home.settings(), false, &home).unwrap();
    assert_eq!(home.text(), earlier, "a command changes nothing");
    assert!(matches!(reader.log(home.now()), Err(KeysError::NoLog(_))));
    assert!(reader.log_verifiers().is_empty());

    let keys = home.open();
    assert!(home.text().starts_with(&earlier), "{}", home.text());
    let mode = fs::metadata(home.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let verifier = keys.log(home.now()).unwrap().verifier().clone();
    assert_eq!(home.open().log(home.now()).unwrap().verifier(), &verifier, "added once");
    assert_eq!(keys.log_verifiers(), [verifier]);
    assert_eq!(signed(&reader.links(home.now())), signed(&keys.links(home.now())));
}

#[test]
fn keys_stand_in_a_variable_and_are_not_changed_there() {
    let home = Home::new();
    let in_file = home.open();
    let env = |text: &str| RegionSettings {
        keys: KeysSettings::Env { name: "EU_KEYS".into(), text: Zeroizing::new(text.to_owned()) },
        ..home.settings()
    };
    let settings = env(&home.text());
    let keys = Keys::open(&settings, true, &home).unwrap();
    assert_eq!(subject(&keys), subject(&in_file));
    assert!(!keys.reload(home.now()).unwrap());
    let error = rotate(&settings, KeyKind::Link, None, MINUTES, &home).unwrap_err().to_string();
    assert!(error.contains("keys env:EU_KEYS: this program cannot change"), "{error}");
    let text = home.text();
    let error = Keys::open(&env(text.split("\n[[log]]").next().unwrap()), true, &home);
    assert!(matches!(error, Err(KeysError::NoLog(_))));
    let error = Keys::open(&env("pepper = 1"), true, &home).unwrap_err().to_string();
    assert!(error.starts_with("keys env:EU_KEYS: line 1: pepper: must be"), "{error}");
}

#[test]
fn a_new_key_signs_when_its_time_has_come() {
    for (kind, algorithm) in [
        (KeyKind::Receipt, None),
        (KeyKind::Receipt, Some(Algorithm::Ed25519)),
        (KeyKind::Link, None),
        (KeyKind::Log, None),
    ] {
        let home = Home::new();
        let keys = home.open();
        home.write(&format!("# mine\n{}", home.text()));
        let before = home.signing(&keys, kind);
        let Rotation { added, replaces } = home.rotate(kind, algorithm, MINUTES);
        assert_eq!(replaces.as_ref(), Some(&before));
        assert!(home.text().starts_with("# mine\n# The secrets of one region."));

        assert!(keys.reload(home.now()).unwrap());
        assert!(!keys.reload(home.now()).unwrap(), "read once");
        home.pass(119);
        assert_eq!(home.signing(&keys, kind), before);
        home.pass(1);
        assert_eq!(home.signing(&keys, kind), added.kid);
        // A server that starts now agrees with the one that has been running.
        assert_eq!(home.signing(&home.open(), kind), added.kid);
        // The next is of the algorithm that signs, if nobody says otherwise.
        assert_eq!(home.rotate(kind, None, MINUTES).added.algorithm, added.algorithm);
    }
}

#[test]
fn what_was_signed_before_verifies_after() {
    let home = Home::new();
    let keys = home.open();
    let now = home.now();
    let (receipt, link) = (signed(&keys.receipts(now)), signed(&keys.links(now)));
    let note = Note::sign("text\n", &[&*keys.log(now).unwrap()]).unwrap();
    for kind in KeyKind::ALL {
        home.rotate(kind, None, Duration::ZERO);
    }
    keys.reload(now).unwrap();
    assert_ne!(signed(&keys.receipts(now)), receipt);
    assert!(keys.receipts(now).verify("test", &receipt).is_ok());
    assert!(keys.receipt_verifier().verify("test", &receipt).is_ok());
    assert!(keys.link_verifier().verify("test", &link).is_ok());
    assert_eq!(keys.log_verifiers().len(), 2);
    assert!(note.verify(&keys.log_verifiers()).is_ok());
    let after = Note::sign("text\n", &[&*keys.log(now).unwrap()]).unwrap();
    assert_ne!(after.to_string(), note.to_string());
}

#[test]
fn the_later_of_two_new_keys_signs_also_within_one_second() {
    let home = Home::new();
    home.open();
    let first = home.rotate(KeyKind::Receipt, None, Duration::ZERO).added;
    let second = home.rotate(KeyKind::Receipt, None, Duration::ZERO).added;
    assert!(second.from > first.from);
    home.pass(1);
    assert!(home.listed(&second.kid).signs);
}

#[test]
fn a_key_is_retired_only_if_another_signs() {
    let home = Home::new();
    let keys = home.open();
    let old = home.signing(&keys, KeyKind::Receipt);
    let only = home.refused(&old, false);
    assert!(only.contains("nothing else signs receipts; add another key with: consent"), "{only}");
    let new = home.rotate(KeyKind::Receipt, None, MINUTES).added;
    let early = home.refused(&old, false);
    let until = format!("until key '{}' does, at 2026-01-01T00:02:00Z", new.kid);
    assert!(early.contains(&until), "{early}");
    assert_eq!(home.refused("x", false), "--kid: there is no such key; see: consent keys list");

    home.pass(120);
    let Retired { retired, signs } = home.retire(&old, false).unwrap();
    assert_eq!((retired.retired, &signs), (Some(home.now()), &new.kid));
    assert!(home.refused(&old, false).contains("is retired since 2026-01-01T00:02:00Z already"));
    assert!(home.refused(&new.kid, false).contains("nothing else signs receipts"));
    // One that is planned may be given up.
    let third = home.rotate(KeyKind::Receipt, None, MINUTES).added;
    home.retire(&third.kid, false).unwrap();
    home.pass(120);
    assert!(home.listed(&new.kid).signs && !home.listed(&third.kid).signs);
}

#[test]
fn of_a_destroyed_secret_only_a_public_half_is_left() {
    for (algorithm, kind) in [
        (Algorithm::Hs256, KeyKind::Receipt),
        (Algorithm::Ed25519, KeyKind::Receipt),
        (Algorithm::Hs256, KeyKind::Link),
        (Algorithm::Ed25519, KeyKind::Log),
    ] {
        let home = Home::new();
        let keys = home.open();
        let old = home.rotate(kind, Some(algorithm), Duration::ZERO).added.kid;
        home.pass(3600);
        keys.reload(home.now()).unwrap();
        let jws = signed(&keys.receipts(home.now()));
        let note = Note::sign("text\n", &[&*keys.log(home.now()).unwrap()]).unwrap();
        let secret = home.text().rsplit("secret = ").next().unwrap().trim().to_owned();
        assert!(home.refused(&old, true).contains("signs now; retire it first"));
        home.rotate(kind, None, Duration::ZERO);
        assert!(home.refused(&old, true).contains("destroy it in 60 seconds"));
        home.pass(60);
        home.retire(&old, true).unwrap();

        assert!(!home.text().contains(&secret));
        let listed = home.listed(&old);
        let public = algorithm == Algorithm::Ed25519;
        assert_eq!((listed.public.is_some(), listed.facts.destroyed.is_some()), (public, !public));
        assert!(listed.facts.retired.is_some() && !listed.signs);
        assert!(home.refused(&old, true).contains("has no secret here any more"));
        keys.reload(home.now()).unwrap();
        let verifies = public || kind != KeyKind::Receipt;
        assert_eq!(keys.receipt_verifier().verify("test", &jws).is_ok(), verifies);
        assert!(note.verify(&keys.log_verifiers()).is_ok());
    }
}

#[test]
fn a_broken_file_changes_nothing() {
    let home = Home::new();
    let keys = home.open();
    let good = home.text();
    let kid = home.signing(&keys, KeyKind::Receipt);
    let pepper = good.split('"').nth(1).unwrap();
    let other_pepper = good.replace(pepper, &"A".repeat(43));
    let retired =
        good.replacen("[[receipt]]\n", "[[receipt]]\nretired = 2030-01-01T00:00:00Z\n", 1);
    for (text, expected) in [
        ("", "line 1: pepper: is missing"),
        (&good[..good.len() / 2], "line "),
        (&good.replace("[[log]]", "[[receipt]]"), "there is no [[log]] key"),
        (&other_pepper, "the pepper is another one"),
        (
            &good.replacen("[[receipt]]", "[[log]]\nalgorithm = \"Ed25519\"", 1),
            "receipt: is missing",
        ),
        (&retired, "no [[receipt]] key signs from 2030-01-01T00:00:00Z on; add one with: consent"),
    ] {
        home.write(text);
        let error = keys.reload(home.now()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(home.signing(&keys, KeyKind::Receipt), kid);
    }
    fs::remove_file(home.path()).unwrap();
    assert!(matches!(keys.reload(home.now()), Err(KeysError::Missing(_))));
    home.write(&good);
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!keys.reload(home.now()).unwrap());
}

#[test]
fn a_file_written_otherwise_is_read_and_not_changed() {
    let home = Home::new();
    home.open();
    let text = home.text();
    let (head, rest) = text.split_once("\n[[receipt]]\n").unwrap();
    let (receipt, rest) = rest.split_once("\n\n").unwrap();
    let inline = format!("{head}\nreceipt = [{{ {} }}]\n\n{rest}", receipt.replace('\n', ", "));
    home.write(&inline);
    let keys = home.open();
    let kid = home.signing(&keys, KeyKind::Receipt);
    let error = rotate(&home.settings(), KeyKind::Receipt, None, MINUTES, &home).unwrap_err();
    assert!(matches!(error, KeysError::Form(_)), "{error}");
    assert_eq!(home.text(), inline);
    // Of two keys within one line neither is taken for the other.
    let two = inline.replace("}]", &format!("}}, {{ {} }}]", receipt.replace('\n', ", ")));
    home.write(&two.replacen(&kid, "other", 1));
    let before = home.text();
    for kid in ["other", &kid] {
        assert!(matches!(home.retire(kid, false).unwrap_err(), KeysError::Form(_)));
        assert_eq!(home.text(), before);
    }
}

#[test]
fn nothing_secret_is_shown() {
    let home = Home::new();
    let keys = home.open();
    home.rotate(KeyKind::Receipt, Some(Algorithm::Ed25519), MINUTES);
    keys.reload(home.now()).unwrap();
    let (text, now) = (home.text(), home.now());
    let shown = format!(
        "{keys:?} {:?} {:?} {:?} {:?} {}",
        keys.receipts(now),
        keys.links(now),
        keys.log(now),
        keys.list(now),
        serde_json::to_string(&keys.list(now)).unwrap(),
    );
    let quoted = text.split('"').filter(|part| part.len() == 43);
    assert_eq!(quoted.clone().count(), 5, "the pepper and four keys");
    for secret in quoted {
        assert!(!shown.contains(secret), "{shown}");
        // Nor as bytes, as a derived `Debug` would show them.
        let bytes = data_encoding::BASE64URL_NOPAD.decode(secret.as_bytes()).unwrap();
        assert!(!shown.contains(format!("{:?}", &bytes[..4]).trim_matches(['[', ']'])), "{shown}");
        for half in [&text[..], &text.replace("secret = ", "kid = ")] {
            home.write(&half.replace(secret, &format!("{secret}\"\"")));
            let error = keys.reload(now).unwrap_err().to_string();
            assert!(!error.contains(&secret[..8]), "{error}");
        }
    }
}
