//! May this purpose be served for this subject now?

use consent_core::policy::PolicyHistory;
use consent_core::{LegalBasis, PurposeId, SiteId, State, Timestamp, Verdict};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{InvalidSubject, Region};
use crate::schemas;
use crate::store::StoreError;

/// The answer, with its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Verdict)]
pub struct Answer {
    /// Yes or no.
    pub allowed: bool,
    /// The state it follows from.
    #[schema(value_type = schemas::State)]
    pub state: State,
    /// The state in words.
    pub reason: &'static str,
    /// The moment that it is true of.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

/// Why there is no answer. Nobody may take that for a yes.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The subject cannot be read.
    #[error(transparent)]
    Subject(#[from] InvalidSubject),
    /// The policy has no such purpose.
    #[error("purpose: the policy has no purpose '{0}'")]
    UnknownPurpose(PurposeId),
    /// The purpose does not rest on consent.
    #[error("purpose: '{0}' rests on {1}, not on consent, so there is no consent to check")]
    NotConsent(PurposeId, LegalBasis),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Answers for one subject, named as `email:` and an address, `phone:` and a number, or `browser:`
/// and its key.
pub async fn check(
    region: &Region,
    site: &SiteId,
    history: &PolicyHistory,
    subject: &str,
    purpose: &PurposeId,
    now: Timestamp,
) -> Result<Answer, CheckError> {
    let defined = history
        .current()
        .purpose(purpose)
        .ok_or_else(|| CheckError::UnknownPurpose(purpose.clone()))?;
    if defined.basis != LegalBasis::Consent {
        return Err(CheckError::NotConsent(purpose.clone(), defined.basis));
    }
    let subject = region.subject(site, subject)?;
    let known = region.store.history(site, &subject).await?;
    let verdict =
        Verdict::of(defined.basis, known.records.get(purpose), history.standing(purpose), now);
    // To the second, as everything recorded: a fraction would say more than is known.
    let as_of = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Ok(Answer { allowed: verdict.allowed, state: verdict.state, reason: verdict.reason(), as_of })
}
