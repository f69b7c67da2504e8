//! DPV's form, against its vocabulary and against what the profile `dpv-27560` demands.
//!
//! The profile has no schema or shapes; what it demands stands in the tables of its guide
//! (repository w3c/dpv, guides/consent-27560.html), from which the lists here are drawn.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::*;

/// The terms that there are: DPV's, and those used of other vocabularies.
static TERMS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let listed = include_str!("../data/dpv-2.3.txt").lines();
    listed.filter(|line| !line.starts_with('#')).chain(OTHERS).collect()
});

const OTHERS: [&str; 18] = [
    "http://purl.org/dc/terms/conformsTo",
    "http://purl.org/dc/terms/created",
    "http://purl.org/dc/terms/description",
    "http://purl.org/dc/terms/identifier",
    "http://purl.org/dc/terms/language",
    "http://purl.org/dc/terms/publisher",
    "http://purl.org/dc/terms/title",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#value",
    "http://www.w3.org/2001/XMLSchema#dateTime",
    "http://www.w3.org/2001/XMLSchema#duration",
    "http://www.w3.org/2004/02/skos/core#broader",
    "https://schema.org/ContactPoint",
    "https://schema.org/PostalAddress",
    "https://schema.org/addressCountry",
    "https://schema.org/email",
    "https://schema.org/name",
    "https://schema.org/streetAddress",
    "https://schema.org/url",
];

/// What the profile demands of each kind of node ("MUST be present"), the GDPR's demands among it.
/// Of a party that is not the controller a policy does not know more than its name.
const DEMANDED: [(&str, &[&str]); 7] = [
    (
        "dpv:ConsentReceipt",
        &[
            "dct:conformsTo",
            "dct:identifier",
            "dpv:hasIdentifier",
            "dct:created",
            "dpv:hasRecordOfActivity",
        ],
    ),
    (
        "dpv:ConsentRecord",
        &[
            "dct:conformsTo",
            "dct:identifier",
            "dpv:hasIdentifier",
            "dpv:hasDataSubject",
            "dpv:hasNotice",
            "dpv:hasProcess",
            "dpv:hasConsentControl",
            "dpv:hasRight",
            "dpv:hasConsentStatus",
        ],
    ),
    ("dpv:ConsentNotice", &["dct:language"]),
    (
        "dpv:Process",
        &[
            "dpv:hasPurpose",
            "dpv:hasPersonalData",
            "dpv:hasStorageCondition",
            "dpv:hasDataController",
            "dpv:hasLegalBasis",
            "dpv:hasRecipient",
            "dpv:hasJurisdiction",
            "dpv:hasAuthority",
        ],
    ),
    ("dpv:WithdrawConsent", &["dpv:isExercisedAt"]),
    (
        "dpv:DataController",
        &["dpv:hasName", "dpv:hasIdentifier", "dpv:hasAddress", "dpv:hasContact"],
    ),
    ("dpv:DataSubjectRight", &["dpv:isExercisedAt"]),
];

/// The same for what happened, which hangs on this property.
const EVENT: (&str, [&str; 3]) =
    ("dpv:hasConsentStatus", ["dpv:isIndicatedAtTime", "dpv:isIndicatedBy", "dpv:hasDuration"]);

/// Everything about a document that DPV does not know or the profile does not allow.
pub(super) fn faults(document: &Value) -> Vec<String> {
    let mut check = Check {
        context: document["@context"].as_object().expect("a context"),
        faults: Vec::new(),
        named: BTreeSet::new(),
        described: BTreeSet::new(),
    };
    check.node(document.as_object().expect("an object"));
    let Check { mut faults, named, described, .. } = check;
    let dangling = named.difference(&described);
    faults.extend(dangling.map(|name| format!("{name} is named and nowhere described")));
    faults
}

struct Check<'d> {
    context: &'d Map<String, Value>,
    faults: Vec<String>,
    /// What the values of properties name, other than terms.
    named: BTreeSet<&'d str>,
    /// What has a type.
    described: BTreeSet<&'d str>,
}

impl<'d> Check<'d> {
    fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// A compact IRI must expand to a term that there is.
    fn term(&mut self, compact: &str) {
        let expanded = compact
            .split_once(':')
            .and_then(|(prefix, name)| Some(self.context.get(prefix)?.as_str()?.to_owned() + name));
        match expanded {
            None => self.fault(format!("{compact} has no prefix of the context")),
            Some(iri) if !TERMS.contains(iri.as_str()) => self.fault(format!("{iri} is unknown")),
            Some(_) => {}
        }
    }

