//! What a person decided: one choice for each purpose asked, all made at one moment.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{LegalBasis, Policy, PurposeId};

/// The most purposes that one decision may name.
pub const MAX_CHOICES: usize = 64;

/// Yes or no to one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The person agreed.
    Granted,
    /// The person did not agree, or no longer agrees.
    Refused,
}

/// Reads the choices of a decision; a purpose named twice is refused rather than read as either.
pub fn choices<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<PurposeId, Choice>, D::Error> {
    struct Choices;
    impl<'de> Visitor<'de> for Choices {
        type Value = BTreeMap<PurposeId, Choice>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of purposes, each \"granted\" or \"refused\"")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut choices = BTreeMap::new();
            while let Some((purpose, choice)) = map.next_entry::<PurposeId, Choice>()? {
                if choices.len() == MAX_CHOICES {
                    return Err(A::Error::custom(InvalidDecision::TooMany));
                }
                if choices.contains_key(&purpose) {
                    return Err(A::Error::custom(format!("'{purpose}' is named twice")));
                }
                choices.insert(purpose, choice);
            }
            Ok(choices)
        }
    }
    deserializer.deserialize_map(Choices)
}

/// How a decision was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The button that grants every purpose.
    AcceptAll,
    /// The button that refuses every purpose.
    RefuseAll,
    /// Chosen one by one in the preferences.
    Preferences,
    /// Taking back what was granted before.
    Withdrawal,
    /// The owner of an address confirmed it by a link sent there.
    DoubleOptIn,
}

impl Method {
    /// The name used in receipts and over HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AcceptAll => "accept_all",
            Self::RefuseAll => "refuse_all",
            Self::Preferences => "preferences",
            Self::Withdrawal => "withdrawal",
            Self::DoubleOptIn => "double_opt_in",
        }
    }

    /// The only choice that this method can express, if it is bound to one.
    fn only(self) -> Option<Choice> {
        match self {
            Self::AcceptAll | Self::DoubleOptIn => Some(Choice::Granted),
            Self::RefuseAll | Self::Withdrawal => Some(Choice::Refused),
            Self::Preferences => None,
        }
    }
}

/// Why a decision cannot stand under a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDecision {
    /// The decision was made on a policy that has been replaced.
    #[error("policy {asked} is superseded; the policy in force is {current}")]
    Superseded {
        /// The policy that the person was shown.
        asked: u32,
        /// The policy in force.
        current: u32,
    },
    /// The decision names a policy that was never published.
    #[error("policy {asked} does not exist; the policy in force is {current}")]
    UnknownPolicy {
        /// The policy named.
        asked: u32,
        /// The policy in force.
        current: u32,
    },
    /// Nothing was decided.
    #[error("choices: at least one purpose must be named")]
    Empty,
    /// More purposes than any policy has.
    #[error("choices: at most {MAX_CHOICES} purposes may be named")]
    TooMany,
    /// The policy has no such purpose.
    #[error("choices: the policy has no purpose '{0}'")]
    UnknownPurpose(PurposeId),
    /// The purpose rests on another basis, so there is nothing to consent to.
    #[error(
        "choices: '{0}' rests on {1}, not on consent, so it can be neither granted nor refused"
    )]
    NotConsent(PurposeId, LegalBasis),
    /// For example a refusal within "accept all".
    #[error("method: '{method}' does not go with the choice made for '{purpose}'", method = .method.as_str())]
    Contradiction {
        /// The method claimed.
        method: Method,
        /// The purpose whose choice contradicts it.
        purpose: PurposeId,
    },
    /// The policy is not written in that language.
    #[error("language: the policy is not written in '{asked}', but in {known}")]
    UnknownLanguage {
        /// The language claimed.
        asked: String,
        /// The languages there are.
        known: String,
    },
}

/// A decision that fits the policy in force. The only way to have one is [`Decision::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    choices: BTreeMap<PurposeId, Choice>,
    method: Method,
    language: String,
}

