//! A receipt as the Kantara Initiative's Consent Receipt 1.1.0 has it.

use serde_json::{Value, json};

use super::{Export, Item};
use crate::LegalBasis;
use crate::rules::Recorded;

/// Why a receipt cannot be told as a Kantara consent receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoConsent {
    /// That format has no refusal, no withdrawal and no other basis.
    #[error("nothing was consented to, and a Kantara receipt tells of consents alone")]
    NothingGranted,
    /// That format counts seconds from 1970.
    #[error("iat: a Kantara receipt has no times before 1970")]
    BeforeEpoch,
}

impl Export<'_> {
    /// The consents of the receipt, in the JSON of Kantara's Consent Receipt 1.1.0.
    ///
    /// That format tells of consents only: there is no member that would make an entry a refusal,
    /// so whoever reads one takes it for a consent. Purposes that were refused, withdrawn or not
    /// confirmed, and those on another basis, are therefore left out, and where nothing remains
    /// there is no such receipt at all. The other two forms tell everything.
    ///
    /// Two members may not be left out although nobody knows them: `phone` is empty, since a policy
    /// names no telephone; and `sensitive` is false with an empty `spiCat`, since a policy names no
    /// special categories of data (GDPR Art. 9), which would need a consent of another kind.
    /// `policyUrl` leads to the notice in force, which may have changed since; the text that was
    /// shown is the one with the digest in the receipt.
    ///
    /// ```
    /// use consent_core::{Claims, Key, KeyRing, Policy, Receipt, export::Export};
    /// # let mut claims: Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS)?;
    /// use consent_core::Recorded;
    /// let policy = Policy::from_toml(consent_core::policy::EXAMPLE)?;
    /// # claims.policy.digest = policy.digest();
    /// # let ring = KeyRing::new(vec![Key::hs256("2026-a", &[7; 32])?])?;
    /// let granted = Receipt::sign(claims.clone(), &ring)?;
    /// let json = Export::new(&granted, &policy)?.kantara()?;
    /// assert_eq!(json["consentTimestamp"], 1_767_225_600);
    ///
    /// claims.purposes.values_mut().for_each(|outcome| outcome.state = Recorded::Refused);
    /// let refused = Receipt::sign(claims, &ring)?;
    /// let error = Export::new(&refused, &policy)?.kantara().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "nothing was consented to, and a Kantara receipt tells of consents alone"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kantara(&self) -> Result<Value, NoConsent> {
        let (claims, policy) = (self.claims(), self.policy);
        let consents: Vec<Value> = self
            .items
            .iter()
            .filter(|item| item.outcome.basis == LegalBasis::Consent)
            .filter(|item| item.outcome.state == Recorded::Granted)
            .map(|item| self.consent(item))
            .collect();
        if consents.is_empty() {
            return Err(NoConsent::NothingGranted);
        }
        if claims.iat.as_second() < 0 {
            return Err(NoConsent::BeforeEpoch);
        }
        let mut address = json!({ "addressCountry": policy.controller.country });
        if let Some(street) = &policy.controller.address {
            address["streetAddress"] = json!(street);
        }
        Ok(json!({
            "version": "KI-CR-v1.1.0",
            "jurisdiction": policy.controller.country,
            "consentTimestamp": claims.iat.as_second(),
            "collectionMethod":
                format!("{} {}", self.words.method(claims.method), self.how_shown()),
            "consentReceiptID": claims.jti,
            "language": self.language(),
            "piiPrincipalId": claims.sub,
            "piiControllers": [{
                "piiController": policy.controller.name,
                "contact": self.say(&policy.officer.name),
                "address": address,
                "email": policy.officer.email,
                "phone": "",
            }],
            "policyUrl": self.notice_address(),
            "services": [{ "service": policy.name, "purposes": consents }],
            "sensitive": false,
            "spiCat": [],
        }))
    }

    fn consent(&self, item: &Item<'_>) -> Value {
        let purpose = item.purpose;
        let names: Vec<&str> =
            self.recipients(purpose).iter().map(|recipient| recipient.name).collect();
        let mut consent = json!({
            "purpose": self.say(&purpose.title),
            "purposeCategory": [category(purpose.id.as_str())],
            "consentType": "EXPLICIT",
            "piiCategory":
                self.data(purpose).map(|data| json!(self.say(&data.title))).collect::<Value>(),
            "termination": self.say(&purpose.retention),
            "thirdPartyDisclosure": !names.is_empty(),
        });
        if !names.is_empty() {
            consent["thirdPartyName"] = json!(names.join(", "));
        }
        consent
    }
}

/// The purposes of the presets have a category in Kantara's list; another is one by itself.
fn category(purpose: &str) -> &str {
    match purpose {
        "communications" => "6 - Marketing",
        "analytics" => "16 - Improve Performance",
        other => other,
    }
}
