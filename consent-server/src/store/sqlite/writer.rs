//! The thread that writes. It takes everything that waits, up to a limit, does it in one
//! transaction, flushes once, and only then answers all of them.
//!
//! Nothing waits for company: while one batch is flushed, the next one gathers by itself. So a single
//! writer pays one flush, and many share it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::Session;
use super::checkpoint::Checkpoints;
use crate::store::StoreError;
use crate::store::db::Db;
use crate::store::sql::{Item, append, count};

/// The most that share a transaction: as many as take about as long as a flush.
const BATCH: usize = 512;

/// One writer: in the statistics, all parts but this are nobody's.
const PART: u8 = 0;

/// Tells whoever waits how it ended, once that is known.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
/// Writes something; whether that went well, and how to answer after the commit.
type Work = Box<dyn FnOnce(&mut dyn Db) -> (bool, Answer) + Send>;

enum Job {
    Append(Box<Item>, oneshot::Sender<Result<(), StoreError>>),
    Work(Work),
    Truncate(oneshot::Sender<Result<(), StoreError>>),
    Stop,
}

/// The way to the thread.
pub(super) struct Writer {
    jobs: Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, checkpoints: Checkpoints) -> io::Result<Self> {
        let (jobs, waiting) = channel();
        let thread = std::thread::Builder::new().name("store".into());
        let thread = thread.spawn(move || run(&connection, checkpoints, &waiting))?;
        Ok(Self { jobs, thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn append(&self, item: Item) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Append(Box::new(item), answer)).map_err(|_| closed())?;
        answered.await.map_err(|_| given_up())?
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Db) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let work = move |db: &mut dyn Db| {
            let done = work(db);
            let went_well = done.is_ok();
            let answer: Answer = Box::new(move |committed| {
                // Nobody may be waiting any more.
                let _ = answer.send(done.and_then(|value| committed.map(|()| value)));
            });
            (went_well, answer)
        };
        self.jobs.send(Job::Work(Box::new(work))).map_err(|_| closed())?;
        answered.await.map_err(|_| given_up())?
    }

    /// Puts all that is in the write-ahead log into its place, and empties the log.
    pub(super) async fn truncate(&self) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job::Truncate(answer)).map_err(|_| closed())?;
        answered.await.map_err(|_| given_up())?
    }

    /// Lets the thread finish what waits, and end.
    pub(super) async fn stop(&self) {
        let _ = self.jobs.send(Job::Stop);
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

fn given_up() -> StoreError {
    StoreError::Unavailable(
        "the write was given up, because another one in its batch failed".into(),
    )
}

fn run(connection: &Connection, mut checkpoints: Checkpoints, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let more = std::iter::from_fn(|| waiting.try_recv().ok());
        let mut batch = vec![first];
        let mut stop = matches!(batch[0], Job::Stop);
        if !stop {
            for job in more {
                stop = matches!(job, Job::Stop);
                if stop {
                    break;
                }
                batch.push(job);
                if batch.len() == BATCH {
                    break;
                }
            }
        }
        // What was to be written may be at fault, but not the others who wait. Those of its batch
        // are told, since their answers are dropped; the transaction is rolled back.
        let done = catch_unwind(AssertUnwindSafe(|| commit(connection, &checkpoints, batch)));
        if done.is_err() {
            tracing::error!("a write panicked; nothing of its batch was stored");
        }
        if stop {
            return;
        }
        checkpoints.after_commit();
    }
}

/// Does all of it in one transaction and answers everybody.
fn commit(connection: &Connection, checkpoints: &Checkpoints, batch: Vec<Job>) {
    let mut answers: Vec<Answer> = Vec::with_capacity(batch.len());
    let committed = transact(connection, checkpoints, batch, &mut answers);
    let failed = committed.err().map(|error| error.to_string());
    for answer in answers {
        answer(match &failed {
            None => Ok(()),
            Some(error) => Err(StoreError::Unavailable(error.clone())),
        });
    }
}

fn transact(
    connection: &Connection,
    checkpoints: &Checkpoints,
    batch: Vec<Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), StoreError> {
    let mut appended = Vec::with_capacity(batch.len());
    // Whatever ends this early ends the transaction with it: it is rolled back when it is dropped.
    // Everybody is answered all the same, so what was not begun is gone through as well.
    let (mut failure, mut truncate) = (None, None);
    let transaction = match Transaction::new_unchecked(connection, TransactionBehavior::Immediate) {
        Ok(transaction) => Some(transaction),
        Err(error) => {
            failure = Some(StoreError::from(error));
            None
        }
    };
    for job in batch {
        match job {
            Job::Stop => {}
            Job::Truncate(answer) => truncate = Some(answer),
            Job::Append(item, answer) => {
                let done = match (&transaction, &failure) {
                    (Some(transaction), None) => append(&mut Session(transaction), &item),
                    _ => Ok(()),
                };
                let done = match done {
                    Ok(()) => {
                        appended.push(item);
                        Ok(())
                    }
                    // Nothing of it was written, and the others have nothing to do with it.
                    Err(StoreError::Conflict) => Err(StoreError::Conflict),
                    Err(error) => {
                        failure.get_or_insert(error);
                        Ok(())
                    }
                };
                answers.push(Box::new(move |committed| {
                    let _ = answer.send(done.and(committed));
                }));
            }
            Job::Work(work) => {
                if let (Some(transaction), None) = (&transaction, &failure) {
                    match in_savepoint(transaction, work) {
                        Ok(answer) => answers.push(answer),
                        Err(error) => failure = Some(error),
                    }
                }
                // Otherwise it is dropped, which tells whoever waits.
            }
        }
    }
    if let Some(error) = failure {
        return Err(error);
    }
    let Some(transaction) = transaction else { return Ok(()) };
    count(&mut Session(&transaction), PART, appended.iter().map(|item| &**item))?;
    transaction.commit()?;
    if let Some(answer) = truncate {
        let _others = checkpoints.pause();
        let _ = answer.send(truncated(connection));
    }
    Ok(())
}

/// Waits for those who read, and for other processes, as long as for any lock.
fn truncated(connection: &Connection) -> Result<(), StoreError> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    let held = || StoreError::Unavailable("others read the write-ahead log all the time".into());
    if busy == 0 { Ok(()) } else { Err(held()) }
}

/// Work that fails takes back what it did, and nothing else.
fn in_savepoint(transaction: &Transaction<'_>, work: Work) -> Result<Answer, StoreError> {
    transaction.prepare_cached("SAVEPOINT work")?.execute([])?;
    let (went_well, answer) = work(&mut Session(transaction));
    if !went_well {
        transaction.prepare_cached("ROLLBACK TO work")?.execute([])?;
    }
    transaction.prepare_cached("RELEASE work")?.execute([])?;
    Ok(answer)
}
