//! A store that fails as stores do, over one that works, for tests: a write that is not stored, one
//! that is stored although its writer is told that it failed, one that takes long, a read that
//! fails. By plan, or at random from a seed.
//!
//! What it does not do: break the files of a store. That is for the tests that kill processes and
//! fill disks.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::*;

/// What may fail: each kind of write, and reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Call {
    Belong,
    Publish,
    KeepNotice,
    KeepLayout,
    Append,
    Save,
    ForgetRequests,
    Erase,
    Expire,
    Sweep,
    DropBefore,
    Prepare,
    Note,
    Lead,
    Integrate,
    AddToken,
    Ready,
    Read,
}

impl Call {
    /// All that requests and the integration of the log call.
    pub(crate) const ALL: [Self; 18] = [
        Self::Belong,
        Self::Publish,
        Self::KeepNotice,
        Self::KeepLayout,
        Self::Append,
        Self::Save,
        Self::ForgetRequests,
        Self::Erase,
        Self::Expire,
        Self::Sweep,
        Self::DropBefore,
        Self::Prepare,
        Self::Note,
        Self::Lead,
        Self::Integrate,
        Self::AddToken,
        Self::Ready,
        Self::Read,
    ];
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is stored, or read.
    NotStored,
    /// It is stored, but who called is told that it failed.
    Stored,
    /// Somebody else came first, as far as who called is told.
    Conflict,
    /// It takes so long.
    Slow(Duration),
}

/// What is to fail. Whoever holds it can change that at any time.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<Plan>);

#[derive(Debug, Default)]
struct Plan {
    always: BTreeMap<Call, Fault>,
    /// By how many more calls of that kind come before it.
    planned: Vec<(Call, u64, Fault)>,
    /// The state of the random source, and that one in so many calls fails.
    random: Option<(u64, u64)>,
    injected: u64,
}

impl Faults {
    /// Every call of that kind fails, until [`Faults::none`].
    pub(crate) fn always(&self, call: Call, fault: Fault) {
        self.plan().always.insert(call, fault);
    }

    /// One call of that kind fails: the first from now on is number 0.
    pub(crate) fn nth(&self, call: Call, number: u64, fault: Fault) {
        self.plan().planned.push((call, number, fault));
    }

    /// One in `one_in` calls fails, in ways that follow from the seed.
    pub(crate) fn at_random(&self, seed: u64, one_in: u64) {
        self.plan().random = Some((seed, one_in));
    }

    /// Nothing fails any more; how many calls did.
    pub(crate) fn none(&self) -> u64 {
        std::mem::take(&mut *self.plan()).injected
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, call: Call) -> Option<Fault> {
        let mut plan = self.plan();
        let fault = plan.next(call);
        plan.injected += u64::from(fault.is_some());
        fault
    }
}

impl Plan {
    fn next(&mut self, call: Call) -> Option<Fault> {
        let mut now = None;
        self.planned.retain_mut(|(planned, left, fault)| {
            if *planned != call {
                return true;
            }
            if *left == 0 {
                now = Some(*fault);
                return false;
            }
            *left -= 1;
            true
        });
        now.or_else(|| self.always.get(&call).copied()).or_else(|| self.random())
    }

    fn random(&mut self) -> Option<Fault> {
        let (state, one_in) = self.random.as_mut()?;
        let number = split_mix(state);
        if !number.is_multiple_of(*one_in) {
            return None;
        }
        Some(match split_mix(state) % 5 {
            0 | 1 => Fault::NotStored,
            2 | 3 => Fault::Stored,
            _ => Fault::Slow(Duration::from_millis(split_mix(state) % 20)),
        })
    }
}

/// `SplitMix64`, which is enough to choose by.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A store that fails as it is told to.
pub(crate) struct FaultStore {
    pub(crate) inner: SharedStore,
    pub(crate) faults: Arc<Faults>,
}

impl FaultStore {
    /// Over that store, with what makes it fail.
    pub(crate) fn over(inner: SharedStore) -> (SharedStore, Arc<Faults>) {
        let faults = Arc::<Faults>::default();
        (Arc::new(Self { inner, faults: Arc::clone(&faults) }), faults)
    }

