//! Bundles: a record with all that is needed to see, years later and without asking anyone, that
//! a log holds it.
//!
//! # The format
//!
//! Text in UTF-8, at most [`MAX_BUNDLE`] bytes. Each line ends in one newline (`0a`); nothing else
//! is white space. Base64 is that of RFC 4648 §4, with padding.
//!
//! ```text
//! consent-bundle@v1
//! kind receipt                    or: event
//! salt <32 bytes in base64>
//! record <the record's bytes in base64: of a receipt, its JWS>
//!
//! c2sp.org/tlog-proof@v1
//! index <the leaf's number, from 0, in decimal>
//! <hash in base64>                none or more lines, from the leaf's sibling upwards
//!
//! <origin: the log's name>
//! <size: how many leaves it had, in decimal>
//! <root in base64>
//!
//! — <origin> <base64 of: key identifier (4 bytes), Ed25519 signature (64 bytes)>
//! ```
//!
//! From its sixth line on it is a proof as C2SP tlog-proof describes it, and what follows its
//! hashes is a checkpoint as C2SP tlog-checkpoint does. Others may have added signatures at the
//! end, and a line `extra <base64>` above the index; nothing vouches for the latter.
//!
//! # How to verify one
//!
//! You need the log's verifier key from somewhere you trust, not from where the bundle came:
//! `<origin>+<8 hexadecimal digits>+<base64 of: 01, Ed25519 public key (32 bytes)>`. Then:
//!
//! 1. Cut the text at the empty lines: header, proof, statement, signatures.
//! 2. Find the signature line whose name is the key's origin and whose first four bytes are the
//!    key's hexadecimal digits. There must be one.
//! 3. Verify its other 64 bytes (Ed25519, RFC 8032) over the statement: its lines, each with its
//!    newline, without the empty line after them.
//! 4. The statement's first line must be the key's origin. Take size and root from the next two.
//! 5. commitment = SHA-256(`consent-commitment@v1` 0a ‖ kind 0a ‖ salt ‖ record).
//! 6. hash = SHA-256(00 ‖ commitment).
//! 7. The index must be below the size. Set i = index and last = size − 1. For each hash p of the
//!    proof, in order:
//!    - if last is 0, the proof is too long: stop, it is wrong;
//!    - if i is odd or i = last: hash = SHA-256(01 ‖ p ‖ hash), then, while i is even and not 0,
//!      halve both i and last;
//!    - otherwise hash = SHA-256(01 ‖ hash ‖ p);
//!    - halve both i and last, rounding down.
//! 8. At the end last must be 0, and hash must be the root.
//!
//! If all of that holds, the log has held exactly this record since it signed the checkpoint. What
//! the record says, and who signed it, is another question.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use super::hash::base64;
use super::tlog_proof::MAX_TLOG_PROOF;
use super::{Checkpoint, Commitment, Failure, RecordKind, Salt, TlogProof, VerifierKey};

/// The longest record in a bundle, in bytes.
pub const MAX_RECORD: usize = 64 * 1024;

/// The longest bundle that is read, in bytes.
pub const MAX_BUNDLE: usize = MAX_TLOG_PROOF + MAX_RECORD.div_ceil(3) * 4 + 256;

const HEADER: &str = "consent-bundle@v1";

/// A record, its salt, and its proof. The bundle has what only whoever keeps the record may see,
/// so `Debug` shows neither record nor salt.
///
/// ```
/// use consent_core::log::{Bundle, Failure};
/// # let text = consent_core::log::EXAMPLE_BUNDLE;
/// # let key = consent_core::log::EXAMPLE_KEY;
/// let keys = [key.parse()?];
/// let bundle: Bundle = text.parse()?;
/// let checkpoint = bundle.verify(&keys)?;
/// println!("The log {} has held it since it had {} leaves.", checkpoint.origin(), checkpoint.head().size());
///
/// // Another record was never there.
/// let forged: Bundle = text.replace("record ZXlK", "record ZXlL").parse()?;
/// assert_eq!(forged.verify(&keys), Err(Failure::Inclusion));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Bundle {
    kind: RecordKind,
    salt: Salt,
    record: Vec<u8>,
    proof: TlogProof,
}

impl Bundle {
    /// Puts a record together with its proof. Fails if the record is longer than [`MAX_RECORD`].
    pub fn new(
        kind: RecordKind,
        salt: Salt,
        record: Vec<u8>,
        proof: TlogProof,
    ) -> Result<Self, Failure> {
        if record.len() > MAX_RECORD {
            return Err(Failure::Size);
        }
        Ok(Self { kind, salt, record, proof })
    }

