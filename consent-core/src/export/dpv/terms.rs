//! Which terms of DPV 2.3 stand for what a receipt says, and how they are written in JSON-LD.

use serde_json::{Map, Value, json};

use crate::LegalBasis;
use crate::policy::{Purpose, Right};
use crate::rules::Recorded;

/// The vocabularies, by the prefix that stands for them.
const PREFIXES: [(&str, &str); 7] = [
    ("dct", "http://purl.org/dc/terms/"),
    ("dpv", "https://w3id.org/dpv#"),
    ("eu-gdpr", "https://w3id.org/dpv/legal/eu/gdpr#"),
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("schema", "https://schema.org/"),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

/// The properties whose value is the name of a thing, and not a text.
const THINGS: [&str; 13] = [
    "dct:conformsTo",
    "dct:publisher",
    "dpv:hasAuthority",
    "dpv:hasDataController",
    "dpv:hasDataProtectionOfficer",
    "dpv:hasDataSubject",
    "dpv:hasLegalBasis",
    "dpv:hasNotice",
    "dpv:hasRecipient",
    "dpv:hasRight",
    "dpv:isExercisedAt",
    "dpv:isIndicatedBy",
    "skos:broader",
];

/// The properties whose value is a moment.
const MOMENTS: [&str; 2] = ["dct:created", "dpv:isIndicatedAtTime"];

/// The properties whose value is read by people, in the language of the receipt unless it says of
/// itself that it is in another.
const TEXTS: [&str; 2] = ["dct:description", "dct:title"];

/// The `@context`, which makes every member an IRI and every text one of a language. It is part of
/// the document, so that nothing has to be fetched to read it.
pub(super) fn context(language: &str) -> Value {
    let mut context = Map::new();
    for (prefix, iri) in PREFIXES {
        context.insert(prefix.to_owned(), json!(iri));
    }
    for (properties, means) in [
        (&THINGS[..], json!({ "@type": "@id" })),
        (&MOMENTS[..], json!({ "@type": "xsd:dateTime" })),
        (&TEXTS[..], json!({ "@language": language })),
    ] {
        context.extend(properties.iter().map(|name| ((*name).to_owned(), means.clone())));
    }
    Value::Object(context)
}

/// The basis, as such and in the GDPR. Consent here is always *expressed*: by a button, a switch or
/// a link, never by going on; and `eu-gdpr:A6-1-a` is narrower than `dpv:ExpressedConsent`.
pub(super) fn basis(basis: LegalBasis) -> [&'static str; 2] {
    match basis {
        LegalBasis::Consent => ["dpv:Consent", "eu-gdpr:A6-1-a"],
        LegalBasis::Contract => ["dpv:ContractPerformance", "eu-gdpr:A6-1-b"],
        LegalBasis::LegitimateInterest => ["dpv:LegitimateInterestOfController", "eu-gdpr:A6-1-f"],
        LegalBasis::LegalObligation => ["dpv:LegalObligation", "eu-gdpr:A6-1-c"],
    }
}

/// The state that something on this basis is in; `None` where DPV has no state for it. Those are
/// combinations that no decision leads to, such as an objection to a consent.
pub(super) fn state(basis: LegalBasis, state: Recorded) -> Option<&'static str> {
    match (basis, state) {
        // Of a grant after an earlier one, claims alone do not tell that it renews it.
        (LegalBasis::Consent, Recorded::Granted) => Some("dpv:ConsentGiven"),
        (LegalBasis::Consent, Recorded::Refused) => Some("dpv:ConsentRefused"),
        (LegalBasis::Consent, Recorded::Withdrawn) => Some("dpv:ConsentWithdrawn"),
        // Asked for, and awaiting a decision: known, so not `dpv:ConsentUnknown`.
        (LegalBasis::Consent, Recorded::Unconfirmed) => Some("dpv:ConsentRequested"),
        (LegalBasis::LegitimateInterest, Recorded::Objected) => {
            Some("dpv:LegitimateInterestObjected")
        }
        (LegalBasis::LegitimateInterest, Recorded::Open) => {
            Some("dpv:LegitimateInterestNotObjected")
        }
        (LegalBasis::Consent, Recorded::Objected | Recorded::Open)
        | (
            LegalBasis::LegitimateInterest,
            Recorded::Granted | Recorded::Refused | Recorded::Withdrawn | Recorded::Unconfirmed,
        )
        | (LegalBasis::Contract | LegalBasis::LegalObligation, _) => None,
    }
}

/// What the purposes of the presets are kinds of. Of others only their own words tell.
pub(super) fn purpose(purpose: &Purpose) -> Option<&'static str> {
    match (purpose.basis, purpose.id.as_str()) {
        (LegalBasis::Consent, "analytics") => Some("dpv:ServiceUsageAnalytics"),
        (LegalBasis::Consent, "communications") => Some("dpv:DirectMarketing"),
        _ => None,
    }
}

/// The right to take consent back (GDPR Art. 7(3)).
pub(super) const WITHDRAWAL: &str = "eu-gdpr:A7-3";
/// The right to complain to an authority (GDPR Art. 77).
pub(super) const COMPLAINT: &str = "eu-gdpr:A77";

/// A right of a policy, by its article.
pub(super) fn right(right: Right) -> &'static str {
    match right {
        Right::Access => "eu-gdpr:A15",
        Right::Rectification => "eu-gdpr:A16",
        Right::Erasure => "eu-gdpr:A17",
        Right::Restriction => "eu-gdpr:A18",
        Right::Portability => "eu-gdpr:A20",
        Right::Objection => "eu-gdpr:A21",
    }
}
