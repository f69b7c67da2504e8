//! What a person decided: one choice for each purpose asked, all made at one moment.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Act;
use crate::{LegalBasis, Policy, PurposeId};

/// The most purposes that one decision may name.
pub const MAX_CHOICES: usize = 64;

/// Yes or no to one purpose, and to no other (GDPR Art. 4(11): specific, by a clear act).
///
/// ```
/// use consent_core::Choice;
/// assert_eq!(serde_json::from_str::<Choice>("\"granted\"")?, Choice::Granted);
/// let error = serde_json::from_str::<Choice>("\"later\"").unwrap_err().to_string();
/// assert!(error.starts_with("unknown variant `later`, expected `granted` or `refused`"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The person agreed.
    Granted,
    /// The person did not agree, or no longer agrees.
    Refused,
}

/// Reads the choices of a decision; a purpose named twice is refused rather than read as either.
///
/// ```
/// let read = |json| consent_core::rules::choices(&mut serde_json::Deserializer::from_str(json));
/// assert_eq!(read(r#"{"analytics": "refused"}"#)?.len(), 1);
/// let error = read(r#"{"analytics": "refused", "analytics": "granted"}"#).unwrap_err();
/// assert!(error.to_string().starts_with("'analytics' is named twice"));
/// # Ok::<(), serde_json::Error>(())
/// ```
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
///
/// ```
/// use consent_core::{Choice, Decision, Method, Policy, policy::EXAMPLE};
/// let policy = Policy::from_toml(EXAMPLE)?;
/// let grant = [("analytics".parse()?, Choice::Granted)].into();
/// assert!(Decision::new(&policy, 1, &grant, Method::DoubleOptIn, "en").is_ok());
///
/// let error = Decision::new(&policy, 1, &grant, Method::RefuseAll, "en").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "method: 'refuse_all' does not go with the choice made for 'analytics'",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
    /// One click in a mail, or in the reader's own program (RFC 8058).
    OneClickUnsubscribe,
    /// Objecting to what rests on a legitimate interest (GDPR Art. 21).
    Objection,
    /// A signal that the browser sent, such as Global Privacy Control.
    Signal,
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
            Self::OneClickUnsubscribe => "one_click_unsubscribe",
            Self::Objection => "objection",
            Self::Signal => "signal",
        }
    }

    /// Whether this method can make that choice about a purpose on that basis.
    fn can(self, basis: LegalBasis, choice: Choice) -> bool {
        use Choice::{Granted, Refused};
        use LegalBasis::{Consent, LegitimateInterest};
        match self {
            Self::AcceptAll | Self::DoubleOptIn => (basis, choice) == (Consent, Granted),
            Self::RefuseAll | Self::Withdrawal | Self::OneClickUnsubscribe | Self::Signal => {
                (basis, choice) == (Consent, Refused)
            }
            Self::Objection => (basis, choice) == (LegitimateInterest, Refused),
            Self::Preferences => matches!(basis, Consent | LegitimateInterest),
        }
    }
}

/// Why a decision cannot stand under a policy.
///
/// ```
/// use consent_core::{Choice, Decision, Method, Policy, policy::EXAMPLE};
/// let policy = Policy::from_toml(&EXAMPLE.replace("number = 1", "number = 2"))?;
/// let grant = [("analytics".parse()?, Choice::Granted)].into();
/// let decide = |asked| Decision::new(&policy, asked, &grant, Method::AcceptAll, "en");
/// assert!(decide(2).is_ok());
/// assert_eq!(
///     decide(1).unwrap_err().to_string(),
///     "policy 1 is superseded; the policy in force is 2",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDecision {
    /// The decision grants something of a policy that has been replaced, or refuses only what is
    /// no longer asked.
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
    /// The purpose rests on a basis that leaves nothing to choose.
    #[error(
        "choices: '{0}' rests on {1}, not on consent, so it can be neither granted nor refused"
    )]
    NoChoice(PurposeId, LegalBasis),
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
///
/// A refusal is never turned away because the policy was replaced in the meantime: nobody has to
/// read a new text in order to say no. It then counts under the policy in force, for those of its
/// purposes that still leave a choice there; one that rests on a legitimate interest now is objected
/// to. A grant of something else than what is in force is none.
///
/// ```
/// use consent_core::{Choice, Decision, Method, Policy};
/// let policy = Policy::from_toml(consent_core::policy::EXAMPLE)?;
/// let choose = |purpose: &str| [(purpose.parse().unwrap(), Choice::Granted)].into();
///
/// assert!(Decision::new(&policy, 1, &choose("analytics"), Method::AcceptAll, "en").is_ok());
/// let error = Decision::new(&policy, 1, &choose("service"), Method::AcceptAll, "en").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "choices: 'service' rests on contract, not on consent, so it can be neither granted nor refused",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    acts: BTreeMap<PurposeId, (LegalBasis, Act)>,
    method: Method,
    asked: u32,
    language: String,
}

