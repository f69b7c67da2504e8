//! The state cookie, and the choices of a decision: what is accepted is read back as the same.
#![no_main]

use consent_core::cookie::StateCookie;
use consent_core::rules::{MAX_CHOICES, choices};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(cookie) = StateCookie::decode(text) {
        let written = cookie.encode();
        assert!(written.len() <= text.len());
        assert_eq!(StateCookie::decode(&written), Some(cookie));
    }
    let read = |json: &str| choices(&mut serde_json::Deserializer::from_str(json));
    if let Ok(choices) = read(text) {
        assert!(choices.len() <= MAX_CHOICES);
        assert_eq!(read(&serde_json::to_string(&choices).unwrap()).unwrap(), choices);
    }
});
