//! The threads that read and write: each has one connection, and does one thing at a time. So they
//! are also the pool of connections. Receipts do not come here (`committers`).
//!
//! Threads, because what is done is written once for all engines and waits for each of its statements.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::address::Address;
use super::connection::Connection;
use crate::store::StoreError;

/// How long somebody waits for a connection that nobody uses.
pub(super) const WAIT: Duration = Duration::from_secs(2);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;
type Worker = UnboundedSender<Job>;

/// The threads. They end when nobody can reach them any more.
pub(super) struct Workers {
    /// Those that wait for work. The one that worked last is the first to work again, so that no
    /// more connections are made than are needed at once.
    idle: Arc<Mutex<Vec<Worker>>>,
    /// As many permits as there are in `idle`.
    free: Arc<Semaphore>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Somebody's use of a worker, given back when it is over, however it ends.
struct Lease {
    worker: Worker,
    idle: Arc<Mutex<Vec<Worker>>>,
    // Dropped last: the worker is there again by then.
    _permit: OwnedSemaphorePermit,
}

impl Drop for Lease {
    fn drop(&mut self) {
        lock(&self.idle).push(self.worker.clone());
    }
}

impl Workers {
    pub(super) fn start(address: &Arc<Address>, count: usize) -> std::io::Result<Self> {
        let (mut idle, mut threads) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let connection = Connection::new(Arc::clone(address))?;
            let (worker, jobs) = unbounded_channel();
            let thread = std::thread::Builder::new().name("store".into());
            threads.push(thread.spawn(move || run(connection, jobs))?);
            idle.push(worker);
        }
        Ok(Self {
            idle: Arc::new(Mutex::new(idle)),
            free: Arc::new(Semaphore::new(count)),
            threads: Mutex::new(threads),
        })
    }

    /// Does that on a thread that is free, or becomes so in time.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = permit(&self.free).await?;
        let broke_off = || StoreError::Unavailable("the work broke off".into());
        let worker = lock(&self.idle).pop().ok_or_else(broke_off)?;
        let lease = Lease { worker: worker.clone(), idle: Arc::clone(&self.idle), _permit: permit };
        let (answer, answered) = oneshot::channel();
        let job = move |connection: &mut Connection| {
            // Not for somebody who has gone away already.
            if !answer.is_closed() {
                let done = work(connection);
                drop(lease);
                let _ = answer.send(done);
            }
        };
        worker.send(Box::new(job)).map_err(|_| broke_off())?;
        answered.await.map_err(|_| broke_off())?
    }

    /// Waits for what is under way, and ends the threads.
    pub(super) async fn stop(&self) {
        let all = u32::try_from(lock(&self.threads).len()).unwrap_or(u32::MAX);
        let _all = self.free.acquire_many(all).await;
        self.free.close();
        lock(&self.idle).clear();
        let threads = std::mem::take(&mut *lock(&self.threads));
        let ended = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        let _ = tokio::task::spawn_blocking(ended).await;
    }
}

/// One of these, if there is one in time.
pub(super) async fn permit(free: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StoreError> {
    match tokio::time::timeout(WAIT, Arc::clone(free).acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) => Err(StoreError::Unavailable("the store is closed".into())),
        Err(_) => Err(StoreError::Unavailable(
            "all connections to the database are in use, and none has become free in time".into(),
        )),
    }
}

fn run(mut connection: Connection, mut jobs: UnboundedReceiver<Job>) {
    while let Some(job) = connection.block_on(jobs.recv()) {
        if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
            tracing::error!("work on the store panicked; nothing of it was stored");
            connection.cut();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
