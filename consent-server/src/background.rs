//! What a server does besides answering: follows the keys, gives commitments their places in the
//! log, tells witnesses, and erases what has become too old.

use std::sync::Arc;
use std::time::Duration;

use consent_core::Timestamp;
use consent_core::log::{SigningKey, VerifierKey};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::app::{App, Region};
use crate::keys::KeysError;
use crate::log::{self, Integrator, LogKeys};
use crate::service::retention;
use crate::store::Head;

/// How often keys are looked at for changes.
const KEYS_READ_EVERY: Duration = Duration::from_secs(2);
/// How often what is too old is looked for.
const RETENTION_EVERY: Duration = Duration::from_hours(6);

/// The tasks of a server.
pub struct Background {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Background {
    /// Starts all of them.
    pub fn start(app: &App) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(until(stopped.clone(), follow_keys(app.clone())));
        tasks.spawn(until(stopped.clone(), keep_retention(app.clone())));
        for region in app.regions() {
            let region = Arc::clone(region);
            let (heads, told) = watch::channel(Head::default());
            tasks.spawn(until(stopped.clone(), region.witnesses.clone().run(told)));
            let store = Arc::clone(&region.store);
            let integrator = Integrator::new(store, region, Arc::clone(&app.ambient));
            tasks.spawn(log::run(integrator, stopped.clone(), move |head| {
                heads.send_replace(head);
            }));
        }
        Self { stop, tasks }
    }

    /// Ends all of them. What waits for its place in the log has it then, if that is possible.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Runs `task` to its end, or until told to stop.
async fn until(mut stopped: watch::Receiver<bool>, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        // An error says that nobody is there any more who would tell.
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

impl LogKeys for Region {
    fn signing(&self, now: Timestamp) -> Result<Arc<SigningKey>, KeysError> {
        self.keys.log(now)
    }

    fn verifiers(&self) -> Vec<VerifierKey> {
        self.keys.log_verifiers()
    }
}

/// Reads the keys again every two seconds, and at once on SIGHUP. Never ends.
async fn follow_keys(app: App) {
    let mut every = tokio::time::interval(KEYS_READ_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut hangup = signal(SignalKind::hangup()).ok();
    loop {
        let told = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = every.tick() => {}
            _ = told => {}
        }
        let app = app.clone();
        // Files may be slow. A panic is told by its own message.
        let _ = tokio::task::spawn_blocking(move || app.refresh_keys()).await;
    }
}

/// Erases what is too old, at the start and then every few hours. Never ends.
async fn keep_retention(app: App) {
    let mut every = tokio::time::interval(RETENTION_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        keep_to_retention(&app).await;
    }
}

/// Does so once. What fails is logged, and done next time.
pub(crate) async fn keep_to_retention(app: &App) {
    for region in app.regions() {
        if let Err(error) = retention::prepare(region, &*app.ambient).await {
            tracing::error!(region = %region.id, %error, "no room was made for new receipts");
        }
        // Where the clock is in doubt, that is told below, for each site.
        let Ok(now) = region.clock.now(&*app.ambient) else { continue };
        if let Err(error) = retention::forget_requests(region, now).await {
            tracing::error!(region = %region.id, %error, "old requests were not all forgotten");
        }
    }
    for site in app.sites() {
        if let Err(doubt) = site.region.clock.now(&*app.ambient) {
            tracing::error!(site = %site.id, %doubt, "nothing is erased that is too old");
            continue;
        }
        match retention::apply(site, &app.ambient).await {
            Ok(erased) if erased.is_nothing() => {}
            Ok(erased) => tracing::info!(site = %site.id, ?erased, "erased what was too old"),
            Err(error) => {
                tracing::error!(site = %site.id, %error, "what is too old was not all erased");
            }
        }
    }
}
