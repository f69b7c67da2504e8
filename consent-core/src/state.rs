//! From what is recorded to what is allowed.
//!
//! A [`Record`] says what was last decided about one purpose. With the policy in force and the
//! time it becomes a [`State`], and the state a [`Verdict`]. Only one state allows: granted,
//! under the policy in force, and not yet expired. Everything else is no, each with its reason.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Choice;

/// What the store keeps about one purpose of one subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// What was decided last.
    pub recorded: Recorded,
    /// The number of the policy that was in force then.
    pub policy: u32,
    /// When it was decided.
    pub at: Timestamp,
    /// Until when it is remembered.
    pub until: Timestamp,
}

/// What can be recorded. The other states follow from it, from the policy and from time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recorded {
    /// An address was typed; its owner has not confirmed.
    Unconfirmed,
    /// Agreed.
    Granted,
    /// Asked, and not agreed.
    Refused,
    /// Agreed once, and taken back.
    Withdrawn,
}

impl Recorded {
    /// The name used in storage and over HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// What a choice leaves on record, given the state before it: refusing what is granted is a
    /// withdrawal, and refusing again what was withdrawn leaves it withdrawn.
    pub fn after(before: State, choice: Choice) -> Self {
        match (choice, before) {
            (Choice::Granted, _) => Self::Granted,
            (Choice::Refused, State::Granted | State::Withdrawn) => Self::Withdrawn,
            (Choice::Refused, _) => Self::Refused,
        }
    }
}

/// The state of one purpose for one subject, at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing is recorded.
    NeverAsked,
    /// An address was typed; its owner has not confirmed.
    Unconfirmed,
    /// Agreed.
    Granted,
    /// Asked, and not agreed.
    Refused,
    /// Agreed once, and taken back.
    Withdrawn,
    /// Decided so long ago that it has to be asked again.
    Expired,
    /// Decided under a policy that has been replaced since.
    Superseded,
    /// Objected to (GDPR Art. 21).
    Objected,
    /// Kept, and not used (GDPR Art. 18).
    Restricted,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::NeverAsked,
        Self::Unconfirmed,
        Self::Granted,
        Self::Refused,
        Self::Withdrawn,
        Self::Expired,
        Self::Superseded,
        Self::Objected,
        Self::Restricted,
    ];

    /// The state that follows from a record, under the policy in force, at this time.
    pub fn of(record: Option<&Record>, policy: u32, now: Timestamp) -> Self {
        let Some(record) = record else { return Self::NeverAsked };
        if record.until <= now {
            return Self::Expired;
        }
        match record.recorded {
            Recorded::Withdrawn => Self::Withdrawn,
            _ if record.policy != policy => Self::Superseded,
            Recorded::Unconfirmed => Self::Unconfirmed,
            Recorded::Granted => Self::Granted,
            Recorded::Refused => Self::Refused,
        }
    }

    /// Why a purpose in this state may, or may not, be served.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NeverAsked => "nothing is recorded: this subject was never asked",
            Self::Unconfirmed => "the address was typed in a form, but its owner has not confirmed",
            Self::Granted => "the subject agreed, and the agreement is in force",
            Self::Refused => "the subject was asked and did not agree",
            Self::Withdrawn => "the subject took the agreement back",
            Self::Expired => "the decision is too old: ask again",
            Self::Superseded => "the policy has changed since the decision: ask again",
            Self::Objected => "the subject objected",
            Self::Restricted => "the record is kept, but may not be used",
        }
    }
}

/// The answer to: may this purpose be served for this subject now?
///
/// ```
/// use consent_core::{Record, Recorded, Timestamp, Verdict};
/// let at: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let until = "2026-07-01T00:00:00Z".parse()?;
/// let record = Record { recorded: Recorded::Granted, policy: 1, at, until };
///
/// assert!(Verdict::of(Some(&record), 1, at).allowed);
/// assert!(!Verdict::of(Some(&record), 1, until).allowed, "expired");
/// assert!(!Verdict::of(Some(&record), 2, at).allowed, "the policy has changed");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Yes or no.
    pub allowed: bool,
    /// The state it follows from.
    pub state: State,
}

impl Verdict {
    /// The verdict on a record, under the policy in force, at this time.
    pub fn of(record: Option<&Record>, policy: u32, now: Timestamp) -> Self {
        let state = State::of(record, policy, now);
        Self { allowed: state == State::Granted, state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn only_a_grant_in_force_allows() {
        use Recorded::{Granted, Refused, Unconfirmed, Withdrawn};
        let mut allowed = Vec::new();
        for recorded in [Unconfirmed, Granted, Refused, Withdrawn] {
            for policy in 1..=3 {
                for now in [0, 9, 10, 11] {
                    let record = Record { recorded, policy: 2, at: at(0), until: at(10) };
                    if Verdict::of(Some(&record), policy, at(now)).allowed {
                        allowed.push((recorded, policy, now));
                    }
                }
            }
        }
        assert_eq!(allowed, [(Granted, 2, 0), (Granted, 2, 9)]);
        assert!(!Verdict::of(None, 2, at(0)).allowed);
    }

    #[test]
    fn each_no_has_its_own_reason() {
        let record = |recorded| Record { recorded, policy: 2, at: at(0), until: at(10) };
        let state = |recorded, policy, now| State::of(Some(&record(recorded)), policy, at(now));
        assert_eq!(state(Recorded::Unconfirmed, 2, 1), State::Unconfirmed);
        assert_eq!(state(Recorded::Refused, 2, 1), State::Refused);
        assert_eq!(state(Recorded::Withdrawn, 3, 1), State::Withdrawn);
        assert_eq!(state(Recorded::Granted, 3, 1), State::Superseded);
        assert_eq!(state(Recorded::Granted, 3, 10), State::Expired);
        assert_eq!(State::of(None, 2, at(1)), State::NeverAsked);
    }

    #[test]
    fn refusing_what_was_granted_is_a_withdrawal() {
        use Choice::{Granted, Refused};
        assert_eq!(Recorded::after(State::Granted, Refused), Recorded::Withdrawn);
        assert_eq!(Recorded::after(State::Withdrawn, Refused), Recorded::Withdrawn);
        assert_eq!(Recorded::after(State::NeverAsked, Refused), Recorded::Refused);
        assert_eq!(Recorded::after(State::Withdrawn, Granted), Recorded::Granted);
    }
}
