//! Whether the receipts of one subject follow one another, with none changed, left out or added.
//!
//! That each is genuine is known already: a [`Receipt`] exists only signed or verified. That the
//! last one shown is the last there is, no chain can tell.

use super::Receipt;
use crate::Digest;

/// Where a chain breaks, and why.
///
/// ```
/// use consent_core::receipt::{ChainFault, verify_chain};
/// use consent_core::{Claims, Digest, Key, KeyRing, Receipt};
/// # let claims: Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS).unwrap();
/// let ring = KeyRing::new(vec![Key::hs256("2026-a", &[7; 32])?])?;
/// let later = Receipt::sign(Claims { previous: Some(Digest::of(b"erased")), ..claims }, &ring)?;
///
/// let failure = verify_chain([&later]).unwrap_err();
/// assert_eq!((failure.index, failure.fault), (0, ChainFault::NotFirst));
/// assert_eq!(
///     failure.to_string(),
///     "receipt 0 of the chain, counted from 0: previous: it follows a receipt that is not given; \
///      begin with the oldest",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("receipt {index} of the chain, counted from 0: {fault}")]
pub struct ChainFailure {
    /// The receipt that does not fit, counted from 0.
    pub index: usize,
    /// What about it does not fit.
    pub fault: ChainFault,
}

/// Why a receipt does not follow the one before it.
///
/// ```
/// use consent_core::receipt::{ChainFault, verify_chain};
/// use consent_core::{Claims, Key, KeyRing, Receipt, Subject};
/// # let claims: Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS).unwrap();
/// let ring = KeyRing::new(vec![Key::hs256("2026-a", &[7; 32])?])?;
/// let first = Receipt::sign(claims.clone(), &ring)?;
/// let (previous, sub) = (Some(first.digest()), Subject::browser([1; 16]));
/// let next = Receipt::sign(Claims { previous, ..claims.clone() }, &ring)?;
/// let other = Receipt::sign(Claims { previous, sub, ..claims }, &ring)?;
///
/// assert_eq!(verify_chain([&first, &next]), Ok(()));
/// let fault = verify_chain([&first, &other]).unwrap_err().fault;
/// assert_eq!(fault.to_string(), "sub: it is about another subject than the one before");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// It is about another subject.
    #[error("sub: it is about another subject than the one before")]
    Subject,
    /// It is of another site.
    #[error("site: it is of another site than the one before")]
    Site,
    /// It should be the subject's first and is not.
    #[error("previous: it follows a receipt that is not given; begin with the oldest")]
    NotFirst,
    /// It names another receipt, or none.
    #[error("previous: it does not follow the receipt before it; one is missing or out of order")]
    Previous,
}

/// Verifies that these are a subject's receipts at one site, from the first one on, oldest first.
///
/// ```
/// use consent_core::receipt::verify_chain;
/// use consent_core::{Claims, Key, KeyRing, Receipt};
/// # let claims: Claims = serde_json::from_str(consent_core::receipt::EXAMPLE_CLAIMS).unwrap();
/// let ring = KeyRing::new(vec![Key::hs256("2026-a", &[7; 32])?])?;
/// let first = Receipt::sign(claims.clone(), &ring)?;
/// let second = Receipt::sign(Claims { previous: Some(first.digest()), ..claims }, &ring)?;
///
/// assert!(verify_chain([&first, &second]).is_ok());
/// let failure = verify_chain([&second]).unwrap_err();
/// assert!(failure.to_string().starts_with("receipt 0 of the chain"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify_chain<'r>(
    receipts: impl IntoIterator<Item = &'r Receipt>,
) -> Result<(), ChainFailure> {
    follow(None, receipts)
}

/// As [`verify_chain`], but the chain continues from the receipt with this digest.
pub fn verify_chain_after<'r>(
    previous: Digest,
    receipts: impl IntoIterator<Item = &'r Receipt>,
) -> Result<(), ChainFailure> {
    follow(Some(previous), receipts)
}

fn follow<'r>(
    mut previous: Option<Digest>,
    receipts: impl IntoIterator<Item = &'r Receipt>,
) -> Result<(), ChainFailure> {
    let mut before: Option<&Receipt> = None;
    for (index, receipt) in receipts.into_iter().enumerate() {
        let claims = receipt.claims();
        let about = before.map_or(claims, Receipt::claims);
        let fault = if claims.sub != about.sub {
            ChainFault::Subject
        } else if claims.site != about.site {
            ChainFault::Site
        } else if claims.previous == previous {
            previous = Some(receipt.digest());
            before = Some(receipt);
            continue;
        } else if previous.is_none() {
            ChainFault::NotFirst
        } else {
            ChainFault::Previous
        };
        return Err(ChainFailure { index, fault });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{EXAMPLE_CLAIMS, Key, KeyRing};
    use super::*;
    use crate::{Claims, Subject};

    fn receipt(previous: Option<Digest>, change: impl Fn(&mut Claims)) -> Receipt {
        let ring = KeyRing::new(vec![Key::hs256("k1", &[7; 32]).unwrap()]).unwrap();
        let mut claims: Claims = serde_json::from_str(EXAMPLE_CLAIMS).unwrap();
        claims.previous = previous;
        change(&mut claims);
        Receipt::sign(claims, &ring).unwrap()
    }

    #[test]
    fn the_first_break_is_named() {
        let after = |receipt: &Receipt, change: &dyn Fn(&mut Claims)| {
            self::receipt(Some(receipt.digest()), change)
        };
        let a = receipt(None, |_| {});
        let b = after(&a, &|_| {});
        let c = after(&b, &|_| {});
        let stranger = after(&a, &|claims| claims.sub = Subject::browser([9; 16]));
        let elsewhere = after(&a, &|claims| claims.site = "other".parse().unwrap());
        let at = |index, fault| Err(ChainFailure { index, fault });
        for (name, chain, expected) in [
            ("none", vec![], Ok(())),
            ("one", vec![&a], Ok(())),
            ("three", vec![&a, &b, &c], Ok(())),
            ("first gone", vec![&b, &c], at(0, ChainFault::NotFirst)),
            ("middle gone", vec![&a, &c], at(1, ChainFault::Previous)),
            ("twice", vec![&a, &b, &b], at(2, ChainFault::Previous)),
            ("two firsts", vec![&a, &a], at(1, ChainFault::Previous)),
            ("newest first", vec![&c, &b, &a], at(0, ChainFault::NotFirst)),
            ("other subject", vec![&a, &stranger], at(1, ChainFault::Subject)),
            ("other site", vec![&a, &elsewhere], at(1, ChainFault::Site)),
        ] {
            assert_eq!(verify_chain(chain), expected, "{name}");
        }
        for (name, previous, chain, expected) in [
            ("none", &a, vec![], Ok(())),
            ("two", &a, vec![&b, &c], Ok(())),
            ("other subject", &a, vec![&stranger], Ok(())),
            ("another", &b, vec![&b, &c], at(0, ChainFault::Previous)),
            ("the first", &a, vec![&a, &b], at(0, ChainFault::Previous)),
        ] {
            assert_eq!(verify_chain_after(previous.digest(), chain), expected, "{name}");
        }
    }
}
