//! The whole way, through a real browser.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod accessibility;
mod anywhere;
mod bad_input;
mod blocking;
mod embed;
mod equipment;
mod frames;
mod hostile;
mod loader;
mod marketing;
mod page;
mod signals;
mod snippet;
mod strict;
mod vendors;
mod visitor;
mod withdrawal;
