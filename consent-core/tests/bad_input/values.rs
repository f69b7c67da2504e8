//! Single values that are wrong: of another type, unknown, given twice, at the ends of a range, or
//! made to be taken for another.

use consent_core::cookie::StateCookie;
use consent_core::policy::EXAMPLE;
use consent_core::receipt::EXAMPLE_CLAIMS;
use consent_core::subject::EmailAddress;
use consent_core::{Claims, Policy, PurposeId, SiteId, Subject, rules};

/// The fields of a policy.
const FIELDS: [&str; 17] = [
    "number",
    "name",
    "languages",
    "lifetime_months",
    "signals",
    "controller",
    "officer",
    "authority",
    "data",
    "activity",
    "purpose",
    "sub_processor",
    "sub_processor_changes",
    "region",
    "rights",
    "deadlines",
    "security",
];

#[test]
fn values_of_a_wrong_type_are_told_by_field_and_line() {
    for field in FIELDS {
        let mut refused = 0;
        for value in ["-1", "1.5", "inf", "true", "1979-05-27", "''", "[[]]", "{x = {}}", "[{}]"] {
            let text = format!("\n\n{field} = {value}");
            let faults = Policy::from_toml(&text).unwrap_err();
            let there =
                |path: &str| path.strip_prefix(field).is_some_and(|rest| !rest.starts_with('_'));
            let told = faults.as_slice().iter().filter(|f| there(&f.path) && f.line == 3);
            refused += usize::from(told.count() > 0);
        }
        assert!(refused >= 7, "{field}: {refused} of 9");
    }
}

#[test]
fn published_policies_of_wrong_types_are_refused() {
    let json = Policy::from_toml(EXAMPLE).unwrap().canonical_json();
    let json: serde_json::Map<_, _> = serde_json::from_slice(&json).unwrap();
    let long = "x".repeat(1_000_000);
    let nested = format!("{}{}", "[".repeat(400_000), "]".repeat(400_000));
    let object = format!("{{{}\"z\":0}}", "\"x\":0,".repeat(160_000));
    for field in json.keys() {
        for value in ["null", "true", "-1", "1.5", &format!("\"{long}\""), &nested, &object] {
            let mut others = json.clone();
            others.remove(field);
            let others = serde_json::to_string(&others).unwrap();
            let text = format!("{{\"{field}\":{value},{}", &others[1..]);
            let error = Policy::from_canonical_json(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("line 1: ") && error.len() < 10_000, "{field}: {error:.300}");
        }
    }
}

