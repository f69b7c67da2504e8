//! Everything of the log that comes from outside: what is accepted is written as it was read, and
//! nothing verifies but what was signed.
#![no_main]

use std::sync::LazyLock;

use consent_core::log::{
    Bundle, Checkpoint, EXAMPLE_BUNDLE, EXAMPLE_KEY, Hash, Note, Salt, Tile, TlogProof,
    VerifierKey, entries, read_entries,
};
use libfuzzer_sys::fuzz_target;

static KEY: LazyLock<VerifierKey> = LazyLock::new(|| EXAMPLE_KEY.parse().unwrap());
static SIGNED: LazyLock<(Bundle, Checkpoint)> = LazyLock::new(|| {
    let bundle: Bundle = EXAMPLE_BUNDLE.parse().unwrap();
    let checkpoint = bundle.verify(std::slice::from_ref(&KEY)).unwrap();
    (bundle, checkpoint)
});

fuzz_target!(|bytes: &[u8]| {
    let (signed, keys) = (&*SIGNED, std::slice::from_ref(&*KEY));
    if let Some(leaves) = read_entries(bytes) {
        assert_eq!(entries(&leaves), bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(hash) = text.parse::<Hash>() {
        assert_eq!(hash.to_string(), text);
    }
    if let Ok(salt) = text.parse::<Salt>() {
        assert_eq!(salt.to_string(), text);
    }
    if let Ok(tile) = text.parse::<Tile>() {
        assert_eq!(tile.to_string(), text);
        assert_eq!(tile.nodes().count() as u64, tile.width());
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse(), Ok(key));
    }
    if let Ok(note) = text.parse::<Note>() {
        assert_eq!(note.to_string(), text);
        if let Ok(checkpoint) = Checkpoint::verify(&note, keys) {
            assert_eq!(checkpoint, signed.1);
        }
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        assert_eq!(checkpoint.to_string(), text);
    }
    if let Ok(proof) = text.parse::<TlogProof>() {
        assert_eq!(proof.to_string(), text);
        if proof.verify(&signed.0.commitment().leaf(), keys).is_ok() {
            assert_eq!(proof.index(), signed.0.proof().index());
        }
    }
    if let Ok(bundle) = text.parse::<Bundle>() {
        assert_eq!(bundle.to_string(), text);
        // Another leaf of that log would do as well; whoever finds one has broken SHA-256.
        if bundle.verify(keys).is_ok() {
            assert_eq!(bundle.record(), signed.0.record());
        }
    }
});
