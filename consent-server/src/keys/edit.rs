//! Changing a keys file: a first one, a new key, a retired one. Its comments and its order stay.
//!
//! Changed as text rather than as a tree, so that every copy of a secret is one that is wiped; what
//! comes out is read again before it is written.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use consent_core::Timestamp;
use consent_core::receipt::Algorithm;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::Serialize;
use toml::de::DeTable;
use zeroize::Zeroizing;

use super::file::{Entry, KeyFacts, KeyFile, KeyKind};
use super::held::Held;
use super::schedule::{Schedule, signing};
use super::{KeysError, place, told};
use crate::ambient::Ambient;
use crate::settings::{KeysSettings, RegionSettings};

/// How long a key may still be in use after its time: servers read the file every few seconds.
const READ_BY_ALL: i64 = 60;

/// A key that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rotation {
    /// What is told of it.
    #[serde(flatten)]
    pub added: KeyFacts,
    /// The key that signs until then, if any.
    pub replaces: Option<String>,
}

/// A key that was retired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retired {
    /// What is told of it.
    #[serde(flatten)]
    pub retired: KeyFacts,
    /// The key of its kind that signs now.
    pub signs: String,
}

/// Makes the file if there is none, and adds the log's key to one of an earlier version.
pub(super) fn complete(path: &Path, ambient: &dyn Ambient) -> Result<(), KeysError> {
    let Some(text) = place::read(path)? else { return place::make(path, &first(ambient)) };
    // What is broken is told by whoever reads it next.
    let lacks_log =
        |text: &str| KeyFile::parse(text).is_ok_and(|file| file.of(KeyKind::Log).next().is_none());
    if !lacks_log(&text) {
        return Ok(());
    }
    place::change(path, |text| {
        // Another server may have come first.
        let mut key = NewKey::new(KeyKind::Log, Algorithm::Ed25519, ambient);
        key.facts.from = None;
        Ok(lacks_log(text).then(|| key.appended_to(text)))
    })
}

/// The text of a new file.
fn first(ambient: &dyn Ambient) -> Zeroizing<String> {
    let mut pepper = Zeroizing::new([0; 32]);
    ambient.fill(&mut *pepper);
    let mut text = Zeroizing::new(String::with_capacity(2048));
    text.push_str(
        "# The secrets of one region. Who reads this file can forge receipts; without it no receipt\n\
         # can be verified and no address be found. Keep it private, and keep a copy.\n\
         # `consent keys` adds and retires keys. The pepper never changes.\npepper = \"",
    );
    BASE64URL_NOPAD.encode_append(&*pepper, &mut text);
    text.push_str("\"\n");
    for kind in KeyKind::ALL {
        text = NewKey::new(kind, kind.usual(), ambient).appended_to(&text);
    }
    text
}

/// Adds a key that signs after a delay, in which every server reads it. Without an algorithm it is
/// of that of the key that signs now.
pub fn rotate(
    region: &RegionSettings,
    kind: KeyKind,
    algorithm: Option<Algorithm>,
    delay: Duration,
    ambient: &dyn Ambient,
) -> Result<Rotation, KeysError> {
    let mut done = None;
    change(region, |text, file| {
        let now = ambient.now();
        let facts: Vec<_> = file.of(kind).map(|entry| &entry.facts).collect();
        let current = signing(&facts, now).map(|i| facts[i]);
        let algorithm =
            algorithm.or(current.map(|key| key.algorithm)).unwrap_or_else(|| kind.usual());
        if !kind.takes(algorithm) {
            let (kind, usual) = (kind.as_str(), kind.usual().as_str());
            return Err(KeysError::Refused(format!("--algorithm: a {kind} key is for {usual}")));
        }
        // Where nothing signs, nobody has to wait.
        let delay = current.map_or(0, |_| delay.as_secs());
        let mut from = whole_seconds(now, i64::try_from(delay).unwrap_or(i64::MAX))?;
        // Of two keys with the same time the older one would sign.
        while facts.iter().any(|key| key.from == Some(from)) {
            from = whole_seconds(from, 1)?;
        }
        let mut key = NewKey::new(kind, algorithm, ambient);
        key.facts.from = Some(from);
        let text = key.appended_to(text);
        let mut expected: Vec<_> = file.keys.iter().map(|entry| entry.facts.clone()).collect();
        expected.push(key.facts.clone());
        done = Some(Rotation { added: key.facts, replaces: current.map(|key| key.kid.clone()) });
        Ok((text, expected, now))
    })?;
    done.ok_or_else(|| form(region))
}

