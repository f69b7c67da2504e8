//! The storage contract. One for each region; its tests are in `contract`, and every
//! implementation passes all of them.
//!
//! Rules that every implementation keeps:
//! - a write has returned only when it is durable;
//! - a write is stored whole or not at all, and everything that belongs to it in one transaction:
//!   a receipt, what it makes known about its subject, the statistics, the event that it causes,
//!   and its place in the queue of the log;
//! - who writes about a subject says what was known before: of two writers that knew the same, one
//!   gets [`StoreError::Conflict`], and nothing of it is stored;
//! - a request's key is answered once;
//! - an error means that nothing *may* be assumed: [`StoreError::Unavailable`] can hide a write
//!   that was stored after all, which is why requests have keys.
//!
//! `sql` has what is done, in SQL that every engine speaks; `sqlite` and `postgres` how one engine
//! is spoken to, and how it makes many writes durable at once. `fault` fails on purpose, for tests.

mod audit;
mod db;
mod leaves;
mod postgres;
mod schema;
mod sql;
mod sqlite;
mod statistics;

#[cfg(test)]
mod contract;
#[cfg(test)]
pub(crate) mod fault;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use consent_core::log::{Commitment, RecordKind, Salt};
use consent_core::{Digest, PurposeId, Receipt, Record, RegionId, SiteId, Subject, Timestamp};
use uuid::Uuid;

use crate::settings::StoreSettings;

pub use audit::AuditEvent;
pub use leaves::{Head, Integration, Pending, TileId};
pub use postgres::open as open_postgres;
pub use sqlite::{copy as copy_sqlite, open as open_sqlite};
pub use statistics::Statistic;

/// A store, however it is kept.
pub type SharedStore = Arc<dyn Store>;

/// Opens the store that a region has; makes it first if it does not exist and `create` says so.
pub async fn open(settings: &StoreSettings, create: bool) -> Result<SharedStore, StoreError> {
    match settings {
        StoreSettings::Sqlite(path) => open_sqlite(path, create).await,
        StoreSettings::Postgres(url) => open_postgres(url, create).await,
    }
}

/// What went wrong in the store. Never carries personal data.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else wrote first. Read again and decide anew.
    #[error("another write came first")]
    Conflict,
    /// The store cannot be opened, read or written.
    #[error("{0}")]
    Unavailable(String),
    /// The store holds something that this program does not write.
    #[error("the store holds an invalid {0}")]
    Corrupt(&'static str),
    /// A policy of that number was published with another content.
    #[error(
        "policy {number} of site '{site}' is already published with another content; a published \
         policy never changes: give the new one the number {next}"
    )]
    PolicyChanged {
        /// The site.
        site: SiteId,
        /// The number that is taken.
        number: u32,
        /// The next free number.
        next: u32,
    },
    /// A later policy was published already.
    #[error(
        "policy {number} of site '{site}' is older than policy {latest}, which is published already"
    )]
    PolicyOlder {
        /// The site.
        site: SiteId,
        /// The number of the configured policy.
        number: u32,
        /// The latest published number.
        latest: u32,
    },
    /// The store belongs to another region.
    #[error(
        "the store holds the records of region '{held}': name the one that belongs to '{wanted}'"
    )]
    Region {
        /// The region whose records it holds.
        held: String,
        /// The region that the configuration names.
        wanted: RegionId,
    },
    /// The log has another name.
    #[error(
        "region '{region}': its log is called '{origin}', and a log never changes its name; write \
         log = \"{origin}\" into its [[region]]"
    )]
    Origin {
        /// The region.
        region: RegionId,
        /// The name of its log.
        origin: String,
    },
    /// The secrets are others.
    #[error(
        "region '{0}': the keys are not those with which its store was filled, so that no address \
         would be found any more: put the copy of its keys back"
    )]
    Secrets(RegionId),
}

/// To whom a store belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The region.
    pub region: RegionId,
    /// The name of its log.
    pub origin: String,
    /// What tells its pepper from others.
    pub secrets: String,
}

/// A policy or a notice as it is kept.
#[derive(Debug, Clone)]
pub struct Published {
    /// The policy's number.
    pub policy: u32,
    /// The digest of `document`.
    pub digest: Digest,
    /// RFC 8785 canonical JSON.
    pub document: Vec<u8>,
}

/// What is known about a subject, as of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// How often what is known has changed; 0 if nothing is.
    pub version: u64,
    /// How many receipts the subject was given.
    pub receipts: u64,
    /// The latest of them.
    pub latest: Option<Latest>,
    /// What is recorded for each purpose.
    pub records: BTreeMap<PurposeId, Record>,
    /// When the owner of an address was last asked by mail, for each purpose.
    pub asked: BTreeMap<PurposeId, Timestamp>,
}

