//! A receipt as ISO/IEC TS 27560:2023 has it, in the terms of the Data Privacy Vocabulary 2.3.
//!
//! Which term stands for what is in `terms.rs`, and what things are named in `names.rs`.

mod names;
mod terms;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Export, Item, Recipient};
use crate::LegalBasis;
use crate::policy::Region;
use crate::rules::Recorded;
use names::Names;

/// The schemas that the profile `dpv-27560` declares, for a receipt and for each record in it.
const RECEIPT: &str = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr";
const RECORD: &str = "https://w3id.org/dpv/schema/dpv-27560#record-eu-gdpr";

impl Export<'_> {
    /// The receipt in JSON-LD: a `dpv:ConsentReceipt` that holds one record for each purpose, since
    /// each purpose has a state of its own, and the parties, the rights and the notice once.
    ///
    /// What rests on consent is a `dpv:ConsentRecord` of the profile `record-eu-gdpr`. What rests
    /// on another basis is no consent, so it is a `dpv:DataProcessingRecord`, with the state of the
    /// legitimate interest where the receipt tells one.
    ///
    /// The receipt is named by its identifier (`urn:uuid:…`), and everything else by an address
    /// under the issuer's, which is always the same for the same policy or subject. They are
    /// names; not all of them lead somewhere.
    ///
    /// Not told, because neither receipt nor policy know it: contacts and street addresses of
    /// recipients; whether a consent renews an earlier one. That one receipt follows another is
    /// left out too, since DPV has no term for it.
    ///
    /// ```
    /// # use consent_core::{Claims, Key, KeyRing, Policy, Receipt, export::Export};
    /// # let mut claims: Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS)?;
    /// # let policy = Policy::from_toml(consent_core::policy::EXAMPLE)?;
    /// # claims.policy.digest = policy.digest();
    /// # let ring = KeyRing::new(vec![Key::hs256("2026-a", &[7; 32])?])?;
    /// # let receipt = Receipt::sign(claims, &ring)?;
    /// let json = Export::new(&receipt, &policy)?.dpv();
    /// assert_eq!(json["@id"], "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057");
    /// let record = &json["dpv:hasRecordOfActivity"][0];
    /// assert_eq!(record["dpv:hasConsentStatus"]["@type"], "dpv:ConsentGiven");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dpv(&self) -> Value {
        let (export, names) = (self, &Names::of(self));
        Document { export, names }.receipt()
    }
}

#[derive(Clone, Copy)]
struct Document<'e> {
    export: &'e Export<'e>,
    names: &'e Names,
}

