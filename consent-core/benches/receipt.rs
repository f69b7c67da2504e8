//! Receipts signed and verified, side by side with the bare cryptography over the same bytes.
//!
//! What is not cryptography is JSON, base64url, and the checks.

use consent_core::receipt::EXAMPLE_CLAIMS;
use consent_core::{Claims, Key, KeyRing, Receipt};

const SECRET: [u8; 32] = [7; 32];

fn main() {
    divan::main();
}

fn receipt(key: Key) -> (KeyRing, Receipt) {
    let ring = KeyRing::new(vec![key]).expect("one key");
    let receipt = Receipt::sign(claims(), &ring).expect("the example");
    (ring, receipt)
}

fn hs256() -> (KeyRing, Receipt) {
    receipt(Key::hs256("k1", &SECRET).expect("a key"))
}

fn ed25519() -> (KeyRing, Receipt) {
    receipt(Key::ed25519("k1", &SECRET).expect("a key"))
}

fn claims() -> Claims {
    serde_json::from_str(EXAMPLE_CLAIMS).expect("the example")
}

/// Header and payload in base64url: what is signed.
fn signed(receipt: &Receipt) -> Vec<u8> {
    receipt.as_str().rsplit_once('.').expect("three parts").0.into()
}

#[divan::bench_group(name = "HS256")]
mod mac {
    use divan::{Bencher, black_box};
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::{Receipt, SECRET, claims, hs256, signed};

    #[divan::bench]
    fn sign(bencher: Bencher) {
        let (ring, _) = hs256();
        bencher.with_inputs(claims).bench_values(|claims| Receipt::sign(claims, &ring));
    }

    #[divan::bench]
    fn verify(bencher: Bencher) {
        let (ring, receipt) = hs256();
        bencher.bench(|| Receipt::verify(black_box(receipt.as_str()), &ring));
    }

    #[divan::bench]
    fn bare(bencher: Bencher) {
        let mac = Hmac::<Sha256>::new_from_slice(&SECRET).expect("any length");
        let bytes = signed(&hs256().1);
        bencher.bench(|| mac.clone().chain_update(black_box(&bytes)).finalize());
    }
}

#[divan::bench_group(name = "Ed25519")]
mod curve {
    use divan::{Bencher, black_box};
    use ed25519_dalek::{Signer, SigningKey};

    use super::{Receipt, SECRET, claims, ed25519, signed};

    #[divan::bench]
    fn sign(bencher: Bencher) {
        let (ring, _) = ed25519();
        bencher.with_inputs(claims).bench_values(|claims| Receipt::sign(claims, &ring));
    }

    #[divan::bench]
    fn bare_sign(bencher: Bencher) {
        let key = SigningKey::from_bytes(&SECRET);
        let bytes = signed(&ed25519().1);
        bencher.bench(|| key.sign(black_box(&bytes)));
    }

    #[divan::bench]
    fn verify(bencher: Bencher) {
        let (ring, receipt) = ed25519();
        bencher.bench(|| Receipt::verify(black_box(receipt.as_str()), &ring));
    }

    #[divan::bench]
    fn bare_verify(bencher: Bencher) {
        let key = SigningKey::from_bytes(&SECRET);
        let bytes = signed(&ed25519().1);
        let signature = key.sign(&bytes);
        let public = key.verifying_key();
        bencher.bench(|| public.verify_strict(black_box(&bytes), &signature));
    }
}