impl Decision {
    /// Checks a decision against the policy in force. `asked` is the number of the policy that the
    /// person was shown.
    pub fn new(
        policy: &Policy,
        asked: u32,
        choices: &BTreeMap<PurposeId, Choice>,
        method: Method,
        language: &str,
    ) -> Result<Self, InvalidDecision> {
        let current = policy.number;
        match asked {
            _ if asked > current || asked == 0 => {
                return Err(InvalidDecision::UnknownPolicy { asked, current });
            }
            _ if asked < current && choices.values().any(|choice| *choice == Choice::Granted) => {
                return Err(InvalidDecision::Superseded { asked, current });
            }
            _ => {}
        }
        let late = asked < current;
        if choices.is_empty() {
            return Err(InvalidDecision::Empty);
        }
        if choices.len() > MAX_CHOICES {
            return Err(InvalidDecision::TooMany);
        }
        let mut acts = BTreeMap::new();
        for (id, choice) in choices {
            let purpose = policy.purpose(id);
            if late && purpose.is_none_or(|purpose| !purpose.basis.leaves_choice()) {
                continue;
            }
            let purpose = purpose.ok_or_else(|| InvalidDecision::UnknownPurpose(id.clone()))?;
            let basis = purpose.basis;
            let Some(act) = Act::of(basis, *choice) else {
                return Err(InvalidDecision::NoChoice(id.clone(), basis));
            };
            let fits = |on| method.can(on, *choice);
            // What the purpose rested on then is not asked: it may have been the other basis.
            let other = [LegalBasis::Consent, LegalBasis::LegitimateInterest];
            let possible = fits(basis) || (late && other.into_iter().any(fits));
            if !possible {
                return Err(InvalidDecision::Contradiction { method, purpose: id.clone() });
            }
            acts.insert(id.clone(), (basis, act));
        }
        if acts.is_empty() {
            return Err(InvalidDecision::Superseded { asked, current });
        }
        if !late && !policy.languages.iter().any(|known| known == language) {
            return Err(InvalidDecision::UnknownLanguage {
                asked: language.chars().take(35).collect(),
                known: policy.languages.join(", "),
            });
        }
        let language = policy.negotiate([language]).to_owned();
        Ok(Self { acts, method, asked, language })
    }

    /// What it does to each purpose named, and on which basis that rests.
    pub fn acts(&self) -> impl Iterator<Item = (&PurposeId, LegalBasis, Act)> {
        self.acts.iter().map(|(purpose, (basis, act))| (purpose, *basis, *act))
    }

    /// The purposes named.
    pub fn purposes(&self) -> impl Iterator<Item = &PurposeId> {
        self.acts.keys()
    }

    /// How it was made.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The number of the policy that the person was shown: the one in force, or for a refusal an
    /// earlier one.
    pub fn asked(&self) -> u32 {
        self.asked
    }