impl Document<'_> {
    fn receipt(self) -> Value {
        let (export, names) = (self.export, self.names);
        let claims = export.claims();
        let records = export.items.iter().map(|item| self.record(item));
        json!({
            "@context": terms::context(export.language()),
            "@id": names.receipt,
            "@type": "dpv:ConsentReceipt",
            "dct:conformsTo": RECEIPT,
            // The profile's tables say one of them, its text the other.
            "dct:identifier": claims.jti,
            "dpv:hasIdentifier": claims.jti,
            "dct:created": claims.iat,
            "dct:publisher": names.party("controller"),
            "dpv:hasNotice": {
                "@id": names.notice,
                "@type": "dpv:ConsentNotice",
                "dct:identifier": format!("sha-256:{}", claims.notice.digest),
                "dct:language": export.language(),
                "dct:description": self.said(&export.how_shown()),
            },
            "dpv:hasEntity": self.parties(),
            "dpv:hasRight": self.rights().collect::<Value>(),
            "dpv:hasRecordOfActivity": records.collect::<Value>(),
        })
    }

    /// Words of this crate, which may be in another language than the rest.
    fn said(self, words: &str) -> Value {
        json!({ "@language": self.export.words_language, "@value": words })
    }

    /// The controller, its officer, the authority, and all who receive data for these purposes.
    fn parties(self) -> Vec<Value> {
        let (export, names, policy) = (self.export, self.names, self.export.policy);
        let (controller, authority) = (&policy.controller, &policy.authority);
        let mut parties = vec![
            json!({
                "@type": "dpv:DataController",
                "@id": names.party("controller"),
                "dpv:hasName": controller.name,
                "dpv:hasAddress": address(Some(&controller.country), controller.address.as_deref()),
                "dpv:hasContact": contact(&controller.email),
                "dpv:hasDataProtectionOfficer": names.party("officer"),
            }),
            json!({
                "@type": "dpv:DataProtectionOfficer",
                "@id": names.party("officer"),
                "dct:title": export.say(&policy.officer.name),
                "dpv:hasContact": contact(&policy.officer.email),
            }),
            json!({
                "@type": "dpv:DataProtectionAuthority",
                "@id": names.party("authority"),
                "dpv:hasName": authority.name,
                "dpv:hasAddress": address(None, Some(&authority.address)),
                "schema:url": authority.url,
            }),
        ];
        let recipients = export.items.iter().flat_map(|item| export.recipients(item.purpose));
        let recipients: BTreeMap<&str, Recipient<'_>> =
            recipients.map(|recipient| (recipient.name, recipient)).collect();
        parties.extend(recipients.values().map(|recipient| self.recipient(recipient)));
        for party in &mut parties {
            party["dpv:hasIdentifier"] = party["@id"].clone();
        }
        parties
    }

    fn recipient(self, recipient: &Recipient<'_>) -> Value {
        let mut party = json!({
            "@type": "dpv:Recipient",
            "@id": self.names.recipient(recipient.name),
            "dpv:hasName": recipient.name,
        });
        if let Some(processor) = recipient.processor {
            party["@type"] = json!("dpv:DataProcessor");
            party["dct:description"] = json!(self.export.say(&processor.service));
            party["dpv:hasAddress"] = address(Some(&processor.country), None);
        }
        party
    }

    /// The rights of the policy, with those that everybody has who consents (GDPR Art. 7(3)) or
    /// whose data are processed at all (Art. 77), each with whom to turn to.
    fn rights(self) -> impl Iterator<Item = Value> {
        let policy = self.export.policy;
        let officer = contact(&policy.officer.email);
        let listed = policy.rights.iter().map(move |right| (terms::right(*right), officer.clone()));
        let withdrawal = (terms::WITHDRAWAL, contact(&policy.controller.email));
        let complaint = (terms::COMPLAINT, json!(self.names.party("authority")));
        listed.chain([withdrawal, complaint]).map(move |(right, at)| {
            json!({
                "@id": self.right(right),
                "@type": ["dpv:DataSubjectRight", right],
                "dpv:isExercisedAt": at,
            })
        })
    }

    fn right(self, right: &str) -> String {
        self.names.under_policy(&right.replacen(':', "-", 1))
    }

    fn record(self, item: &Item<'_>) -> Value {
        let (export, names, Item { purpose, outcome }) = (self.export, self.names, item);
        let id = format!("{}#{}", names.receipt, purpose.id);
        let consent = outcome.basis == LegalBasis::Consent;
        let listed = export.policy.rights.iter().map(|right| terms::right(*right));
        let withdrawal = consent.then_some(terms::WITHDRAWAL);
        let rights = listed.chain(withdrawal).chain([terms::COMPLAINT]);
        let mut record = json!({
            "@id": id,
            "@type": "dpv:DataProcessingRecord",
            "dct:identifier": id,
            "dpv:hasIdentifier": id,
            "dpv:hasDataSubject": {
                "@id": names.subject,
                "@type": "dpv:DataSubject",
                "dct:identifier": export.claims().sub,
            },
            "dpv:hasNotice": names.notice,
            "dpv:hasProcess": self.process(item),
            "dpv:hasRight": rights.map(|right| self.right(right)).collect::<Value>(),
        });
        if consent {
            record["dpv:hasConsentControl"] = json!({
                "@type": "dpv:WithdrawConsent",
                "dct:description": self.said(&export.how_to_withdraw()),
                "dpv:isExercisedAt": contact(&export.policy.controller.email),
            });
        }
        match terms::state(outcome.basis, outcome.state) {
            Some(state) if consent => {
                record["@type"] = json!("dpv:ConsentRecord");
                record["dct:conformsTo"] = json!(RECORD);
                record["dpv:hasConsentStatus"] = self.event(state, outcome.state);
            }
            Some(state) => record["dpv:hasStatus"] = self.event(state, outcome.state),
            None => {}
        }
        record
    }

    /// What happened, when, by whom and how; and until when it counts, if it ends.
    fn event(self, term: &str, state: Recorded) -> Value {
        let (claims, names) = (self.export.claims(), self.names);
        let by = match state {
            Recorded::Unconfirmed => &names.party("controller"),
            _ => &names.subject,
        };
        let mut event = json!({
            "@type": term,
            "dpv:isIndicatedAtTime": claims.iat,
            "dpv:isIndicatedBy": by,
            "dpv:hasIndicationMethod": self.said(self.export.words.method(claims.method)),
        });
        if state.expires() {
            event["dpv:hasDuration"] = json!({
                "@type": "dpv:UntilTimeDuration",
                "rdf:value": literal("xsd:dateTime", claims.exp),
            });
        }
        event
    }

    fn process(self, item: &Item<'_>) -> Value {
        let (export, names, purpose) = (self.export, self.names, item.purpose);
        let mut told = json!({
            "@id": names.under_policy(&format!("purpose-{}", purpose.id)),
            "@type": "dpv:Purpose",
            "dct:identifier": purpose.id,
            "dct:title": export.say(&purpose.title),
            "dct:description": export.say(&purpose.description),
        });
        if let Some(broader) = terms::purpose(purpose) {
            told["skos:broader"] = json!(broader);
        }
        let data = export.data(purpose).map(|data| {
            json!({
                "@id": names.under_policy(&format!("data-{}", data.id)),
                "@type": "dpv:PersonalData",
                "dct:identifier": data.id,
                "dct:title": export.say(&data.title),
            })
        });
        let recipients = export.recipients(purpose);
        let mut recipients: Vec<String> =
            recipients.iter().map(|recipient| names.recipient(recipient.name)).collect();
        if recipients.is_empty() {
            // The profile demands one, and counts the controller among those who receive data.
            recipients.push(names.party("controller"));
        }
        let services = purpose.services.iter();
        let services = services.map(|name| json!({ "@type": "dpv:Service", "schema:name": name }));
        json!({
            "@type": "dpv:Process",
            "dpv:hasPurpose": told,
            "dpv:hasLegalBasis": terms::basis(item.outcome.basis),
            "dpv:hasPersonalData": data.collect::<Value>(),
            "dpv:hasDataController": names.party("controller"),
            "dpv:hasAuthority": names.party("authority"),
            "dpv:hasJurisdiction": {
                "@type": "dpv:Country",
                "dct:identifier": export.policy.controller.country,
            },
            "dpv:hasRecipient": recipients,
            "dpv:hasService": services.collect::<Value>(),
            "dpv:hasStorageCondition": self.storage(item),
        })
    }

    /// Where data are kept, and how long: in the receipt's region; or in any of the policy's, if
    /// that is none of them.
    fn storage(self, item: &Item<'_>) -> Vec<Value> {
        let export = self.export;
        let regions = &export.policy.regions;
        let own: Vec<&Region> = export.region().into_iter().collect();
        let regions = if own.is_empty() { regions.iter().collect() } else { own };
        let mut duration = json!({
            "@type": "dpv:StorageDuration",
            "dct:description": export.say(&item.purpose.retention),
        });
        if let Some(months) = item.purpose.retention_months {
            duration["dpv:hasDuration"] = json!({
                "@type": "dpv:TemporalDuration",
                "rdf:value": literal("xsd:duration", format!("P{months}M")),
            });
        }
        let places = regions.into_iter().map(|region| {
            json!({
                "@type": "dpv:StorageLocation",
                "dct:identifier": region.id,
                "dct:title": export.say(&region.title),
                "dct:description": export.say(&region.transfers),
            })
        });
        places.chain([duration]).collect()
    }
}

fn address(country: Option<&str>, street: Option<&str>) -> Value {
    let mut address = json!({ "@type": "schema:PostalAddress" });
    for (member, text) in [("schema:addressCountry", country), ("schema:streetAddress", street)] {
        if let Some(text) = text {
            address[member] = json!(text);
        }
    }
    address
}

fn contact(email: &str) -> Value {
    json!({ "@type": "schema:ContactPoint", "schema:email": email })
}

fn literal(kind: &str, value: impl Serialize) -> Value {
    json!({ "@type": kind, "@value": value })
}