    /// The name of a thing: a term, or an IRI of its own.
    fn name(&mut self, name: &'d str) {
        let prefix = name.split_once(':').map(|(prefix, _)| prefix);
        if prefix.is_some_and(|prefix| self.context.contains_key(prefix)) {
            self.term(name);
        } else if name.starts_with("https://w3id.org/dpv/schema/dpv-27560#") {
            let profiles = ["#receipt-eu-gdpr", "#record-eu-gdpr"];
            if !profiles.iter().any(|profile| name.ends_with(profile)) {
                self.fault(format!("{name} is no profile"));
            }
        } else {
            self.iri(name);
            self.named.insert(name);
        }
    }

    fn iri(&mut self, iri: &str) {
        let absolute = ["urn:uuid:", "https://", "http://"];
        let allowed = |c: char| c.is_ascii_graphic() && !"<>\"{}|\\^`".contains(c);
        if !absolute.iter().any(|scheme| iri.starts_with(scheme)) || !iri.chars().all(allowed) {
            self.fault(format!("'{iri}' is no absolute IRI"));
        }
    }

    fn node(&mut self, node: &'d Map<String, Value>) {
        let types: Vec<&str> = each(node.get("@type").unwrap_or(&Value::Null))
            .map(|kind| kind.as_str().expect("a type is a text"))
            .collect();
        for kind in &types {
            self.term(kind);
            let demanded = DEMANDED.iter().find(|(demanding, _)| demanding == kind);
            for member in demanded.into_iter().flat_map(|(_, members)| *members) {
                self.demand(node, kind, member);
            }
        }
        if types.is_empty() {
            self.fault(format!("a node has no type: {node:?}"));
        }
        if let Some(id) = node.get("@id") {
            let id = id.as_str().expect("an identifier is a text");
            self.iri(id);
            self.described.insert(id);
        }
        for (property, value) in node.iter().filter(|(property, _)| !property.starts_with('@')) {
            self.property(property, value);
        }
    }

    fn property(&mut self, property: &'d str, value: &'d Value) {
        self.term(property);
        let coerced = self.context.get(property).and_then(|means| means["@type"].as_str());
        for value in each(value) {
            match value {
                Value::Object(literal) if literal.contains_key("@value") => {
                    match (literal.get("@type"), literal.get("@language")) {
                        (Some(kind), None) => self.term(kind.as_str().expect("a type")),
                        (None, Some(language)) if language.is_string() => {}
                        _ => self.fault(format!("{property} has neither type nor language")),
                    }
                }
                Value::Object(node) => {
                    if property == EVENT.0 {
                        EVENT.1.iter().for_each(|member| self.demand(node, property, member));
                    }
                    self.node(node);
                }
                Value::String(name) if coerced == Some("@id") => self.name(name),
                Value::String(time) if coerced == Some("xsd:dateTime") => {
                    if time.parse::<Timestamp>().is_err() {
                        self.fault(format!("{time} is no moment"));
                    }
                }
                Value::String(_) => {}
                other => self.fault(format!("{property} is {other}")),
            }
        }
    }

    fn demand(&mut self, node: &Map<String, Value>, of: &str, member: &str) {
        let empty = [Value::Null, json!([]), json!("")];
        if node.get(member).is_none_or(|value| empty.contains(value)) {
            self.fault(format!("{of} has no {member}"));
        }
    }
}

/// The values of a property: one, or each of a list.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Null => [].iter(),
        Value::Array(values) => values.iter(),
        one => std::slice::from_ref(one).iter(),
    }
}

fn told(purposes: &[(&str, Recorded)], method: Method) -> Value {
    let policy = policy();
    let receipt = sign(Claims { method, ..claims(&policy, purposes) });
    Export::new(&receipt, &policy).unwrap().dpv()
}