/// A subject's latest receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latest {
    /// Its identifier.
    pub id: Uuid,
    /// Its digest.
    pub digest: Digest,
}

/// A receipt to be stored, with everything that is stored together with it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The receipt.
    pub receipt: Receipt,
    /// The salt of its commitment in the log.
    pub salt: Salt,
    /// What was known about its subject when it was made.
    pub before: History,
    /// What is recorded from now on, for the purposes that it is about.
    pub records: BTreeMap<PurposeId, Record>,
    /// The request that it answers, if the client named it.
    pub request: Option<Request>,
    /// What an operator did to cause it.
    pub event: Option<AuditEvent>,
}

impl Entry {
    /// What is known once it is stored.
    fn after(&self) -> History {
        let mut known = self.before.clone();
        known.version += 1;
        known.receipts += 1;
        known.latest =
            Some(Latest { id: self.receipt.claims().jti, digest: self.receipt.digest() });
        known
            .records
            .extend(self.records.iter().map(|(purpose, record)| (purpose.clone(), *record)));
        known
    }

    fn commitment(&self) -> Commitment {
        Commitment::new(RecordKind::Receipt, &self.salt, self.receipt.as_str().as_bytes())
    }
}

/// A request that may be repeated: its key, and the digest of what it asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The client's key.
    pub key: String,
    /// The digest of the request's content.
    pub content: Digest,
}

impl Request {
    /// What stands for a site's key in storage: how it begins, and what is no other's. So it is in the
    /// order of how keys begin. The widget's begin with the time, so that what comes at once is written
    /// to one place.
    fn id(site: &SiteId, key: &str) -> RequestId {
        let digest = Digest::of(format!("{site}\n{key}").as_bytes());
        let mut id = RequestId::default();
        let (begin, rest) = id.split_at_mut(BEGIN);
        begin.iter_mut().zip(key.bytes()).for_each(|(byte, key)| *byte = key);
        rest.copy_from_slice(&digest.as_bytes()[..rest.len()]);
        id
    }
}

/// What stands for a request in storage.
pub type RequestId = [u8; 24];

/// How many bytes of a key's beginning are in it.
const BEGIN: usize = 8;

/// A receipt as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its identifier.
    pub id: Uuid,
    /// When it was issued.
    pub at: Timestamp,
    /// The receipt.
    pub jws: String,
    /// The salt of its commitment in the log.
    pub salt: Salt,
    /// Its place in the log, once it has one.
    pub position: Option<u64>,
}

/// Since when nothing may have been recorded about a subject, for it to be swept.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// Of those who decided.
    pub decided: Timestamp,
    /// Of those whose address was only typed.
    pub typed: Timestamp,
}

/// Times are kept in whole seconds.
pub(crate) fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// What was erased of a subject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    /// How many receipts.
    pub receipts: u64,
    /// How many subjects of whom nothing is left.
    pub subjects: u64,
}

/// What the audit trail says of what was erased.
pub type Report = Arc<dyn Fn(Erased) -> AuditEvent + Send + Sync>;

/// A token that an operator gave to a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The only site it is good for.
    pub site: SiteId,
    /// What it allows.
    pub scopes: Vec<String>,
}

/// Keeps the records of one region. See the rules above.
#[async_trait]
pub trait Store: Send + Sync {
    /// Says to whom the store belongs, if nobody has said it yet; fails if it is somebody else.
    async fn belong(&self, owner: &Owner, now: Timestamp) -> Result<(), StoreError>;

    /// Every site that has ever published a policy here.
    async fn sites(&self) -> Result<Vec<SiteId>, StoreError>;

    /// Publishes a policy, and writes `event` into the audit trail. Publishing the same again
    /// changes nothing; a changed or an older one is refused.
    async fn publish(
        &self,
        site: &SiteId,
        policy: &Published,
        event: AuditEvent,
    ) -> Result<(), StoreError>;

    /// The canonical JSON of every policy published for a site, oldest first, each with when it was
    /// published.
    async fn policies(&self, site: &SiteId) -> Result<Vec<(Timestamp, Vec<u8>)>, StoreError>;

    /// Keeps a text that visitors are shown, so that it can be shown again.
    async fn keep_notice(
        &self,
        site: &SiteId,
        language: &str,
        notice: &Published,
    ) -> Result<(), StoreError>;

    /// A text that visitors were shown, as canonical JSON.
    async fn notice(&self, digest: Digest) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps how a text looks from now on, unless it looks like that already; then `event` says so
    /// in the audit trail.
    async fn keep_layout(
        &self,
        site: &SiteId,
        notice: Digest,
        layout: &[u8],
        event: AuditEvent,
    ) -> Result<(), StoreError>;