    /// `work` has done nothing yet, and does nothing when it is dropped.
    async fn call<T>(
        &self,
        call: Call,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let failed = || StoreError::Unavailable(format!("{call:?}: made to fail"));
        match self.faults.next(call) {
            None => work.await,
            Some(Fault::NotStored) => Err(failed()),
            Some(Fault::Stored) => work.await.and_then(|_| Err(failed())),
            Some(Fault::Conflict) => Err(StoreError::Conflict),
            Some(Fault::Slow(time)) => {
                tokio::time::sleep(time).await;
                work.await
            }
        }
    }
}

#[async_trait]
impl Store for FaultStore {
    async fn belong(&self, owner: &Owner, now: Timestamp) -> Result<(), StoreError> {
        self.call(Call::Belong, self.inner.belong(owner, now)).await
    }

    async fn sites(&self) -> Result<Vec<SiteId>, StoreError> {
        self.call(Call::Read, self.inner.sites()).await
    }

    async fn publish(
        &self,
        site: &SiteId,
        policy: &Published,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.call(Call::Publish, self.inner.publish(site, policy, event)).await
    }

    async fn policies(&self, site: &SiteId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError> {
        self.call(Call::Read, self.inner.policies(site)).await
    }

    async fn keep_notice(
        &self,
        site: &SiteId,
        language: &str,
        notice: &Published,
    ) -> Result<(), StoreError> {
        self.call(Call::KeepNotice, self.inner.keep_notice(site, language, notice)).await
    }

    async fn notice(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.call(Call::Read, self.inner.notice(digest)).await
    }

    async fn keep_layout(
        &self,
        site: &SiteId,
        notice: Digest,
        layout: &[u8],
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.call(Call::KeepLayout, self.inner.keep_layout(site, notice, layout, event)).await
    }

    async fn layout(
        &self,
        site: &SiteId,
        notice: Digest,
        at: Timestamp,
    ) -> Result<Option<(Timestamp, Vec<u8>)>, StoreError> {
        self.call(Call::Read, self.inner.layout(site, notice, at)).await
    }

    async fn history(&self, site: &SiteId, subject: &Subject) -> Result<History, StoreError> {
        self.call(Call::Read, self.inner.history(site, subject)).await
    }

    async fn append(&self, entry: Entry) -> Result<(), StoreError> {
        self.call(Call::Append, self.inner.append(entry)).await
    }

    async fn save(
        &self,
        site: &SiteId,
        subject: &Subject,
        known: &History,
    ) -> Result<(), StoreError> {
        self.call(Call::Save, self.inner.save(site, subject, known)).await
    }

    async fn receipt(&self, id: Uuid) -> Result<Option<Stored>, StoreError> {
        self.call(Call::Read, self.inner.receipt(id)).await
    }

    async fn receipts(
        &self,
        site: &SiteId,
        subject: &Subject,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        self.call(Call::Read, self.inner.receipts(site, subject, limit)).await
    }

    async fn receipts_after(
        &self,
        site: Option<&SiteId>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        self.call(Call::Read, self.inner.receipts_after(site, after, limit)).await
    }

    async fn answered(
        &self,
        site: &SiteId,
        key: &str,
    ) -> Result<Option<(Digest, Uuid)>, StoreError> {
        self.call(Call::Read, self.inner.answered(site, key)).await
    }

    async fn forget_requests(
        &self,
        before: Timestamp,
        after: Option<RequestId>,
        limit: u32,
    ) -> Result<(u64, Option<RequestId>), StoreError> {
        let forgotten = self.inner.forget_requests(before, after, limit);
        self.call(Call::ForgetRequests, forgotten).await
    }

    async fn erase(
        &self,
        site: &SiteId,
        subject: &Subject,
        report: Report,
    ) -> Result<Erased, StoreError> {
        self.call(Call::Erase, self.inner.erase(site, subject, report)).await
    }

    async fn expire(
        &self,
        site: &SiteId,
        before: Timestamp,
        limit: u32,
        report: Report,
    ) -> Result<u64, StoreError> {
        self.call(Call::Expire, self.inner.expire(site, before, limit, report)).await
    }

    async fn sweep(
        &self,
        site: &SiteId,
        before: Before,
        after: Option<String>,
        limit: u32,
    ) -> Result<(u64, Option<String>), StoreError> {
        self.call(Call::Sweep, self.inner.sweep(site, before, after, limit)).await
    }

    async fn drop_before(&self, before: Timestamp, report: Report) -> Result<u64, StoreError> {
        self.call(Call::DropBefore, self.inner.drop_before(before, report)).await
    }

    async fn prepare(&self, now: Timestamp) -> Result<(), StoreError> {
        self.call(Call::Prepare, self.inner.prepare(now)).await
    }

    async fn statistics(&self, site: &SiteId) -> Result<Vec<Statistic>, StoreError> {
        self.call(Call::Read, self.inner.statistics(site)).await
    }

    async fn note(&self, event: AuditEvent) -> Result<(), StoreError> {
        self.call(Call::Note, self.inner.note(event)).await
    }

    async fn events_after(
        &self,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<(AuditEvent, Option<u64>)>, StoreError> {
        self.call(Call::Read, self.inner.events_after(after, limit)).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.call(Call::Read, self.inner.head()).await
    }

    async fn pending(&self, limit: u32) -> Result<Vec<Pending>, StoreError> {
        self.call(Call::Read, self.inner.pending(limit)).await
    }

    async fn lead(
        &self,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call(Call::Lead, self.inner.lead(holder, now, until)).await
    }

    async fn integrate(&self, integration: Integration) -> Result<(), StoreError> {
        self.call(Call::Integrate, self.inner.integrate(integration)).await
    }

    async fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        self.call(Call::Read, self.inner.tile(tile)).await
    }

    async fn position(&self, id: Uuid) -> Result<Option<u64>, StoreError> {
        self.call(Call::Read, self.inner.position(id)).await
    }

    async fn add_token(
        &self,
        digest: Digest,
        token: &Token,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        self.call(Call::AddToken, self.inner.add_token(digest, token, event)).await
    }

    async fn token(&self, digest: Digest) -> Result<Option<Token>, StoreError> {
        self.call(Call::Read, self.inner.token(digest)).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.call(Call::Ready, self.inner.ready()).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let inner = open_sqlite(&folder.path().join("eu.db"), true).await.unwrap();
    let (store, faults) = FaultStore::over(Arc::clone(&inner));
    let note = async |number: u32| {
        let told = serde_json::json!({ "number": number });
        store.note(AuditEvent::new(&crate::ambient::System, None, "test", &told)).await
    };
    let noted = async || inner.events_after(None, 99).await.unwrap().len();
    faults.nth(Call::Note, 1, Fault::NotStored);
    faults.nth(Call::Note, 2, Fault::Stored);
    note(0).await.unwrap();
    assert!(matches!(note(1).await, Err(StoreError::Unavailable(_))));
    assert_eq!(noted().await, 1);
    assert!(matches!(note(2).await, Err(StoreError::Unavailable(_))));
    assert_eq!(noted().await, 2, "stored all the same");
    note(3).await.unwrap();

    faults.always(Call::Note, Fault::Slow(Duration::from_mins(1)));
    let before = tokio::time::Instant::now();
    note(4).await.unwrap();
    assert!(before.elapsed() >= Duration::from_mins(1));
    faults.always(Call::Read, Fault::NotStored);
    assert!(store.head().await.is_err());
    assert_eq!(faults.none(), 4);
    store.head().await.unwrap();

    faults.at_random(7, 3);
    let mut failed = 0;
    for number in 0..60 {
        failed += u32::from(note(number).await.is_err());
    }
    assert!((5..40).contains(&failed), "{failed}");
    let (stored, injected) = (noted().await, faults.none());
    assert!(stored > 5 + 60 - failed as usize, "some of those that failed are stored");
    assert!(stored < 5 + 60, "and some are not");
    assert!(injected > failed.into(), "and some are only slow");
}
