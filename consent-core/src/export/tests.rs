//! Exports as a whole: what cannot be told, frozen outputs, and any receipt at all.

mod dpv;
mod kantara;

use std::sync::LazyLock;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::receipt::{EXAMPLE_CLAIMS, Layer, NoticeRef, PolicyRef};
use crate::rules::{Method, Recorded, Signal};
use crate::{Key, KeyRing, Subject};

/// A policy with all that can be told; see its head.
fn policy() -> Policy {
    static POLICY: LazyLock<Policy> =
        LazyLock::new(|| Policy::from_toml(include_str!("tests/policy.toml")).unwrap());
    POLICY.clone()
}

fn sign(claims: Claims) -> Receipt {
    let ring = KeyRing::new(vec![Key::hs256("k1", &[7; 32]).unwrap()]).unwrap();
    Receipt::sign(claims, &ring).unwrap()
}

/// Claims under this policy about purposes of it, by their identifiers.
fn claims(policy: &Policy, purposes: &[(&str, Recorded)]) -> Claims {
    let outcome = |(id, state): &(&str, Recorded)| {
        let purpose = policy.purpose(&id.parse().unwrap()).unwrap();
        (purpose.id.clone(), Outcome { basis: purpose.basis, state: *state })
    };
    Claims {
        policy: PolicyRef { number: policy.number, digest: policy.digest() },
        purposes: purposes.iter().map(outcome).collect(),
        ..serde_json::from_str(EXAMPLE_CLAIMS).unwrap()
    }
}

/// What the frozen outputs tell of.
fn example(language: &str) -> (Receipt, Policy) {
    let policy = policy();
    let example = claims(
        &policy,
        &[
            ("improvement", Recorded::Objected),
            ("analytics", Recorded::Refused),
            ("communications", Recorded::Granted),
            ("survey", Recorded::Withdrawn),
        ],
    );
    let notice = NoticeRef { language: language.to_owned(), ..example.notice.clone() };
    let receipt = sign(Claims {
        notice,
        layer: Some(Layer::Preferences),
        signals: vec![Signal::Gpc],
        previous: Some(Digest::of(b"the receipt before")),
        ..example
    });
    (receipt, policy)
}

#[test]
fn the_outputs_are_frozen() {
    for (language, frozen) in
        [("en", include_str!("tests/receipt.en.txt")), ("fr", include_str!("tests/receipt.fr.txt"))]
    {
        let (receipt, policy) = example(language);
        assert_eq!(Export::new(&receipt, &policy).unwrap().text(), frozen, "{language}");
    }
    let (receipt, policy) = example("en");
    let export = Export::new(&receipt, &policy).unwrap();
    let frozen = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
    assert_eq!(export.dpv(), frozen(include_str!("tests/receipt.dpv.jsonld")));
    assert_eq!(export.kantara().unwrap(), frozen(include_str!("tests/receipt.kantara.json")));
}

#[test]
fn it_is_told_in_another_language_and_says_which_one_was_shown() {
    let (receipt, policy) = example("en");
    let export = Export::new(&receipt, &policy).unwrap();
    let (told, french) = (export.text_in("fr-CA"), include_str!("tests/receipt.fr.txt"));
    let differs = told.lines().zip(french.lines()).filter(|(told, french)| told != french);
    let differs: Vec<_> = differs.map(|(told, _)| told).collect();
    let digest = format!("  {}", receipt.digest());
    assert_eq!(differs.len(), 2, "{differs:?}");
    assert!(differs[0].starts_with("cette langue\u{a0}: en."), "the language shown: {differs:?}");
    assert_eq!(differs[1], digest, "and it is another receipt");
    assert_eq!(export.text_in("de"), export.text(), "as near as the policy has it");
}

