//! The load: wrk, on the same machine, with a script that gives each decision a key of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::home::{Home, ORIGIN, SITE};

const SCRIPT: &str = include_str!("load.lua");

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    /// `POST …/decisions`, each of a new visitor.
    Decision,
    /// `GET …/check`, about subjects that are stored.
    Check,
}

/// How it went.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Load {
    /// Answers in a second.
    pub(super) rate: f64,
    /// Milliseconds until the answer: the median, and what 99 and 99.9 of a hundred stay below.
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
}

impl Load {
    /// Microseconds for each answer, of something that took so many seconds for all of that time.
    pub(super) fn micros_each(&self, took: f64, time: Duration) -> f64 {
        took * 1e6 / (self.rate * time.as_secs_f64())
    }
}

/// Asks a server.
#[derive(Debug)]
pub(super) struct Generator {
    script: PathBuf,
    /// Each run's keys differ from those of every other.
    runs: u64,
    started: u64,
}

/// How hard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) connections: u32,
    pub(super) time: Duration,
    /// Answers in a second that are aimed at; as many as there can be, if nothing is said.
    pub(super) rate: Option<f64>,
}

impl Generator {
    pub(super) fn new(folder: &Path) -> Self {
        let script = folder.join("load.lua");
        std::fs::write(&script, SCRIPT).unwrap();
        let started = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        Self { script, runs: 0, started }
    }

    /// Asks as hard as said.
    ///
    /// # Panics
    /// When a single answer is an error: a figure with errors in it says nothing.
    pub(super) fn run(&mut self, url: &str, home: &Home, ask: Ask, pace: Pace) -> Load {
        self.runs += 1;
        let threads = pace.connections.min(2);
        let mut wrk = Command::new("wrk");
        wrk.arg("--threads").arg(threads.to_string());
        wrk.arg("--connections").arg(pace.connections.to_string());
        wrk.arg("--duration").arg(format!("{}s", pace.time.as_secs()));
        wrk.args(["--timeout", "15s", "--script"]).arg(&self.script).args([url, "--"]);
        // Each connection asks at that rate: it waits so long between an answer and the next request.
        let delay = pace.rate.map_or(0.0, |rate| f64::from(pace.connections) * 1000.0 / rate);
        let seed = (self.started % 1_000_000) * 1000 + self.runs;
        let common = [SITE.to_owned(), seed.to_string(), format!("{delay:.3}")];
        match ask {
            Ask::Decision => wrk.arg("decision").args(common).arg(ORIGIN),
            Ask::Check => wrk.arg("check").args(common).arg(home.token()).arg(home.subjects()),
        };
        let output = wrk.output().expect("wrk is installed; on Debian: sudo apt-get install wrk");
        let told = String::from_utf8_lossy(&output.stdout);
        let line = told.lines().find_map(|line| line.strip_prefix("figures "));
        let line =
            line.unwrap_or_else(|| panic!("{told}{}", String::from_utf8_lossy(&output.stderr)));
        let figures: Vec<f64> = line.split(' ').map(|figure| figure.parse().unwrap()).collect();
        let [requests, micros, errors, p50, p99, p999, _] = figures[..] else {
            panic!("wrk says {line}")
        };
        assert!(errors < 1.0 && requests > 0.0, "{ask:?}: answers that are errors:\n{told}");
        let millis = |micros: f64| micros / 1000.0;
        Load {
            rate: requests * 1e6 / micros,
            p50: millis(p50),
            p99: millis(p99),
            p999: millis(p999),
        }
    }
}
