//! The figures as people read them: `docs/performance.md`, and the same text on the terminal.

use std::fmt::Write as _;
use std::path::Path;

use super::Figures;
use super::figures::{Round, Side, grouped};
use super::load::Load;
use super::picture;

/// What is between these lines is written by the bench; all else by people.
const START: &str = "<!-- figures: written by cargo xtask bench server -->";
const END: &str = "<!-- end of the figures -->";

/// A figure of one round.
type OfRound<T> = fn(&Round) -> T;

impl Figures {
    /// Writes the figures into a document, between its marks, and the pictures beside it.
    ///
    /// # Panics
    /// When the document has no marks.
    pub fn write(&self, document: &Path) {
        let text = std::fs::read_to_string(document).unwrap();
        let (before, rest) = text.split_once(START).expect("the document has a mark to start at");
        let (_, after) = rest.split_once(END).expect("the document has a mark to end at");
        let shown = format!("{before}{START}\n\n{}\n{END}{after}", self.document());
        std::fs::write(document, shown).unwrap();
        picture::draw(self, &document.with_extension(""));
    }

    /// As Markdown.
    pub(super) fn document(&self) -> String {
        let mut text = String::new();
        self.head(&mut text);
        self.table_of_targets(&mut text);
        self.table_of_rates(&mut text);
        self.table_of_latencies(&mut text);
        self.table_of_bytes(&mut text);
        text
    }

    fn head(&self, text: &mut String) {
        let (machine, rounds) = (&self.machine, self.rounds.len());
        let _ = writeln!(
            text,
            "Medians of {rounds}, on {} cores ({}) that the load generator shares; {:.1} other \
             programs wanted a core when it began. The disk keeps a page in {:.2} ms.\n",
            machine.cores, machine.model, machine.busy, machine.flush
        );
    }

    fn table_of_targets(&self, text: &mut String) {
        text.push_str("| what | measured | target | |\n| --- | --- | --- | --- |\n");
        for target in self.targets() {
            let met = if target.met { "reached" } else { "**missed**" };
            let _ =
                writeln!(text, "| {} | {} | {} | {met} |", target.what, target.is, target.should);
        }
    }

    fn table_of_rates(&self, text: &mut String) {
        text.push_str(
            "\n| 64 connections | answers/s | processor for each, µs | and of PostgreSQL, µs |\n\
             | --- | --- | --- | --- |\n",
        );
        let stored = grouped(self.receipts);
        let rows: [(String, OfRound<Side>); 9] = [
            ("decisions, 10,000 receipts stored".into(), |round| round.ours),
            (format!("decisions, {stored} receipts stored"), |round| round.large),
            ("decisions on PostgreSQL".into(), |round| round.postgres),
            ("the same rows, put into PostgreSQL by pgbench".into(), |round| round.pgbench),
            ("one transaction for each decision".into(), |round| round.single),
            ("parses and signs, keeps nothing".into(), |round| round.bare),
            ("checks, 10,000 receipts stored".into(), |round| round.checks),
            (format!("checks, {stored} receipts stored"), |round| round.checks_large),
            ("answers a constant".into(), |round| round.constant),
        ];
        for (what, side) in rows {
            let rate = self.of(|round| side(round).load.rate);
            let micros = |of: fn(&Side) -> f64| match self.of(|round| of(&side(round))) {
                0.0 => String::new(),
                micros => format!("{micros:.0}"),
            };
            let (processor, database) =
                (micros(|side| side.processor), micros(|side| side.database));
            let _ = writeln!(text, "| {what} | {} | {processor} | {database} |", whole(rate));
        }
    }

    fn table_of_latencies(&self, text: &mut String) {
        text.push_str(
            "\n| at half load | answers/s | p50, ms | p99, ms | p99.9, ms |\n\
             | --- | --- | --- | --- | --- |\n",
        );
        let rows: [(&str, OfRound<Load>); 2] =
            [("decisions", |round| round.half_decisions), ("checks", |round| round.half_checks)];
        for (what, load) in rows {
            let of = |figure: fn(&Load) -> f64| self.of(|round| figure(&load(round)));
            let _ = writeln!(
                text,
                "| {what} | {} | {:.2} | {:.2} | {:.2} |",
                whole(of(|load| load.rate)),
                of(|load| load.p50),
                of(|load| load.p99),
                of(|load| load.p999)
            );
        }
    }

    fn table_of_bytes(&self, text: &mut String) {
        text.push_str("\n| on the disk, SQLite | bytes for a receipt |\n| --- | --- |\n");
        for (name, bytes) in &self.bytes {
            let _ = writeln!(text, "| {name} | {bytes:.0} |");
        }
        let all: f64 = self.bytes.iter().map(|(_, bytes)| bytes).sum();
        let _ = writeln!(text, "| all | {all:.0} |");
    }
}

/// Nobody reads the digits after the first three of such a figure.
fn whole(rate: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "answers in a second are neither negative nor many"
    )]
    let tens = (rate / 10.0).round() as u64;
    grouped(tens * 10)
}
