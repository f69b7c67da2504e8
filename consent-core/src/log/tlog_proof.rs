//! Proofs that a leaf is in a log, as text to be kept with it (C2SP tlog-proof), and the list of
//! checks that a proof can fail.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use super::hash::{base64, decimal};
use super::{
    Checkpoint, Hash, InclusionProof, InvalidCheckpoint, InvalidProof, MAX_NOTE, Note, Unverified,
    VerifierKey,
};

/// The longest proof that is read, in bytes: a note, 64 hashes, and room for extra data.
pub const MAX_TLOG_PROOF: usize = MAX_NOTE + 32 * 1024;

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The first check that a proof failed, in the order in which they are made.
///
/// ```
/// use consent_core::log::{Bundle, Failure};
/// # let text = consent_core::log::EXAMPLE_BUNDLE;
/// let bundle: Bundle = text.parse()?;
/// let failure = bundle.verify(&[]).unwrap_err();
/// assert_eq!((failure, failure.check()), (Failure::Key, "key"));
/// assert_eq!(failure.to_string(), "key: none of the keys given has signed the checkpoint");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Longer than what is read.
    #[error("size: it is longer than a proof can be")]
    Size,
    /// Not the lines it should be.
    #[error("format: this is not a proof of a log, or not a whole one")]
    Format,
    /// The checkpoint is not signed by a key given.
    #[error("key: none of the keys given has signed the checkpoint")]
    Key,
    /// The checkpoint's signature is wrong.
    #[error("signature: it does not belong to the checkpoint; something was changed")]
    Signature,
    /// What is signed is not a checkpoint.
    #[error("checkpoint: what is signed does not state a log's size and root")]
    Checkpoint,
    /// The checkpoint is another log's than the key's.
    #[error("origin: it is the checkpoint of another log than the key's")]
    Origin,
    /// The index is beyond the log.
    #[error("index: the log had fewer leaves when it signed the checkpoint")]
    Index,
    /// Too many hashes, or too few.
    #[error("length: a proof for this index and size has another number of hashes")]
    Length,
    /// The record, its salt and the hashes do not lead to the root.
    #[error("inclusion: this record, with this salt, is not in that place of the log")]
    Inclusion,
}

impl Failure {
    /// The name of the check.
    pub fn check(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Format => "format",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Checkpoint => "checkpoint",
            Self::Origin => "origin",
            Self::Index => "index",
            Self::Length => "length",
            Self::Inclusion => "inclusion",
        }
    }
}

impl From<InvalidCheckpoint> for Failure {
    fn from(error: InvalidCheckpoint) -> Self {
        match error {
            InvalidCheckpoint::Unverified(Unverified::Key) => Self::Key,
            InvalidCheckpoint::Unverified(Unverified::Signature) => Self::Signature,
            InvalidCheckpoint::Format => Self::Checkpoint,
            InvalidCheckpoint::Origin => Self::Origin,
        }
    }
}

impl From<InvalidProof> for Failure {
    fn from(error: InvalidProof) -> Self {
        match error {
            InvalidProof::Index | InvalidProof::Size => Self::Index,
            InvalidProof::Length => Self::Length,
            InvalidProof::Root | InvalidProof::EarlierRoot => Self::Inclusion,
        }
    }
}

/// A leaf's index, the hashes from it to the root, and the checkpoint that states the root.
///
/// ```
/// use consent_core::log::{Checkpoint, Failure, Frontier, Hash, InclusionProof, SigningKey, TlogProof};
/// let key = SigningKey::new("log.example.org/eu", &[7; 32])?;
/// let leaf = Hash::of_leaf(b"the only one");
/// let mut log = Frontier::default();
/// log.append(leaf, |_, _| ())?;
/// let checkpoint = Checkpoint::new(&key, log.head()).sign(&key)?;
///
/// let text = TlogProof::new(0, InclusionProof::new(vec![])?, checkpoint).to_string();
/// assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 0\n\nlog.example.org/eu\n1\n"));
///
/// let keys = [key.verifier().clone()];
/// let proof: TlogProof = text.parse()?;
/// assert!(proof.verify(&leaf, &keys).is_ok());
/// assert_eq!(proof.verify(&Hash::of_leaf(b"another"), &keys), Err(Failure::Inclusion));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    extra: Option<Vec<u8>>,
    index: u64,
    inclusion: InclusionProof,
    checkpoint: Note,
}

