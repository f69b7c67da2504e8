//! A region's secrets, in one file that only its owner may read.
//!
//! Made at the first start. Losing the file means that receipts can no longer be verified and
//! addresses no longer be found; showing it means that receipts can be forged.

use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use consent_core::document::{Document, Faults};
use consent_core::receipt::InvalidKey;
use consent_core::{Key, KeyRing, Pepper, read_table};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use crate::ambient::Ambient;

/// The secrets of one region.
#[derive(Debug)]
pub struct Keys {
    /// Signs receipts.
    pub receipts: KeyRing,
    /// Signs the links sent by mail.
    pub links: KeyRing,
    /// Turns addresses into subjects.
    pub pepper: Pepper,
}

/// Why the secrets cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or made.
    #[error("keys {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// The file is not there, and it is not for this command to make it.
    #[error("keys {0}: not found; start the server once with this configuration, it makes them")]
    Missing(PathBuf),
    /// Others may read it.
    #[error("keys {path}: others may read this file (mode {mode:o}); run: chmod 600 {path}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Not what this program writes.
    #[error("keys {path}: {faults}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, with lines.
        faults: Faults,
    },
    /// A key that cannot be used.
    #[error("keys {path}: {field}: {error}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The field.
        field: &'static str,
        /// What is wrong.
        error: InvalidKey,
    },
}

read_table!(File { pepper, receipt, link });
read_table!(Secret { kid, secret });

struct File {
    pepper: String,
    receipt: Vec<Secret>,
    link: Vec<Secret>,
}

struct Secret {
    kid: String,
    secret: String,
}

impl Keys {
    /// Reads the secrets; makes them first if the file does not exist and `create` says so.
    pub fn open(path: &Path, create: bool, ambient: &dyn Ambient) -> Result<Self, KeysError> {
        let io = |error| KeysError::Io { path: path.to_owned(), error };
        match fs::metadata(path) {
            Ok(metadata) => {
                let mode = metadata.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    return Err(KeysError::Open { path: path.to_owned(), mode });
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound && create => {
                make(path, ambient).map_err(io)?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(KeysError::Missing(path.to_owned()));
            }
            Err(error) => return Err(io(error)),
        }
        Self::parse(path, &fs::read_to_string(path).map_err(io)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, KeysError> {
        let broken = |faults| KeysError::Broken { path: path.to_owned(), faults };
        let (file, mut document) = Document::read::<File>(text).map_err(broken)?;
        let mut pepper = [0; 32];
        match BASE64URL_NOPAD
            .decode(file.pepper.as_bytes())
            .ok()
            .as_deref()
            .map(<[u8; 32]>::try_from)
        {
            Some(Ok(bytes)) => pepper = bytes,
            _ => document.fault("pepper", "must be 32 bytes in base64url"),
        }
        let mut ring = |field: &'static str, secrets: &[Secret]| {
            let mut keys = Vec::new();
            for (i, secret) in secrets.iter().enumerate() {
                let decoded = BASE64URL_NOPAD
                    .decode(secret.secret.as_bytes())
                    .map_err(|_| InvalidKey::TooShort);
                match decoded.and_then(|bytes| Key::hs256(&secret.kid, &bytes)) {
                    Ok(key) => keys.push(key),
                    Err(error) => document.fault(format!("{field}[{i}]"), error.to_string()),
                }
            }
            keys
        };
        let (receipts, links) = (ring("receipt", &file.receipt), ring("link", &file.link));
        document.finish(()).map_err(broken)?;
        let ring = |field, keys| {
            KeyRing::new(keys).map_err(|error| KeysError::Invalid {
                path: path.to_owned(),
                field,
                error,
            })
        };
        Ok(Self {
            receipts: ring("receipt", receipts)?,
            links: ring("link", links)?,
            pepper: Pepper::new(pepper),
        })
    }
}

/// Writes new secrets beside `path`, flushes them, and only then gives them their name: a crash
/// leaves either no file or a whole one, and of two first starts one wins and the other reads it.
fn make(path: &Path, ambient: &dyn Ambient) -> std::io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut text = String::from(
        "# The secrets of one region. Who reads this file can forge receipts; without it no receipt\n\
         # can be verified and no address be found. Keep it private, and keep a copy.\n",
    );
    let secret = || BASE64URL_NOPAD.encode(&ambient.random::<32>());
    let _ = writeln!(text, "pepper = \"{}\"", secret());
    for name in ["receipt", "link"] {
        let kid = HEXLOWER.encode(&ambient.random::<6>());
        let _ = writeln!(text, "\n[[{name}]]\nkid = \"{kid}\"\nsecret = \"{}\"", secret());
    }
    // Made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => fs::File::open(folder)?.sync_all(),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::System;

    #[test]
    fn made_once_private_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/eu.keys");
        assert!(matches!(Keys::open(&path, false, &System), Err(KeysError::Missing(_))));

        let first = Keys::open(&path, true, &System).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let again = Keys::open(&path, true, &System).unwrap();
        let signed = first.links.sign("test", b"x");
        assert_eq!(again.links.verify("test", &signed).unwrap(), b"x");
    }

    #[test]
    fn refused_when_others_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eu.keys");
        Keys::open(&path, true, &System).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let message = Keys::open(&path, true, &System).unwrap_err().to_string();
        assert!(message.contains("chmod 600"), "{message}");
    }

    #[test]
    fn a_broken_file_names_the_field() {
        let text = "pepper = \"AA\"\n[[receipt]]\nkid = \"a\"\nsecret = \"AA\"\n[[link]]\nkid = \"b\"\nsecret = \"AA\"\n";
        let message = Keys::parse(Path::new("eu.keys"), text).unwrap_err().to_string();
        assert!(message.contains("line 1: pepper: must be 32 bytes"), "{message}");
        assert!(message.contains("receipt[0]: a key for HS256"), "{message}");
    }
}
