//! A receipt with all that it takes to verify it in the log, for a stranger and without a server.

use std::sync::Arc;

use consent_core::Receipt;
use consent_core::log::{Bundle, Failure, RecordKind};

use super::source::{SourceError, Stored, proof};
use crate::store::{SharedStore, StoreError};

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The receipt was erased, or was never here.
    #[error("the receipt is genuine, and not kept here any more")]
    Gone,
    /// It has no place yet.
    #[error("the receipt waits for its place in the log; ask again in a second")]
    Waits,
    /// It is larger than a bundle can be.
    #[error("no bundle can hold it: {0}")]
    Bundle(#[from] Failure),
}

/// The bundle of a receipt that is kept in that store.
pub async fn bundle(store: &SharedStore, receipt: &Receipt) -> Result<Bundle, BundleError> {
    let stored = store.receipt(receipt.claims().jti).await?;
    let stored = stored.filter(|stored| stored.jws == receipt.as_str()).ok_or(BundleError::Gone)?;
    let position = stored.position.ok_or(BundleError::Waits)?;
    let proof = proof(&Stored(Arc::clone(store)), position).await?.ok_or(BundleError::Waits)?;
    Ok(Bundle::new(RecordKind::Receipt, stored.salt, stored.jws.into_bytes(), proof)?)
}
