//! What was measured, as medians, beside the targets.

use std::fmt;

use super::load::Load;

/// The machine that it was measured on.
#[derive(Debug, Clone, Default)]
pub(super) struct Machine {
    pub(super) cores: usize,
    pub(super) model: String,
    /// How many other programs wanted a core when it began.
    pub(super) busy: f64,
    /// How long the disk takes to keep a page, in milliseconds.
    pub(super) flush: f64,
}

/// One server under one load.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Side {
    pub(super) load: Load,
    /// Microseconds of processor for an answer.
    pub(super) processor: f64,
    /// And what a database of its own takes for it.
    pub(super) database: f64,
}

/// What was measured once of each. Memory in bytes, times in milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Round {
    pub(super) ours: Side,
    pub(super) large: Side,
    pub(super) bare: Side,
    pub(super) single: Side,
    pub(super) checks: Side,
    pub(super) checks_large: Side,
    pub(super) constant: Side,
    /// The server on PostgreSQL, and decisions that `pgbench` puts in.
    pub(super) postgres: Side,
    pub(super) pgbench: Side,
    pub(super) half_decisions: Load,
    pub(super) half_checks: Load,
    pub(super) start: f64,
    pub(super) start_large: f64,
    pub(super) idle: f64,
    pub(super) memory: f64,
    pub(super) memory_large: f64,
}

/// Answers in a second, by how many ask at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByConnections {
    pub(super) connections: u32,
    pub(super) ours: f64,
    pub(super) single: f64,
    pub(super) bare: f64,
    pub(super) checks: f64,
    pub(super) constant: f64,
}

/// How long answers take, by the share of what can be answered at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByLoad {
    pub(super) share: f64,
    pub(super) decisions: Load,
    pub(super) checks: Load,
}

/// Answers in a second, by how many receipts are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByStored {
    pub(super) stored: u64,
    pub(super) decisions: f64,
    pub(super) checks: f64,
}

/// Everything that was measured.
#[derive(Debug)]
pub struct Figures {
    pub(super) machine: Machine,
    pub(super) receipts: u64,
    pub(super) rounds: Vec<Round>,
    pub(super) by_connections: Vec<ByConnections>,
    pub(super) by_load: Vec<ByLoad>,
    pub(super) by_stored: Vec<ByStored>,
    /// Bytes for each receipt, by table.
    pub(super) bytes: Vec<(String, f64)>,
    pub(super) binary: u64,
}

/// A figure, and what it should be.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) what: String,
    pub(super) is: String,
    pub(super) should: String,
    pub(super) met: bool,
}

const MIB: f64 = 1024.0 * 1024.0;

impl Figures {
    /// The median of a figure over all rounds.
    pub(super) fn of(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(figure).collect())
    }

    /// All targets. A ratio is that of the same round: the machine may be another one in the next.
    pub(super) fn targets(&self) -> Vec<Target> {
        let least = |what: &str, is: f64, least: f64| Target {
            what: what.into(),
            is: format!("{is:.2}"),
            should: format!("≥ {least}"),
            met: is >= least,
        };
        let most = |what: &str, is: f64, most: f64, unit: &str| Target {
            what: what.into(),
            is: format!("{is:.1} {unit}"),
            should: format!("≤ {most:.1} {unit}"),
            met: is <= most,
        };
        let ratio = |one: fn(&Round) -> Side, other: fn(&Round) -> Side| {
            self.of(|round| one(round).load.rate / other(round).load.rate)
        };
        let (ours, checks) = (|round: &Round| round.ours, |round: &Round| round.checks);
        let stored = format!("{} receipts stored instead of 10,000", grouped(self.receipts));
        #[expect(clippy::cast_precision_loss, reason = "a program has less than 2^52 bytes")]
        let binary = self.binary as f64 / MIB;
        vec![
            least(
                "decisions/s, 64 connections: times one transaction for each request",
                ratio(ours, |round| round.single),
                6.0,
            ),
            least(
                "decisions/s: of the same HTTP stack that parses, signs and keeps nothing",
                ratio(ours, |round| round.bare),
                0.5,
            ),
            least(
                "decisions/s on PostgreSQL: of what pgbench puts in, in batches of the same size",
                ratio(|round| round.postgres, |round| round.pgbench),
                0.8,
            ),
            least(
                "checks/s: of a route that answers a constant",
                ratio(checks, |round| round.constant),
                0.8,
            ),
            most(
                "decision at half load, p99",
                self.of(|round| round.half_decisions.p99),
                10.0 + self.machine.flush,
                "ms",
            ),
            most("check at half load, p99", self.of(|round| round.half_checks.p99), 2.0, "ms"),
            least(&format!("decisions/s: {stored}"), ratio(|round| round.large, ours), 0.9),
            least(&format!("checks/s: {stored}"), ratio(|round| round.checks_large, checks), 0.9),
            most(
                &format!("start with {} receipts", grouped(self.receipts)),
                self.of(|round| round.start_large),
                1000.0,
                "ms",
            ),
            most(
                &format!("memory after the load: {stored}"),
                self.of(|round| round.memory_large / round.memory),
                1.1,
                "times",
            ),
            most("memory when idle", self.of(|round| round.idle / MIB), 30.0, "MiB"),
            most("release binary", binary, 25.0, "MiB"),
            most("start to the first answer", self.of(|round| round.start), 100.0, "ms"),
        ]
    }
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    if all.len() % 2 == 1 { all[middle] } else { f64::midpoint(all[middle - 1], all[middle]) }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.document())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_easily() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (10_000_000, "10,000,000")]
        {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_median_is_in_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }
}