    /// The language of the text shown; a refusal of an earlier policy in a language that is gone
    /// has the nearest one there is.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Whether any purpose was granted.
    pub fn grants(&self) -> bool {
        self.acts.values().any(|(_, act)| *act == Act::Granted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::EXAMPLE;

    #[track_caller]
    fn refused(asked: u32, choices: &[(&str, Choice)], method: Method, language: &str) -> String {
        decide(asked, choices, method, language).unwrap_err().to_string()
    }

    fn decide(
        asked: u32,
        choices: &[(&str, Choice)],
        method: Method,
        language: &str,
    ) -> Result<Decision, InvalidDecision> {
        let interest = "id = \"safety\"\nbasis = \"legitimate_interest\"\ninterest.en = \"Safety.\"\n\
                        data = [\"usage\"]\ntitle.en = \"Safety\"\ndescription.en = \"Safety.\"\n\
                        retention.en = \"A year.\"";
        let text = EXAMPLE
            .replace("number = 1", "number = 2")
            .replace("[[region]]", &format!("[[purpose]]\n{interest}\n\n[[region]]"));
        let policy = Policy::from_toml(&text).unwrap();
        let choices = choices.iter().map(|(id, c)| (id.parse().unwrap(), *c)).collect();
        Decision::new(&policy, asked, &choices, method, language)
    }

    #[test]
    fn each_method_makes_only_the_choices_it_can() {
        use Choice::{Granted, Refused};
        use Method as M;
        let both = [
            ("analytics", Granted),
            ("analytics", Refused),
            ("safety", Granted),
            ("safety", Refused),
        ];
        for (method, able) in [
            (M::AcceptAll, [true, false, false, false]),
            (M::RefuseAll, [false, true, false, false]),
            (M::Preferences, [true, true, true, true]),
            (M::Withdrawal, [false, true, false, false]),
            (M::DoubleOptIn, [true, false, false, false]),
            (M::OneClickUnsubscribe, [false, true, false, false]),
            (M::Objection, [false, false, false, true]),
            (M::Signal, [false, true, false, false]),
        ] {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
            for (choice, able) in both.into_iter().zip(able) {
                let decided = decide(2, &[choice], method, "en");
                assert_eq!(decided.is_ok(), able, "{choice:?} by {method:?}");
                if let Ok(decision) = decided {
                    assert_eq!(decision.grants(), choice == ("analytics", Granted));
                    let (purpose, basis, act) = decision.acts().next().unwrap();
                    assert_eq!(purpose.as_str(), choice.0);
                    assert_eq!(decision.purposes().collect::<Vec<_>>(), [purpose]);
                    assert_eq!((decision.method(), decision.language()), (method, "en"));
                    assert_eq!(Some(act), Act::of(basis, choice.1));
                }
            }
        }
        let objected = decide(2, &[("safety", Refused)], M::Preferences, "en").unwrap();
        assert_eq!(objected.acts().map(|(_, _, act)| act).collect::<Vec<_>>(), [Act::Objected]);
    }

    #[test]
    fn choices_are_read_whole_or_not_at_all() {
        let read = |json: &str| choices(&mut serde_json::Deserializer::from_str(json));
        let two = read(r#"{"news": "refused", "analytics": "granted"}"#).unwrap();
        let expected = [("analytics", Choice::Granted), ("news", Choice::Refused)];
        assert_eq!(two, expected.map(|(id, choice)| (id.parse().unwrap(), choice)).into());
        assert_eq!(read("{}").unwrap(), BTreeMap::new());

        let many = |count: usize| {
            let choices: Vec<_> = (0..count).map(|i| format!(r#""p{i}": "granted""#)).collect();
            format!("{{{}}}", choices.join(","))
        };
        assert_eq!(read(&many(MAX_CHOICES)).unwrap().len(), MAX_CHOICES);
        for (json, expected) in [
            (many(MAX_CHOICES + 1).as_str(), "choices: at most 64 purposes may be named"),
            (r#"{"a": "granted", "b": "granted", "a": "refused"}"#, "'a' is named twice"),
            (r#"{"a": "granted", "b": "perhaps"}"#, "unknown variant `perhaps`"),
            (r#"{"A": "granted"}"#, "a purpose must be 1 to 64"),
            ("[]", "expected an object of purposes, each \"granted\" or \"refused\""),
        ] {
            let message = read(json).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_refusal_is_recorded_whatever_policy_it_names() {
        use Choice::{Granted, Refused};
        use Method as M;
        for (choices, method, language, expected) in [
            (&[("analytics", Refused)][..], M::RefuseAll, "en", &["analytics"][..]),
            (&[("analytics", Refused)], M::Withdrawal, "xx", &["analytics"]),
            (&[("analytics", Refused), ("gone", Refused)], M::Signal, "en", &["analytics"]),
            (&[("analytics", Refused), ("service", Refused)], M::Preferences, "en", &["analytics"]),
            // Asked for then, a legitimate interest now; and the other way round.
            (&[("safety", Refused)], M::RefuseAll, "en", &["safety"]),
            (&[("analytics", Refused)], M::Objection, "en", &["analytics"]),
        ] {
            let decision = decide(1, choices, method, language).unwrap();
            let purposes: Vec<_> = decision.purposes().map(PurposeId::as_str).collect();
            assert_eq!(purposes, expected, "{method:?}");
            assert_eq!(
                (decision.asked(), decision.language(), decision.grants()),
                (1, "en", false)
            );
            let right = decision.acts().all(|(_, basis, act)| Act::of(basis, Refused) == Some(act));
            assert!(right, "a refusal, or an objection where it rests on an interest");
        }
        for (choices, method) in [
            (&[("analytics", Granted)][..], M::Preferences),
            (&[("analytics", Refused), ("safety", Granted)], M::Preferences),
            (&[("gone", Refused)], M::RefuseAll),
        ] {
            let message = decide(1, choices, method, "en").unwrap_err().to_string();
            assert!(message.starts_with("policy 1 is superseded"), "{message}");
        }
        let message = refused(1, &[("analytics", Refused)], M::AcceptAll, "en");
        assert!(message.starts_with("method: 'accept_all'"), "{message}");
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