/// Lets a key only verify from now on. With `destroy`, removes its secret as well, once every
/// server has read that it does not sign.
pub fn retire(
    region: &RegionSettings,
    id: &str,
    kind: Option<KeyKind>,
    destroy: bool,
    now: Timestamp,
) -> Result<Retired, KeysError> {
    let mut done = None;
    change(region, |text, file| {
        let entry = find(file, id, kind)?;
        let kind = entry.facts.kind;
        let entries: Vec<_> = file.of(kind).collect();
        let index = entries.iter().position(|other| other.facts.kid == id).unwrap_or_default();
        let facts: Vec<_> = entries.iter().map(|entry| &entry.facts).collect();
        check(&facts, index, destroy, now)?;

        let mut retired = entry.facts.clone();
        let mut edited = Zeroizing::new(text.to_owned());
        if retired.retired.is_none_or(|at| at > now) {
            let at = whole_seconds(now, 0)?;
            retired.retired = Some(at);
            edited = set(&edited, kind, index, "retired", &format!("retired = \"{at}\""))
                .ok_or_else(|| form(region))?;
        }
        if destroy {
            let rest = if let Some(public) = public(entry) {
                format!("public = \"{}\"", BASE64URL_NOPAD.encode(&public))
            } else {
                let at = whole_seconds(now, 0)?;
                retired.destroyed = Some(at);
                format!("destroyed = \"{at}\"")
            };
            retired.secret = false;
            edited = set(&edited, kind, index, "secret", &rest).ok_or_else(|| form(region))?;
        }
        let mut after = facts.clone();
        after[index] = &retired;
        let Ok(schedule) = Schedule::new(&after, now, |_| ()) else {
            return Err(KeysError::Refused(still_needed(&facts, id, kind, now)));
        };
        let signs = schedule.at(now).kid.clone();
        let same = |facts: &KeyFacts| facts.kind == kind && facts.kid == id;
        let all = file.keys.iter().map(|entry| &entry.facts);
        let expected = all.map(|key| if same(key) { &retired } else { key }.clone()).collect();
        done = Some(Retired { retired, signs });
        Ok((edited, expected, now))
    })?;
    done.ok_or_else(|| form(region))
}

/// The one key of that name.
fn find<'f>(file: &'f KeyFile, id: &str, kind: Option<KeyKind>) -> Result<&'f Entry, KeysError> {
    let is =
        |entry: &&Entry| entry.facts.kid == id && kind.is_none_or(|kind| entry.facts.kind == kind);
    let mut found = file.keys.iter().filter(is);
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry),
        (None, _) => Err(KeysError::Kid("there is no such key; see: consent keys list".into())),
        (Some(_), Some(_)) => {
            Err(KeysError::Kid("there are several such keys; say which one with --kind".into()))
        }
    }
}

/// Whether that key may be retired, or destroyed, as far as its own state tells.
fn check(
    facts: &[&KeyFacts],
    index: usize,
    destroy: bool,
    now: Timestamp,
) -> Result<(), KeysError> {
    let key = facts[index];
    let refused = |why: String| Err(KeysError::Refused(format!("key '{}' {why}", key.kid)));
    if !destroy {
        return match key.retired {
            Some(at) if at <= now => refused(format!("is retired since {at} already")),
            _ => Ok(()),
        };
    }
    if !key.secret {
        return refused("has no secret here any more".into());
    }
    let before = whole_seconds(now, -READ_BY_ALL)?;
    if signing(facts, now) == Some(index) {
        return refused("signs now; retire it first, without --destroy".into());
    }
    if signing(facts, before) == Some(index) {
        return refused(format!(
            "signed until just now, and a server may not have read that it does not any more; \
             destroy it in {READ_BY_ALL} seconds"
        ));
    }
    Ok(())
}

fn still_needed(facts: &[&KeyFacts], id: &str, kind: KeyKind, now: Timestamp) -> String {
    let waiting = |key: &&&KeyFacts| key.kid != id && key.secret && key.from > Some(now);
    let next = facts.iter().filter(waiting).filter_map(|key| Some((key.from?, &key.kid))).min();
    let (signed, kind) = (kind.signed(), kind.as_str());
    match next {
        Some((from, next)) => format!(
            "key '{id}' cannot be retired yet: nothing else signs {signed} until key '{next}' does, \
             at {from}"
        ),
        None => format!(
            "key '{id}' cannot be retired: nothing else signs {signed}; add another key with: \
             consent keys rotate --kind {kind}"
        ),
    }
}

fn public(entry: &Entry) -> Option<[u8; 32]> {
    entry.key()?.ok()?.public()
}

