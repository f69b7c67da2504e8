//! What a store does, in SQL that every engine speaks, and that engines compatible with PostgreSQL
//! speak as well. One file for each kind of thing that is kept.
//!
//! Nothing is read in order to be written in the same transaction, unless the write itself fails when
//! what was read has changed: so no row has to be locked.

mod append;
mod erase;
mod events;
mod log;
mod policies;
mod receipts;
mod subjects;

use async_trait::async_trait;
use consent_core::{Digest, SiteId, Subject, Timestamp};
use uuid::Uuid;

use super::db::{Db, Engine, Value};
use super::{
    AuditEvent, Before, Entry, Erased, Head, History, Integration, Owner, Pending, Published,
    Report, RequestId, Statistic, Store, StoreError, Stored, TileId, Token,
};

pub(super) use append::{Item, append, count, sums};
use erase::Over;
pub(super) use erase::first_id;
pub(super) use events::insert as insert_event;

/// How often work is done again that lost a race for a row.
const TRIES: usize = 8;

/// A store in a database of one kind.
pub(super) struct SqlStore<E> {
    pub(super) engine: E,
}

impl<E: Engine> SqlStore<E> {
    /// Writes, again if somebody else came first, for work that reads anew each time.
    async fn write_again<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Db) -> Result<T, StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        for _ in 1..TRIES {
            match self.engine.write(work.clone()).await {
                Err(StoreError::Conflict) => {}
                done => return done,
            }
        }
        self.engine.write(work).await
    }
}

#[async_trait]
impl<E: Engine> Store for SqlStore<E> {
    async fn belong(&self, owner: &Owner, now: Timestamp) -> Result<(), StoreError> {
        let owner = owner.clone();
        self.write_again(move |db| policies::belong(db, &owner, now)).await
    }

    async fn sites(&self) -> Result<Vec<SiteId>, StoreError> {
        self.engine.read(policies::sites).await
    }

    async fn publish(
        &self,
        site: &SiteId,
        policy: &Published,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        let (site, policy) = (site.clone(), policy.clone());
        self.write_again(move |db| policies::publish(db, &site, &policy, &event)).await
    }

