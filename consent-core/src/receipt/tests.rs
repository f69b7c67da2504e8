//! Receipts as a whole: frozen bytes, changed bytes, and what is signed but no receipt.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::Signal;
use crate::rules::MAX_CHOICES;
use crate::{LegalBasis, Method, PurposeId, Recorded, Subject};

const FROZEN_HS256: &str = include_str!("frozen.jws").trim_ascii_end();
const FROZEN_ED25519: &str = include_str!("frozen-ed25519.jws").trim_ascii_end();

fn hs256() -> KeyRing {
    KeyRing::new(vec![Key::hs256("k1", &[7; 32]).unwrap()]).unwrap()
}

fn ed25519() -> KeyRing {
    KeyRing::new(vec![Key::ed25519("k2", &[7; 32]).unwrap()]).unwrap()
}

fn example() -> Claims {
    serde_json::from_str(EXAMPLE_CLAIMS).unwrap()
}

/// Claims with everything that is optional.
fn full() -> Claims {
    Claims {
        layer: Some(Layer::Preferences),
        signals: vec![Signal::Gpc, Signal::Dnt],
        previous: Some(Digest::of(FROZEN_HS256.as_bytes())),
        ..example()
    }
}

#[test]
fn the_bytes_are_frozen() {
    for (claims, ring, frozen) in
        [(example(), hs256(), FROZEN_HS256), (full(), ed25519(), FROZEN_ED25519)]
    {
        let receipt = Receipt::sign(claims, &ring).unwrap();
        assert_eq!(receipt.as_str(), frozen);
        assert_eq!(Receipt::verify(&format!(" {frozen}\n"), &ring), Ok(receipt));
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    for (frozen, ring) in [(FROZEN_HS256, hs256()), (FROZEN_ED25519, ed25519())] {
        assert!(Receipt::verify(frozen, &ring).is_ok());
        for i in 0..frozen.len() {
            for change in [1, 2, 0x20, 0x80] {
                let mut bytes = frozen.as_bytes().to_vec();
                bytes[i] ^= change;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(Receipt::verify(&changed, &ring).is_err(), "byte {i} ^ {change}");
            }
        }
    }
}

#[test]
fn what_is_signed_but_no_receipt_is_refused() {
    let json = serde_json::to_string(&full()).unwrap();
    let swap = |from: &str, to: &str| {
        let changed = json.replacen(from, to, 1);
        assert_ne!(changed, json, "{from}");
        changed
    };
    for (payload, expected) in [
        (json.clone(), None),
        (format!("\n{json}"), None),
        (String::new(), Some(InvalidClaims::Shape)),
        ("{}".into(), Some(InvalidClaims::Shape)),
        (format!("[{json}]"), Some(InvalidClaims::Shape)),
        (format!("{json}x"), Some(InvalidClaims::Shape)),
        (swap("{", r#"{"aud":"x","#), Some(InvalidClaims::Shape)),
        (swap("\"iat\":1767225600", "\"iat\":1782864001"), Some(InvalidClaims::Expiry)),
        (swap("-774b-", "-474b-"), Some(InvalidClaims::Id)),
        (swap(r#"["gpc","dnt"]"#, r#"["gpc","gpc"]"#), Some(InvalidClaims::Signals)),
    ] {
        for ring in [hs256(), ed25519()] {
            let result = Receipt::verify(&ring.sign(TYPE, payload.as_bytes()), &ring);
            assert_eq!(result.err(), expected.map(Failure::Claims), "{payload}");
        }
    }
    let mut nothing = example();
    nothing.purposes.clear();
    assert_eq!(Receipt::sign(nothing, &hs256()), Err(InvalidClaims::Purposes));
    // A link is signed too, but it is of another type.
    assert_eq!(Receipt::verify(&hs256().sign("link", b"{}"), &hs256()), Err(Failure::Type));
}

/// The fields of a struct in their order, as an array, which serde would read.
#[test]
fn an_array_is_no_receipt() {
    let members: serde_json::Map<_, _> = serde_json::from_str(EXAMPLE_CLAIMS).unwrap();
    let member = |name: &str| members.get(name).cloned().unwrap_or_default();
    let names = ["iss", "jti", "iat", "exp", "sub", "site", "region", "policy", "notice", "method"];
    let mut array: Vec<_> = names.map(member).into();
    array.extend([
        serde_json::Value::Null,
        serde_json::json!([]),
        member("purposes"),
        member("previous"),
    ]);
    let array = serde_json::to_vec(&array).unwrap();
    assert_eq!(serde_json::from_slice::<Claims>(&array).ok(), Some(example()));
    let result = Receipt::verify(&hs256().sign(TYPE, &array), &hs256());
    assert_eq!(result, Err(Failure::Claims(InvalidClaims::Shape)));
}

#[test]
fn the_largest_receipt_is_not_too_large() {
    let outcome = Outcome { basis: LegalBasis::LegitimateInterest, state: Recorded::Unconfirmed };
    let id = |i| format!("p{i:063}").parse::<PurposeId>().unwrap();
    let claims = Claims {
        iss: "a".repeat(MAX_ISSUER),
        iat: Timestamp::from_second(Timestamp::MIN.as_second()).unwrap(),
        exp: Timestamp::from_second(Timestamp::MAX.as_second()).unwrap(),
        sub: format!("email:{}", "A".repeat(43)).parse().unwrap(),
        site: "s".repeat(64).parse().unwrap(),
        region: "r".repeat(64).parse().unwrap(),
        policy: PolicyRef { number: u32::MAX, ..full().policy },
        notice: NoticeRef { language: "a".repeat(35), ..full().notice },
        method: Method::DoubleOptIn,
        purposes: (0..MAX_CHOICES).map(|i| (id(i), outcome)).collect(),
        ..full()
    };
    let ring = KeyRing::new(vec![Key::ed25519(&"k".repeat(64), &[7; 32]).unwrap()]).unwrap();
    let receipt = Receipt::sign(claims, &ring).unwrap();
    assert!(receipt.as_str().len() > 10_000);
    assert_eq!(Receipt::verify(receipt.as_str(), &ring), Ok(receipt));
}

#[test]
fn rubbish_is_refused_unread() {
    for rubbish in ["a", ".", "{", "é", "eyJ.", "\0"] {
        let rubbish = rubbish.repeat(1_000_000 / rubbish.len());
        assert_eq!(Receipt::verify(&rubbish, &hs256()), Err(Failure::Size));
    }
    assert_eq!(Receipt::verify(&" ".repeat(1_000_000), &hs256()), Err(Failure::Format));
    // As much as is read, behind a signature that is right: brackets do not nest without end.
    for payload in ["[", "{\"a\":", "9"] {
        let payload = payload.repeat(8_000 / payload.len());
        let result = Receipt::verify(&hs256().sign(TYPE, payload.as_bytes()), &hs256());
        assert_eq!(result, Err(Failure::Claims(InvalidClaims::Shape)));
    }
}

#[test]
fn failures_are_told_by_name_and_order() {
    let names = ["size", "format", "type", "algorithm", "key", "signature", "claims"];
    let failures = [
        Failure::Size,
        Failure::Format,
        Failure::Type,
        Failure::Algorithm,
        Failure::Key,
        Failure::Signature,
        Failure::Claims(InvalidClaims::Shape),
    ];
    assert_eq!(failures.map(Failure::check), names);
    assert!(failures.is_sorted());
    for failure in failures {
        let text = failure.to_string();
        assert!(text.starts_with(&format!("{}: ", failure.check())), "{text}");
    }
}

prop_compose! {
    fn claims()(
        issuer in "https://[a-z]{1,40}",
        (millis, random) in (0u64..1 << 48, any::<[u8; 10]>()),
        iat in -10_000_000_000..10_000_000_000_i64,
        lifetime in 0..100_000_000_i64,
        subject in any::<[u8; 16]>(),
        number in 1..=u32::MAX,
        (policy, notice, previous) in any::<([u8; 32], [u8; 32], Option<[u8; 32]>)>(),
        language in "[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}",
        layer in prop::option::of(prop::sample::select(
            &[Layer::First, Layer::Preferences, Layer::Page, Layer::Mail][..],
        )),
        signals in prop::sample::subsequence(&[Signal::Gpc, Signal::Dnt][..], 0..=2),
        purposes in prop::collection::btree_map("[a-z0-9]{1,64}", any::<bool>(), 1..10),
    ) -> Claims {
        let outcome = |granted| Outcome {
            basis: LegalBasis::Consent,
            state: if granted { Recorded::Granted } else { Recorded::Refused },
        };
        Claims {
            iss: issuer,
            jti: uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid(),
            iat: Timestamp::from_second(iat).unwrap(),
            exp: Timestamp::from_second(iat + lifetime).unwrap(),
            sub: Subject::browser(subject),
            policy: PolicyRef { number, digest: policy.into() },
            notice: NoticeRef { language, digest: notice.into() },
            layer,
            signals,
            purposes: purposes
                .into_iter()
                .map(|(id, granted)| (id.parse().unwrap(), outcome(granted)))
                .collect(),
            previous: previous.map(Into::into),
            ..example()
        }
    }
}

proptest! {
    #[test]
    fn what_is_signed_is_read_again(claims in claims()) {
        for ring in [hs256(), ed25519()] {
            let receipt = Receipt::sign(claims.clone(), &ring).unwrap();
            let read = Receipt::verify(receipt.as_str(), &ring).unwrap();
            prop_assert_eq!(read.claims(), &claims);
            prop_assert_eq!(read, receipt);
        }
    }

    #[test]
    fn any_signed_payload_is_read_without_panic(payload in "\\PC{0,200}") {
        let ring = hs256();
        let result = Receipt::verify(&ring.sign(TYPE, payload.as_bytes()), &ring);
        prop_assert_eq!(result, Err(Failure::Claims(InvalidClaims::Shape)));
    }

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
        prop_assert!(Receipt::verify(&text, &hs256()).is_err());
    }
}
