//! Is this receipt genuine?

use consent_core::receipt::{Failure, Verifier};
use consent_core::{Claims, Receipt};
use serde::Serialize;
use utoipa::ToSchema;

use crate::schemas;

/// The answer, as it is given over HTTP and with `--json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verification<'r> {
    /// Whether it is genuine.
    valid: bool,
    /// What it states, if it is genuine.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schemas::Claims>, nullable = false)]
    claims: Option<&'r Claims>,
    /// The first check that does not pass, if it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schemas::Failed>, nullable = false)]
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
pub fn verify(
    receipt: &[u8],
    regions: impl IntoIterator<Item: AsRef<Verifier>>,
) -> Result<Receipt, Failure> {
    let receipt = std::str::from_utf8(receipt).map_err(|_| Failure::Format)?;
    regions
        .into_iter()
        .map(|keys| Receipt::verify(receipt, &keys))
        .max_by_key(|result| match result {
            Ok(_) => (true, None),
            Err(failure) => (false, Some(*failure)),
        })
        .unwrap_or(Err(Failure::Key))
}

#[cfg(test)]
mod tests {
    use consent_core::receipt::{EXAMPLE_CLAIMS, InvalidKey};
    use consent_core::{Key, KeyRing};

    use super::*;

    #[test]
    fn the_region_that_signed_it_answers() {
        let ring = |key: Result<Key, InvalidKey>| KeyRing::new(vec![key.unwrap()]).unwrap();
        let (a, b) = (ring(Key::hs256("a", &[1; 32])), ring(Key::ed25519("b", &[2; 32])));
        let (c, impostor) = (ring(Key::ed25519("c", &[3; 32])), ring(Key::ed25519("b", &[4; 32])));
        let receipt = |ring| {
            let claims: Claims = serde_json::from_str(EXAMPLE_CLAIMS).unwrap();
            Receipt::sign(claims, ring).unwrap()
        };
        let (genuine, forged) = (receipt(&b), receipt(&impostor));
        for (receipt, rings, expected) in [
            (&genuine, vec![&a, &b, &c], None),
            (&genuine, vec![&c, &b, &a], None),
            (&forged, vec![&a, &b, &c], Some(Failure::Signature)),
            (&forged, vec![&c, &b, &a], Some(Failure::Signature)),
            // The one region does not allow the algorithm, the other has no such key.
            (&genuine, vec![&a, &c], Some(Failure::Key)),
            (&genuine, vec![&c, &a], Some(Failure::Key)),
            (&genuine, vec![], Some(Failure::Key)),
        ] {
            assert_eq!(verify(receipt.as_str().as_bytes(), rings).err(), expected);
        }
    }
}
