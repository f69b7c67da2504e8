//! The only door to the clock and to randomness, so that tests can stand in for both.

use std::sync::Arc;

use consent_core::Timestamp;
use uuid::Uuid;

/// What the server takes from the machine besides its files and its network.
pub trait Ambient: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
    /// Fills `bytes` with randomness fit for keys.
    fn fill(&self, bytes: &mut [u8]);
}

/// Shared access to the ambient.
pub type SharedAmbient = Arc<dyn Ambient>;

/// The machine's own clock and random source.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Ambient for System {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks for randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system's random source works on every host");
    }
}

impl dyn Ambient + '_ {
    /// `N` random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A new identifier, ordered by time (UUID version 7, RFC 9562 §5.7).
    pub fn uuid(&self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.random()).into_uuid()
    }
}