/// A changed text, what it is expected to hold, and the moment from which on it has to be good.
type Changed = (Zeroizing<String>, Vec<KeyFacts>, Timestamp);

/// Changes a region's file, if what comes out of it is what was meant.
fn change(
    region: &RegionSettings,
    edit: impl FnOnce(&str, &KeyFile) -> Result<Changed, KeysError>,
) -> Result<(), KeysError> {
    let path = match &region.keys {
        KeysSettings::File(path) => path,
        KeysSettings::Env { name, .. } => return Err(KeysError::Env(name.clone())),
    };
    if !path.exists() {
        return Err(KeysError::Missing(path.clone()));
    }
    place::change(path, |text| {
        let broken = |faults| KeysError::Broken { place: told(&region.keys), faults };
        let file = KeyFile::parse(text).map_err(broken)?;
        let (edited, expected, now) = edit(text, &file)?;
        let meant = KeyFile::parse(&edited).is_ok_and(|after| {
            let mut found: Vec<_> = after.keys.iter().map(|entry| &entry.facts).collect();
            let mut expected: Vec<_> = expected.iter().collect();
            // A new key comes last in the text, not last of all kinds.
            found.sort_by_key(|facts| (facts.kind.as_str(), &facts.kid));
            expected.sort_by_key(|facts| (facts.kind.as_str(), &facts.kid));
            found == expected && after.pepper == file.pepper
        });
        if !meant {
            return Err(form(region));
        }
        Held::parse(&region.keys, &region.log.origin, &edited, now)?;
        Ok(Some(edited))
    })
}

fn form(region: &RegionSettings) -> KeysError {
    KeysError::Form(told(&region.keys))
}

/// A key that is not in any file yet.
struct NewKey {
    facts: KeyFacts,
    secret: Zeroizing<[u8; 32]>,
}

impl NewKey {
    fn new(kind: KeyKind, algorithm: Algorithm, ambient: &dyn Ambient) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        ambient.fill(&mut *secret);
        let id = HEXLOWER.encode(&ambient.random::<6>());
        let facts = KeyFacts {
            kind,
            kid: id,
            algorithm,
            from: None,
            retired: None,
            destroyed: None,
            secret: true,
        };
        Self { facts, secret }
    }

    fn appended_to(&self, text: &str) -> Zeroizing<String> {
        let KeyFacts { kind, kid, algorithm, from, .. } = &self.facts;
        let mut longer = Zeroizing::new(String::with_capacity(text.len() + 512));
        longer.push_str(text);
        if !text.ends_with('\n') {
            longer.push('\n');
        }
        let _ = writeln!(longer, "\n[[{}]]\nkid = \"{kid}\"", kind.as_str());
        if *algorithm != kind.usual() {
            let _ = writeln!(longer, "algorithm = \"{}\"", algorithm.as_str());
        }
        if let Some(from) = from {
            let _ = writeln!(longer, "from = \"{from}\"");
        }
        longer.push_str("secret = \"");
        BASE64URL_NOPAD.encode_append(&*self.secret, &mut longer);
        longer.push_str("\"\n");
        longer
    }
}

/// The text with `field` of a key's table replaced by another one, or, where the table has no such
/// field, with that one before its `kid`.
fn set(
    text: &str,
    kind: KeyKind,
    index: usize,
    field: &str,
    with: &str,
) -> Option<Zeroizing<String>> {
    let tree = DeTable::parse(text).ok()?;
    let tables = tree.get_ref().get(kind.as_str())?.get_ref().as_array()?;
    let table = tables.get(index)?.get_ref().as_table()?;
    let mut edited = Zeroizing::new(String::with_capacity(text.len() + with.len() + 1));
    if let Some((name, value)) = table.get_key_value(field) {
        edited.push_str(&text[..name.span().start]);
        edited.push_str(with);
        edited.push_str(&text[value.span().end..]);
    } else {
        let (first, _) = table.get_key_value("kid")?;
        let line = text[..first.span().start].rfind('\n').map_or(0, |newline| newline + 1);
        edited.push_str(&text[..line]);
        edited.push_str(with);
        edited.push('\n');
        edited.push_str(&text[line..]);
    }
    Some(edited)
}

/// A moment some seconds later, in whole seconds.
fn whole_seconds(time: Timestamp, later: i64) -> Result<Timestamp, KeysError> {
    let second = time.as_second().saturating_add(later);
    Timestamp::from_second(second)
        .map_err(|_| KeysError::Refused("--in: that is too far away".into()))
}
