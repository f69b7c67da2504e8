//! Every parser of outside bytes, with something that it accepts.

use consent_core::cookie::StateCookie;
use consent_core::log::{
    Bundle, Checkpoint, EXAMPLE_BUNDLE, EXAMPLE_KEY, Hash, MAX_BUNDLE, MAX_NOTE, MAX_TLOG_PROOF,
    Note, Salt, Tile, TlogProof, VerifierKey, entries, read_entries,
};
use consent_core::policy::EXAMPLE;
use consent_core::receipt::{EXAMPLE_CLAIMS, MAX_RECEIPT};
use consent_core::subject::EmailAddress;
use consent_core::{
    ActivityId, Claims, DataId, Digest, Key, KeyRing, Policy, PurposeId, Receipt, RegionId, SiteId,
    Subject, rules,
};

/// What was read, as it is written again; or the error's text.
pub(crate) type Read = Result<Vec<u8>, String>;

/// One of the doors.
pub(crate) struct Parser {
    pub(crate) name: &'static str,
    pub(crate) read: fn(&[u8]) -> Read,
    /// Something small that is accepted.
    pub(crate) good: fn() -> Vec<u8>,
    /// The most bytes that are looked into, if rubbish of that length may not pass as well.
    pub(crate) most: usize,
    /// What each of its errors says, one of these.
    pub(crate) says: &'static [&'static str],
}

const MEGABYTE: usize = 1_000_000;

const fn parser(
    name: &'static str,
    read: fn(&[u8]) -> Read,
    good: fn() -> Vec<u8>,
    most: usize,
    says: &'static [&'static str],
) -> Parser {
    Parser { name, read, good, most, says }
}

