//! What the server can do, beside what the machine can do at all: decisions and checks in a second,
//! how long they take, and what they cost in memory and on the disk. Every server is a process of its
//! own; all are asked by the same generator, in turn, in one run.
//!
//! A bench, and no test: its figures depend on the machine.

mod document;
mod figures;
mod fill;
mod home;
mod issuer;
mod load;
mod measure;
mod picture;
mod postgres;
mod process;
mod rival;
mod rows;

use std::path::PathBuf;

pub use figures::Figures;
pub use rival::{Rival, serve};

/// How to measure.
#[derive(Debug, Clone)]
pub struct Bench {
    /// How often each is measured.
    pub rounds: usize,
    /// How many seconds each is asked.
    pub seconds: u64,
    /// How many receipts a full store holds.
    pub receipts: u64,
    /// Whether the curves are measured too.
    pub curves: bool,
    /// The `consent` program.
    pub consent: PathBuf,
    /// Where stores are kept from run to run.
    pub folder: PathBuf,
}

impl Bench {
    /// Measures everything. `progress` is told each step.
    pub async fn run(&self, progress: impl Fn(&str)) -> Figures {
        std::fs::create_dir_all(&self.folder).unwrap();
        measure::Measure::new(self, &progress).await.run().await
    }
}
