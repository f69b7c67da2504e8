//! The threads that store receipts. Each takes all that waits, up to a limit, stores it in one
//! transaction, and then answers everybody in it.
//!
//! Nothing waits for company: while one batch is stored, the next one gathers by itself.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::address::Address;
use super::batch::{Stored, request, store, subject};
use super::connection::{Connection, PATIENCE, late};
use super::workers::WAIT;
use crate::ambient::{Ambient, System};
use crate::store::StoreError;
use crate::store::sql::Item;

/// The most that share a transaction. They are lost together as well, if the connection is.
const BATCH: usize = 256;
/// The most that wait for one.
const QUEUE: usize = 4 * BATCH;
/// How often a batch is sent again that the database took back, for reasons of its own.
const TRIES: usize = 3;
/// How long somebody waits for the answer, whatever happens.
const ANSWER: Duration = Duration::from_secs(15);
/// Parts of the statistics. Committers of the same part wait for each other, so there are more than
/// committers, mostly.
const PARTS: u8 = 64;

struct Waiting {
    item: Item,
    answer: oneshot::Sender<Result<(), StoreError>>,
}

impl Waiting {
    fn answer(self, done: Result<(), StoreError>) {
        // Nobody may be waiting any more.
        let _ = self.answer.send(done);
    }
}

/// What waits, shared by those who store it.
type Queue = Arc<tokio::sync::Mutex<mpsc::Receiver<Waiting>>>;

/// The way to the threads.
pub(super) struct Committers {
    queue: Mutex<Option<mpsc::Sender<Waiting>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Committers {
    pub(super) fn start(address: &Arc<Address>, count: usize) -> std::io::Result<Self> {
        let (sender, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(tokio::sync::Mutex::new(queue));
        let mut threads = Vec::new();
        for _ in 0..count {
            let committer = Committer {
                connection: Connection::new(Arc::clone(address))?,
                part: i64::from((&System as &dyn Ambient).random::<1>()[0] % PARTS),
            };
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new().name("commit".into());
            threads.push(thread.spawn(move || committer.run(&queue))?);
        }
        Ok(Self { queue: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    pub(super) async fn append(&self, item: Item) -> Result<(), StoreError> {
        let closed = || StoreError::Unavailable("the store is closed".into());
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { item, answer };
        match tokio::time::timeout(WAIT, queue.ok_or_else(closed)?.send(waiting)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(closed()),
            Err(_) => {
                return Err(StoreError::Unavailable(
                    "too many decisions wait for the database already".into(),
                ));
            }
        }
        let broke_off = || StoreError::Unavailable("the write broke off".into());
        match tokio::time::timeout(ANSWER, answered).await {
            Ok(answer) => answer.map_err(|_| broke_off())?,
            Err(_) => Err(late()),
        }
    }

    /// Lets the threads store what waits, and end.
    pub(super) async fn stop(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        let _ = tokio::task::spawn_blocking(ended).await;
    }
}

/// One thread, with its connection.
struct Committer {
    connection: Connection,
    part: i64,
}

impl Committer {
    fn run(mut self, queue: &Queue) {
        loop {
            let mut batch = Vec::new();
            let gather = async { queue.lock().await.recv_many(&mut batch, BATCH).await };
            if self.connection.block_on(gather) == 0 {
                return;
            }
            if catch_unwind(AssertUnwindSafe(|| self.commit(batch))).is_err() {
                tracing::error!("storing a batch panicked");
                self.connection.cut();
            }
        }
    }

    /// Stores those of a batch that can be, and answers everybody.
    fn commit(&mut self, batch: Vec<Waiting>) {
        let (mut batch, lost) = distinct(batch);
        let mut tries = 0;
        while !batch.is_empty() {
            let again = match self.store(&batch) {
                Ok(Stored::All) => {
                    batch.drain(..).for_each(|waiting| waiting.answer(Ok(())));
                    true
                }
                Ok(Stored::NotFor(lost)) if !lost.is_empty() => {
                    let all = std::mem::take(&mut batch).into_iter().enumerate();
                    for (place, waiting) in all {
                        if lost.contains(&place) {
                            waiting.answer(Err(StoreError::Conflict));
                        } else {
                            batch.push(waiting);
                        }
                    }
                    true
                }
                Ok(Stored::NotFor(_)) => false,
                Err(StoreError::Conflict) => {
                    tries += 1;
                    tries < TRIES
                }
                Err(error) => {
                    let told = error.to_string();
                    for waiting in batch.drain(..) {
                        waiting.answer(Err(StoreError::Unavailable(told.clone())));
                    }
                    true
                }
            };
            if !again {
                // One of them is at fault, or the others would have come through by now.
                for waiting in std::mem::take(&mut batch) {
                    let done = self.store_one(&waiting);
                    waiting.answer(done);
                }
            }
        }
        // Only now, so that they read what came first.
        for waiting in lost {
            waiting.answer(Err(StoreError::Conflict));
        }
    }

    fn store_one(&mut self, waiting: &Waiting) -> Result<(), StoreError> {
        match self.store(std::slice::from_ref(waiting)) {
            Ok(Stored::All) => Ok(()),
            Ok(Stored::NotFor(_)) | Err(StoreError::Conflict) => Err(StoreError::Conflict),
            Err(error) => Err(error),
        }
    }

    fn store(&mut self, batch: &[Waiting]) -> Result<Stored, StoreError> {
        let items: Vec<_> = batch.iter().map(|waiting| &waiting.item).collect();
        let part = self.part;
        let (runtime, live) = self.connection.live()?;
        let storing = async { tokio::time::timeout(PATIENCE, store(live, &items, part)).await };
        let done = runtime.block_on(storing).unwrap_or_else(|_| Err(late()));
        if done.is_err() {
            // With the connection goes the transaction, if it is still open.
            self.connection.cut();
        }
        done
    }
}

/// Those that can be in one transaction, and those that have lost to one of them: who asked for the
/// same, or knew the same about the same subject. Without those whom nobody waits for any more.
fn distinct(batch: Vec<Waiting>) -> (Vec<Waiting>, Vec<Waiting>) {
    let (mut subjects, mut requests) = (HashSet::new(), HashSet::new());
    let batch: Vec<_> = batch.into_iter().filter(|waiting| !waiting.answer.is_closed()).collect();
    let mut lost = Vec::with_capacity(batch.len());
    for Waiting { item, .. } in &batch {
        let (subject, request) = (subject(item), request(item));
        let taken = subjects.contains(&subject)
            || request.is_some_and(|request| requests.contains(request));
        if !taken {
            subjects.insert(subject);
            requests.extend(request);
        }
        lost.push(taken);
    }
    let (lost, kept): (Vec<_>, Vec<_>) = batch.into_iter().zip(lost).partition(|(_, lost)| *lost);
    let alone = |all: Vec<(Waiting, bool)>| all.into_iter().map(|(waiting, _)| waiting).collect();
    (alone(kept), alone(lost))
}
