//! Kantara's form, against the constraints of its JSON Schema.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(include_str!("../data/kantara-1.1.schema.json")).unwrap();
    jsonschema::draft4::new(&schema).unwrap()
});

pub(super) fn faults(json: &Value) -> Vec<String> {
    let fault =
        |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    SCHEMA.iter_errors(json).map(fault).collect()
}

fn told() -> Value {
    let (receipt, policy) = example("en");
    Export::new(&receipt, &policy).unwrap().kantara().unwrap()
}

#[test]
fn what_is_told_fits_the_schema() {
    assert_eq!(faults(&told()), Vec::<String>::new());
}

/// The check can fail: every required member gone, and every member of another type.
#[test]
fn what_does_not_fit_is_noticed() {
    let required = [
        ("", "version"),
        ("", "jurisdiction"),
        ("", "consentTimestamp"),
        ("", "collectionMethod"),
        ("", "consentReceiptID"),
        ("", "piiPrincipalId"),
        ("", "piiControllers"),
        ("", "policyUrl"),
        ("", "services"),
        ("", "sensitive"),
        ("", "spiCat"),
        ("/piiControllers/0", "piiController"),
        ("/piiControllers/0", "contact"),
        ("/piiControllers/0", "address"),
        ("/piiControllers/0", "email"),
        ("/piiControllers/0", "phone"),
        ("/services/0", "service"),
        ("/services/0", "purposes"),
        ("/services/0/purposes/0", "consentType"),
        ("/services/0/purposes/0", "purposeCategory"),
        ("/services/0/purposes/0", "piiCategory"),
        ("/services/0/purposes/0", "termination"),
        ("/services/0/purposes/0", "thirdPartyDisclosure"),
        // Required where data are disclosed, as here.
        ("/services/0/purposes/0", "thirdPartyName"),
    ];
    for (path, member) in required {
        let mut json = told();
        json.pointer_mut(path).unwrap()[member] = Value::Null;
        assert!(!faults(&json).is_empty(), "{path}/{member} is null");
        json.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(member).unwrap();
        assert!(!faults(&json).is_empty(), "{path}/{member} is gone");
    }
    let mut early = told();
    early["consentTimestamp"] = json!(-1);
    assert!(!faults(&early).is_empty());
}

#[test]
fn only_consents_are_told() {
    let policy = policy();
    for (purpose, state, told) in [
        ("survey", Recorded::Granted, true),
        ("survey", Recorded::Refused, false),
        ("survey", Recorded::Withdrawn, false),
        ("survey", Recorded::Unconfirmed, false),
        ("survey", Recorded::Objected, false),
        ("survey", Recorded::Open, false),
        ("service", Recorded::Granted, false),
        ("improvement", Recorded::Granted, false),
        ("accounting", Recorded::Granted, false),
    ] {
        let receipt = sign(claims(&policy, &[(purpose, state)]));
        let result = Export::new(&receipt, &policy).unwrap().kantara();
        assert_eq!(result.is_ok(), told, "{purpose} {state:?}");
        if !told {
            assert_eq!(result, Err(NoConsent::NothingGranted), "{purpose} {state:?}");
        }
    }
    let purposes = &told()["services"][0]["purposes"];
    assert_eq!(purposes.as_array().map(Vec::len), Some(1), "of four purposes one was granted");
}

#[test]
fn categories_and_disclosure_follow_the_policy() {
    let policy = policy();
    let all = ["analytics", "communications", "survey"].map(|id| (id, Recorded::Granted));
    let receipt = sign(claims(&policy, &all));
    let json = Export::new(&receipt, &policy).unwrap().kantara().unwrap();
    assert_eq!(faults(&json), Vec::<String>::new());
    let purposes = json["services"][0]["purposes"].as_array().unwrap();
    let told: Vec<_> = purposes
        .iter()
        .map(|p| (&p["purposeCategory"][0], &p["thirdPartyDisclosure"], p.get("thirdPartyName")))
        .collect();
    let expected = [
        (json!("16 - Improve Performance"), json!(false), None),
        (json!("6 - Marketing"), json!(true), Some(json!("Example Mail, printers & shippers"))),
        (json!("survey"), json!(true), Some(json!("Example Hosting, Example Mail"))),
    ];
    let expected: Vec<_> = expected.iter().map(|(c, d, n)| (c, d, n.as_ref())).collect();
    assert_eq!(told, expected);
}

#[test]
fn there_is_no_time_before_1970() {
    let policy = policy();
    for (iat, expected) in [(-1, Some(NoConsent::BeforeEpoch)), (0, None)] {
        let mut claims = claims(&policy, &[("survey", Recorded::Granted)]);
        claims.iat = Timestamp::from_second(iat).unwrap();
        let receipt = sign(claims);
        assert_eq!(Export::new(&receipt, &policy).unwrap().kantara().err(), expected);
    }
}