impl TlogProof {
    /// A proof from its parts. Whether they fit each other is for [`TlogProof::verify`] to say.
    pub fn new(index: u64, inclusion: InclusionProof, checkpoint: Note) -> Self {
        Self { extra: None, index, inclusion, checkpoint }
    }

    /// Whether the leaf with this hash is in the log of one of these keys. Gives the checkpoint
    /// that vouches for it.
    pub fn verify(&self, leaf: &Hash, keys: &[VerifierKey]) -> Result<Checkpoint, Failure> {
        // The signature first: nothing unsigned is believed, not even a size.
        let checkpoint = Checkpoint::verify(&self.checkpoint, keys)?;
        self.inclusion.verify(leaf, self.index, checkpoint.head())?;
        Ok(checkpoint)
    }

    /// The leaf's index in the log, from 0.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// What somebody added. Nothing vouches for it, and nothing here writes it.
    pub fn extra(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }
}

impl FromStr for TlogProof {
    type Err = Failure;
    fn from_str(text: &str) -> Result<Self, Failure> {
        if text.len() > MAX_TLOG_PROOF {
            return Err(Failure::Size);
        }
        let read = || {
            let (proof, checkpoint) = text.split_once("\n\n")?;
            let rest = proof.strip_prefix(HEADER)?.strip_prefix('\n')?;
            let mut lines = rest.split('\n').peekable();
            let extra = match lines.peek()?.strip_prefix("extra ") {
                Some(extra) => {
                    lines.next();
                    Some(base64(extra)?)
                }
                None => None,
            };
            let index = decimal(lines.next()?.strip_prefix("index ")?)?;
            let hashes = lines.map(|line| line.parse().ok()).collect::<Option<_>>()?;
            let inclusion = InclusionProof::new(hashes).ok()?;
            Some(Self { extra, index, inclusion, checkpoint: checkpoint.parse().ok()? })
        };
        read().ok_or(Failure::Format)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in self.inclusion.hashes() {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HASH: &str = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n";
    const NOTE: &str = "example.com/fancylog\n109482\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\
        \n— example.com/fancylog hI2DJw1roloI\n";

    #[test]
    fn proofs_have_one_spelling() {
        for text in [
            format!("{HEADER}\nindex 0\n\n{NOTE}"),
            format!("{HEADER}\nindex 73894\n{}\n{NOTE}", HASH.repeat(64)),
            format!("{HEADER}\nextra YWdl\nindex 1\n{HASH}\n{NOTE}"),
        ] {
            assert_eq!(text.parse::<TlogProof>().map(|proof| proof.to_string()), Ok(text));
        }
        for bad in [
            String::new(),
            NOTE.to_owned(),
            format!("{HEADER}\n\n{NOTE}"),
            format!("{HEADER} \nindex 0\n\n{NOTE}"),
            format!("{HEADER}\r\nindex 0\n\n{NOTE}"),
            format!("{}\nindex 0\n\n{NOTE}", HEADER.replace("v1", "v2")),
            format!("{HEADER}\nindex 00\n\n{NOTE}"),
            format!("{HEADER}\nindex  0\n\n{NOTE}"),
            format!("{HEADER}\nindex 0\nextra YWdl\n\n{NOTE}"),
            format!("{HEADER}\nextra YWdl\nextra YWdl\nindex 0\n\n{NOTE}"),
            format!("{HEADER}\nextra YWd\nindex 0\n\n{NOTE}"),
            format!("{HEADER}\nindex 0\n{NOTE}"),
            format!("{HEADER}\nindex 0\n{}\n{NOTE}", HASH.replace("lQ=", "lQ")),
            format!("{HEADER}\nindex 0\n{}\n{NOTE}", HASH.repeat(65)),
            format!("{HEADER}\nindex 0\n\n{}", NOTE.trim_end()),
        ] {
            assert_eq!(bad.parse::<TlogProof>(), Err(Failure::Format), "{bad}");
        }
        let long = format!("{HEADER}\nindex 0\n{}", HASH.repeat(30_000));
        assert_eq!(long.parse::<TlogProof>(), Err(Failure::Size));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), near in "(extra [A-D]{0,5}\n)?index [0-9]{0,21}\n([A-D]{43}=\n){0,3}\n{0,2}") {
            for text in [text, format!("{HEADER}\n{near}{NOTE}")] {
                if let Ok(proof) = text.parse::<TlogProof>() {
                    prop_assert_eq!(proof.to_string(), text);
                }
            }
        }
    }
}
