//! Checkpoints (C2SP tlog-checkpoint): a log's signed statement of its size and root.

use std::fmt;
use std::str::FromStr;

use super::hash::decimal;
use super::{InvalidNote, MAX_NOTE, Note, SigningKey, TreeHead, Unverified, VerifierKey};

/// Why a checkpoint is not to be believed, or not one.
///
/// ```
/// use consent_core::log::{Checkpoint, InvalidCheckpoint, Note, SigningKey};
/// let key = SigningKey::new("log.example.org/eu", &[7; 32])?;
/// let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
/// let note = Note::sign(&format!("log.example.org/us\n0\n{root}\n"), &[&key])?;
///
/// let error = Checkpoint::verify(&note, &[key.verifier().clone()]).unwrap_err();
/// assert_eq!(error, InvalidCheckpoint::Origin);
/// assert_eq!(error.to_string(), "origin: it is the checkpoint of another log than the key's");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCheckpoint {
    /// The note is not signed by a key given.
    #[error(transparent)]
    Unverified(#[from] Unverified),
    /// Not the lines of a checkpoint.
    #[error("checkpoint: it is an origin, a size, a root in base64, and no empty line")]
    Format,
    /// Signed by a known key, but speaking for another log.
    #[error("origin: it is the checkpoint of another log than the key's")]
    Origin,
}

/// What a log states when it signs: this is my name, and these are my size and root.
///
/// As text it is the part of the note that is signed; [`Checkpoint::verify`] reads it from a
/// signed note.
///
/// ```
/// use consent_core::log::{Checkpoint, Frontier, SigningKey};
/// let key = SigningKey::new("log.example.org/eu", &[7; 32])?;
/// let head = Frontier::default().head();
///
/// let note = Checkpoint::new(&key, head).sign(&key)?;
/// let read = Checkpoint::verify(&note, &[key.verifier().clone()])?;
/// assert_eq!((read.origin(), read.head()), ("log.example.org/eu", &head));
///
/// let text = "log.example.org/eu\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
/// assert_eq!(read.to_string(), text);
/// assert!(text.replace("\n0\n", "\n00\n").parse::<Checkpoint>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    head: TreeHead,
    /// Lines, each with its newline. Not written here, but others may.
    extensions: String,
}

impl Checkpoint {
    /// The checkpoint of the log with this key, whose name is the log's origin.
    pub fn new(key: &SigningKey, head: TreeHead) -> Self {
        Self { origin: key.verifier().name().to_owned(), head, extensions: String::new() }
    }

    /// Signs it. A log never signs two states of which neither is the beginning of the other:
    /// that is for the caller to make sure of.
    pub fn sign(&self, key: &SigningKey) -> Result<Note, InvalidNote> {
        Note::sign(&self.to_string(), &[key])
    }

    /// The checkpoint in a note, if one of these keys has signed it and the log is that key's.
    /// Several keys are a log's old and new one, or those of several logs.
    pub fn verify(note: &Note, keys: &[VerifierKey]) -> Result<Self, InvalidCheckpoint> {
        let verified = note.verify(keys)?;
        let checkpoint: Self = verified.text().parse()?;
        if verified.by().iter().any(|key| key.name() == checkpoint.origin) {
            Ok(checkpoint)
        } else {
            Err(InvalidCheckpoint::Origin)
        }
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The log's size and root.
    pub fn head(&self) -> &TreeHead {
        &self.head
    }

    /// Lines that follow, each with its newline; nobody but their writer knows what they mean.
    pub fn extensions(&self) -> &str {
        &self.extensions
    }
}

/// The signed part of the note only. Nothing in it is to be believed yet.
impl FromStr for Checkpoint {
    type Err = InvalidCheckpoint;
    fn from_str(text: &str) -> Result<Self, InvalidCheckpoint> {
        let read = || {
            if text.len() > MAX_NOTE || text.bytes().any(|b| b < b' ' && b != b'\n') {
                return None;
            }
            let (origin, rest) = text.split_once('\n')?;
            let (size, rest) = rest.split_once('\n')?;
            let (root, extensions) = rest.split_once('\n')?;
            // Every line ends in a newline and none is empty.
            let whole = extensions.is_empty()
                || extensions.ends_with('\n')
                    && !extensions.starts_with('\n')
                    && !extensions.contains("\n\n");
            if origin.is_empty() || !whole {
                return None;
            }
            let head = TreeHead::new(decimal(size)?, root.parse().ok()?).ok()?;
            Some(Self { origin: origin.to_owned(), head, extensions: extensions.to_owned() })
        };
        read().ok_or(InvalidCheckpoint::Format)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, head, extensions } = self;
        write!(f, "{origin}\n{}\n{}\n{extensions}", head.size(), head.root())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::tests::Stored;

