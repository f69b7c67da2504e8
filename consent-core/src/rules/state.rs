//! From what is recorded to what is allowed, under the policies that stand and at one time.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Choice, Record, Recorded};
use crate::LegalBasis;

/// How far a record may lie ahead of the clock before its time is held to be wrong. Two servers'
/// clocks differ by less; a clock that was a year ahead must not make a grant last a year longer.
pub const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The policies under which a choice about one purpose still stands: from the last one that asked
/// again, up to the one in force.
///
/// ```
/// use consent_core::Standing;
/// let standing = Standing::new(3, 5).unwrap();
/// assert!(standing.holds(3) && standing.holds(5));
/// assert!(!standing.holds(2), "policy 3 changed something material");
/// assert!(!standing.holds(6), "never published");
/// assert!(Standing::new(5, 3).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    since: u32,
    current: u32,
}

impl Standing {
    /// From policy `since` to policy `current`; `None` if that is no range of numbers from 1.
    pub fn new(since: u32, current: u32) -> Option<Self> {
        (1 <= since && since <= current).then_some(Self { since, current })
    }

    /// One policy alone.
    pub fn only(policy: u32) -> Self {
        Self { since: policy, current: policy }
    }

    /// Whether what was decided under this policy still stands.
    pub fn holds(self, policy: u32) -> bool {
        (self.since..=self.current).contains(&policy)
    }

    /// The last policy that asked again.
    pub fn since(self) -> u32 {
        self.since
    }

    /// The policy in force.
    pub fn current(self) -> u32 {
        self.current
    }
}

/// The state of one purpose for one subject, at one time.
///
/// ```
/// use consent_core::{Record, Recorded, Standing, State, Timestamp};
///
/// let at: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let until: Timestamp = "2026-07-01T00:00:00Z".parse()?;
/// let record = Record { recorded: Recorded::Granted, restricted: false, policy: 1, at, until };
/// assert_eq!(State::of(Some(&record), Standing::only(1), at), State::Granted);
/// assert_eq!(State::of(Some(&record), Standing::only(1), until), State::Expired);
/// assert_eq!(State::Expired.reason(), "the decision is too old: ask again");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

    /// The state that follows from a record, under the policies that stand, at this time.
    pub fn of(record: Option<&Record>, standing: Standing, now: Timestamp) -> Self {
        let Some(record) = record else { return Self::NeverAsked };
        if record.restricted {
            return Self::Restricted;
        }
        match record.recorded {
            Recorded::Objected => return Self::Objected,
            Recorded::Open => return Self::NeverAsked,
            Recorded::Unconfirmed | Recorded::Granted | Recorded::Refused | Recorded::Withdrawn => {
            }
        }
        if record.until <= now || record.at.duration_since(now) > MAX_AHEAD {
            return Self::Expired;
        }
        let stands = standing.holds(record.policy);
        match record.recorded {
            Recorded::Withdrawn => Self::Withdrawn,
            _ if !stands => Self::Superseded,
            Recorded::Granted => Self::Granted,
            Recorded::Refused => Self::Refused,
            Recorded::Unconfirmed => Self::Unconfirmed,
            Recorded::Objected => Self::Objected,
            Recorded::Open => Self::NeverAsked,
        }
    }

    /// The choice that is in force, if one is: what a browser remembers of its own decision.
    pub fn choice(self) -> Option<Choice> {
        match self {
            Self::Granted => Some(Choice::Granted),
            Self::Refused | Self::Withdrawn | Self::Objected | Self::Restricted => {
                Some(Choice::Refused)
            }
            Self::NeverAsked | Self::Unconfirmed | Self::Expired | Self::Superseded => None,
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
/// use consent_core::{LegalBasis, Record, Recorded, Standing, Timestamp, Verdict};
/// let at: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let until = "2026-07-01T00:00:00Z".parse()?;
/// let record = Record { recorded: Recorded::Granted, restricted: false, policy: 1, at, until };
/// let verdict = |standing, now| Verdict::of(LegalBasis::Consent, Some(&record), standing, now);
///
/// assert!(verdict(Standing::only(1), at).allowed);
/// assert!(!verdict(Standing::only(1), until).allowed, "expired");
/// assert!(!verdict(Standing::only(2), at).allowed, "the policy has changed materially");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Yes or no.
    pub allowed: bool,
    /// The state it follows from.
    pub state: State,
    /// The legal basis of the purpose.
    pub basis: LegalBasis,
}

impl Verdict {
    /// The verdict on a record of a purpose on this basis.
    pub fn of(
        basis: LegalBasis,
        record: Option<&Record>,
        standing: Standing,
        now: Timestamp,
    ) -> Self {
        let mut state = State::of(record, standing, now);
        // Who refused it while it rested on consent has objected to it, and an objection has no end.
        let refused = record.is_some_and(|record| record.recorded.is_refusal());
        if basis == LegalBasis::LegitimateInterest && refused && state != State::Restricted {
            state = State::Objected;
        }
        let allowed = match basis {
            LegalBasis::Consent => state == State::Granted,
            LegalBasis::LegitimateInterest => !matches!(state, State::Objected | State::Restricted),
            LegalBasis::Contract | LegalBasis::LegalObligation => state != State::Restricted,
        };
        Self { allowed, state, basis }
    }

    /// The verdict's reason, for people.
    pub fn reason(self) -> &'static str {
        match self.basis {
            LegalBasis::Consent => self.state.reason(),
            _ if !self.allowed => self.state.reason(),
            LegalBasis::LegitimateInterest => {
                "it rests on a legitimate interest, and the subject has not objected"
            }
            LegalBasis::Contract => "it rests on a contract",
            LegalBasis::LegalObligation => "the law requires it",
        }
    }
}
