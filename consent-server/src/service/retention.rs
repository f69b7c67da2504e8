//! Erasing what has become too old: in small batches, so that those who decide meanwhile hardly
//! notice. Each batch is reported in the audit trail, in the transaction that erases it.

use std::sync::Arc;
use std::time::Duration;

use consent_core::Timestamp;
use serde_json::json;

use crate::ambient::{Ambient, SharedAmbient};
use crate::app::{Region, Site};
use crate::store::{AuditEvent, Before, Erased, Report, StoreError};

/// The most that is erased at once.
const BATCH: u32 = 500;
/// How long others have the store for themselves between two batches.
const PAUSE: Duration = Duration::from_millis(20);
/// How long the key of a request is remembered.
const REQUESTS: i64 = 30 * 24 * 3600;
/// How long an address is remembered that somebody typed and nobody confirmed.
const TYPED: i64 = 30 * 24 * 3600;

/// What was erased of one site.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Receipts.
    pub receipts: u64,
    /// Subjects of whom nothing is left.
    pub subjects: u64,
}

impl Applied {
    /// Whether there was nothing to erase.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }
}

/// The moment before which a site's receipts are too old: when the time for which choices are
/// remembered is over, they are kept for as long as the site says, and no longer.
pub fn too_old(site: &Site, now: Timestamp) -> Timestamp {
    let longest = site.history.policies().map(|policy| policy.lifetime_months).max();
    let months = i64::from(longest.unwrap_or_default()) + i64::from(site.retention_months);
    let span = jiff::Span::new().months(months);
    let then = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).checked_sub(span);
    then.map_or(Timestamp::MIN, |then| then.timestamp())
}

/// Makes room for the receipts of the time to come.
pub async fn prepare(region: &Region, ambient: &dyn Ambient) -> Result<(), StoreError> {
    region.store.prepare(ambient.now()).await
}

/// Erases what is too old of a site.
pub async fn apply(site: &Site, ambient: &SharedAmbient) -> Result<Applied, StoreError> {
    let now = ambient.now();
    let (store, before) = (&site.region.store, too_old(site, now));
    let mut applied = Applied::default();
    loop {
        let report = report(site, before, ambient);
        let erased = store.expire(&site.id, before, BATCH, report).await?;
        applied.receipts += erased;
        if erased < u64::from(BATCH) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let typed = Timestamp::from_second(now.as_second() - TYPED).unwrap_or(before);
    let before = Before { decided: before, typed };
    let mut after = None;
    loop {
        let (erased, next) = store.sweep(&site.id, before, after, BATCH).await?;
        applied.subjects += erased;
        after = next;
        if after.is_none() {
            return Ok(applied);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Forgets the keys of a region's requests that nobody repeats any more; how many.
pub async fn forget_requests(region: &Region, now: Timestamp) -> Result<u64, StoreError> {
    let before = Timestamp::from_second(now.as_second() - REQUESTS).unwrap_or(Timestamp::MIN);
    let (mut forgotten, mut after) = (0, None);
    loop {
        let (some, next) = region.store.forget_requests(before, after, BATCH).await?;
        forgotten += some;
        after = next;
        if after.is_none() {
            return Ok(forgotten);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Says how many receipts were erased, and why.
fn report(site: &Site, before: Timestamp, ambient: &SharedAmbient) -> Report {
    let (site, ambient) = (site.id.clone(), Arc::clone(ambient));
    Arc::new(move |erased: Erased| {
        let told = json!({ "receipts": erased.receipts, "before": before });
        AuditEvent::new(&*ambient, Some(&site), AuditEvent::EXPIRED, &told)
    })
}