    const TEXT: &str =
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    /// The example of C2SP tlog-checkpoint, read as an independent implementation reads it.
    #[test]
    fn the_example_of_the_standard() {
        for text in [TEXT.to_owned(), format!("{TEXT}one\ntwo\n")] {
            let read: Checkpoint = text.parse().unwrap();
            let theirs = tlog_tiles::Checkpoint::from_bytes(text.as_bytes()).unwrap();
            assert_eq!((read.origin(), read.head().size()), (theirs.origin(), theirs.size()));
            assert_eq!(read.head().root().as_bytes(), &theirs.hash().0);
            assert_eq!(read.extensions(), theirs.extension());
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_checkpoint_is_refused() {
        for bad in [
            String::new(),
            TEXT.trim_end().to_owned(),
            format!("\n{TEXT}"),
            format!("{TEXT}\n"),
            format!("{TEXT}a"),
            format!("{TEXT}a\n\n"),
            format!("{TEXT}a\n\nb\n"),
            format!("{TEXT}a\r\n"),
            TEXT.replace("\n2", "\n02"),
            TEXT.replace("\n2", "\n+2"),
            TEXT.replace("\n2", "\n-2"),
            TEXT.replace("20852163", ""),
            TEXT.replace("20852163", "0"),
            TEXT.replace("20852163", "9223372036854775808"),
            TEXT.replace("I=", "J="),
            TEXT.replace("I=", "I"),
            TEXT.replace("example.com/behind-the-sofa", ""),
            "a".repeat(1 << 20),
            "a\n".repeat(1 << 19),
        ] {
            assert_eq!(bad.parse::<Checkpoint>(), Err(InvalidCheckpoint::Format), "{bad:.90}");
        }
    }

    #[test]
    fn only_its_own_log_vouches_for_it() {
        let key = |name: &str| SigningKey::new(name, &[1; 32]).unwrap();
        let (ours, other) = (key("ours"), key("other"));
        let head = Stored::of(3).heads[3];
        let keys = [ours.verifier().clone(), other.verifier().clone()];
        let checkpoint = Checkpoint::new(&ours, head);
        let unverified = |failure| Err(InvalidCheckpoint::Unverified(failure));
        let changed = checkpoint.sign(&ours).unwrap().to_string().replace("\n3\n", "\n4\n");
        for (note, keys, expected) in [
            (checkpoint.sign(&ours).unwrap(), &keys[..], Ok(checkpoint.clone())),
            (checkpoint.sign(&ours).unwrap(), &keys[1..], unverified(Unverified::Key)),
            (changed.parse().unwrap(), &keys[..], unverified(Unverified::Signature)),
            (checkpoint.sign(&other).unwrap(), &keys[..], Err(InvalidCheckpoint::Origin)),
            (Note::sign("x\n", &[&ours]).unwrap(), &keys[..], Err(InvalidCheckpoint::Format)),
        ] {
            assert_eq!(Checkpoint::verify(&note, keys), expected, "{note}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), near in "[a\n]{0,3}\n[0-9]{0,21}\n[A-D]{43}=\n[a\n]{0,4}") {
            for text in [text, near] {
                if let Ok(checkpoint) = text.parse::<Checkpoint>() {
                    prop_assert_eq!(checkpoint.to_string(), text);
                }
            }
        }
    }
}
