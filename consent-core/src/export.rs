//! A receipt, told in forms that other programs and people read.
//!
//! | form | for | source |
//! | --- | --- | --- |
//! | [`Export::dpv`] | programs that speak the Data Privacy Vocabulary | ISO/IEC TS 27560:2023 §6.3, as the DPV community's profile `dpv-27560` writes it in JSON-LD, with the terms of DPV 2.3 |
//! | [`Export::kantara`] | programs that read consent receipts of the older kind | Kantara Consent Receipt 1.1.0 §4 and its JSON Schema |
//! | [`Export::text`] | the person whom it is about | GDPR Art. 12(1): concise, intelligible, in plain language |
//!
//! All three say the same, in the language in which the text was shown: what the receipt states
//! (its claims) and what the policy that it names adds to it: titles, parties, data, recipients.
//! Nothing that neither of them says is made up. So what a form asks for and nobody knows is left
//! out, or empty where it may not be left out, and each form's documentation says where. The
//! subject stays the key that it is in the receipt.
//!
//! Not here: the receipt itself, its signature, and its short print for operators (`receipt.rs`).
//! An export is not signed; who wants proof verifies the receipt.

mod dpv;
mod kantara;
mod text;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::policy::{SubProcessor, Text};
use crate::receipt::{Claims, Outcome};
use crate::words::Words;
use crate::{Digest, LegalBasis, Policy, PurposeId, Receipt, policy};

pub use kantara::NoConsent;
pub(crate) use words::ReceiptWords;

/// A receipt together with the policy that it names.
///
/// ```
/// use consent_core::{Claims, Key, KeyRing, Policy, Receipt, export::Export};
/// # let mut claims: Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS)?;
/// let policy = Policy::from_toml(consent_core::policy::EXAMPLE)?;
/// claims.policy.digest = policy.digest();
/// let ring = KeyRing::new(vec![Key::hs256("2026-a", &[7; 32])?])?;
/// let receipt = Receipt::sign(claims, &ring)?;
///
/// let export = Export::new(&receipt, &policy)?;
/// assert!(export.text().contains("Audience measurement: you agreed"));
/// assert_eq!(export.dpv()["@type"], "dpv:ConsentReceipt");
/// assert_eq!(export.kantara()?["services"][0]["purposes"][0]["consentType"], "EXPLICIT");
///
/// let renamed = Policy { name: "Elsewhere".into(), ..policy.clone() };
/// let error = Export::new(&receipt, &renamed).unwrap_err();
/// assert!(error.to_string().starts_with("policy: this is not the policy 1 that the receipt names"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Export<'a> {
    receipt: &'a Receipt,
    policy: &'a Policy,
    items: Vec<Item<'a>>,
    words: &'static ReceiptWords,
    /// The language of these words: another than the receipt's, where there are none in that.
    words_language: &'static str,
    /// The language in which the policy's texts are told.
    told_in: &'a str,
}

/// One purpose of the receipt.
#[derive(Debug, Clone, Copy)]
struct Item<'a> {
    purpose: &'a policy::Purpose,
    outcome: Outcome,
}

/// Who else receives the data of a purpose.
#[derive(Debug, Clone, Copy)]
struct Recipient<'a> {
    name: &'a str,
    /// What the policy says of it, if it is one of the sub-processors.
    processor: Option<&'a SubProcessor>,
}

/// Why a receipt cannot be told with a policy. The first reason found, in this order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Addresses of what the receipt speaks of are made from it.
    #[error("iss: must be an address that begins with https:// or http://, without ? or #")]
    Issuer,
    /// It is another policy of the site.
    #[error("policy: the receipt names policy {named}, not {given}; export it with that one")]
    Number {
        /// The number in the receipt.
        named: u32,
        /// The number of the policy given.
        given: u32,
    },
    /// It is a policy of another site, or an altered one.
    #[error(
        "policy: this is not the policy {number} that the receipt names: its digest is {given}, \
         not {named}"
    )]
    Digest {
        /// The number of both.
        number: u32,
        /// The digest in the receipt.
        named: Digest,
        /// The digest of the policy given.
        given: Digest,
    },
    /// No text of the policy can have been shown.
    #[error("notice: the policy is not written in '{named}', but in {known}")]
    Language {
        /// The language in the receipt.
        named: String,
        /// The policy's languages.
        known: String,
    },
    /// The policy does not ask that.
    #[error("purposes: the policy has no purpose '{0}'")]
    Purpose(PurposeId),
    /// The policy says otherwise.
    #[error("purposes: '{purpose}' rests on {named} in the receipt, and on {known} in the policy")]
    Basis {
        /// The purpose.
        purpose: PurposeId,
        /// The basis in the receipt.
        named: LegalBasis,
        /// The basis in the policy.
        known: LegalBasis,
    },
}