#[test]
fn only_the_receipts_own_policy_tells_it() {
    type Change = fn(&mut Claims, &mut Policy);
    let cases: [(Change, &str); 9] = [
        (|c, _| c.iss = "consent.example.org".into(), "iss: must be an address that begins with"),
        (|c, _| c.iss = "https://".into(), "iss: must be an address"),
        (|c, _| c.iss = "https://example.org/?site".into(), "iss: must be an address"),
        (|_, p| p.number = 4, "policy: the receipt names policy 3, not 4; export it with that one"),
        (|c, _| c.policy.number = 4, "policy: the receipt names policy 4, not 3"),
        (|_, p| p.name.push('!'), "policy: this is not the policy 3 that the receipt names: its"),
        (
            |c, _| c.notice.language = "de".into(),
            "notice: the policy is not written in 'de', but in en, fr",
        ),
        (
            |c, _| {
                let outcome = *c.purposes.values().next().unwrap();
                c.purposes.insert("ads".parse().unwrap(), outcome);
            },
            "purposes: the policy has no purpose 'ads'",
        ),
        (
            |c, _| c.purposes.values_mut().for_each(|o| o.basis = LegalBasis::LegitimateInterest),
            "purposes: 'analytics' rests on legitimate interest in the receipt, and on consent in",
        ),
    ];
    for (change, expected) in cases {
        let mut policy = policy();
        let mut claims = claims(&policy, &[("analytics", Recorded::Granted)]);
        change(&mut claims, &mut policy);
        let error = Export::new(&sign(claims), &policy).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn recipients_are_told_once_with_what_is_known_of_them() {
    let (receipt, policy) = example("en");
    let export = Export::new(&receipt, &policy).unwrap();
    let recipients = |id: &str| -> Vec<(&str, bool)> {
        let purpose = policy.purpose(&id.parse().unwrap()).unwrap();
        let recipients = export.recipients(purpose);
        recipients.iter().map(|r| (r.name, r.processor.is_some())).collect()
    };
    assert_eq!(
        recipients("communications"),
        [("Example Mail", true), ("printers & shippers", false)]
    );
    assert_eq!(recipients("survey"), [("Example Hosting", true), ("Example Mail", true)]);
    assert_eq!(recipients("analytics"), []);
}

/// Only what applies to this receipt is said.
#[test]
fn the_text_says_what_applies() {
    let remembered = "Your choices are remembered until";
    let stands = "An objection stands until you take it back.";
    let withdraw = "Taking back your consent is as easy as giving it";
    let object = "You can object to what rests on a legitimate interest";
    for (purpose, state, expected) in [
        ("survey", Recorded::Granted, [true, false, true, false]),
        ("survey", Recorded::Refused, [true, false, true, false]),
        ("improvement", Recorded::Objected, [false, true, false, true]),
        ("improvement", Recorded::Open, [false, false, false, true]),
    ] {
        let policy = policy();
        let receipt = sign(claims(&policy, &[(purpose, state)]));
        let text = Export::new(&receipt, &policy).unwrap().text();
        let said = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let said = [remembered, stands, withdraw, object].map(|sentence| said.contains(sentence));
        assert_eq!(said, expected, "{purpose} {state:?}\n{text}");
        assert!(text.ends_with("There is no receipt before it.\n"), "{text}");
        assert_eq!(text.contains("\nUntil when\n----------\n"), expected[0] || expected[1]);
    }
}

/// A line is wider than it should be only where there is nothing to break it at.
fn wide_lines(text: &str) -> Vec<&str> {
    let breakable = |line: &str| {
        let words = line.trim_start_matches(['*', ' ']);
        line.chars().count() > 72 && words.contains(' ')
    };
    text.lines().filter(|line| breakable(line)).collect()
}

prop_compose! {
    /// Any claims about the test's policy, with any words in it.
    fn any_receipt()(
        (name, retention, recipient, service) in ("\\PC{0,90}", "[a-zé\u{a0}\n{} ]{0,200}", "\\PC{1,40}", "\\PC{0,40}"),
        issuer in "https?://[a-z][a-z.:\\[\\]/%-]{1,60}",
        (millis, random, subject) in (0u64..1 << 48, any::<[u8; 10]>(), any::<[u8; 16]>()),
        iat in -10_000_000_000..200_000_000_000_i64,
        lifetime in 0..100_000_000_i64,
        language in select(&["en", "fr"][..]),
        layer in prop::option::of(select(&[Layer::First, Layer::Preferences, Layer::Page, Layer::Mail][..])),
        signals in subsequence(&[Signal::Gpc, Signal::Dnt][..], 0..=2),
        method in select(&METHODS[..]),
        region in select(&["eu", "us", "elsewhere"][..]),
        purposes in subsequence(
            &["service", "accounting", "improvement", "analytics", "communications", "survey"][..], 1..=6,
        ),
        states in prop::collection::vec(select(&Recorded::ALL[..]), 6),
        previous in any::<Option<[u8; 32]>>(),
    ) -> (Receipt, Policy) {
        let mut policy = policy();
        policy.name = name;
        for purpose in &mut policy.purposes {
            purpose.retention.insert("en".into(), retention.clone());
            purpose.recipients.push(recipient.clone());
            purpose.services.push(service.clone());
        }
        let purposes: Vec<_> = purposes.into_iter().zip(states).collect();
        let base = claims(&policy, &purposes);
        let receipt = sign(Claims {
            iss: issuer,
            jti: uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid(),
            iat: Timestamp::from_second(iat).unwrap(),
            exp: Timestamp::from_second(iat + lifetime).unwrap(),
            sub: Subject::browser(subject),
            region: region.parse().unwrap(),
            notice: NoticeRef { language: language.into(), ..base.notice.clone() },
            method,
            layer,
            signals,
            previous: previous.map(Into::into),
            ..base
        });
        (receipt, policy)
    }
}

pub(super) const METHODS: [Method; 8] = [
    Method::AcceptAll,
    Method::RefuseAll,
    Method::Preferences,
    Method::Withdrawal,
    Method::DoubleOptIn,
    Method::OneClickUnsubscribe,
    Method::Objection,
    Method::Signal,
];

proptest! {
    #[test]
    fn any_receipt_is_told((receipt, policy) in any_receipt()) {
        let export = Export::new(&receipt, &policy).unwrap();
        prop_assert_eq!(dpv::faults(&export.dpv()), Vec::<String>::new());

        let granted = receipt.claims().purposes.values().any(|outcome| {
            (outcome.basis, outcome.state) == (LegalBasis::Consent, Recorded::Granted)
        });
        match export.kantara() {
            Ok(json) => prop_assert_eq!(kantara::faults(&json), Vec::<String>::new()),
            Err(NoConsent::NothingGranted) => prop_assert!(!granted),
            Err(NoConsent::BeforeEpoch) => prop_assert!(receipt.claims().iat < Timestamp::UNIX_EPOCH),
        }

        let text = export.text();
        prop_assert_eq!(wide_lines(&text), Vec::<&str>::new());
        for said in [receipt.claims().jti.to_string(), receipt.digest().to_string()] {
            prop_assert!(text.contains(&said));
        }
    }
}
