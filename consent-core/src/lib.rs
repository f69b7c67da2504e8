//! The rules of consent, and nothing else.
//!
//! What is deliberately absent: input and output, the clock, randomness and async code. Time and
//! random bytes are parameters, so everything here can be tested, replayed years later, and
//! compiled to WebAssembly. It cannot fail for any reason but its input.
//!
//! # A guide, in the order of the law
//!
//! | what the law asks | source | here |
//! | --- | --- | --- |
//! | Say who processes what, why, on which basis, for how long, with whom and where | GDPR Art. 13 | [`Policy`]; reading one tells everything that is missing |
//! | Each purpose rests on one basis, and only consent is asked for | Art. 6(1) | [`LegalBasis`] |
//! | A new purpose, recipient or kind of data is a new question | Art. 13(3), 4(11) | [`Comparison`](policy::Comparison), [`PolicyHistory`](policy::PolicyHistory) |
//! | Refusing is as easy as agreeing; each purpose by itself | Art. 7, CNIL 2020-091 | [`Decision`], [`Method`] |
//! | Taking back is as easy as giving, and works at once | Art. 7(3) | [`rules`] |
//! | Objecting to a legitimate interest; restricting | Art. 21, 18 | [`rules`] |
//! | A browser's own signal is a refusal | Global Privacy Control | [`Signal`] |
//! | Tell others' tags what was answered, and never more | Art. 6(1)(a) | [`mapping`] |
//! | Ask again after a while, refusals too | CNIL 2020-091 | [`State::Expired`] |
//! | Show for any person what was asked and answered | Art. 7(1) | [`Receipt`], [`Claims`] |
//! | Hand over what is recorded, to be read and to be taken elsewhere | Art. 12(1), 15, 20 | [`export`] |
//! | Show that nobody altered it | Art. 5(2) | [`receipt::verify_chain`], [`log`] |
//! | Erase a person, and keep the proofs of the others | Art. 17 | [`log::Commitment`] |
//! | Keep no address in clear | Art. 25, 32 | [`Subject`], [`Pepper`] |
//!
//! # From a question to an answer
//!
//! A site publishes a [`Policy`]. A visitor takes a [`Decision`]; the keeper of the records answers
//! it with a signed [`Receipt`]; and from what is recorded follows, at any moment, a [`Verdict`]:
//! may this purpose be served for this subject now? Whatever is unknown, stale or malformed is a no.
//!
//! ```
//! use std::collections::BTreeMap;
//! use consent_core::rules::Event;
//! use consent_core::{Choice, Decision, LegalBasis, Method, Policy, Record, Standing, Timestamp};
//! use consent_core::Verdict;
//!
//! let policy = Policy::from_toml(consent_core::policy::EXAMPLE)?;
//! let (standing, now) = (Standing::only(policy.number), "2026-01-01T00:00:00Z".parse()?);
//!
//! // Nobody has asked this subject anything, so the answer is no.
//! assert!(!Verdict::of(LegalBasis::Consent, None, standing, now).allowed);
//!
//! // The subject agrees. Only a decision that fits the policy can be made.
//! let choices = BTreeMap::from([("analytics".parse()?, Choice::Granted)]);
//! let decision = Decision::new(&policy, 1, &choices, Method::Preferences, "en")?;
//! let (_, basis, act) = decision.acts().next().unwrap();
//! let until = policy.remembered_until(now);
//! let record = Record::after(None, &Event { sequence: 1, act, at: now, policy: 1, until });
//!
//! assert!(Verdict::of(basis, Some(&record), standing, now).allowed);
//! let too_late: Timestamp = "2026-07-01T00:00:00Z".parse()?;
//! let verdict = Verdict::of(basis, Some(&record), standing, too_late);
//! assert!(!verdict.allowed);
//! assert_eq!(verdict.reason(), "the decision is too old: ask again");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cookie;
pub mod document;
pub mod export;
pub mod id;
pub mod log;
pub mod mapping;
pub mod policy;
pub mod receipt;
pub mod rules;
pub mod subject;
mod words;

pub use id::{ActivityId, DataId, Digest, PurposeId, RegionId, SiteId};
pub use jiff::Timestamp;
pub use policy::{LegalBasis, Policy};
pub use receipt::{Claims, Key, KeyRing, Receipt};
pub use rules::{Choice, Decision, Method, Record, Recorded, Signal, Standing, State, Verdict};
pub use subject::{Pepper, Subject};
