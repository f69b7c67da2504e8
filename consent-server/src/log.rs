//! A region's transparency log as it runs: commitments are taken from the store's queue, given
//! their places, and vouched for by a signed checkpoint; and anybody can read and verify it.
//!
//! The arithmetic is in `consent_core::log`, what is stored in `store`. Here is who reads tiles from
//! where ([`Source`]), who puts leaves in ([`Integrator`]), who hears of checkpoints
//! ([`Witnesses`]), and how the whole of it is verified ([`audit`]).

pub mod audit;
mod bundle;
mod integrate;
mod source;
mod witness;

pub use bundle::{BundleError, bundle};
pub use integrate::{IntegrateError, Integrator, LogKeys, run};
pub use source::{Folder, Http, Source, SourceError, Stored, proof, tiles};
pub use witness::Witnesses;