    /// How a text looked at that moment, and since when.
    async fn layout(
        &self,
        site: &SiteId,
        notice: Digest,
        at: Timestamp,
    ) -> Result<Option<(Timestamp, Vec<u8>)>, StoreError>;

    /// Everything known about a subject.
    async fn history(&self, site: &SiteId, subject: &Subject) -> Result<History, StoreError>;

    /// Stores a receipt with all that belongs to it.
    async fn append(&self, entry: Entry) -> Result<(), StoreError>;

    /// Replaces what is known about a subject without a receipt. `known.version` is what it was
    /// when it was read.
    async fn save(
        &self,
        site: &SiteId,
        subject: &Subject,
        known: &History,
    ) -> Result<(), StoreError>;

    /// The receipt with that identifier.
    async fn receipt(&self, id: Uuid) -> Result<Option<Stored>, StoreError>;

    /// A subject's receipts, newest first, at most so many.
    async fn receipts(
        &self,
        site: &SiteId,
        subject: &Subject,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError>;

    /// The receipts of a site, or of all, in the order of their identifiers, which is that of time;
    /// at most so many, after that one.
    async fn receipts_after(
        &self,
        site: Option<&SiteId>,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError>;

    /// The identifier of the receipt that answered a request, and the digest of what it asked.
    async fn answered(
        &self,
        site: &SiteId,
        key: &str,
    ) -> Result<Option<(Digest, Uuid)>, StoreError>;

    /// Looks at so many requests, after that one in their order, and forgets those answered before that
    /// moment. How many, and where to go on; nowhere at the end.
    async fn forget_requests(
        &self,
        before: Timestamp,
        after: Option<RequestId>,
        limit: u32,
    ) -> Result<(u64, Option<RequestId>), StoreError>;

    /// Erases a subject: what is known about it, its receipts with their salts, and what ties them
    /// to the log. The commitments stay. What `report` makes of it goes into the audit trail, even
    /// when there was nothing to erase.
    async fn erase(
        &self,
        site: &SiteId,
        subject: &Subject,
        report: Report,
    ) -> Result<Erased, StoreError>;

    /// Erases a site's receipts issued before that moment, at most so many, and reports them if
    /// there were any; how many they were.
    async fn expire(
        &self,
        site: &SiteId,
        before: Timestamp,
        limit: u32,
        report: Report,
    ) -> Result<u64, StoreError>;

    /// Looks at so many subjects of a site, after that one in their order, and erases those of whom
    /// nothing was recorded since a moment, objections and restrictions apart. How many, and where
    /// to go on; nowhere at the end.
    async fn sweep(
        &self,
        site: &SiteId,
        before: Before,
        after: Option<String>,
        limit: u32,
    ) -> Result<(u64, Option<String>), StoreError>;

    /// Lets go of everything issued before that moment, of all sites, as far as that is possible at
    /// once, and reports it if there was anything; how many receipts that were. What is left is for
    /// [`Store::expire`].
    async fn drop_before(&self, before: Timestamp, report: Report) -> Result<u64, StoreError>;

    /// Makes room for the receipts of the time to come, where the store keeps them by time.
    async fn prepare(&self, now: Timestamp) -> Result<(), StoreError>;

    /// How often each was decided, by day.
    async fn statistics(&self, site: &SiteId) -> Result<Vec<Statistic>, StoreError>;

    /// Writes into the audit trail.
    async fn note(&self, event: AuditEvent) -> Result<(), StoreError>;

    /// The audit trail after that event, oldest first, at most so many; with places in the log.
    async fn events_after(
        &self,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<(AuditEvent, Option<u64>)>, StoreError>;

    /// The state of the log.
    async fn head(&self) -> Result<Head, StoreError>;

    /// What waits for its place in the log, oldest first, at most so many.
    async fn pending(&self, limit: u32) -> Result<Vec<Pending>, StoreError>;

    /// Becomes the one who integrates, until that moment, unless another one is; whether it worked.
    async fn lead(
        &self,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Adds leaves to the log.
    async fn integrate(&self, integration: Integration) -> Result<(), StoreError>;

    /// A tile of the log as it is stored, which may be longer than what was asked for.
    async fn tile(&self, tile: TileId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Where in the log something is.
    async fn position(&self, id: Uuid) -> Result<Option<u64>, StoreError>;

    /// Keeps a token, by its digest.
    async fn add_token(
        &self,
        digest: Digest,
        token: &Token,
        event: AuditEvent,
    ) -> Result<(), StoreError>;

    /// The token with that digest.
    async fn token(&self, digest: Digest) -> Result<Option<Token>, StoreError>;

    /// Whether the store can be read and written; fails when not.
    async fn ready(&self) -> Result<(), StoreError>;

    /// Finishes what is under way and lets go of the files.
    async fn close(&self);
}