/// Every basis, state and method; and what each state of each basis is told as.
#[test]
fn every_combination_is_of_the_vocabulary() {
    use Recorded::{Granted, Objected, Open, Refused, Unconfirmed, Withdrawn};
    let bases = [
        ("survey", ["dpv:Consent", "eu-gdpr:A6-1-a"]),
        ("service", ["dpv:ContractPerformance", "eu-gdpr:A6-1-b"]),
        ("accounting", ["dpv:LegalObligation", "eu-gdpr:A6-1-c"]),
        ("improvement", ["dpv:LegitimateInterestOfController", "eu-gdpr:A6-1-f"]),
    ];
    for (purpose, basis) in bases {
        for state in Recorded::ALL {
            let expected = match (purpose, state) {
                ("survey", Granted) => json!("dpv:ConsentGiven"),
                ("survey", Refused) => json!("dpv:ConsentRefused"),
                ("survey", Withdrawn) => json!("dpv:ConsentWithdrawn"),
                ("survey", Unconfirmed) => json!("dpv:ConsentRequested"),
                ("improvement", Objected) => json!("dpv:LegitimateInterestObjected"),
                ("improvement", Open) => json!("dpv:LegitimateInterestNotObjected"),
                _ => Value::Null,
            };
            for method in METHODS {
                let document = told(&[(purpose, state)], method);
                let context = format!("{purpose} {state:?} {method:?}");
                assert_eq!(faults(&document), Vec::<String>::new(), "{context}");
                let record = &document["dpv:hasRecordOfActivity"][0];
                assert_eq!(record["dpv:hasProcess"]["dpv:hasLegalBasis"], json!(basis));
                let property =
                    if purpose == "survey" { "dpv:hasConsentStatus" } else { "dpv:hasStatus" };
                assert_eq!(record[property]["@type"], expected, "{context}");
                let conforms = purpose == "survey" && !expected.is_null();
                let kind = if conforms { "dpv:ConsentRecord" } else { "dpv:DataProcessingRecord" };
                assert_eq!(record["@type"], kind, "{context}");
                assert_eq!(record.get("dct:conformsTo").is_some(), conforms, "{context}");
            }
        }
    }
}

#[test]
fn what_is_told_of_an_event_fits_its_state() {
    let party = "https://consent.example.org/v1/sites/example/policies/3#party-controller";
    let subject =
        "https://consent.example.org/v1/sites/example/subjects/browser:BwcHBwcHBwcHBwcHBwcHBw";
    for (purpose, state, by, ends) in [
        ("survey", Recorded::Granted, subject, true),
        // Somebody typed an address; so far the controller alone has asked for anything.
        ("survey", Recorded::Unconfirmed, party, true),
        ("improvement", Recorded::Objected, subject, false),
        ("improvement", Recorded::Open, subject, false),
    ] {
        let document = told(&[(purpose, state)], Method::Preferences);
        let record = &document["dpv:hasRecordOfActivity"][0];
        let event = record.get("dpv:hasConsentStatus").unwrap_or(&record["dpv:hasStatus"]);
        assert_eq!(event["dpv:isIndicatedBy"], by, "{purpose} {state:?}");
        assert_eq!(event["dpv:isIndicatedAtTime"], "2026-01-01T00:00:00Z");
        let until = json!({"@type": "xsd:dateTime", "@value": "2026-07-01T00:00:00Z"});
        let until = if ends { until } else { Value::Null };
        assert_eq!(event["dpv:hasDuration"]["rdf:value"], until, "{purpose} {state:?}");
    }
}

/// Where this crate has no words in a language, its English ones are not said to be in that.
#[test]
fn words_are_said_to_be_in_their_own_language() {
    for (language, spoken) in [("en", "en"), ("fr", "fr"), ("fr-CA", "fr"), ("tlh", "en")] {
        let mut policy = policy();
        policy.languages.push(language.to_owned());
        let mut claims = claims(&policy, &[("survey", Recorded::Granted)]);
        claims.notice.language = language.to_owned();
        let receipt = sign(claims);
        let document = Export::new(&receipt, &policy).unwrap().dpv();
        let record = &document["dpv:hasRecordOfActivity"][0];
        assert_eq!(document["@context"]["dct:title"]["@language"], language);
        for words in [
            &document["dpv:hasNotice"]["dct:description"],
            &record["dpv:hasConsentStatus"]["dpv:hasIndicationMethod"],
            &record["dpv:hasConsentControl"]["dct:description"],
        ] {
            assert_eq!(words["@language"], spoken, "{language}: {words}");
        }
    }
}