    /// Whether the log of one of these keys holds the record. Gives the checkpoint that vouches
    /// for it; the error names the first check that failed.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Checkpoint, Failure> {
        self.proof.verify(&self.commitment().leaf(), keys)
    }

    /// What kind of record it is.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The record's bytes: of a receipt, its JWS.
    pub fn record(&self) -> &[u8] {
        &self.record
    }

    /// The commitment to the record, which is the leaf's data.
    pub fn commitment(&self) -> Commitment {
        Commitment::new(self.kind, &self.salt, &self.record)
    }

    /// The leaf's place in the log.
    pub fn proof(&self) -> &TlogProof {
        &self.proof
    }
}

impl FromStr for Bundle {
    type Err = Failure;
    fn from_str(text: &str) -> Result<Self, Failure> {
        if text.len() > MAX_BUNDLE {
            return Err(Failure::Size);
        }
        let read = || {
            let (head, proof) = text.split_once("\n\n")?;
            let rest = head.strip_prefix(HEADER)?.strip_prefix("\nkind ")?;
            let (kind, rest) = rest.split_once("\nsalt ")?;
            let (salt, record) = rest.split_once("\nrecord ")?;
            Some((RecordKind::read(kind)?, salt.parse().ok()?, base64(record)?, proof))
        };
        let (kind, salt, record, proof) = read().ok_or(Failure::Format)?;
        Self::new(kind, salt, record, proof.parse()?)
    }
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nkind {}\nsalt {}", self.kind.as_str(), self.salt)?;
        write!(f, "record {}\n\n{}", BASE64.encode(&self.record), self.proof)
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bundle({}, leaf {}, …)", self.kind.as_str(), self.proof.index())
    }
}

/// The bundle used by the examples of this documentation, and frozen by a test.
#[doc(hidden)]
pub const EXAMPLE_BUNDLE: &str = include_str!("frozen.bundle");

