//! What is recorded about one subject and one purpose, and how events change it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Act, Event};

/// What the store keeps about one purpose of one subject.
///
/// ```
/// use consent_core::{LegalBasis, Record, Recorded, Standing, State, Timestamp, Verdict};
///
/// let at: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let until = "2026-07-01T00:00:00Z".parse()?;
/// let record = Record { recorded: Recorded::Granted, restricted: false, policy: 1, at, until };
/// assert_eq!(State::of(Some(&record), Standing::only(1), at), State::Granted);
///
/// let restricted = Record { restricted: true, ..record };
/// let verdict = Verdict::of(LegalBasis::Consent, Some(&restricted), Standing::only(1), at);
/// assert_eq!(verdict.reason(), "the record is kept, but may not be used");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// What was decided last.
    pub recorded: Recorded,
    /// Whether it may be kept but not used (GDPR Art. 18).
    pub restricted: bool,
    /// The number of the policy that was in force then.
    pub policy: u32,
    /// When it was decided.
    pub at: Timestamp,
    /// Until when it is remembered.
    pub until: Timestamp,
}

/// What can be recorded. The other states follow from it, from the policy and from time.
///
/// ```
/// use consent_core::Recorded;
/// assert_eq!(serde_json::from_str::<Recorded>("\"withdrawn\"")?, Recorded::Withdrawn);
/// // What time and policies make of it is a state, and never recorded.
/// let error = serde_json::from_str::<Recorded>("\"expired\"").unwrap_err().to_string();
/// assert!(error.starts_with("unknown variant `expired`, expected one of `open`, `unconfirmed`"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recorded {
    /// Nothing: an objection was taken back, or a restriction came before any decision.
    Open,
    /// An address was typed; its owner has not confirmed.
    Unconfirmed,
    /// Agreed.
    Granted,
    /// Asked, and not agreed.
    Refused,
    /// Agreed once, and taken back.
    Withdrawn,
    /// Objected to.
    Objected,
}

impl Recorded {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::Unconfirmed,
        Self::Granted,
        Self::Refused,
        Self::Withdrawn,
        Self::Objected,
    ];

    /// The name used in storage, in receipts and over HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Unconfirmed => "unconfirmed",
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Objected => "objected",
        }
    }

    /// What is recorded after an act; `None` where it stays as it was, time and policy included.
    /// The table at [`rules`](super) in code.
    fn after(self, act: Act) -> Option<Self> {
        match (act, self) {
            (Act::Asked, Self::Open | Self::Unconfirmed) => Some(Self::Unconfirmed),
            (Act::Granted, _) => Some(Self::Granted),
            (Act::Refused, Self::Granted | Self::Withdrawn) => Some(Self::Withdrawn),
            (Act::Refused, Self::Open | Self::Unconfirmed | Self::Refused) => Some(Self::Refused),
            (Act::ObjectionWithdrawn, Self::Refused | Self::Withdrawn | Self::Objected) => {
                Some(Self::Open)
            }
            (
                Act::Objected,
                Self::Open | Self::Unconfirmed | Self::Granted | Self::Refused | Self::Withdrawn,
            ) => Some(Self::Objected),
            (Act::Asked, Self::Granted | Self::Refused | Self::Withdrawn | Self::Objected)
            | (Act::Refused | Act::Objected, Self::Objected)
            | (Act::ObjectionWithdrawn, Self::Open | Self::Unconfirmed | Self::Granted)
            | (Act::Released | Act::Restricted, _) => None,
        }
    }

    /// Whether a person said no.
    pub(super) fn is_refusal(self) -> bool {
        match self {
            Self::Refused | Self::Withdrawn | Self::Objected => true,
            Self::Open | Self::Unconfirmed | Self::Granted => false,
        }
    }

    pub(crate) fn expires(self) -> bool {
        match self {
            Self::Unconfirmed | Self::Granted | Self::Refused | Self::Withdrawn => true,
            Self::Open | Self::Objected => false,
        }
    }
}

impl Record {
    /// What is recorded after an event that follows everything in `before`.
    ///
    /// ```
    /// use consent_core::{Record, Recorded, Timestamp, rules::{Act, Event}};
    /// let at: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// let until = "2026-07-01T00:00:00Z".parse()?;
    /// let granted = Event { sequence: 1, act: Act::Granted, at, policy: 1, until };
    /// let record = Record::after(None, &granted);
    /// assert_eq!(record.recorded, Recorded::Granted);
    ///
    /// // Typing an address in a form never replaces what its owner decided.
    /// let typed = Event { sequence: 2, act: Act::Asked, ..granted };
    /// assert_eq!(Record::after(Some(record), &typed), record);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn after(before: Option<Self>, event: &Event) -> Self {
        let mut record = before.unwrap_or(Self {
            recorded: Recorded::Open,
            restricted: false,
            policy: event.policy,
            at: event.at,
            until: event.until,
        });
        match event.act {
            Act::Restricted => record.restricted = true,
            Act::Released => record.restricted = false,
            Act::Asked | Act::ObjectionWithdrawn | Act::Granted | Act::Refused | Act::Objected => {
                let before =
                    if record.expired_for(event) { Recorded::Open } else { record.recorded };
                if let Some(recorded) = before.after(event.act) {
                    let Event { policy, at, until, .. } = *event;
                    record = Self { recorded, policy, at, until, ..record };
                }
            }
        }
        record
    }

    /// Whether the record's time was over when a person decided. Who only typed an address decided
    /// nothing, and an objection that is taken back had no end, so those never count.
    fn expired_for(&self, event: &Event) -> bool {
        let decided = !matches!(event.act, Act::Asked | Act::ObjectionWithdrawn);
        decided && self.recorded.expires() && self.until <= event.at
    }

    /// What follows from all events of one subject and one purpose: the same from any order, and
    /// from events that arrive twice. `None` if there are none. Takes the time of sorting them.
    pub fn replay(events: impl IntoIterator<Item = Event>) -> Option<Self> {
        let mut events: Vec<Event> = events.into_iter().collect();
        events.sort_unstable();
        events.dedup();
        events.iter().fold(None, |before, event| Some(Self::after(before, event)))
    }
}
