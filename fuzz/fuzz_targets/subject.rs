//! Addresses, numbers and identifiers: a normal form is its own normal form.
#![no_main]

use consent_core::subject::{EmailAddress, PhoneNumber};
use consent_core::{Digest, PurposeId, Subject};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(address) = text.parse::<EmailAddress>() {
        assert_eq!(address.as_str().parse(), Ok(address.clone()));
        let (local, domain) = address.as_str().rsplit_once('@').unwrap();
        assert!((1..=64).contains(&local.len()) && domain.is_ascii());
    }
    let national = text.split_once(' ').map(|(country, text)| (text, Some(country)));
    for (text, country) in [Some((text, None)), national].into_iter().flatten() {
        if let Ok(number) = PhoneNumber::parse(text, country) {
            assert_eq!(number.as_str().parse(), Ok(number.clone()));
        }
    }
    if let Ok(subject) = text.parse::<Subject>() {
        assert_eq!(subject.to_string(), text);
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text.to_ascii_lowercase());
    }
    if let Ok(purpose) = text.parse::<PurposeId>() {
        assert_eq!(purpose.as_str(), text);
    }
});
