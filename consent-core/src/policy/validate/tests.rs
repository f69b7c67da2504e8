//! Broken policies, and what each is told.

use proptest::prelude::*;

use crate::Policy;
use crate::policy::EXAMPLE;

#[test]
fn each_broken_policy_names_its_field_and_line() {
    for (from, to, expected) in EDITS {
        assert!(EXAMPLE.contains(from), "{from}");
        let Err(faults) = Policy::from_toml(&EXAMPLE.replacen(from, to, 1)) else {
            panic!("accepted: {to}")
        };
        let message = faults.to_string();
        assert!(message.contains(expected), "{to}: {message}");
    }
}

#[test]
fn every_fault_is_told_at_once() {
    let broken = EXAMPLE
        .replace("months = 6", "months = 0\nmonth = 1")
        .replace("\"FR\"", "\"\"")
        .replacen("data = [\"usage\"]", "data = [\"clicks\"]", 1);
    let faults = Policy::from_toml(&broken).unwrap_err();
    assert_eq!(faults.as_slice().len(), 4, "{faults}");

    let unreadable = EXAMPLE
        .replace("number = 1", "number = 'one'")
        .replace("name.en = \"Data", "name = \"Data")
        .replace("role = \"controller\"", "role = \"owner\"")
        .replace("days = 390", "days = \"390\"");
    let faults = Policy::from_toml(&unreadable).unwrap_err();
    let paths: Vec<_> = faults.as_slice().iter().map(|fault| fault.path.as_str()).collect();
    let expected = ["number", "officer.name", "activity[0].role", "purpose[1].cookie[0].days"];
    assert_eq!(paths, expected, "{faults}");
}

#[test]
fn a_published_policy_is_read_back() {
    let policy = Policy::from_toml(EXAMPLE).unwrap();
    let json = policy.canonical_json();
    assert_eq!(Policy::from_canonical_json(&json).unwrap(), policy);
    let text = String::from_utf8(json).unwrap();
    for other in [
        text.replace("\"number\":1", "\"number\": 1"),
        text.replace("\"number\":1", "\"number\":0"),
        text.replace("\"number\":1", "\"number\":1,\"number\":1"),
        text.replace("\"en\":\"13 months.\"", "\"en\":\"14 months.\",\"en\":\"13 months.\""),
        text[..text.len() - 1].to_owned(),
        "[".repeat(1 << 20),
        " ".repeat((1 << 20) + 1),
    ] {
        assert!(Policy::from_canonical_json(other.as_bytes()).is_err(), "{other:.80}");
    }
}

proptest! {
    /// Whatever words a policy is made of, TOML and canonical JSON keep them.
    #[test]
    fn any_words_are_read_back(
        words in prop::collection::vec("\\PC{0,30}[\\p{L}\\p{N}]", 4),
        numbers in (1..=u32::MAX, 1..=13_u8, 1..=u16::MAX, 0..=396_u16),
    ) {
        let mut policy = Policy::from_toml(EXAMPLE).unwrap();
        let [name, title, retention, service] = <[String; 4]>::try_from(words).unwrap();
        (policy.name, policy.number, policy.lifetime_months) = (name, numbers.0, numbers.1);
        let analytics = &mut policy.purposes[1];
        analytics.title.insert("en".to_owned(), title);
        analytics.retention.insert("en".to_owned(), retention);
        analytics.retention_months = Some(numbers.2);
        analytics.services = vec![service];
        analytics.cookies[0].days = numbers.3;

        let json = policy.canonical_json();
        prop_assert_eq!(Policy::from_canonical_json(&json), Ok(policy.clone()));
        let toml = toml::to_string(&policy).unwrap();
        prop_assert_eq!(Policy::from_toml(&toml), Ok(policy.clone()));
        prop_assert_eq!(policy.digest(), crate::Digest::of(&json));
    }
}

#[test]
fn the_digest_is_frozen() {
    let policy = Policy::from_toml(EXAMPLE).unwrap();
    // Order and spacing in the file do not matter; any change of content does.
    let moved = EXAMPLE.replace("number = 1\nname = \"Example\"", "name   = 'Example'\nnumber = 1");
    assert_eq!(Policy::from_toml(&moved).unwrap().digest(), policy.digest());
    let edited = EXAMPLE.replace("13 months.", "12 months.");
    assert_ne!(Policy::from_toml(&edited).unwrap().digest(), policy.digest());
    assert_eq!(policy.digest().to_string(), FROZEN);
}

/// Published receipts refer to policies by digest, so this must never change.
const FROZEN: &str = "606b27438ab4bb57143ceb00ef9e6a48a3bb61bf61684e6485428b0a4e0dfb35";

#[test]
fn languages_are_negotiated() {
    let policy = Policy::from_toml(EXAMPLE).unwrap();
    assert_eq!(policy.negotiate(["fr", "en-GB"]), "en");
    assert_eq!(policy.negotiate([]), "en");
    let languages = ["en", "fr", "zh-Hant"].map(str::to_owned).to_vec();
    let policy = Policy { languages, ..policy };
    assert_eq!(policy.negotiate(["de-AT", "zh-hant-TW", "fr"]), "zh-Hant");
    assert_eq!(policy.negotiate(["zh", "fr-CA"]), "fr");
}

