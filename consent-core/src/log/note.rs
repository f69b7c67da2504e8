//! Signed notes (C2SP signed-note): a text, and lines saying who signed it.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use super::hash::base64;
use super::key::is_key_name;
use super::{SigningKey, VerifierKey};

/// The longest note that is read, in bytes: room for a checkpoint and, as signed-note demands,
/// 16 signatures of 5 kB each.
pub const MAX_NOTE: usize = 128 * 1024;

/// The most signatures of a note.
pub const MAX_SIGNATURES: usize = 64;

/// Why a text is not a note.
///
/// ```
/// use consent_core::log::{InvalidNote, Note};
/// let error = "a text\n\nsigned by nobody\n".parse::<Note>().unwrap_err();
/// assert_eq!(error, InvalidNote::Signature(1));
/// assert_eq!(
///     error.to_string(),
///     "signature 1 of the note is not '— <name> <base64>' with at least 5 bytes",
/// );
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNote {
    /// Longer than [`MAX_NOTE`].
    #[error("a note is at most {MAX_NOTE} bytes long")]
    Size,
    /// A control character that is not a newline.
    #[error("a note holds no control characters but newlines")]
    Control,
    /// No text that ends in a newline, no empty line after it, or nothing after that.
    #[error("a note is a text, an empty line, and lines of signatures, each ended by a newline")]
    Format,
    /// More than [`MAX_SIGNATURES`].
    #[error("a note has at most {MAX_SIGNATURES} signatures")]
    Signatures,
    /// A line that is not a signature.
    #[error("signature {0} of the note is not '— <name> <base64>' with at least 5 bytes")]
    Signature(usize),
}

/// Why a note is not to be believed.
///
/// ```
/// use consent_core::log::{Note, SigningKey, Unverified};
/// let key = SigningKey::new("log.example.org", &[7; 32])?;
/// let stranger = SigningKey::new("log.example.org", &[8; 32])?;
/// let note = Note::sign("what is stated\n", &[&stranger])?;
///
/// let error = note.verify(&[key.verifier().clone()]).unwrap_err();
/// assert_eq!(error, Unverified::Key, "the same name does not make it the same key");
/// assert_eq!(error.to_string(), "key: none of the keys given has signed this note");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// None of the keys given has signed.
    #[error("key: none of the keys given has signed this note")]
    Key,
    /// A signature claims to be by one of the keys, and is not.
    #[error("signature: it does not belong to this text; something was changed")]
    Signature,
}

/// A text with its signatures. Only [`Note::verify`] tells whether to believe it.
///
/// ```
/// use consent_core::log::{Note, SigningKey, Unverified};
/// let key = SigningKey::new("log.example.org", &[7; 32])?;
/// let note = Note::sign("what is stated\n", &[&key])?.to_string();
///
/// let keys = [key.verifier().clone()];
/// assert_eq!(note.parse::<Note>()?.verify(&keys)?.text(), "what is stated\n");
/// let changed: Note = note.replace("what", "that").parse()?;
/// assert_eq!(changed.verify(&keys).unwrap_err(), Unverified::Signature);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature as it stands in a note.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// A note's text that was signed by at least one known key.
///
/// ```
/// use consent_core::log::{Note, SigningKey};
/// let (log, witness) =
///     (SigningKey::new("log.example.org", &[7; 32])?, SigningKey::new("witness", &[8; 32])?);
/// let note = Note::sign("what is stated\n", &[&log, &witness])?;
///
/// let keys = [log.verifier().clone()];
/// let verified = note.verify(&keys)?;
/// assert_eq!(verified.by().len(), 1, "of the other signature nothing is known");
/// assert!(note.verify(&[]).is_err(), "without a key there is nothing to believe");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<'n> {
    text: &'n str,
    by: Vec<&'n VerifierKey>,
}

impl<'n> Verified<'n> {
    /// What was signed.
    pub fn text(&self) -> &'n str {
        self.text
    }

    /// By whom: those of the known keys whose signatures are right, in the note's order.
    pub fn by(&self) -> &[&'n VerifierKey] {
        &self.by
    }
}

