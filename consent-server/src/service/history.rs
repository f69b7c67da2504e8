//! A subject's own decisions, told for people. Who may ask is the caller's to know.

use std::collections::BTreeMap;

use consent_core::export::Export;
use consent_core::receipt::Failure;
use consent_core::{Claims, Method, PurposeId, Receipt, Recorded, Subject, Timestamp};
use data_encoding::BASE64URL_NOPAD;
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
    let receipt = Receipt::verify(jws, &site.region.keys.receipt_verifier());
    let stated = match &receipt {
        // Its key was destroyed: the log vouches for it, and the store kept it.
        Err(Failure::Key | Failure::Algorithm) => stated(jws),
        Err(_) => None,
        Ok(receipt) => Some(receipt.claims().clone()),
    };
    let claims = stated.ok_or(StoreError::Corrupt("receipt"))?;
    let policy = site.history.policy(claims.policy.number);
    let export = receipt
        .ok()
        .zip(policy)
        .and_then(|(receipt, policy)| Some(Export::new(&receipt, policy).ok()?.text_in(language)));
    Ok(Told {
        id: claims.jti,
        at: claims.iat,
        method: claims.method,
        language: claims.notice.language.clone(),
        purposes: claims.purposes.iter().map(|(id, outcome)| (id.clone(), outcome.state)).collect(),
        receipt: jws.to_owned(),
        // A policy that cannot be read any more has no words; the receipt has its own.
        text: export.unwrap_or_else(|| claims.to_string()),
    })
}

/// What a receipt states, whoever signed it.
pub fn stated(jws: &str) -> Option<Claims> {
    let payload = jws.split('.').nth(1)?;
    serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?).ok()
}
