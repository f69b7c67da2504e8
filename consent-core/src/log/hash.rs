//! Hashes of the tree, and the small texts they are written in. Which hash stands where in a
//! tree is in `tree.rs`.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

/// A hash of the tree: of a leaf, of a node, or of all (RFC 6962 §2.1). Written in base64.
///
/// ```
/// use consent_core::log::Hash;
/// let leaf = Hash::of_leaf(b"");
/// assert_eq!(leaf.to_string(), "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=");
/// assert_eq!(leaf.to_string().parse(), Ok(leaf));
/// // Base64 is read strictly: the padding belongs to it.
/// assert!("bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0".parse::<Hash>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// Why a text is not a hash.
///
/// ```
/// let error = "e3b0c442".parse::<consent_core::log::Hash>().unwrap_err();
/// assert!(error.to_string().starts_with("a hash of the log must be 32 bytes in base64"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash of the log must be 32 bytes in base64, with padding: 44 characters")]
pub struct InvalidHash;

impl Hash {
    /// The root of the tree without leaves: SHA-256 of nothing.
    pub fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// The hash of a leaf: SHA-256(`00` ‖ data).
    pub fn of_leaf(data: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(data).finalize().into())
    }

    /// The hash of the node above these two: SHA-256(`01` ‖ left ‖ right).
    pub fn of_node(left: &Self, right: &Self) -> Self {
        let hash = Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0);
        Self(hash.finalize().into())
    }

    /// The 32 bytes, as a tile holds them.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for Hash {
    type Err = InvalidHash;
    fn from_str(text: &str) -> Result<Self, InvalidHash> {
        bytes32(text).map(Self).ok_or(InvalidHash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The bytes in base64 (RFC 4648 §4), which has one spelling: padded, and without stray bits at
/// the end.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    // The decoder would read several padded texts, one after the other, as one.
    if text.trim_end_matches('=').contains('=') {
        return None;
    }
    BASE64.decode(text.as_bytes()).ok()
}

/// 32 bytes in base64.
pub(super) fn bytes32(text: &str) -> Option<[u8; 32]> {
    // Looked at first, so that a text of any length costs nothing.
    if text.len() != 44 {
        return None;
    }
    base64(text)?.try_into().ok()
}

/// A decimal number without sign and without zeros in front.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_have_one_spelling() {
        let good = Hash::of_nothing().to_string();
        assert_eq!(good, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        for bad in ["", "47DE", &good[..43], &good.replace('+', "-"), &good.replace("U=", "V=")] {
            assert_eq!(bad.parse::<Hash>(), Err(InvalidHash), "{bad}");
        }
        // 32 bytes too, but padded in the middle.
        let pieces = format!("{}EEE=47DE", &good[..36]);
        assert_eq!(BASE64.decode(pieces.as_bytes()).map(|bytes| bytes.len()), Ok(32));
        assert_eq!(pieces.parse::<Hash>(), Err(InvalidHash));
    }

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(decimal("0"), Some(0));
        assert_eq!(decimal("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "00", "01", "+1", "-1", " 1", "1 ", "0x1", "18446744073709551616"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }
}