impl<'a> Export<'a> {
    /// Joins a receipt and its policy, and checks that it is its policy.
    pub fn new(receipt: &'a Receipt, policy: &'a Policy) -> Result<Self, ExportError> {
        let claims = receipt.claims();
        if !is_address(&claims.iss) {
            return Err(ExportError::Issuer);
        }
        let (named, given) = (claims.policy.number, policy.number);
        if named != given {
            return Err(ExportError::Number { named, given });
        }
        let (number, named, given) = (named, claims.policy.digest, policy.digest());
        if named != given {
            return Err(ExportError::Digest { number, named, given });
        }
        let language = &claims.notice.language;
        if !policy.languages.contains(language) {
            let (named, known) = (language.clone(), policy.languages.join(", "));
            return Err(ExportError::Language { named, known });
        }
        for (id, outcome) in &claims.purposes {
            let purpose = policy.purpose(id).ok_or_else(|| ExportError::Purpose(id.clone()))?;
            let (named, known) = (outcome.basis, purpose.basis);
            if named != known {
                return Err(ExportError::Basis { purpose: id.clone(), named, known });
            }
        }
        // In the order of the policy, as they were shown.
        let item = |purpose: &'a policy::Purpose| {
            Some(Item { purpose, outcome: *claims.purposes.get(&purpose.id)? })
        };
        let items = policy.purposes.iter().filter_map(item).collect();
        let Words { language: words_language, receipt: words, .. } = crate::words::of(language);
        Ok(Self { receipt, policy, items, words, words_language, told_in: language })
    }

    fn claims(&self) -> &'a Claims {
        self.receipt.claims()
    }

    fn language(&self) -> &'a str {
        &self.claims().notice.language
    }

    /// Where the issuer answers for the site.
    fn site_address(&self) -> String {
        let claims = self.claims();
        format!("{}/v1/sites/{}", claims.iss.trim_end_matches('/'), claims.site)
    }

    /// Where the site's notice in force is.
    fn notice_address(&self) -> String {
        format!("{}/notice?lang={}", self.site_address(), self.language())
    }

    /// A text of the policy, in the language of the telling.
    fn say(&self, text: &'a Text) -> &'a str {
        text.get(self.told_in).map_or("", String::as_str)
    }

    /// The receipt's region, if the policy speaks of it.
    fn region(&self) -> Option<&'a policy::Region> {
        self.policy.regions.iter().find(|region| region.id == self.claims().region)
    }

    /// What the categories of data of a purpose are called.
    fn data(&self, purpose: &'a policy::Purpose) -> impl Iterator<Item = &'a policy::Data> {
        purpose.data.iter().filter_map(|id| self.policy.data(id))
    }

    /// Who else receives the data of a purpose, each once: sub-processors, then other recipients.
    fn recipients(&self, purpose: &'a policy::Purpose) -> Vec<Recipient<'a>> {
        let processors = &self.policy.sub_processors;
        let serving =
            processors.iter().filter(|processor| processor.purposes.contains(&purpose.id));
        let named = purpose.recipients.iter().map(|name| Recipient {
            name,
            processor: processors.iter().find(|processor| processor.name == *name),
        });
        let mut seen = BTreeSet::new();
        serving
            .map(|processor| Recipient { name: &processor.name, processor: Some(processor) })
            .chain(named)
            .filter(|recipient| seen.insert(recipient.name))
            .collect()
    }
}

/// Whether addresses can be made of this by appending to it.
fn is_address(issuer: &str) -> bool {
    let rest = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://"));
    // Claims have visible ASCII only; these characters end an address, or are none of one.
    let ends = |c: char| "?#<>{|}^`".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(ends))
}
