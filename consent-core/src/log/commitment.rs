//! What the log holds: salted commitments, never the receipts themselves.
//!
//! As long as receipt and salt are kept, anyone who is given both can see that the commitment is
//! theirs. Once they are erased, nothing can be learnt from it, and every proof in the log stays
//! as it is.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use super::Hash;
use super::hash::bytes32;

/// Keeps commitments apart from everything else that is hashed.
const DOMAIN: &str = "consent-commitment@v1";

/// What kind of record is committed to. A record of one kind can never pass for the other.
///
/// ```
/// use consent_core::log::{Bundle, Failure, RecordKind};
/// # let text = consent_core::log::EXAMPLE_BUNDLE;
/// # let keys = [consent_core::log::EXAMPLE_KEY.parse()?];
/// let bundle: Bundle = text.parse()?;
/// assert_eq!(bundle.kind(), RecordKind::Receipt);
///
/// // The same bytes as an event of the audit trail were never in the log.
/// let other: Bundle = text.replace("kind receipt", "kind event").parse()?;
/// assert_eq!(other.verify(&keys).unwrap_err(), Failure::Inclusion);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A receipt: the bytes are its JWS in compact form.
    Receipt,
    /// An event of the audit trail: the bytes are the event as it is stored.
    Event,
}

impl RecordKind {
    /// The word that is hashed and written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Event => "event",
        }
    }

    pub(super) fn read(word: &str) -> Option<Self> {
        [Self::Receipt, Self::Event].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// 32 random bytes, for one record only, erased with it. `Debug` does not show them: whoever has
/// them can try out what the record says. As text they are in base64.
///
/// ```
/// use consent_core::log::Salt;
/// let salt = Salt::from([7; 32]);
/// assert_eq!(salt.to_string().parse(), Ok(salt));
/// assert!("too short".parse::<Salt>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

/// Why a text is not a salt.
///
/// ```
/// let error = "BwcHBw==".parse::<consent_core::log::Salt>().unwrap_err();
/// assert_eq!(error.to_string(), "a salt must be 32 bytes in base64, with padding: 44 characters");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a salt must be 32 bytes in base64, with padding: 44 characters")]
pub struct InvalidSalt;

impl Salt {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Salt {
    fn from(random: [u8; 32]) -> Self {
        Self(random)
    }
}

impl FromStr for Salt {
    type Err = InvalidSalt;
    fn from_str(text: &str) -> Result<Self, InvalidSalt> {
        bytes32(text).map(Self).ok_or(InvalidSalt)
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(…)")
    }
}

/// The data of a leaf: 32 bytes that commit to a record. They are
///
/// ```text
/// SHA-256( "consent-commitment@v1" 0a  kind 0a  salt  record )
/// ```
///
/// with kind `receipt` or `event` in ASCII, 32 bytes of salt, and the record's bytes to the end.
/// Only the record has no fixed length, and it comes last, so no two inputs give the same bytes.
/// The leaf's hash is then SHA-256(`00` ‖ the 32 bytes), as for any leaf.
///
/// ```
/// use consent_core::log::{Commitment, RecordKind, Salt};
/// let salt = Salt::from([7; 32]);
/// let commitment = Commitment::new(RecordKind::Receipt, &salt, b"eyJ.a.b");
/// // Another salt, another kind or another record is another commitment.
/// assert_ne!(commitment, Commitment::new(RecordKind::Event, &salt, b"eyJ.a.b"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Commits to a record.
    pub fn new(kind: RecordKind, salt: &Salt, record: &[u8]) -> Self {
        let hash = Sha256::new()
            .chain_update(DOMAIN)
            .chain_update("\n")
            .chain_update(kind.as_str())
            .chain_update("\n")
            .chain_update(salt.0)
            .chain_update(record);
        Self(hash.finalize().into())
    }

    /// The 32 bytes, as stored and as served in `tile/entries/…`.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of the leaf that holds it.
    pub fn leaf(&self) -> Hash {
        Hash::of_leaf(&self.0)
    }
}

/// From the bytes that were stored. Which record they commit to cannot be told from them.
impl From<[u8; 32]> for Commitment {
    fn from(stored: [u8; 32]) -> Self {
        Self(stored)
    }
}

/// The bytes of a tile of entries (C2SP tlog-tiles): before each leaf its length, two bytes,
/// the higher first.
pub fn entries(leaves: &[Commitment]) -> Vec<u8> {
    leaves.iter().flat_map(|leaf| [0, 32].into_iter().chain(leaf.0)).collect()
}

/// The leaves in the bytes of a tile of entries; nothing if they are not all commitments, or
/// more than a tile holds.
pub fn read_entries(bytes: &[u8]) -> Option<Vec<Commitment>> {
    let (entries, rest) = bytes.as_chunks::<34>();
    if !rest.is_empty() || entries.len() > 256 {
        return None;
    }
    let read = |entry: &[u8; 34]| match entry {
        [0, 32, leaf @ ..] => Some(Commitment(*leaf)),
        _ => None,
    };
    entries.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn salt() -> Salt {
        Salt::from(std::array::from_fn(|i| u8::try_from(i).unwrap()))
    }

    /// Computed by another program from the formula above.
    #[test]
    fn the_bytes_are_frozen() {
        for (kind, hex) in [
            (
                RecordKind::Receipt,
                "d757b5960534fb20347c624fd1999cfa917d28d4950139b59b7b6c11a5ad7853",
            ),
            (RecordKind::Event, "2b0e82060b0ef2bd43ea883ae5500c7fd8f22fbae6cb03269c91b9d654e7aa79"),
        ] {
            let commitment = Commitment::new(kind, &salt(), b"what was recorded");
            assert_eq!(HEXLOWER.encode(commitment.as_bytes()), hex);
            assert_eq!(commitment.leaf(), Hash::of_leaf(commitment.as_bytes()));
        }
    }

    #[test]
    fn the_salt_is_not_shown() {
        assert_eq!(format!("{:?}", salt()), "Salt(…)");
    }

    #[test]
    fn entries_are_read_back_strictly() {
        let leaves: Vec<_> = (0..=255).map(|i| Commitment::from([i; 32])).collect();
        let bytes = entries(&leaves);
        assert_eq!((bytes.len(), &bytes[34..37]), (256 * 34, &[0, 32, 1][..]));
        assert_eq!(read_entries(&bytes), Some(leaves));
        assert_eq!(read_entries(&[]), Some(vec![]));
        let longer = [&bytes[..], &bytes[..34]].concat();
        let mut another_length = bytes.clone();
        another_length[35] = 31;
        for bad in [&bytes[1..], &bytes[..33], &longer, &another_length] {
            assert_eq!(read_entries(bad), None);
        }
    }
}
