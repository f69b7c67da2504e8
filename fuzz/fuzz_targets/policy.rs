//! Policies, as TOML and as canonical JSON: what is accepted is read back as the same, differs from
//! itself in nothing, and grants nothing by itself; what is not is told with a line that the text
//! has.
#![no_main]

use std::sync::LazyLock;

use consent_core::Policy;
use consent_core::document::{Faults, MAX_FAULTS};
use consent_core::mapping::{Answer, Mapping};
use consent_core::policy::{Comparison, EXAMPLE};
use libfuzzer_sys::fuzz_target;

static OTHER: LazyLock<Policy> = LazyLock::new(|| Policy::from_toml(EXAMPLE).unwrap());

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        match Policy::from_toml(text) {
            Ok(policy) => accepted(&policy),
            Err(faults) => told(&faults, text.split('\n').count()),
        }
    }
    match Policy::from_canonical_json(bytes) {
        Ok(policy) => assert_eq!(policy.canonical_json(), bytes),
        Err(faults) => told(&faults, 1),
    }
});

fn accepted(policy: &Policy) {
    let json = policy.canonical_json();
    assert_eq!(Policy::from_canonical_json(&json).as_ref(), Ok(policy));
    assert!(Comparison::of(policy, policy).differences().is_empty());
    for difference in Comparison::of(&OTHER, policy).differences() {
        assert!(!difference.text("fr").is_empty());
    }
    for (signal, answer) in Mapping::of(policy).answers(|_| false).into_values().flatten() {
        assert!(answer == Answer::Denied || signal == "security_storage");
    }
}

fn told(faults: &Faults, lines: usize) {
    let faults = faults.as_slice();
    assert!((1..=MAX_FAULTS + 1).contains(&faults.len()));
    assert!(faults.is_sorted_by_key(|fault| fault.line));
    for fault in faults {
        assert!((1..=lines).contains(&fault.line), "{fault}");
        assert!(!fault.message.is_empty(), "{fault}");
    }
}
