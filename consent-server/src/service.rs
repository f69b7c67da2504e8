//! What the system does, whoever asks: record a decision, answer a check, send a link.
//!
//! Knows nothing of HTTP or of the command line; both call it.

mod check;
mod clock;
mod decide;
mod erase;
mod history;
mod replay;
pub mod retention;
mod subscribe;
mod verify;

pub use check::{Answer, CheckError, check};
pub use clock::{ClockCheck, ClockDoubt};
pub use decide::{Circumstances, DecideError, Decided, decide};
pub use erase::erase;
pub use history::{Told, history, stated};
pub use replay::{Layout, ReplayError, Shown, replay, shown};
pub use subscribe::{SubscribeError, subscribe};
pub use verify::{Verification, verify};
