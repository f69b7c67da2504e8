//! How far long work is: a line on standard error that is drawn anew, where a person is looking.

use indicatif::{ProgressBar, ProgressStyle};

/// A line that tells how far it is.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Of work that is counted in these. Nothing is drawn where nobody looks.
    pub(super) fn new(what: &'static str) -> Self {
        let template = format!("{{bar:30}} {{human_pos}} of {{human_len}} {what}, {{eta}} to go");
        let style = ProgressStyle::with_template(&template);
        let bar = ProgressBar::new(0);
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// This much of all is done.
    pub(super) fn at(&self, done: u64, all: u64) {
        self.0.set_length(all);
        self.0.set_position(done);
    }

    /// All of it is, and the line goes.
    pub(super) fn done(&self) {
        self.0.finish_and_clear();
    }
}