#[test]
fn presets_are_of_a_kind() {
    for (purpose, broader) in [
        ("analytics", json!("dpv:ServiceUsageAnalytics")),
        ("communications", json!("dpv:DirectMarketing")),
        ("survey", Value::Null),
        ("service", Value::Null),
    ] {
        let document = told(&[(purpose, Recorded::Granted)], Method::Preferences);
        let told = &document["dpv:hasRecordOfActivity"][0]["dpv:hasProcess"]["dpv:hasPurpose"];
        assert_eq!((&told["@type"], &told["skos:broader"]), (&json!("dpv:Purpose"), &broader));
    }
}

/// The region of the receipt, or every region of the policy where it is none of these.
#[test]
fn places_are_those_of_the_policy() {
    for (region, expected) in [("eu", &["eu"][..]), ("us", &["us"]), ("asia", &["eu", "us"])] {
        let policy = policy();
        let mut claims = claims(&policy, &[("survey", Recorded::Granted)]);
        claims.region = region.parse().unwrap();
        let receipt = sign(claims);
        let document = Export::new(&receipt, &policy).unwrap().dpv();
        let process = &document["dpv:hasRecordOfActivity"][0]["dpv:hasProcess"];
        let storage = process["dpv:hasStorageCondition"].as_array().unwrap();
        let places = storage.iter().filter(|place| place["@type"] == "dpv:StorageLocation");
        let places: Vec<_> =
            places.map(|place| place["dct:identifier"].as_str().unwrap()).collect();
        assert_eq!(places, expected, "{region}");
    }
}

/// The check can fail: an unknown term in every place where there is a term, a member gone, a name
/// that leads nowhere.
#[test]
fn what_is_wrong_is_noticed() {
    let (receipt, policy) = example("en");
    let text = Export::new(&receipt, &policy).unwrap().dpv().to_string();
    for (from, to, expected) in [
        ("dpv:ConsentGiven", "dpv:ConsentTerminated", "dpv#ConsentTerminated is unknown"),
        ("\"dpv:hasPurpose\"", "\"dpv:hasPurposes\"", "dpv#hasPurposes is unknown"),
        ("\"dpv:hasName\"", "\"dpv:hasLegalName\"", "dpv#hasLegalName is unknown"),
        ("\"dpv:hasName\"", "\"name\"", "name has no prefix of the context"),
        ("eu-gdpr:A6-1-a", "eu-gdpr:A6-1-g", "gdpr#A6-1-g is unknown"),
        ("dpv:DirectMarketing", "dpv:Analytics", "dpv#Analytics is unknown"),
        ("\"xsd:dateTime\",\"@value\"", "\"xsd:moment\",\"@value\"", "XMLSchema#moment is unknown"),
        ("#record-eu-gdpr", "#record-eu", "dpv-27560#record-eu is no profile"),
        ("2026-01-01T00:00:00Z", "yesterday", "yesterday is no moment"),
        ("\"@id\":\"urn:uuid:", "\"@id\":\"", "is no absolute IRI"),
        (
            "\"@id\":\"https://consent.example.org/v1/sites/example/notice?",
            "\"@id\":\"https://x?",
            "is named and nowhere described",
        ),
        (
            "\"dpv:hasConsentStatus\":{",
            "\"dpv:hasStatus\":{",
            "dpv:ConsentRecord has no dpv:hasConsentStatus",
        ),
        (
            "\"dpv:isIndicatedBy\":",
            "\"dct:publisher\":",
            "dpv:hasConsentStatus has no dpv:isIndicatedBy",
        ),
        (
            "\"dpv:hasRecipient\":[",
            "\"dpv:hasRecipient\":[],\"dpv:hasEntity\":[",
            "dpv:Process has no dpv:hasRecipient",
        ),
        (
            "\"dct:language\":\"en\"",
            "\"dct:language\":\"\"",
            "dpv:ConsentNotice has no dct:language",
        ),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        let faults = faults(&serde_json::from_str(&changed).unwrap()).join("\n");
        assert!(faults.contains(expected), "{from} → {to}: {faults}");
    }
}

/// Terms that earlier versions of DPV had, or that one would expect.
#[test]
fn the_list_is_of_version_2_3() {
    for absent in ["ConsentTerminated", "Analytics", "ConsentType", "hasLegalName"] {
        assert!(!TERMS.contains(format!("https://w3id.org/dpv#{absent}").as_str()), "{absent}");
    }
    assert!(TERMS.contains("https://w3id.org/dpv#ConsentRevoked"), "new in place of terminated");
}
