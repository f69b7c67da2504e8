//! Receipts: whatever is signed is either read, and then signs and reads as the same, or fails for
//! what it states and nothing else.
#![no_main]

use std::sync::LazyLock;

use consent_core::receipt::Failure;
use consent_core::rules::Event;
use consent_core::{Claims, Key, KeyRing, Receipt, Record};
use data_encoding::BASE64URL_NOPAD;
use libfuzzer_sys::fuzz_target;

/// The keys of the frozen receipts, so that those are read to their ends.
static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let keys = [Key::hs256("k1", &[7; 32]), Key::ed25519("k2", &[7; 32])];
    KeyRing::new(keys.into_iter().map(Result::unwrap).collect()).unwrap()
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(receipt) = Receipt::verify(text, &*RING) {
            read(&receipt);
        }
        if let Ok(claims) = serde_json::from_str::<Claims>(text)
            && let Ok(receipt) = Receipt::sign(claims, &RING)
        {
            read(&receipt);
        }
    }
    match Receipt::verify(&RING.sign("consent-receipt+jwt", bytes), &*RING) {
        Ok(receipt) => read(&receipt),
        Err(failure) => assert!(matches!(failure, Failure::Size | Failure::Claims(_)), "{failure}"),
    }
    // Header, payload and signature as lines, so that the base64 need not be hit upon.
    let parts: Vec<_> = bytes.split(|&b| b == b'\n').map(|p| BASE64URL_NOPAD.encode(p)).collect();
    assert!(Receipt::verify(&parts.join("."), &*RING).is_err(), "nobody signed this");
});

fn read(receipt: &Receipt) {
    let claims = receipt.claims();
    assert_eq!(claims.check(), Ok(()));
    let again = Receipt::sign(claims.clone(), &RING).unwrap();
    assert_eq!(Receipt::verify(again.as_str(), &*RING).as_ref(), Ok(&again));
    assert_eq!(again.claims(), claims);
    assert!(claims.to_string().starts_with("Receipt "));
    for (_, event) in Event::of_receipt(claims, 1) {
        assert!(Record::replay([event, event]).is_some());
    }
}