#[test]
fn lifetimes_are_calendar_months() {
    let at = "2026-01-31T12:00:00Z".parse().unwrap();
    assert_eq!(crate::policy::months_after(at, 1).to_string(), "2026-02-28T12:00:00Z");
    assert_eq!(crate::policy::months_after(jiff::Timestamp::MAX, 6), jiff::Timestamp::MAX);
}

/// Each edit of the example, and the fault that must come of it.
const EDITS: &[(&str, &str, &str)] = &[
    ("number = 1", "number = 0", "line 1: number: policies are counted from 1"),
    ("number = 1", "number = 'x'", "line 1: number: invalid type"),
    ("number = 1", "colour = 1", "line 1: colour: unknown field; there are number, name"),
    ("[\"en\"]", "[]", "line 3: languages: at least one"),
    ("[\"en\"]", "[\"en\", \"fr\"]", "title.fr: the text in 'fr' is missing"),
    ("[\"en\"]", "[\"english\"]", "line 3: languages[0]: a language is a BCP 47 tag"),
    ("months = 6", "months = 14", "line 4: lifetime_months: a choice is remembered from 1"),
    ("country = \"FR\"", "country = \"France\"", "line 9: controller.country: a country is two"),
    ("dpo@example.org", "dpo", "line 14: officer.email: an e-mail address is written"),
    ("https://www", "www", "line 19: authority.url: must begin with https://"),
    ("retention.en = \"13 months.\"", "", "line 45: purpose[1].retention: is missing"),
    (
        "basis = \"consent\"",
        "basis = [\"consent\", \"contract\"]",
        "line 47: purpose[1].basis: a purpose rests on exactly one legal basis",
    ),
    (
        "basis = \"consent\"",
        "basis = \"vital\"",
        "line 47: purpose[1].basis: unknown variant `vital`, expected one of `consent`",
    ),
    (
        "id = \"analytics\"",
        "id = \"service\"",
        "line 46: purpose[1].id: 'service' is defined twice",
    ),
    ("id = \"analytics\"", "id = \"Any thing\"", "line 46: purpose[1].id: a purpose must be"),
    ("days = 390", "days = 400", "cookie[0].days: a cookie lives 13 months"),
    ("_measure", "a=b", "cookie[0].name: a cookie's name"),
    ("retention.en = \"13", "retention.de = \"13", "retention.en: the text in 'en' is missing"),
    ("[\"en\"]", "[\"en\", \"EN\"]", "line 3: languages[1]: 'EN' is listed twice"),
    ("languages = [\"en\"]", "languages = 'en'", "line 3: languages: must be a list"),
    ("\"portability\", ", "\"access\", ", "line 5: rights[4]: 'access' is listed twice"),
    ("rights = ", "signals = ['gpc', 'tcf']\nrights = ", "line 5: signals[1]: unknown var"),
    ("[[region]]", "[deadlines]\nanswer_months = 2\n[[region]]", "GDPR Art. 12(3) allows 1"),
    ("[[region]]", "[deadlines]\nbreach_hours = 96\n[[region]]", "GDPR Art. 33(1) allows 72"),
    ("name = \"CNIL\"", "name = \"CN\u{202e}IL\"", "authority.name: holds the invisible ch"),
    ("data = [\"usage\"]", "data = [\"clicks\"]", "purpose[1].data[0]: there is no [[data]]"),
    ("data = [\"usage\"]", "data = []", "purpose[1].data: the categories of data must be"),
    ("\"account\", \"usage\"]", "\"account\"]", "data[1].id: no [[activity]] processes 'usage'"),
    ("necessity.en = \"Without", "interest.en = \"Without", "purpose[0].necessity: what follows"),
    ("necessity.en = \"Without", "interest.en = \"Without", "purpose[0].interest: only a purpose"),
    ("\"contract\"", "\"legitimate_interest\"", "purpose[0].interest: the interest pursued"),
    ("months = 13", "months = 0", "purpose[1].retention_months: at least 1 month"),
    ("\"analytics\"", "\"serv-ice\"", "purpose[1].id: 'serv-ice' looks like 'service'"),
    (
        "[[region]]",
        "[[sub_processor]]\nname = 'A'\ncountry = 'US'\nservice.en = 'B'\npurposes = ['service']\n[[region]]",
        "sub_processor[0].transfer: outside the European",
    ),
    (
        "[[region]]",
        "[[sub_processor]]\nname = 'A'\ncountry = 'DE'\nservice.en = 'B'\npurposes = ['ads']\n[[region]]",
        "purposes[0]: there is no purpose 'ads'",
    ),
    (
        "[[region]]",
        "[mapping.google]\nad_storage = ['ads']\n[[region]]",
        "mapping.google.ad_storage[0]: there is",
    ),
    ("id = \"eu\"", "id = \"eu\"\ncountry = 1", "region[0].country: unknown field; there are id"),
];
