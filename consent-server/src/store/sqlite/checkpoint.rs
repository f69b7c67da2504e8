//! Moving what was committed from SQLite's write-ahead log into the file itself.
//!
//! SQLite would do it after every thousand pages, on the thread that writes, while everybody waits.
//! Here another thread does most of it, beside whoever writes; the writer only does the little that was
//! written meanwhile, between two batches, so that the log can begin anew. Pages that change often are
//! moved once for many changes.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::connect;

/// Pages in the log at which they are begun to be moved: 32 MiB.
const START: u32 = 8 * 1024;
/// Pages in the log at which whoever writes waits for those who move: four times as many.
const MOST: u32 = 4 * START;

/// Where the writer tells that pages are to be moved.
pub(super) struct Checkpoints {
    /// Pages in the log after the latest commit.
    pages: Arc<AtomicU32>,
    /// At how many of them something is to be done next.
    next: u32,
    mover: Arc<Mutex<Connection>>,
    state: State,
    wake: Option<SyncSender<()>>,
    finished: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nobody moves.
    Idle,
    /// The other thread does.
    Moving,
}

impl Checkpoints {
    /// Starts the thread that moves; from now on `writer` does not do it by itself.
    pub(super) fn start(path: &Path, writer: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&pages);
        // Takes the place of SQLite's own hook, which would move them.
        writer.wal_hook(Some(move |_: &mut _, count: i32| {
            counted.store(count.try_into().unwrap_or_default(), Ordering::Relaxed);
            Ok(())
        }))?;
        let mover = Arc::new(Mutex::new(connect(path)?));
        let (wake, woken) = sync_channel(1);
        let (done, finished) = sync_channel(1);
        let moving = Arc::clone(&mover);
        let thread = std::thread::Builder::new().name("checkpoint".into());
        let thread = thread.spawn(move || {
            while woken.recv().is_ok() {
                run(&held(&moving));
                let _ = done.try_send(());
            }
        });
        // Without the thread, whoever writes does everything.
        let thread = thread.ok();
        Ok(Self {
            pages,
            next: START,
            mover,
            state: State::Idle,
            wake: Some(wake),
            finished,
            thread,
        })
    }

    /// To be called after each commit.
    pub(super) fn after_commit(&mut self) {
        let pages = self.pages.load(Ordering::Relaxed);
        match self.state {
            // The log began anew.
            State::Idle if pages < START => self.next = START,
            State::Idle if pages >= self.next => {
                let woken = self.wake.as_ref().is_some_and(|wake| wake.try_send(()).is_ok());
                if woken && self.thread.is_some() {
                    self.state = State::Moving;
                } else {
                    self.finish();
                }
            }
            State::Moving if self.finished.try_recv().is_ok() => self.finish(),
            State::Moving if pages >= MOST => {
                // An error says that the other thread is gone.
                let _ = self.finished.recv();
                self.finish();
            }
            State::Idle | State::Moving => {}
        }
    }

    /// Moves what is left, so that the next commit can begin the log anew, unless somebody still
    /// reads from it.
    fn finish(&mut self) {
        run(&self.pause());
        self.state = State::Idle;
        self.next = self.pages.load(Ordering::Relaxed).saturating_add(START);
    }

    /// Keeps the other thread from moving, for as long as it is held.
    pub(super) fn pause(&self) -> MutexGuard<'_, Connection> {
        held(&self.mover)
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn held(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What fails here is in the log, and is moved the next time; whoever commits meets the same fault.
fn run(connection: &Connection) {
    let moved = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE);
    if let Err(error) = moved
        && error.sqlite_error_code() != Some(rusqlite::ErrorCode::DatabaseBusy)
    {
        tracing::warn!(%error, "committed pages were not moved into the store's file");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However much is written, the log stays within its bounds, and everything is there afterwards.
    #[test]
    fn the_log_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eu.db");
        let mut writer = connect(&path).unwrap();
        writer.execute_batch("CREATE TABLE page (content BLOB)").unwrap();
        // What is tested is not how the disk keeps up.
        writer.pragma_update(None, "synchronous", "off").unwrap();
        let mut checkpoints = Checkpoints::start(&path, &mut writer).unwrap();
        let (mut most, mut begun) = (0, 0);
        let batches = 3 * MOST / 256;
        for _ in 0..batches {
            let before = checkpoints.pages.load(Ordering::Relaxed);
            let all = writer.unchecked_transaction().unwrap();
            for _ in 0..256 {
                all.execute("INSERT INTO page VALUES (zeroblob(3500))", []).unwrap();
            }
            all.commit().unwrap();
            let after = checkpoints.pages.load(Ordering::Relaxed);
            most = most.max(after);
            begun += u32::from(after < before);
            checkpoints.after_commit();
        }
        assert!(begun > 0, "the log never began anew");
        assert!(most < MOST + 1024, "{most} pages, and there should be {MOST} at most");
        let wal = std::fs::metadata(folder.path().join("eu.db-wal")).unwrap().len();
        assert!(wal < u64::from(MOST + 1024) * 4200, "{wal} bytes");

        drop((checkpoints, writer));
        let reader = connect(&path).unwrap();
        let count: u32 =
            reader.query_row("SELECT count(*) FROM page", [], |row| row.get(0)).unwrap();
        assert_eq!(count, batches * 256);
    }
}
