//! The whole way, through a real browser.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod accessibility;
mod anywhere;
mod embed;
mod equipment;
mod loader;
mod marketing;
mod visitor;