impl Note {
    /// Signs a text. It ends in a newline, and there is at least one key.
    pub fn sign(text: &str, keys: &[&SigningKey]) -> Result<Self, InvalidNote> {
        let sign = |key: &&SigningKey| Signature {
            name: key.verifier().name().to_owned(),
            id: key.verifier().id(),
            bytes: key.sign(text).to_vec(),
        };
        let signed = Self { text: text.to_owned(), signatures: keys.iter().map(sign).collect() };
        // Whatever is written can be read.
        signed.to_string().parse()
    }

    /// The text, if one of these keys has signed it and none of their signatures is wrong.
    /// Signatures of other keys are passed over.
    pub fn verify<'n>(&'n self, keys: &'n [VerifierKey]) -> Result<Verified<'n>, Unverified> {
        let mut by = Vec::new();
        for signature in &self.signatures {
            let known =
                |key: &&VerifierKey| key.name() == signature.name && key.id() == signature.id;
            let Some(key) = keys.iter().find(known) else { continue };
            if !key.verify(&self.text, &signature.bytes) {
                return Err(Unverified::Signature);
            }
            by.push(key);
        }
        if by.is_empty() { Err(Unverified::Key) } else { Ok(Verified { text: &self.text, by }) }
    }
}

impl FromStr for Note {
    type Err = InvalidNote;
    fn from_str(note: &str) -> Result<Self, InvalidNote> {
        if note.len() > MAX_NOTE {
            return Err(InvalidNote::Size);
        }
        if note.bytes().any(|b| b < b' ' && b != b'\n') {
            return Err(InvalidNote::Control);
        }
        // The text may hold empty lines: the last one counts.
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(InvalidNote::Format)?;
        let signatures = signatures.strip_suffix('\n').ok_or(InvalidNote::Format)?;
        if signatures.split('\n').count() > MAX_SIGNATURES {
            return Err(InvalidNote::Signatures);
        }
        let read = |(i, line)| Signature::read(line).ok_or(InvalidNote::Signature(i + 1));
        let signatures = signatures.split('\n').enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for Signature { name, id, bytes } in &self.signatures {
            writeln!(f, "— {name} {}", BASE64.encode(&[&id[..], bytes].concat()))?;
        }
        Ok(())
    }
}

