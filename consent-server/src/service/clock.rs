//! Whether the clock may decide what is erased. One that is years ahead would have everything erased
//! that is kept, so it has to agree with what is known of the time: with the records at the start,
//! and with the time that has passed since.
//!
//! What it cannot notice is a clock that was wrong already when the latest records were made, before
//! the last start.

use std::time::{Duration, Instant};

use consent_core::Timestamp;

use crate::ambient::Ambient;
use crate::store::{Store, StoreError};

/// For how long a store may have been without any new record when its server starts.
const QUIET: Duration = Duration::from_hours(92 * 24);
/// By how much the clock may gain on the time that has passed.
const GAIN: Duration = Duration::from_hours(24);

/// Why nothing is erased by this clock. It is no error for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockDoubt {
    /// No record is from about now.
    #[error(
        "by the clock, which says {0}, no record is younger than 92 days: if the clock is right, \
         start the server again once something is recorded"
    )]
    Quiet(Timestamp),
    /// It went ahead since the server was started.
    #[error(
        "the clock has gone ahead to {0}, faster than time passes: if it is right now, start the \
         server again"
    )]
    Ahead(Timestamp),
}

/// What the clock of a region's server is held against.
#[derive(Debug, Clone, Copy)]
pub struct ClockCheck {
    quiet: bool,
    started: Timestamp,
    since: Instant,
}

impl ClockCheck {
    /// Looks at the records, which is to be done before anything new is recorded.
    pub async fn new(store: &dyn Store, ambient: &dyn Ambient) -> Result<Self, StoreError> {
        let (started, since) = (ambient.now(), Instant::now());
        let then = started.checked_sub(QUIET).unwrap_or(Timestamp::MIN);
        // Identifiers are in the order of time.
        let then = ambient.uuid(then);
        let is_there = async |after| -> Result<bool, StoreError> {
            Ok(!store.receipts_after(None, after, 1).await?.is_empty()
                || !store.events_after(after, 1).await?.is_empty())
        };
        let quiet = !is_there(Some(then)).await? && is_there(None).await?;
        Ok(Self { quiet, started, since })
    }

    /// The time by which may be erased.
    pub fn now(&self, ambient: &dyn Ambient) -> Result<Timestamp, ClockDoubt> {
        self.after(self.since.elapsed(), ambient.now())
    }

    fn after(&self, passed: Duration, now: Timestamp) -> Result<Timestamp, ClockDoubt> {
        let latest = self.started.checked_add(passed).and_then(|latest| latest.checked_add(GAIN));
        if self.quiet {
            Err(ClockDoubt::Quiet(now))
        } else if latest.is_ok_and(|latest| now > latest) {
            Err(ClockDoubt::Ahead(now))
        } else {
            Ok(now)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ambient::System;
    use crate::store::{AuditEvent, open_sqlite};

    /// A clock that says what it is told to.
    struct Says(Timestamp);

    impl Ambient for Says {
        fn now(&self) -> Timestamp {
            self.0
        }

        fn fill(&self, bytes: &mut [u8]) {
            System.fill(bytes);
        }
    }

    const DAY: i64 = 86_400;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(20_000 * DAY + day * DAY).unwrap()
    }

    #[tokio::test]
    async fn a_clock_without_a_record_beside_it_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let store = open_sqlite(&folder.path().join("eu.db"), true).await.unwrap();
        let store: &dyn Store = &*Arc::clone(&store);
        let check = async |at| {
            let check = ClockCheck::new(store, &Says(day(at))).await.unwrap();
            check.after(Duration::ZERO, day(at))
        };
        assert_eq!(check(0).await, Ok(day(0)), "there is nothing to lose yet");
        store.note(AuditEvent::new(&Says(day(0)), None, "test", &().into())).await.unwrap();
        for at in [-5_000, 0, 91] {
            assert_eq!(check(at).await, Ok(day(at)));
        }
        for at in [93, 3_650] {
            assert_eq!(check(at).await, Err(ClockDoubt::Quiet(day(at))));
        }
    }

    #[tokio::test]
    async fn a_clock_that_runs_ahead_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let store = open_sqlite(&folder.path().join("eu.db"), true).await.unwrap();
        let check = ClockCheck::new(&*store, &Says(day(0))).await.unwrap();
        let passed = Duration::from_hours(10 * 24);
        for now in [-3_650, 0, 10, 11] {
            assert_eq!(check.after(passed, day(now)), Ok(day(now)));
        }
        for now in [12, 3_650] {
            assert_eq!(check.after(passed, day(now)), Err(ClockDoubt::Ahead(day(now))));
        }
    }
}
