//! Recording a decision and answering it with a receipt.

use std::collections::BTreeMap;

use consent_core::log::Salt;
use consent_core::receipt::{InvalidClaims, Layer, NoticeRef, Outcome, PolicyRef};
use consent_core::rules::{Act, Event};
use consent_core::{
    Claims, Decision, LegalBasis, PurposeId, Receipt, Record, Signal, Subject, Timestamp,
    cookie::StateCookie,
};

use crate::app::{App, Site};
use crate::store::{AuditEvent, Entry, History, Request, StoreError, whole_seconds};

/// How often a writer that lost a race tries again before it gives up.
const TRIES: usize = 16;

/// How a decision came about, as far as that is known.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// Where the text was shown.
    pub layer: Option<Layer>,
    /// The policy since which the text told what has changed.
    pub since: Option<u32>,
    /// The signals that came with it, each once.
    pub signals: Vec<Signal>,
    /// Whether the subject was made just now, so that nothing can be known about it.
    pub new: bool,
    /// What an operator did to cause it.
    pub event: Option<AuditEvent>,
}

/// A decision that is recorded.
#[derive(Debug)]
pub struct Decided {
    /// The receipt.
    pub receipt: Receipt,
    /// What is recorded about the subject now.
    pub records: BTreeMap<PurposeId, Record>,
    /// What a browser should remember.
    pub cookie: StateCookie,
}

impl Decided {
    fn new(site: &Site, receipt: Receipt, records: BTreeMap<PurposeId, Record>) -> Self {
        let now = receipt.claims().iat;
        let cookie = site.remembered(&records, receipt.claims().exp, now);
        Self { receipt, records, cookie }
    }
}

/// Why a decision is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// The client's key stands for a request that asked something else.
    #[error("this Idempotency-Key was used for another request; use a new one")]
    KeyReused,
    /// No receipt can be made of it: a fault of the server.
    #[error("no receipt can state this: {0}")]
    Claims(#[from] InvalidClaims),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Records a decision for a subject. When this returns, the receipt is on the disk.
pub async fn decide(
    app: &App,
    site: &Site,
    subject: &Subject,
    decision: &Decision,
    circumstances: &Circumstances,
    request: Option<Request>,
) -> Result<Decided, DecideError> {
    let precisely = app.ambient.now();
    let now = whole_seconds(precisely);
    let shown = site.shown(decision.asked(), decision.language(), circumstances.since).await?;
    for tried in 0..TRIES {
        // The first time, it is the store that finds out whether the request was answered before:
        // hardly ever was it.
        if tried > 0
            && let Some(request) = &request
            && let Some(decided) = answered(site, request).await?
        {
            return Ok(decided);
        }
        let history = if circumstances.new {
            History::default()
        } else {
            site.region.store.history(&site.id, subject).await?
        };
        let records = records_after(site, &history, decision, now);
        let claims = Claims {
            iss: app.public_url.clone(),
            jti: app.ambient.uuid(precisely),
            iat: now,
            exp: site.policy.remembered_until(now),
            sub: subject.clone(),
            site: site.id.clone(),
            region: site.region.id.clone(),
            policy: PolicyRef { number: site.policy.number, digest: site.policy_digest },
            notice: NoticeRef { language: decision.language().to_owned(), digest: shown },
            method: decision.method(),
            layer: circumstances.layer,
            signals: circumstances.signals.clone(),
            purposes: outcomes(decision, &records),
            previous: history.latest.map(|latest| latest.digest),
        };
        let receipt = Receipt::sign(claims, &site.region.keys.receipts(now))?;
        let entry = Entry {
            receipt: receipt.clone(),
            salt: Salt::from(app.ambient.random::<32>()),
            before: history.clone(),
            records: records.clone(),
            request: request.clone(),
            event: circumstances.event.clone(),
        };
        match site.region.store.append(entry).await {
            Ok(()) => {
                let mut all = history.records;
                all.extend(records);
                return Ok(Decided::new(site, receipt, all));
            }
            // Somebody else wrote for this subject, or answered this very request: look again.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}

/// The answer that this request got before, if it comes again.
async fn answered(site: &Site, request: &Request) -> Result<Option<Decided>, DecideError> {
    let store = &site.region.store;
    let Some((content, id)) = store.answered(&site.id, &request.key).await? else {
        return Ok(None);
    };
    if content != request.content {
        return Err(DecideError::KeyReused);
    }
    let stored = store.receipt(id).await?.ok_or(StoreError::Corrupt("request"))?;
    let receipt = Receipt::verify(&stored.jws, &site.region.keys.receipt_verifier())
        .map_err(|_| StoreError::Corrupt("receipt"))?;
    let history = site.region.store.history(&site.id, &receipt.claims().sub).await?;
    Ok(Some(Decided::new(site, receipt, history.records)))
}

fn records_after(
    site: &Site,
    history: &History,
    decision: &Decision,
    now: Timestamp,
) -> BTreeMap<PurposeId, Record> {
    let sequence = history.receipts + 1;
    let (policy, until) = (site.policy.number, site.policy.remembered_until(now));
    let record = |(purpose, _, act): (&PurposeId, LegalBasis, Act)| {
        let event = Event { sequence, act, at: now, policy, until };
        (purpose.clone(), Record::after(history.records.get(purpose).copied(), &event))
    };
    decision.acts().map(record).collect()
}

fn outcomes(
    decision: &Decision,
    records: &BTreeMap<PurposeId, Record>,
) -> BTreeMap<PurposeId, Outcome> {
    let outcome = |(purpose, basis, _): (&PurposeId, LegalBasis, Act)| {
        (purpose.clone(), Outcome { basis, state: records[purpose].recorded })
    };
    decision.acts().map(outcome).collect()
}
