//! What happened to one subject and one purpose, in an order that does not depend on arrival.

use jiff::Timestamp;

use super::{Choice, Recorded};
use crate::{Claims, LegalBasis, PurposeId};

/// What was done.
///
/// ```
/// use consent_core::rules::{Act, Event};
/// use consent_core::{Record, Recorded, Timestamp};
///
/// // Two servers write at once: of a grant and a refusal, the grant does not count.
/// let granted =
///     Event { sequence: 1, act: Act::Granted, at: Timestamp::UNIX_EPOCH, policy: 1, until: Timestamp::MAX };
/// let refused = Event { act: Act::Refused, ..granted };
/// assert!(Act::Refused > Act::Granted);
/// assert_eq!(Record::replay([refused, granted]).unwrap().recorded, Recorded::Withdrawn);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
// From the least to the most cautious: of two that happened at once, the last one counts.
pub enum Act {
    /// An address was typed, and its owner was asked to confirm.
    Asked,
    /// An objection was taken back.
    ObjectionWithdrawn,
    /// A restriction was lifted.
    Released,
    /// The subject agreed.
    Granted,
    /// The subject did not agree, or no longer agrees.
    Refused,
    /// The subject objected (GDPR Art. 21).
    Objected,
    /// The record may be kept but not used (GDPR Art. 18).
    Restricted,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Asked,
        Self::ObjectionWithdrawn,
        Self::Released,
        Self::Granted,
        Self::Refused,
        Self::Objected,
        Self::Restricted,
    ];

    /// What a choice does to a purpose on this basis; `None` where there is nothing to choose.
    ///
    /// ```
    /// use consent_core::{Choice, LegalBasis, rules::Act};
    /// assert_eq!(Act::of(LegalBasis::Consent, Choice::Refused), Some(Act::Refused));
    /// assert_eq!(Act::of(LegalBasis::LegitimateInterest, Choice::Refused), Some(Act::Objected));
    /// assert_eq!(Act::of(LegalBasis::Contract, Choice::Refused), None);
    /// ```
    pub fn of(basis: LegalBasis, choice: Choice) -> Option<Self> {
        match (basis, choice) {
            (LegalBasis::Consent, Choice::Granted) => Some(Self::Granted),
            (LegalBasis::Consent, Choice::Refused) => Some(Self::Refused),
            (LegalBasis::LegitimateInterest, Choice::Granted) => Some(Self::ObjectionWithdrawn),
            (LegalBasis::LegitimateInterest, Choice::Refused) => Some(Self::Objected),
            (LegalBasis::Contract | LegalBasis::LegalObligation, _) => None,
        }
    }
}

/// An act, with everything that its consequences depend on.
///
/// Events are ordered by `sequence` first and by the clock only after it, so a clock that was
/// wrong, or goes back, does not put a withdrawal before the grant that it takes back. Of two
/// events with the same sequence, which two servers may write at once, the more cautious counts:
/// a refusal beats a grant.
///
/// ```
/// use consent_core::rules::{Act, Event};
/// use consent_core::{Record, Recorded, Timestamp};
///
/// let (at, until) = ("2026-02-01T00:00:00Z".parse()?, "2026-08-01T00:00:00Z".parse()?);
/// let granted = Event { sequence: 1, act: Act::Granted, at, policy: 1, until };
/// assert_eq!(Record::replay([granted]).unwrap().recorded, Recorded::Granted);
///
/// // The clock went back a month in between; the withdrawal still comes second.
/// let earlier: Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let withdrawn = Event { sequence: 2, act: Act::Refused, at: earlier, ..granted };
/// assert_eq!(Record::replay([withdrawn, granted]).unwrap().recorded, Recorded::Withdrawn);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Event {
    /// One more than the greatest sequence that the writer knew for this subject.
    pub sequence: u64,
    /// What was done.
    pub act: Act,
    /// When, by the server's clock.
    pub at: Timestamp,
    /// The number of the policy in force.
    pub policy: u32,
    /// Until when it is remembered.
    pub until: Timestamp,
}

impl Event {
    /// The events that a receipt tells of, one for each purpose. `sequence` is its place among the
    /// subject's receipts.
    ///
    /// ```
    /// use consent_core::{Claims, Record, Recorded, rules::Event};
    /// # let json = consent_core::receipt::EXAMPLE_CLAIMS;
    /// let claims: Claims = serde_json::from_str(json)?;
    /// let events = Event::of_receipt(&claims, 1).map(|(_, event)| event);
    /// assert_eq!(Record::replay(events).unwrap().recorded, Recorded::Granted);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn of_receipt(
        claims: &Claims,
        sequence: u64,
    ) -> impl Iterator<Item = (&PurposeId, Self)> + '_ {
        claims.purposes.iter().map(move |(purpose, outcome)| {
            let act = match outcome.state {
                Recorded::Open => Act::ObjectionWithdrawn,
                Recorded::Unconfirmed => Act::Asked,
                Recorded::Granted => Act::Granted,
                Recorded::Refused | Recorded::Withdrawn => Act::Refused,
                Recorded::Objected => Act::Objected,
            };
            let (at, until) = (claims.iat, claims.exp);
            (purpose, Self { sequence, act, at, policy: claims.policy.number, until })
        })
    }
}
