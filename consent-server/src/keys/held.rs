//! What a keys file gives: something to sign and to verify with, from a moment on.

use std::sync::Arc;

use consent_core::log::{SigningKey, VerifierKey};
use consent_core::receipt::Verifier;
use consent_core::{Digest, Key, KeyRing, Pepper, Timestamp};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;

use super::file::{Entry, Half, KeyFacts, KeyFile, KeyKind};
use super::schedule::{Gap, Schedule};
use super::{KeysError, told};
use crate::settings::KeysSettings;

/// What a file gave.
pub(super) struct Held {
    /// Of its text.
    pub(super) digest: Digest,
    /// Of the pepper.
    pub(super) pepper: Digest,
    pub(super) receipts: Schedule<KeyRing>,
    pub(super) links: Schedule<KeyRing>,
    /// None of an earlier version's file that no server was started with since.
    pub(super) log: Option<Schedule<SigningKey>>,
    pub(super) receipt_verifier: Arc<Verifier>,
    pub(super) link_verifier: Arc<Verifier>,
    /// Each with the identifier of its key in the file.
    pub(super) log_verifiers: Vec<(String, VerifierKey)>,
    /// Each with its public half.
    facts: Vec<(KeyFacts, Option<String>)>,
}

/// A key as it is listed: nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// What may be told of it.
    #[serde(flatten)]
    pub facts: KeyFacts,
    /// Whether it signs now.
    pub signs: bool,
    /// Its public half: base64url for receipts, a verifier key (C2SP signed-note) for the log.
    pub public: Option<String>,
}

impl Held {
    /// What a text holds, from a moment `now` on, for a log of that origin.
    pub(super) fn parse(
        place: &KeysSettings,
        origin: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<(Pepper, Self), KeysError> {
        let broken = |faults| KeysError::Broken { place: told(place), faults };
        let file = KeyFile::parse(text).map_err(broken)?;
        let gap = |kind: KeyKind| {
            move |Gap(at)| KeysError::NoSigner { place: told(place), kind: kind.as_str(), at }
        };
        let (receipts, receipt_verifier) =
            rings(&file, KeyKind::Receipt, now).map_err(gap(KeyKind::Receipt))?;
        let (links, link_verifier) =
            rings(&file, KeyKind::Link, now).map_err(gap(KeyKind::Link))?;
        let log_keys: Vec<_> = file.of(KeyKind::Log).collect();
        let log_verifiers = log_keys.iter().filter_map(|entry| log_verifier(origin, entry));
        let log_verifiers: Vec<_> = log_verifiers
            .collect::<Result<_, _>>()
            .map_err(|error| KeysError::InvalidLog { place: told(place), error })?;
        let log = if log_keys.is_empty() {
            None
        } else {
            Some(log(&log_keys, origin, now).map_err(gap(KeyKind::Log))?)
        };
        let public = |entry: &Entry| match entry.facts.kind {
            KeyKind::Log => {
                let mut verifiers = log_verifiers.iter();
                verifiers.find(|(kid, _)| *kid == entry.facts.kid).map(|(_, key)| key.to_string())
            }
            _ => Some(BASE64URL_NOPAD.encode(&entry.key()?.ok()?.public()?)),
        };
        let facts = file.keys.iter().map(|entry| (entry.facts.clone(), public(entry))).collect();
        let held = Self {
            digest: Digest::of(text.as_bytes()),
            pepper: Digest::of(&*file.pepper),
            receipts,
            links,
            log,
            receipt_verifier,
            link_verifier,
            log_verifiers,
            facts,
        };
        Ok((Pepper::new(*file.pepper), held))
    }

    /// What may be told, and what of it signs now.
    pub(super) fn list(&self, now: Timestamp) -> Vec<Listed> {
        let signing = |kind| match kind {
            KeyKind::Receipt => Some(&self.receipts.at(now).kid),
            KeyKind::Link => Some(&self.links.at(now).kid),
            KeyKind::Log => self.log.as_ref().map(|log| &log.at(now).kid),
        };
        let listed = |(facts, public): &(KeyFacts, Option<String>)| Listed {
            facts: facts.clone(),
            signs: signing(facts.kind) == Some(&facts.kid),
            public: public.clone(),
        };
        self.facts.iter().map(listed).collect()
    }
}

/// The keys of one kind: as rings, each with the key first that signs, and as a verifier.
fn rings(
    file: &KeyFile,
    kind: KeyKind,
    now: Timestamp,
) -> Result<(Schedule<KeyRing>, Arc<Verifier>), Gap> {
    let entries: Vec<_> = file.of(kind).collect();
    let facts: Vec<_> = entries.iter().map(|entry| &entry.facts).collect();
    let key = |entry: &&Entry| entry.key().map(|key| key.expect("checked when it was read"));
    let keys: Vec<Option<Key>> = entries.iter().map(key).collect();
    let ring = |first: usize| {
        let others = keys.iter().enumerate().filter(|(i, _)| *i != first).map(|(_, key)| key);
        let ring = [&keys[first]].into_iter().chain(others).flatten().cloned().collect();
        KeyRing::new(ring).expect("each once, and the first has its secret")
    };
    let schedule = Schedule::new(&facts, now, ring)?;
    let verifier = Verifier::new(keys.iter().flatten().cloned().collect());
    Ok((schedule, Arc::new(verifier.expect("each once, and one signs"))))
}

/// The public half of a log key, unless it was destroyed.
fn log_verifier(
    origin: &str,
    entry: &Entry,
) -> Option<Result<(String, VerifierKey), consent_core::log::InvalidKey>> {
    let key = match &entry.half {
        Half::Secret(seed) => SigningKey::new(origin, seed).map(|key| key.verifier().clone()),
        Half::Public(public) => VerifierKey::from_bytes(origin, public),
        Half::Destroyed => return None,
    };
    Some(key.map(|key| (entry.facts.kid.clone(), key)))
}

/// What signs checkpoints.
fn log(entries: &[&Entry], origin: &str, now: Timestamp) -> Result<Schedule<SigningKey>, Gap> {
    let facts: Vec<_> = entries.iter().map(|entry| &entry.facts).collect();
    Schedule::new(&facts, now, |i| match &entries[i].half {
        Half::Secret(seed) => SigningKey::new(origin, seed).expect("its public half has the name"),
        Half::Public(_) | Half::Destroyed => unreachable!("only a key with its secret signs"),
    })
}
