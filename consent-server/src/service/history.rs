//! A subject's own decisions, told for people. Who may ask is the caller's to know.

use std::collections::BTreeMap;

use consent_core::export::Export;
use consent_core::{Method, PurposeId, Receipt, Recorded, Subject, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::Site;
use crate::schemas;
use crate::store::StoreError;

/// The most decisions that are told, the newest of them.
const MOST: u32 = 100;

/// One decision.
#[derive(Debug, Serialize, ToSchema)]
pub struct Told {
    /// The identifier of its receipt.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// How it was made.
    #[schema(value_type = schemas::Method)]
    method: Method,
    /// The language of the text that was shown.
    language: String,
    /// What was decided about each purpose.
    #[schema(value_type = BTreeMap<String, schemas::Recorded>)]
    purposes: BTreeMap<PurposeId, Recorded>,
    /// Its receipt.
    #[schema(value_type = schemas::Receipt)]
    receipt: String,
    /// The receipt, told for people.
    text: String,
}

/// The decisions of a subject, newest first, each told in the language wanted, or in the nearest
/// one that its policy has.
pub async fn history(
    site: &Site,
    subject: &Subject,
    language: &str,
) -> Result<Vec<Told>, StoreError> {
    let receipts = site.region.store.receipts(&site.id, subject, MOST).await?;
    receipts.iter().map(|stored| told(site, &stored.jws, language)).collect()
}

fn told(site: &Site, jws: &str, language: &str) -> Result<Told, StoreError> {
    let receipt = Receipt::verify(jws, &site.region.keys.receipt_verifier())
        .map_err(|_| StoreError::Corrupt("receipt"))?;
    let claims = receipt.claims();
    let policy = site.history.policy(claims.policy.number);
    let export = policy.and_then(|policy| Export::new(&receipt, policy).ok());
    Ok(Told {
        id: claims.jti,
        at: claims.iat,
        method: claims.method,
        language: claims.notice.language.clone(),
        purposes: claims.purposes.iter().map(|(id, outcome)| (id.clone(), outcome.state)).collect(),
        receipt: jws.to_owned(),
        // A policy that cannot be read any more has no words; the receipt has its own.
        text: export.map_or_else(|| claims.to_string(), |export| export.text_in(language)),
    })
}
