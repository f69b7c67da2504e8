//! Where log lines go: to standard error, those of many requests at once. Writing each by itself would
//! cost a busy server more than what it says is worth.

use std::io::{self, Write as _};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait. Warnings and errors do not.
const WAIT: Duration = Duration::from_millis(50);
/// How many bytes may wait. Whoever logs beyond that writes them, and waits for whoever reads.
const MOST: usize = 64 * 1024;

/// Gathers lines. A clone goes to the same place.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    first: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    text: Vec<u8>,
    ended: bool,
}

/// Writes what waits, at the latest when this is dropped.
#[derive(Debug)]
pub(super) struct Flusher(Lines);

impl Lines {
    /// Starts the thread that writes what has waited for long enough.
    pub(super) fn start() -> io::Result<(Self, Flusher)> {
        let lines = Self::default();
        let flushed = lines.clone();
        std::thread::Builder::new().name("log".into()).spawn(move || flushed.flush_always())?;
        Ok((lines.clone(), Flusher(lines)))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flush_always(&self) {
        loop {
            let waiting = self.waiting();
            let waiting = self.0.first.wait_while(waiting, |all| all.text.is_empty() && !all.ended);
            if waiting.unwrap_or_else(PoisonError::into_inner).ended {
                return;
            }
            std::thread::sleep(WAIT);
            flush(&mut self.waiting());
        }
    }

    fn add(&self, line: &[u8], at_once: bool) {
        let mut waiting = self.waiting();
        if waiting.text.is_empty() {
            self.0.first.notify_one();
        }
        waiting.text.extend_from_slice(line);
        if at_once || waiting.ended || waiting.text.len() > MOST {
            flush(&mut waiting);
        }
    }
}

/// Nobody can be told that standard error is gone.
fn flush(waiting: &mut Waiting) {
    let _ = io::stderr().write_all(&waiting.text);
    waiting.text.clear();
}

impl Drop for Flusher {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        flush(&mut waiting);
        // What is logged from now on is written at once.
        waiting.ended = true;
        self.0.0.first.notify_one();
    }
}

/// Writes one line.
#[derive(Debug)]
pub(super) struct Line<'l> {
    lines: &'l Lines,
    at_once: bool,
}

impl io::Write for Line<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.lines.add(text, self.at_once);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = Line<'l>;

    fn make_writer(&'l self) -> Line<'l> {
        Line { lines: self, at_once: true }
    }

    fn make_writer_for(&'l self, told: &tracing::Metadata<'_>) -> Line<'l> {
        Line { lines: self, at_once: *told.level() <= tracing::Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_waits_unless_it_is_urgent() {
        let lines = Lines::default();
        let length = || lines.waiting().text.len();
        lines.add(b"", false);
        assert_eq!(length(), 0);
        lines.add(b"one\n", false);
        lines.add(b"two\n", false);
        assert_eq!(length(), 8);
        lines.add(b"", true);
        assert_eq!(length(), 0, "an urgent one takes along what waits");

        lines.add(&vec![b'\n'; MOST], false);
        assert_eq!(length(), MOST);
        lines.add(b"\n", false);
        assert_eq!(length(), 0, "no more than that ever waits");

        lines.add(b"last\n", false);
        drop(Flusher(lines.clone()));
        assert_eq!(length(), 0, "nothing is left when the server ends");
        lines.add(b"after\n", false);
        assert_eq!(length(), 0);
    }
}