/// The key of the log it is from.
#[doc(hidden)]
pub const EXAMPLE_KEY: &str =
    "log.example.org/eu+1eeac888+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::log::{Frontier, Hash, InclusionProof, MissingHash, Node, Note, SigningKey};

    const SIZE: u64 = 13;

    fn key() -> SigningKey {
        SigningKey::new("log.example.org/eu", &[7; 32]).unwrap()
    }

    fn record(index: u64) -> Vec<u8> {
        format!("eyJ.receipt-{index}.tag").into_bytes()
    }

    /// A log of receipts, and the bundle of each of them.
    fn bundles() -> Vec<Bundle> {
        let salt = |index: u64| Salt::from([u8::try_from(index).unwrap(); 32]);
        let mut nodes = BTreeMap::<Node, Hash>::new();
        let mut log = Frontier::default();
        for index in 0..SIZE {
            let commitment = Commitment::new(RecordKind::Receipt, &salt(index), &record(index));
            log.append(commitment.leaf(), |node, hash| nodes.extend([(node, hash)])).unwrap();
        }
        let checkpoint = Checkpoint::new(&key(), log.head()).sign(&key()).unwrap();
        let read = |node| nodes.get(&node).copied().ok_or(MissingHash(node));
        let bundle = |index| {
            let inclusion = InclusionProof::make(index, SIZE, read).unwrap();
            let proof = TlogProof::new(index, inclusion, checkpoint.clone());
            Bundle::new(RecordKind::Receipt, salt(index), record(index), proof).unwrap()
        };
        (0..SIZE).map(bundle).collect()
    }

    #[test]
    fn the_bytes_are_frozen() {
        assert_eq!(bundles()[5].to_string(), EXAMPLE_BUNDLE);
        assert_eq!(key().verifier().to_string(), EXAMPLE_KEY);
        assert_eq!(format!("{:?}", bundles()[5]), "Bundle(receipt, leaf 5, …)");
    }

    #[test]
    fn every_bundle_verifies() {
        for (index, bundle) in bundles().into_iter().enumerate() {
            assert_eq!(bundle.to_string().parse(), Ok(bundle.clone()));
            let checkpoint = bundle.verify(&[key().verifier().clone()]).unwrap();
            assert_eq!((checkpoint.head().size(), bundle.proof().index()), (SIZE, index as u64));
        }
    }

    /// Every byte of the text counts: the header, the salt, the record, the index, each hash, the
    /// checkpoint and its signature.
    #[test]
    fn every_changed_byte_is_noticed() {
        let keys = [key().verifier().clone()];
        for at in 0..EXAMPLE_BUNDLE.len() {
            let mut bytes = EXAMPLE_BUNDLE.as_bytes().to_vec();
            // Another bit each time, of the seven that letters and digits differ in.
            bytes[at] ^= 1 << (at % 7);
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let verified = text.parse::<Bundle>().and_then(|bundle| bundle.verify(&keys));
            assert!(verified.is_err(), "byte {at}");
        }
    }

    #[test]
    fn the_first_failing_check_is_named() {
        let good = EXAMPLE_BUNDLE;
        let keys = [key().verifier().clone()];
        let other = SigningKey::new("log.example.org/us", &[8; 32]).unwrap();
        let (head, checkpoint) = good.rsplit_once("\n\nlog.").unwrap();
        let note: Note = format!("log.{checkpoint}").parse().unwrap();
        let text = note.verify(&keys).unwrap().text().to_owned();
        let with = |text: &str, key: &SigningKey| {
            format!("{head}\n\n{}", Note::sign(text, &[key]).unwrap())
        };
        let us = text.replace("/eu", "/us");
        let hash = format!("{}\n", Hash::of_nothing());
        for (bundle, failure) in [
            ("x".repeat(MAX_BUNDLE + 1), Failure::Size),
            ("consent-bundle@v1\n".repeat(60_000), Failure::Size),
            (String::new(), Failure::Format),
            (good.replace("@v1", "@v2"), Failure::Format),
            (good.replace("kind receipt", "kind other"), Failure::Format),
            (good.replace("salt ", "salt  "), Failure::Format),
            (good.replace("\nrecord ", "\nrecord \n"), Failure::Format),
            (good.trim_end().to_owned(), Failure::Format),
            (with(&us, &other), Failure::Key),
            (good.replace("\n13\n", "\n14\n"), Failure::Signature),
            (with("log.example.org/eu\n", &key()), Failure::Checkpoint),
            (with(&us, &key()), Failure::Origin),
            (good.replace("index 5", "index 13"), Failure::Index),
            (good.replace("index 5", "index 12"), Failure::Length),
            (good.replace("index 5\n", &format!("index 5\n{hash}")), Failure::Length),
            (good.replace("index 5", "index 4"), Failure::Inclusion),
            (good.replace("kind receipt", "kind event"), Failure::Inclusion),
            (good.replace("salt BQUF", "salt BQUG"), Failure::Inclusion),
            (good.replace("record ZXlK", "record ZXlL"), Failure::Inclusion),
        ] {
            let verified = bundle.parse::<Bundle>().and_then(|bundle| bundle.verify(&keys));
            assert_eq!(verified, Err(failure), "{bundle:.300}");
            assert!(failure.to_string().starts_with(failure.check()));
        }
        let too_long = vec![0; MAX_RECORD + 1];
        let Bundle { kind, salt, proof, .. } = good.parse().unwrap();
        assert_eq!(Bundle::new(kind, salt, too_long, proof), Err(Failure::Size));
    }

    /// Of an erased record the log keeps 32 bytes; the proofs of all others need no more.
    #[test]
    fn erasing_a_record_breaks_no_other_proof() {
        let mut bundles = bundles();
        let erased = bundles.remove(4);
        let keys = [key().verifier().clone()];
        assert!(bundles.iter().all(|bundle| bundle.verify(&keys).is_ok()));
        // The commitment that stays tells nothing without the salt, even to one who guesses right.
        let guess = Commitment::new(RecordKind::Receipt, &Salt::from([0; 32]), erased.record());
        assert_ne!(guess, erased.commitment());
    }

    /// The largest bundle that can be made can be read.
    #[test]
    fn the_bounds_fit_each_other() {
        let Bundle { kind, salt, proof, .. } = EXAMPLE_BUNDLE.parse().unwrap();
        let large = Bundle::new(kind, salt, vec![0; MAX_RECORD], proof).unwrap();
        assert_eq!(large.to_string().parse(), Ok(large));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), near in "kind (receipt|event|x)\nsalt [A-D]{42,43}=\nrecord [A-D]{0,9}\n") {
            let (_, proof) = EXAMPLE_BUNDLE.split_once("\n\n").unwrap();
            for text in [text, format!("{HEADER}\n{near}\n{proof}")] {
                if let Ok(bundle) = text.parse::<Bundle>() {
                    prop_assert_eq!(bundle.to_string(), text);
                }
            }
        }
    }
}
