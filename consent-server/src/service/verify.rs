//! Is this receipt genuine?

use consent_core::receipt::Failure;
use consent_core::{Claims, KeyRing, Receipt};
use serde::Serialize;

/// The answer, as it is given over HTTP and with `--json`.
#[derive(Debug, Serialize)]
pub struct Verification<'r> {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<&'r Claims>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<&'static str>,
}

impl<'r> From<&'r Result<Receipt, Failure>> for Verification<'r> {
    fn from(result: &'r Result<Receipt, Failure>) -> Self {
        Self {
            valid: result.is_ok(),
            claims: result.as_ref().ok().map(Receipt::claims),
            failed: result.as_ref().err().map(|failure| failure.check()),
        }
    }
}

/// Verifies a receipt by the keys of several regions. Where none of them passes, the failure is that
/// of the region with whose keys it came furthest.
pub fn verify<'k>(
    receipt: &[u8],
    rings: impl IntoIterator<Item = &'k KeyRing>,
) -> Result<Receipt, Failure> {
    let receipt = std::str::from_utf8(receipt).map_err(|_| Failure::Format)?;
    rings
        .into_iter()
        .map(|ring| Receipt::verify(receipt, ring))
        .max_by_key(|result| match result {
            Ok(_) => (true, None),
            Err(failure) => (false, Some(*failure)),
        })
        .unwrap_or(Err(Failure::Key))
}
