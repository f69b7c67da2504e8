//! What is counted of decisions: numbers without anybody in them.

use consent_core::{PurposeId, Recorded, Timestamp};

/// How often one thing was decided on one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statistic {
    /// The day, counted from 1970-01-01 in UTC.
    pub day: i64,
    /// The policy in force.
    pub policy: u32,
    /// The purpose.
    pub purpose: PurposeId,
    /// What was decided, as it is stored.
    pub state: &'static str,
    /// How, as it is stored.
    pub method: String,
    /// How often.
    pub count: u64,
}

/// Seconds in a day.
const DAY: i64 = 86_400;

/// The day of a moment, counted from 1970-01-01 in UTC.
pub(super) fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(DAY)
}

impl Statistic {
    /// The state of that name.
    pub(super) fn state(name: &str) -> Option<&'static str> {
        Recorded::ALL.into_iter().map(Recorded::as_str).find(|known| *known == name)
    }
}