impl Decision {
    /// Checks a decision against the policy in force.
    ///
    /// ```
    /// use consent_core::{Choice, Decision, Method, Policy};
    /// let policy = Policy::from_toml(consent_core::policy::EXAMPLE)?;
    /// let choose = |purpose: &str| [(purpose.parse().unwrap(), Choice::Granted)].into();
    ///
    /// assert!(Decision::new(&policy, 1, choose("analytics"), Method::AcceptAll, "en").is_ok());
    /// let error = Decision::new(&policy, 1, choose("service"), Method::AcceptAll, "en").unwrap_err();
    /// assert!(error.to_string().contains("rests on contract, not on consent"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(
        policy: &Policy,
        asked: u32,
        choices: BTreeMap<PurposeId, Choice>,
        method: Method,
        language: &str,
    ) -> Result<Self, InvalidDecision> {
        let current = policy.number;
        match asked {
            _ if asked > current || asked == 0 => {
                return Err(InvalidDecision::UnknownPolicy { asked, current });
            }
            _ if asked < current => return Err(InvalidDecision::Superseded { asked, current }),
            _ => {}
        }
        if choices.is_empty() {
            return Err(InvalidDecision::Empty);
        }
        if choices.len() > MAX_CHOICES {
            return Err(InvalidDecision::TooMany);
        }
        for (id, choice) in &choices {
            let purpose =
                policy.purpose(id).ok_or_else(|| InvalidDecision::UnknownPurpose(id.clone()))?;
            if purpose.basis != LegalBasis::Consent {
                return Err(InvalidDecision::NotConsent(id.clone(), purpose.basis));
            }
            if method.only().is_some_and(|only| only != *choice) {
                return Err(InvalidDecision::Contradiction { method, purpose: id.clone() });
            }
        }
        if !policy.languages.iter().any(|known| known == language) {
            return Err(InvalidDecision::UnknownLanguage {
                asked: language.chars().take(35).collect(),
                known: policy.languages.join(", "),
            });
        }
        Ok(Self { choices, method, language: language.to_owned() })
    }

    /// The choice for each purpose named.
    pub fn choices(&self) -> &BTreeMap<PurposeId, Choice> {
        &self.choices
    }

    /// How it was made.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The language of the text shown.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Whether any purpose was granted.
    pub fn grants(&self) -> bool {
        self.choices.values().any(|choice| *choice == Choice::Granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::EXAMPLE;

    #[track_caller]
    fn refused(asked: u32, choices: &[(&str, Choice)], method: Method, language: &str) -> String {
        let policy = Policy::from_toml(&EXAMPLE.replace("number = 1", "number = 2")).unwrap();
        let choices = choices.iter().map(|(id, c)| (id.parse().unwrap(), *c)).collect();
        Decision::new(&policy, asked, choices, method, language).unwrap_err().to_string()
    }

    #[test]
    fn each_wrong_decision_is_named() {
        use Choice::{Granted, Refused};
        use Method::{AcceptAll, Preferences, RefuseAll};
        let good = [("analytics", Granted)];
        for (asked, choices, method, language, expected) in [
            (1, &good[..], AcceptAll, "en", "policy 1 is superseded"),
            (3, &good, AcceptAll, "en", "policy 3 does not exist"),
            (0, &good, AcceptAll, "en", "policy 0 does not exist"),
            (2, &[], AcceptAll, "en", "at least one purpose"),
            (2, &[("ads", Granted)], AcceptAll, "en", "no purpose 'ads'"),
            (2, &[("service", Refused)], Preferences, "en", "rests on contract"),
            (2, &[("analytics", Refused)], AcceptAll, "en", "method: 'accept_all'"),
            (2, &good, RefuseAll, "en", "method: 'refuse_all'"),
            (2, &good, AcceptAll, "de", "language: the policy is not written in 'de', but in en"),
        ] {
            let message = refused(asked, choices, method, language);
            assert!(message.contains(expected), "{message}");
        }
    }
}
