//! What the end-to-end tests stand on: a stage with the demo running, a browser of their own, and a
//! record of everything that the browser sends.
//!
//! The tests themselves are in `tests/browser`. They assert what the network saw and what the
//! browser stored, not only what the page shows. They wait for conditions, never for a time.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod audit;
pub mod bench;
pub mod bench_server;
mod browser;
mod driver;
mod languages;
mod network;
mod options;
mod pages;
pub mod shots;
mod stage;
mod start;

pub use audit::Focused;
pub use browser::{Browser, Storage};
pub use languages::{languages, policy_in};
pub use network::{Network, Seen};
pub use options::{Kind, Options};
pub use pages::{Answer, Pages};
pub use stage::{Setting, Stage};

use std::future::Future;
use std::time::Duration;

/// Asks again and again until `look` finds something, for at most 20 seconds.
///
/// # Panics
/// When it does not come; `what` says what was waited for.
pub async fn wait_for<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_secs(20), found).await;
    found.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Makes of each function that takes a [`Kind`] two tests: `name::in_chromium` and
/// `name::in_firefox`.
#[macro_export]
macro_rules! in_both_browsers {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread")]
            async fn in_chromium() {
                super::$name($crate::Kind::Chromium).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn in_firefox() {
                super::$name($crate::Kind::Firefox).await;
            }
        }
    )*};
}
