//! What the banner costs a visitor, beside a page without one and with others' banners. All of them
//! are loaded from one server, by one browser, over the same slow line, in turn.
//!
//! A bench, and no test: its figures depend on the machine. It writes nothing.

mod contestants;
mod measure;
mod table;

use std::path::PathBuf;

pub use table::Table;

use contestants::{Contestant, Server};
use measure::Visit;

/// How to measure.
#[derive(Debug, Clone)]
pub struct Bench {
    /// How often each is measured.
    pub rounds: usize,
    /// The `consent` program, whose snippet is measured too.
    pub consent: PathBuf,
}

/// What was measured of one contestant, visit by visit.
#[derive(Debug)]
struct Measured {
    contestant: Contestant,
    first: Vec<Visit>,
    again: Vec<Visit>,
}

impl Bench {
    /// Measures everything. `progress` is told each round.
    pub async fn run(&self, progress: impl Fn(&str)) -> Table {
        let server = Server::start(&self.consent).await;
        let mut all: Vec<Measured> = server
            .contestants()
            .into_iter()
            .map(|contestant| Measured { contestant, first: Vec::new(), again: Vec::new() })
            .collect();
        for round in 1..=self.rounds {
            progress(&format!("round {round} of {}", self.rounds));
            for measured in &mut all {
                let (first, again) = measure::visits(&server, &measured.contestant).await;
                measured.first.push(first);
                measured.again.push(again);
            }
        }
        Table::of(&all, server.snippet_missing())
    }
}