#[test]
fn unknown_and_doubled_fields_are_told() {
    let faults = |from: &str, to: &str| {
        assert!(EXAMPLE.contains(from), "{from}");
        Policy::from_toml(&EXAMPLE.replacen(from, to, 1)).unwrap_err().to_string()
    };
    for (from, to, told) in [
        ("number = 1", "number = 1\nnumber = 1", "line 2: duplicate key"),
        ("[officer]", "[officer]\n[officer]", "line 13: duplicate key"),
        ("name.en = \"Data", "name.en = 'a'\nname.en = \"Data", "line 14: duplicate key"),
        ("{ name = ", "{ name = 'a', name = ", "line 54: duplicate key"),
        ("number = 1", "number = 1\nNumber = 1", "line 2: Number: unknown field"),
        ("[officer]", "[officer]\nphone = 1", "line 13: officer.phone: unknown field"),
        ("days = 390", "days = 390, path = '/'", "line 54: purpose[1].cookie[0].path: unknown"),
    ] {
        let message = faults(from, to);
        assert!(message.contains(told), "{to}: {message}");
    }
    let json = String::from_utf8(Policy::from_toml(EXAMPLE).unwrap().canonical_json()).unwrap();
    for (from, to, told) in [
        ("{\"activity\"", "{\"a\":1,\"activity\"", "unknown field `a`"),
        ("\"days\":390", "\"days\":390,\"days\":390", "duplicate field `days`"),
        ("\"days\":390", "\"days\":390,\"path\":1", "unknown field `path`"),
        // A language twice is a policy to serde, but not the bytes that the digest covers.
        ("\"en\":\"13 months.\"", "\"en\":\"1\",\"en\":\"13 months.\"", "not the canonical JSON"),
    ] {
        let message =
            Policy::from_canonical_json(json.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert!(message.to_string().contains(told), "{to}: {message}");
    }
    let choices = r#"{"news":"granted","news":"refused"}"#;
    let error = rules::choices(&mut serde_json::Deserializer::from_str(choices)).unwrap_err();
    assert!(error.to_string().contains("'news' is named twice"), "{error}");
    for claim in ["\"iss\": \"a\"", "\"site\": \"a\"", "\"aud\": \"a\""] {
        let json = EXAMPLE_CLAIMS.replacen('{', &format!("{{{claim},"), 1);
        let error = serde_json::from_str::<Claims>(&json).unwrap_err().to_string();
        let name = claim.split('"').nth(1).unwrap();
        assert!(error.contains(&format!("field `{name}`")), "{error}");
    }
}

#[test]
fn numbers_at_the_ends_of_their_range_are_read_or_told() {
    for (from, to, told) in [
        ("number = 1", "number = 4294967295", ""),
        ("number = 1", "number = 4294967296", "line 1: number: invalid value"),
        ("number = 1", "number = 9223372036854775808", "line 1: "),
        ("months = 6", "months = 13", ""),
        ("months = 6", "months = 255", "line 4: lifetime_months: a choice is remembered from 1"),
        ("months = 6", "months = 256", "line 4: lifetime_months: invalid value"),
        ("months = 6", "months = -9223372036854775808", "line 4: lifetime_months: invalid value"),
        ("months = 13", "months = 65535", ""),
        ("months = 13", "months = 65536", "purpose[1].retention_months: invalid value"),
        ("days = 390", "days = 0", ""),
        ("days = 390", "days = 65535", "purpose[1].cookie[0].days: a cookie lives 13 months"),
        ("days = 390", "days = 65536", "purpose[1].cookie[0].days: invalid value"),
        (
            "[[region]]",
            "[deadlines]\nbreach_hours = 255\n[[region]]",
            "deadlines.breach_hours: GDPR",
        ),
    ] {
        assert!(EXAMPLE.contains(from), "{from}");
        match Policy::from_toml(&EXAMPLE.replacen(from, to, 1)) {
            Ok(policy) => {
                assert_eq!(told, "", "{to}");
                assert_eq!(Policy::from_canonical_json(&policy.canonical_json()), Ok(policy));
            }
            Err(faults) => {
                assert!(!told.is_empty() && faults.to_string().contains(told), "{faults}");
            }
        }
    }
}

#[test]
fn times_at_the_ends_of_their_range_are_read_or_refused() {
    for (seconds, known) in [
        ("-9223372036854775809", false),
        ("-9223372036854775808", false),
        ("-377705023202", false),
        ("-377705023201", true),
        ("-1", true),
        ("253402207200", true),
        ("253402207201", false),
        ("9223372036854775807", false),
        ("18446744073709551616", false),
        ("1e9", false),
        ("0.5", false),
    ] {
        for (claim, at) in [("\"iat\": ", "1767225600"), ("\"exp\": ", "1782864000")] {
            let (from, to) = (format!("{claim}{at}"), format!("{claim}{seconds}"));
            assert!(EXAMPLE_CLAIMS.contains(&from));
            let read = serde_json::from_str::<Claims>(&EXAMPLE_CLAIMS.replacen(&from, &to, 1));
            assert_eq!(read.is_ok(), known, "{to}");
            // One that ends before it begins is no receipt.
            if let Ok(claims) = read {
                assert_eq!(claims.check().is_ok(), claims.exp >= claims.iat, "{to}");
            }
        }
    }
    for (until, known) in [("0", true), ("1xuhh8o", true), ("1xuhh8p", false), ("zzzzzzzz", false)]
    {
        assert_eq!(StateCookie::decode(&format!("1.1.{until}.g")).is_some(), known, "{until}");
    }
}

/// Letters of other scripts, invisible characters, other spellings of the same: none of them is an
/// identifier, and an address with one in it is another address.
#[test]
fn what_only_looks_the_same_is_refused_or_different() {
    for id in [
        "аnalytics",
        "anаlytics",
        "analytіcs",
        "ａnalytics",
        "Analytics",
        "analytics\u{200b}",
        "analytics\0",
        " analytics",
        "analytics\n",
        "analytics\u{301}",
        "an%61lytics",
        "𝐚nalytics",
    ] {
        assert_ne!(id, "analytics");
        assert!(id.parse::<PurposeId>().is_err() && id.parse::<SiteId>().is_err(), "{id:?}");
        let policy = EXAMPLE.replacen("\"analytics\"", &format!("'''{id}'''"), 1);
        let faults = Policy::from_toml(&policy).unwrap_err().to_string();
        assert!(faults.starts_with("line 4") || faults.starts_with("line 1: "), "{id:?}: {faults}");
        let choices = format!("{{{:?}:\"granted\"}}", id.replace(['\0', '\n'], "\u{7f}"));
        rules::choices(&mut serde_json::Deserializer::from_str(&choices)).unwrap_err();
    }
    for (one, other) in
        [("service", "serv-ice"), ("service", "ser.vice"), ("l0g", "log"), ("l1ne", "1lne")]
    {
        let policy = EXAMPLE.replacen("\"service\"", &format!("\"{one}\""), 1);
        let policy = policy.replacen("\"analytics\"", &format!("\"{other}\""), 1);
        let faults = Policy::from_toml(&policy).unwrap_err().to_string();
        assert!(faults.contains(&format!("'{other}' looks like '{one}'")), "{faults}");
    }
    let honest: EmailAddress = "admin@example.org".parse().unwrap();
    for address in [
        "аdmin@example.org",
        "admin@еxample.org",
        "admin@example.оrg",
        "ad\u{200b}min@example.org",
        "\u{202e}admin@example.org",
    ] {
        if let Ok(address) = address.parse::<EmailAddress>() {
            assert_ne!(address, honest);
        }
    }
    for subject in [
        "Browser:BwcHBwcHBwcHBwcHBwcHBw",
        "browser:BwcHBwcHBwcHBwcHBwcHBx",
        "browser：BwcHBwcHBwcHBwcHBwcHBw",
        "browser:BwcHBwcHBwcHBwcHBwcHBw==",
        "browser: BwcHBwcHBwcHBwcHBwcHBw",
    ] {
        assert!(subject.parse::<Subject>().is_err(), "{subject}");
    }
}
