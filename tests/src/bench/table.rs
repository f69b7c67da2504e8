//! What was measured, as medians, beside the targets.

use std::fmt;

use super::Measured;
use super::contestants::Kind;
use super::measure::Visit;

/// The figures and what they should be.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    targets: Vec<Target>,
    snippet_missing: bool,
}

/// The medians of one contestant. Bytes and times of scripts are above the page without a banner.
#[derive(Debug)]
struct Row {
    name: &'static str,
    kind: Kind,
    first: Visit,
    again: Visit,
    /// Times of the fastest of the others.
    ratio: f64,
}

/// A figure that ours should keep to.
#[derive(Debug)]
struct Target {
    what: String,
    is: f64,
    most: f64,
}

impl Table {
    pub(super) fn of(all: &[Measured], snippet_missing: bool) -> Self {
        let empty = all.iter().find(|measured| measured.contestant.kind == Kind::Empty);
        let base = empty.map(|empty| (median(&empty.first), median(&empty.again)));
        let (first, again) = base.unwrap_or_default();
        let mut rows: Vec<Row> = all
            .iter()
            .map(|measured| Row {
                name: measured.contestant.name,
                kind: measured.contestant.kind,
                first: above(median(&measured.first), first),
                again: above(median(&measured.again), again),
                ratio: 0.0,
            })
            .collect();
        let others = rows.iter().filter(|row| row.kind == Kind::Other);
        let fastest = others.map(|row| row.first.painted).fold(f64::INFINITY, f64::min);
        for row in &mut rows {
            row.ratio = row.first.painted / fastest;
        }
        let ours = rows.iter().filter(|row| matches!(row.kind, Kind::Line | Kind::Inline));
        let targets = ours.flat_map(targets).collect();
        Self { rows, targets, snippet_missing }
    }
}

/// What the figures of one of ours should be.
fn targets(row: &Row) -> Vec<Target> {
    let target = |what: &str, is, most| Target { what: format!("{}: {what}", row.name), is, most };
    let requests = if row.kind == Kind::Inline { 0.0 } else { 1.0 };
    vec![
        target("bytes until the banner is painted", row.first.bytes, 9.0 * 1024.0),
        target("painted, times of the fastest other", row.ratio, 0.9),
        target("script, first visit, ms", row.first.script, 15.0),
        target("script, return visit, ms", row.again.script, 3.0),
        target("layout shift", row.first.shift.max(row.again.shift), 0.0),
        target("long tasks", row.first.long_tasks.max(row.again.long_tasks), 0.0),
        target("requests, return visit", row.again.requests, requests),
        target("WebAssembly, return visit", row.again.wasm, 0.0),
    ]
}

/// The median of each figure by itself.
fn median(visits: &[Visit]) -> Visit {
    let of = |figure: fn(&Visit) -> f64| {
        let mut all: Vec<f64> = visits.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        let middle = all.len() / 2;
        if all.len() % 2 == 1 { all[middle] } else { f64::midpoint(all[middle - 1], all[middle]) }
    };
    Visit {
        painted: of(|visit| visit.painted),
        bytes: of(|visit| visit.bytes),
        script: of(|visit| visit.script),
        task: of(|visit| visit.task),
        long_tasks: of(|visit| visit.long_tasks),
        shift: of(|visit| visit.shift),
        requests: of(|visit| visit.requests),
        wasm: of(|visit| visit.wasm),
    }
}

/// What a visit costs more than that of the page without a banner. When the banner is painted, and
/// what the page's own layout does, is not a difference.
fn above(visit: Visit, empty: Visit) -> Visit {
    Visit {
        bytes: visit.bytes - empty.bytes,
        script: visit.script - empty.script,
        task: visit.task - empty.task,
        requests: visit.requests - empty.requests,
        ..visit
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Medians; 150 ms, 1.6 Mbit/s, processor 4 times slower. Bytes, times of scripts and \
             tasks, and requests are above those of the page without a banner.\n"
        )?;
        writeln!(
            f,
            "{:<16} {:>8} {:>7} {:>8} {:>7} {:>7} {:>5} {:>6} {:>5} | {:>7} {:>7} {:>5} {:>5}",
            "",
            "painted",
            "ratio",
            "bytes",
            "script",
            "task",
            "long",
            "shift",
            "reqs",
            "script",
            "task",
            "reqs",
            "wasm"
        )?;
        for Row { name, kind, first, again, ratio } in &self.rows {
            let (painted, ratio) = if kind.shows() {
                (format!("{:.0}", first.painted), format!("{ratio:.2}"))
            } else {
                ("-".into(), "-".into())
            };
            writeln!(
                f,
                "{name:<16} {painted:>8} {ratio:>7} {:>8.0} {:>7.1} {:>7.1} {:>5.0} {:>6.3} {:>5.0} \
                 | {:>7.1} {:>7.1} {:>5.0} {:>5.0}",
                first.bytes,
                first.script,
                first.task,
                first.long_tasks,
                first.shift,
                first.requests,
                again.script,
                again.task,
                again.requests,
                again.wasm
            )?;
        }
        writeln!(f, "\nLeft a first visit, right a return visit. Times in milliseconds.\n")?;
        for Target { what, is, most } in &self.targets {
            let verdict = if is <= most { "pass" } else { "FAIL" };
            writeln!(f, "{verdict}  {what}: {is:.2}, at most {most}")?;
        }
        if self.snippet_missing {
            writeln!(f, "not measured: ours, inlined; `consent snippet` printed nothing")?;
        }
        Ok(())
    }
}
