//! The rules of consent, and nothing else.
//!
//! A site publishes a [`Policy`]: who processes what, for which purposes, on which legal basis.
//! A visitor takes a [`Decision`]; the keeper of the records answers it with a signed
//! [`Receipt`]; and from what is recorded follows, at any moment, a [`Verdict`]: may this purpose
//! be served for this subject now?
//!
//! What is deliberately absent: input and output, the clock, randomness and async code. Time and
//! random bytes are parameters, so everything here can be tested, replayed years later, and
//! compiled to WebAssembly.
//!
//! ```
//! use consent_core::{Policy, Verdict};
//! # let toml = consent_core::policy::EXAMPLE;
//! let policy = Policy::from_toml(toml)?;
//! let now = "2026-01-01T00:00:00Z".parse()?;
//!
//! // Nobody has asked this subject anything, so the answer is no.
//! let verdict = Verdict::of(None, policy.number, now);
//! assert!(!verdict.allowed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cookie;
pub mod decision;
pub mod document;
pub mod id;
pub mod log;
pub mod policy;
pub mod receipt;
pub mod signal;
pub mod state;
pub mod subject;

pub use decision::{Choice, Decision, Method};
pub use id::{ActivityId, DataId, Digest, PurposeId, RegionId, SiteId};
pub use jiff::Timestamp;
pub use policy::{LegalBasis, Policy};
pub use receipt::{Claims, Key, KeyRing, Receipt};
pub use signal::Signal;
pub use state::{Record, Recorded, State, Verdict};
pub use subject::{Pepper, Subject};
