//! Decisions, the states that follow from them, and the verdicts that follow from the states.
//!
//! ```text
//! Decision ──▶ Event ──▶ Record ──▶ State ──▶ Verdict
//!  of a person   in an      what is    now, under    yes or no,
//!                order      recorded   this policy   with a reason
//! ```
//!
//! A [`Decision`] is what a person did, held against the policy. Each choice in it becomes an
//! [`Event`]; so does everything else that matters for a subject and a purpose. Replaying the
//! events gives a [`Record`], the same one whatever order they arrive in. With the policies and
//! the time a record becomes a [`State`], and the state a [`Verdict`].
//!
//! # What is recorded after each event
//!
//! Rows are what is recorded before, columns what happens; `·` leaves everything as it was.
//!
//! | before ╲ event | asked | granted | refused | objected | objection withdrawn |
//! | --- | --- | --- | --- | --- | --- |
//! | open | unconfirmed | granted | refused | objected | · |
//! | unconfirmed | unconfirmed, anew | granted | refused | objected | · |
//! | granted | · | granted | **withdrawn** | objected | · |
//! | refused | · | granted | refused | objected | open |
//! | withdrawn | · | granted | withdrawn | objected | open |
//! | objected | · | granted | · | · | open |
//!
//! What has expired when a person decides counts as open, so refusing it is a refusal and no
//! withdrawal. A restriction (GDPR Art. 18) is beside this table: it is set and lifted by events
//! of its own, changes nothing of what is recorded, and forbids everything while it lasts.
//!
//! # The state of a record
//!
//! The first line that applies:
//!
//! | when | state |
//! | --- | --- |
//! | nothing is recorded | never asked |
//! | the record is restricted | restricted |
//! | objected | objected |
//! | open | never asked |
//! | its time is over, or lies more than a day ahead | expired |
//! | withdrawn | withdrawn |
//! | the policy decided on no longer stands | superseded |
//! | otherwise | unconfirmed, granted, refused |
//!
//! # The verdict
//!
//! A purpose on consent may be served in one state only: *granted* (GDPR Art. 6(1)(a), 7). One on
//! a legitimate interest may be served until it is objected to (Art. 21) or restricted; a refusal or
//! withdrawal from when it rested on consent is an objection, and as such has no end. A contract or
//! a legal obligation stops at a restriction alone, which Art. 18(2) lets the law override; that
//! judgement is not made here.

mod decision;
mod event;
mod record;
mod signal;
mod state;

#[cfg(test)]
mod tests;

pub use decision::{Choice, Decision, InvalidDecision, MAX_CHOICES, Method, choices};
pub use event::{Act, Event};
pub use record::{Record, Recorded};
pub use signal::Signal;
pub use state::{MAX_AHEAD, Standing, State, Verdict};