#[rustfmt::skip]
pub(crate) const PARSERS: &[Parser] = &[
    parser("policy in TOML", policy, || EXAMPLE.into(), MEGABYTE, &["line "]),
    parser("policy in JSON", published_policy, || example().canonical_json(), MEGABYTE, &["line 1: "]),
    parser("choices", choices, || br#"{"analytics":"granted","news":"refused"}"#.into(), MEGABYTE, JSON),
    parser("claims", claims, || EXAMPLE_CLAIMS.into(), MEGABYTE, JSON),
    parser("receipt", receipt, || sign(EXAMPLE_CLAIMS.as_bytes()), MAX_RECEIPT, &["size: a receipt", "format: this is not a receipt"]),
    parser("signed claims", |bytes| receipt(&sign(bytes)), || EXAMPLE_CLAIMS.into(), 12_000, &["size: a receipt", "claims: it is properly signed, but"]),
    parser("cookie", cookie, || b"1.1.hovs0.gr-".into(), MEGABYTE, &["never asked"]),
    parser("subject", as_text::<Subject>, || Subject::browser([7; 16]).to_string().into(), 64, &["a subject must be"]),
    parser("e-mail address", address, || b"some.one@example.org".into(), 254, &["an e-mail address is", "the part "]),
    #[cfg(feature = "phone")]
    parser("phone number", number, || b"+33612345678".into(), 64, &["a telephone number is", "without a country", "no country"]),
    parser("digest", as_text::<Digest>, || Digest::of(b"").to_string().into(), MEGABYTE, &["a digest must be 64"]),
    parser("site", as_text::<SiteId>, || b"cloud-pbs".into(), MEGABYTE, &["a site must be 1 to 64"]),
    parser("region", as_text::<RegionId>, || b"eu".into(), MEGABYTE, &["a region must be 1 to 64"]),
    parser("category of data", as_text::<DataId>, || b"usage".into(), MEGABYTE, &["a category of data must be"]),
    parser("activity", as_text::<ActivityId>, || b"site".into(), MEGABYTE, &["an activity must be 1 to 64"]),
    parser("purpose", as_text::<PurposeId>, || b"email.tracking".into(), MEGABYTE, &["a purpose must be 1 to 64"]),
    parser("note", as_text::<Note>, || after("\n\n", 2), MAX_NOTE, &["a note ", "signature 1 of the note"]),
    parser("checkpoint", as_text::<Checkpoint>, checkpoint, MAX_NOTE, &["checkpoint: it is an origin"]),
    parser("tile", as_text::<Tile>, || b"tile/0/x001/x234/067".into(), 48, &["a tile's path is like"]),
    parser("proof", as_text::<TlogProof>, || after("\n\n", 1), MAX_TLOG_PROOF, PROOF),
    parser("bundle", as_text::<Bundle>, || EXAMPLE_BUNDLE.into(), MAX_BUNDLE, PROOF),
    parser("key", as_text::<VerifierKey>, || EXAMPLE_KEY.into(), 8_000, &["a verifier key is", "a key's name has"]),
    parser("salt", as_text::<Salt>, || Salt::from([7; 32]).to_string().into(), 44, &["a salt must be 32 bytes"]),
    parser("hash", as_text::<Hash>, || Hash::of_nothing().to_string().into(), 44, &["a hash of the log must be"]),
    parser("entries", tile_of_entries, || [[0, 32].as_slice(), &[7; 32]].concat(), 8_704, &["not the entries of a tile"]),
];

const JSON: &[&str] = &[" column "];
const PROOF: &[&str] = &["size: it is longer", "format: this is not a proof"];

fn told<T>(result: Result<T, impl ToString>, written: impl FnOnce(T) -> String) -> Read {
    result.map(|value| written(value).into_bytes()).map_err(|error| error.to_string())
}

/// As text: whatever is no UTF-8 cannot get here, and arrives as U+FFFD.
fn as_text<T: std::str::FromStr<Err: ToString> + ToString>(bytes: &[u8]) -> Read {
    told(String::from_utf8_lossy(bytes).parse(), |value: T| value.to_string())
}

fn policy(bytes: &[u8]) -> Read {
    let text = String::from_utf8_lossy(bytes);
    Policy::from_toml(&text).map(|policy| policy.canonical_json()).map_err(|e| e.to_string())
}

fn published_policy(bytes: &[u8]) -> Read {
    let policy = Policy::from_canonical_json(bytes);
    policy.map(|policy| policy.canonical_json()).map_err(|error| error.to_string())
}

fn choices(bytes: &[u8]) -> Read {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let read = rules::choices(&mut json).and_then(|read| json.end().map(|()| read));
    told(read, |read| serde_json::to_string(&read).unwrap())
}

fn claims(bytes: &[u8]) -> Read {
    let claims = serde_json::from_slice::<Claims>(bytes);
    told(claims, |claims| serde_json::to_string(&claims).unwrap())
}

fn ring() -> KeyRing {
    KeyRing::new(vec![Key::hs256("k1", &[7; 32]).unwrap()]).unwrap()
}

fn sign(payload: &[u8]) -> Vec<u8> {
    ring().sign("consent-receipt+jwt", payload).into_bytes()
}

fn receipt(bytes: &[u8]) -> Read {
    let receipt = Receipt::verify(&String::from_utf8_lossy(bytes), &ring());
    told(receipt, |receipt| receipt.as_str().to_owned())
}

fn cookie(bytes: &[u8]) -> Read {
    let cookie = StateCookie::decode(&String::from_utf8_lossy(bytes));
    told(cookie.ok_or("never asked"), |cookie| cookie.encode())
}

fn address(bytes: &[u8]) -> Read {
    let address = String::from_utf8_lossy(bytes).parse::<EmailAddress>();
    told(address, |address| address.as_str().to_owned())
}

#[cfg(feature = "phone")]
fn number(bytes: &[u8]) -> Read {
    let number = String::from_utf8_lossy(bytes).parse::<consent_core::subject::PhoneNumber>();
    told(number, |number| number.as_str().to_owned())
}

fn tile_of_entries(bytes: &[u8]) -> Read {
    let leaves = read_entries(bytes).ok_or("not the entries of a tile")?;
    Ok(entries(&leaves))
}

fn example() -> Policy {
    Policy::from_toml(EXAMPLE).unwrap()
}

/// What is left of the example bundle after the nth empty line: a proof, a note.
fn after(line: &str, n: usize) -> Vec<u8> {
    EXAMPLE_BUNDLE.splitn(n + 1, line).last().unwrap().into()
}

fn checkpoint() -> Vec<u8> {
    let note = String::from_utf8(after("\n\n", 2)).unwrap();
    format!("{}\n", note.split_once("\n\n").unwrap().0).into()
}