impl Signature {
    fn read(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = base64(signature)?;
        let (id, bytes) = bytes.split_first_chunk()?;
        let valid = is_key_name(name) && !bytes.is_empty();
        valid.then(|| Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use signed_note::VerifierList;

    use super::*;

    const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n";
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SIGNATURE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuG\
        UgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    fn key(name: &str) -> SigningKey {
        SigningKey::new(name, &[name.len().try_into().unwrap(); 32]).unwrap()
    }

    /// The example of Go's note package.
    #[test]
    fn the_known_note_verifies() {
        let note: Note = format!("{TEXT}\n{SIGNATURE}").parse().unwrap();
        let keys = [PETER.parse().unwrap()];
        let verified = note.verify(&keys).unwrap();
        assert_eq!((verified.text(), verified.by()), (TEXT, &[&keys[0]][..]));
        assert_eq!(note.to_string(), format!("{TEXT}\n{SIGNATURE}"));
    }

    /// The example of C2SP signed-note has empty lines in its text. Its key is not published.
    #[test]
    fn the_last_empty_line_ends_the_text() {
        let text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n\
            ed è subito sera.\n";
        let note = format!(
            "{text}\n— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC\
            +EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
        );
        let read: Note = note.parse().unwrap();
        assert_eq!((read.text.as_str(), read.to_string()), (text, note));
        assert_eq!(read.verify(&[PETER.parse().unwrap()]), Err(Unverified::Key));
    }

    #[test]
    fn what_is_not_a_note_is_refused() {
        let line = "— a AAAAAAA=\n";
        assert!(format!("a\n\n{line}").parse::<Note>().is_ok());
        for (note, error) in [
            (String::new(), InvalidNote::Format),
            ("a\n".into(), InvalidNote::Format),
            ("a\n\n".into(), InvalidNote::Format),
            (format!("a\n{line}"), InvalidNote::Format),
            (format!("\n{line}"), InvalidNote::Format),
            (format!("a\n\n{}", line.trim_end()), InvalidNote::Format),
            (format!("a\n\n{line}\n"), InvalidNote::Format),
            (format!("a\n\n{line}b\n"), InvalidNote::Signature(2)),
            (format!("a\n\n{line}\n\n"), InvalidNote::Format),
            (format!("a\r\n\n{line}"), InvalidNote::Control),
            (format!("a\0\n\n{line}"), InvalidNote::Control),
            ("a\n\n- a AAAAAAA=\n".into(), InvalidNote::Signature(1)),
            ("a\n\n— a  AAAAAAA=\n".into(), InvalidNote::Signature(1)),
            ("a\n\n—  AAAAAAA=\n".into(), InvalidNote::Signature(1)),
            ("a\n\n— a+b AAAAAAA=\n".into(), InvalidNote::Signature(1)),
            ("a\n\n— a AAAAAA==\n".into(), InvalidNote::Signature(1)),
            ("a\n\n— a AAAAAAB=\n".into(), InvalidNote::Signature(1)),
            ("a\n\n— a AAAAAAA\n".into(), InvalidNote::Signature(1)),
            (format!("a\n\n{}", line.repeat(65)), InvalidNote::Signatures),
            ("\n".repeat(1 << 20), InvalidNote::Size),
        ] {
            assert_eq!(note.parse::<Note>(), Err(error), "{note:.60}");
        }
        assert!(format!("a\n\n{}", line.repeat(64)).parse::<Note>().is_ok());
        assert_eq!(Note::sign("no newline", &[&key("a")]), Err(InvalidNote::Format));
        assert_eq!(Note::sign("no key\n", &[]), Err(InvalidNote::Format));
    }

    #[test]
    fn known_signatures_count_and_others_do_not() {
        let (log, witness, stranger) = (key("log"), key("witness"), key("a-stranger"));
        let signed = |keys: &[&SigningKey]| Note::sign(TEXT, keys).unwrap().to_string();
        let good = signed(&[&log]);
        let keys = [log.verifier().clone(), witness.verifier().clone()];
        let by = |note: &str| {
            let note: Note = note.parse().unwrap();
            note.verify(&keys).map(|it| it.by().iter().map(|key| key.name().len()).collect())
        };
        // A signature of somebody else, under the name or the identifier of a known key.
        let foreign = format!("{good}— log {}\n", BASE64.encode(&[9; 72]));
        let other_name = good.replace("— log ", "— gol ");
        let broken = good.replace("problem is", "problem was");
        let short =
            format!("{good}— log {}\n", BASE64.encode(&[&log.verifier().id()[..], b"x"].concat()));
        for (note, expected) in [
            (&good, Ok(vec![3])),
            (&signed(&[&log, &witness]), Ok(vec![3, 7])),
            (&signed(&[&stranger, &log]), Ok(vec![10 - 7])),
            (&foreign, Ok(vec![3])),
            (&signed(&[&stranger]), Err(Unverified::Key)),
            (&other_name, Err(Unverified::Key)),
            (&broken, Err(Unverified::Signature)),
            (&short, Err(Unverified::Signature)),
        ] {
            assert_eq!(by(note), expected, "{note}");
        }
        assert_eq!(Note::sign(TEXT, &[&log]).unwrap().verify(&[]), Err(Unverified::Key));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        /// Signed here, verified by an independent implementation.
        #[test]
        fn others_verify_our_notes(text in "([ -~é—]{0,9}\n){1,5}", seed: [u8; 32]) {
            let key = SigningKey::new("log.example.org/eu", &seed).unwrap();
            let note = Note::sign(&text, &[&key]).unwrap();
            prop_assert_eq!(note.to_string().parse::<Note>(), Ok(note.clone()));
            let theirs = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
            let verifier = signed_note::StandardVerifier::new(&key.verifier().to_string()).unwrap();
            let (signatures, _) = theirs.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
            prop_assert_eq!(signatures.len(), 1);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in any::<String>(), note in "[a\n]{0,4}\n\n(— [a+ ]{0,2} [A-Z]{0,8}={0,2}\n){0,3}") {
            for text in [text, note] {
                if let Ok(note) = text.parse::<Note>() {
                    prop_assert_eq!(note.to_string(), text);
                }
            }
        }
    }
}