    async fn policies(&self, site: &SiteId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError> {
        let site = site.clone();
        self.engine.read(move |db| policies::all(db, &site)).await
    }

    async fn keep_notice(
        &self,
        site: &SiteId,
        language: &str,
        notice: &Published,
    ) -> Result<(), StoreError> {
        let digest = notice.digest;
        // Mostly it is there already, and a write would wait for the disk.
        if self.engine.read(move |db| policies::has_notice(db, digest)).await? {
            return Ok(());
        }
        let (site, language, notice) = (site.clone(), language.to_owned(), notice.clone());
        self.engine.write(move |db| policies::keep_notice(db, &site, &language, &notice)).await
    }

    async fn notice(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.engine.read(move |db| policies::notice(db, digest)).await
    }

    async fn keep_layout(
        &self,
        site: &SiteId,
        notice: Digest,
        layout: &[u8],
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        if let Some((_, kept)) = self.layout(site, notice, event.at).await?
            && kept == layout
        {
            return Ok(());
        }
        let (site, layout) = (site.clone(), layout.to_owned());
        let work = move |db: &mut dyn Db| policies::put_layout(db, &site, notice, &layout, &event);
        self.engine.write(work).await
    }

    async fn layout(
        &self,
        site: &SiteId,
        notice: Digest,
        at: Timestamp,
    ) -> Result<Option<(Timestamp, Vec<u8>)>, StoreError> {
        let site = site.clone();
        self.engine.read(move |db| policies::layout(db, &site, notice, at)).await
    }

    async fn history(&self, site: &SiteId, subject: &Subject) -> Result<History, StoreError> {
        let (site, subject) = (site.clone(), subject.to_string());
        self.engine.read(move |db| subjects::history(db, &site, &subject)).await
    }

    async fn append(&self, entry: Entry) -> Result<(), StoreError> {
        self.engine.append(Item::new(entry)?).await
    }

    async fn save(
        &self,
        site: &SiteId,
        subject: &Subject,
        known: &History,
    ) -> Result<(), StoreError> {
        let (site, subject, known) = (site.clone(), subject.to_string(), known.clone());
        self.engine.write(move |db| subjects::save(db, &site, &subject, &known)).await
    }

    async fn receipt(&self, id: Uuid) -> Result<Option<Stored>, StoreError> {
        self.engine.read(move |db| receipts::one(db, id)).await
    }

    async fn receipts(
        &self,
        site: &SiteId,
        subject: &Subject,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        let (site, subject) = (site.clone(), subject.to_string());
        self.engine.scan(move |db| receipts::of_subject(db, &site, &subject, limit)).await
    }

    async fn receipts_after(
        &self,
        site: Option<&SiteId>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        let site = site.cloned();
        self.engine.scan(move |db| receipts::after(db, site.as_ref(), after, limit)).await
    }

    async fn answered(
        &self,
        site: &SiteId,
        key: &str,
    ) -> Result<Option<(Digest, Uuid)>, StoreError> {
        let id = super::Request::id(site, key);
        self.engine.read(move |db| receipts::answered(db, &id)).await
    }

    async fn forget_requests(
        &self,
        before: Timestamp,
        after: Option<RequestId>,
        limit: u32,
    ) -> Result<(u64, Option<RequestId>), StoreError> {
        // As in `sweep`.
        let find = move |db: &mut dyn Db| erase::old_requests(db, before, after.as_ref(), limit);
        let (old, next) = self.engine.scan(find).await?;
        if old.is_empty() {
            return Ok((0, next));
        }
        let forgotten = self.engine.write(move |db| erase::requests(db, before, &old)).await?;
        Ok((forgotten, next))
    }

    async fn erase(
        &self,
        site: &SiteId,
        subject: &Subject,
        report: Report,
    ) -> Result<Erased, StoreError> {
        let (site, subject) = (site.clone(), subject.to_string());
        let work = move |db: &mut dyn Db| erase::subject(db, &site, &subject, &*report);
        let erased = self.write_again(work).await?;
        // Erased it is; a copy that stays for a while in a log of the engine is no failure.
        if let Err(error) = self.engine.forget().await {
            tracing::warn!(%error, "what was erased may still be in the store's write-ahead log");
        }
        Ok(erased)
    }

    async fn expire(
        &self,
        site: &SiteId,
        before: Timestamp,
        limit: u32,
        report: Report,
    ) -> Result<u64, StoreError> {
        let site = site.clone();
        self.engine.write(move |db| erase::expired(db, &site, before, limit, &*report)).await
    }

    async fn sweep(
        &self,
        site: &SiteId,
        before: Before,
        after: Option<String>,
        limit: u32,
    ) -> Result<(u64, Option<String>), StoreError> {
        let site = site.clone();
        // Nearly all are read for nothing, so those who write do not wait for that.
        let of = site.clone();
        let find = move |db: &mut dyn Db| erase::over(db, &of, before, after.as_deref(), limit);
        let Over { subjects, next } = self.engine.scan(find).await?;
        if subjects.is_empty() {
            return Ok((0, next));
        }
        let erased = self.engine.write(move |db| erase::swept(db, &site, &subjects)).await?;
        Ok((erased, next))
    }

    async fn drop_before(&self, before: Timestamp, report: Report) -> Result<u64, StoreError> {
        self.engine.drop_before(before, report).await
    }

    async fn prepare(&self, now: Timestamp) -> Result<(), StoreError> {
        self.engine.prepare(now).await
    }

    async fn statistics(&self, site: &SiteId) -> Result<Vec<Statistic>, StoreError> {
        let site = site.clone();
        self.engine.scan(move |db| events::statistics(db, &site)).await
    }

    async fn note(&self, event: AuditEvent) -> Result<(), StoreError> {
        self.engine.write(move |db| events::insert(db, &event)).await
    }

    async fn events_after(
        &self,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<(AuditEvent, Option<u64>)>, StoreError> {
        self.engine.scan(move |db| events::after(db, after, limit)).await
    }

    async fn head(&self) -> Result<Head, StoreError> {
        self.engine.read(log::head).await
    }

    async fn pending(&self, limit: u32) -> Result<Vec<Pending>, StoreError> {
        self.engine.scan(move |db| log::pending(db, limit)).await
    }

    async fn lead(
        &self,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.engine.write(move |db| log::lead(db, holder, now, until)).await
    }

    async fn integrate(&self, integration: Integration) -> Result<(), StoreError> {
        self.engine.write(move |db| log::integrate(db, &integration)).await
    }

    async fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        self.engine.read(move |db| log::tile(db, tile)).await
    }

    async fn position(&self, id: Uuid) -> Result<Option<u64>, StoreError> {
        self.engine.read(move |db| log::position(db, id)).await
    }

    async fn add_token(
        &self,
        digest: Digest,
        token: &Token,
        event: AuditEvent,
    ) -> Result<(), StoreError> {
        let token = token.clone();
        self.engine.write(move |db| events::add_token(db, digest, &token, &event)).await
    }

    async fn token(&self, digest: Digest) -> Result<Option<Token>, StoreError> {
        self.engine.read(move |db| events::token(db, digest)).await
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.engine
            .read(|db| db.query("SELECT size FROM log WHERE id = $1", &[Value::Int(1)]))
            .await?;
        self.engine.writable().await
    }

    async fn close(&self) {
        self.engine.close().await;
    }
}
