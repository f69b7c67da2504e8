//! The storage contract, and the one implementation so far.
//!
//! Rules that every implementation keeps, and that `contract` tests:
//! - a write has returned only when it is durable;
//! - a write is stored whole or not at all;
//! - of two writers that follow the same receipt, one gets [`StoreError::Conflict`];
//! - what was typed by anybody ([`Store::mark_unconfirmed`]) never replaces what was decided.

mod sqlite;

#[cfg(test)]
mod contract;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use consent_core::{Digest, PurposeId, Receipt, Record, SiteId, Subject, Timestamp};

pub use sqlite::SqliteStore;

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

/// What is known about a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// How many receipts the subject has.
    pub receipts: u64,
    /// The digest of the latest.
    pub latest: Option<Digest>,
    /// What is recorded for each purpose.
    pub records: BTreeMap<PurposeId, Record>,
}

/// A receipt to be stored, with what it changes.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'e> {
    /// The receipt.
    pub receipt: &'e Receipt,
    /// How many receipts the subject had when this one was made.
    pub follows: u64,
    /// What is recorded from now on.
    pub records: &'e BTreeMap<PurposeId, Record>,
    /// The request that it answers, if the client named it.
    pub request: Option<Request<'e>>,
}

/// A request that may be repeated: its key, and the digest of what it asked.
#[derive(Debug, Clone, Copy)]
pub struct Request<'e> {
    /// The client's key.
    pub key: &'e str,
    /// The digest of the request's content.
    pub content: Digest,
}

/// A token that an operator gave to a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The only site it is good for.
    pub site: SiteId,
    /// What it allows.
    pub scopes: Vec<String>,
}

/// Keeps receipts and states. See the rules above.
#[async_trait]
pub trait Store: Send + Sync {
    /// Publishes a policy. Publishing the same again changes nothing; a changed or an older one is
    /// refused.
    async fn publish(
        &self,
        site: &SiteId,
        policy: &Published,
        now: Timestamp,
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

    /// Everything known about a subject, as of one moment.
    async fn history(&self, site: &SiteId, subject: &Subject) -> Result<History, StoreError>;

    /// A subject's receipts, newest first, at most so many.
    async fn receipts(
        &self,
        site: &SiteId,
        subject: &Subject,
        limit: u32,
    ) -> Result<Vec<String>, StoreError>;

    /// What is recorded about one purpose of a subject.
    async fn record(
        &self,
        site: &SiteId,
        subject: &Subject,
        purpose: &PurposeId,
    ) -> Result<Option<Record>, StoreError>;

    /// Stores a receipt and the records that follow from it.
    async fn append(&self, entry: Entry<'_>) -> Result<(), StoreError>;

    /// The receipt that answered a request, and the digest of what that request asked.
    async fn answered(
        &self,
        site: &SiteId,
        key: &str,
    ) -> Result<Option<(Digest, String)>, StoreError>;

    /// Records that an address was typed, as unconfirmed where nothing was decided yet. Answers
    /// whether its owner is to be asked: not if that was done less than `again_after` ago for each
    /// of these purposes.
    async fn mark_unconfirmed(
        &self,
        site: &SiteId,
        subject: &Subject,
        records: &BTreeMap<PurposeId, Record>,
        again_after: Duration,
    ) -> Result<bool, StoreError>;

    /// Notes that the owner could not be asked after all, so that the next typing asks at once.
    async fn not_asked(&self, site: &SiteId, subject: &Subject) -> Result<(), StoreError>;

    /// Keeps a token, by its digest.
    async fn add_token(
        &self,
        digest: Digest,
        token: &Token,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The token with that digest.
    async fn token(&self, digest: Digest) -> Result<Option<Token>, StoreError>;

    /// Whether the store can be read and written; fails when not.
    async fn ready(&self) -> Result<(), StoreError>;

    /// Finishes what is under way and lets go of the files.
    async fn close(&self);
}
