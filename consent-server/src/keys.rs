//! A region's secrets: what signs receipts, links and checkpoints, and what turns addresses into
//! subjects.
//!
//! They stand in one file that only its owner may read, or in an environment variable. Losing them
//! means that receipts can no longer be verified and addresses no longer be found; showing them
//! means that receipts can be forged. The file is read again while the server runs, so that keys
//! change without a restart. What stands in it is in `keys/file.rs`, where it is kept in
//! `keys/place.rs`, which key signs when in `keys/schedule.rs`, what is made of all that in
//! `keys/held.rs`, and changes to the file in `keys/edit.rs`.

mod edit;
mod file;
mod held;
mod place;
mod schedule;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use consent_core::document::Faults;
use consent_core::log::{self, SigningKey, VerifierKey};
use consent_core::receipt::Verifier;
use consent_core::{Digest, KeyRing, Pepper, Timestamp};
use zeroize::Zeroizing;

use crate::ambient::Ambient;
use crate::settings::{KeysSettings, RegionSettings};
pub use edit::{Retired, Rotation, retire, rotate};
pub use file::{KeyFacts, KeyKind};
use held::Held;
pub use held::Listed;

/// The secrets of one region. What signs depends on the time.
pub struct Keys {
    /// Turns addresses into subjects. It never changes.
    pub pepper: Pepper,
    place: KeysSettings,
    /// The log's, which is the name of its keys.
    origin: String,
    held: RwLock<Arc<Held>>,
    /// Why the file was last refused.
    refused: Mutex<Option<String>>,
}

/// Why the secrets cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file cannot be read or written.
    #[error("keys {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        error: io::Error,
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
    #[error("keys {place}: {faults}")]
    Broken {
        /// Where they are.
        place: String,
        /// What is wrong, with lines.
        faults: Faults,
    },
    /// A log key, or its name.
    #[error("keys {place}: log: {error}")]
    InvalidLog {
        /// Where they are.
        place: String,
        /// What is wrong.
        error: log::InvalidKey,
    },
    /// Nothing to sign with.
    #[error(
        "keys {place}: no [[{kind}]] key signs from {at} on; add one with: consent keys rotate --kind {kind}"
    )]
    NoSigner {
        /// Where they are.
        place: String,
        /// What there is no key for.
        kind: &'static str,
        /// From when on.
        at: Timestamp,
    },
    /// An earlier version's file, and it is not for this command to complete it.
    #[error(
        "keys {0}: there is no [[log]] key; start the server once with this configuration, it makes one"
    )]
    NoLog(String),
    /// A variable that would have to be changed.
    #[error(
        "keys env:{0}: this program cannot change an environment variable; change it where it is set"
    )]
    Env(String),
    /// Another pepper than before.
    #[error(
        "keys {0}: the pepper is another one, with which no address would be found any more; put the \
         old one back, the keys in use stay until then"
    )]
    Pepper(String),
    /// Not a form that can be changed here.
    #[error(
        "keys {0}: cannot be changed here; write each key as a [[receipt]], [[link]] or [[log]] table, \
         with each field on a line of its own"
    )]
    Form(String),
    /// There is no such key, or there are several.
    #[error("--kid: {0}")]
    Kid(String),
    /// What must not be done now.
    #[error("{0}")]
    Refused(String),
}

impl KeysError {
    fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_owned(), error }
    }
}

impl Keys {
    /// Reads a region's secrets. If `create` says so, makes the file where there is none, and adds
    /// what an earlier version did not know.
    pub fn open(
        settings: &RegionSettings,
        create: bool,
        ambient: &dyn Ambient,
    ) -> Result<Self, KeysError> {
        let (place, origin) = (settings.keys.clone(), settings.log.origin.clone());
        if create && let KeysSettings::File(path) = &place {
            edit::complete(path, ambient)?;
        }
        let text = text(&place)?;
        let (pepper, held) = Held::parse(&place, &origin, &text, ambient.now())?;
        if create && held.log.is_none() {
            return Err(KeysError::NoLog(told(&place)));
        }
        let (held, refused) = (RwLock::new(Arc::new(held)), Mutex::new(None));
        Ok(Self { pepper, place, origin, held, refused })
    }

    fn held(&self) -> Arc<Held> {
        // Only whole values are ever put in.
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What signs receipts now, and verifies them.
    pub fn receipts(&self, now: Timestamp) -> Arc<KeyRing> {
        Arc::clone(&self.held().receipts.at(now).signer)
    }

    /// What signs links now, and verifies them.
    pub fn links(&self, now: Timestamp) -> Arc<KeyRing> {
        Arc::clone(&self.held().links.at(now).signer)
    }

    /// What signs the log's checkpoints now. A server always has one.
    pub fn log(&self, now: Timestamp) -> Result<Arc<SigningKey>, KeysError> {
        match &self.held().log {
            Some(log) => Ok(Arc::clone(&log.at(now).signer)),
            None => Err(KeysError::NoLog(told(&self.place))),
        }
    }

    /// What verifies receipts, whatever the time.
    pub fn receipt_verifier(&self) -> Arc<Verifier> {
        Arc::clone(&self.held().receipt_verifier)
    }

    /// What verifies links, whatever the time.
    pub fn link_verifier(&self) -> Arc<Verifier> {
        Arc::clone(&self.held().link_verifier)
    }

    /// What verifies the log's checkpoints, in the order of the file: also those of retired keys.
    pub fn log_verifiers(&self) -> Vec<VerifierKey> {
        self.held().log_verifiers.iter().map(|(_, key)| key.clone()).collect()
    }

    /// The same, each with the identifier of its key.
    pub(crate) fn named_log_verifiers(&self) -> Vec<(String, VerifierKey)> {
        self.held().log_verifiers.clone()
    }

    /// What is in the file, and what of it signs now. Nothing secret.
    pub fn list(&self, now: Timestamp) -> Vec<Listed> {
        self.held().list(now)
    }

    /// Reads the file again, if it has changed; whether it had. On an error everything stays.
    pub fn reload(&self, now: Timestamp) -> Result<bool, KeysError> {
        if matches!(self.place, KeysSettings::Env { .. }) {
            return Ok(false);
        }
        let text = text(&self.place)?;
        let before = self.held();
        if Digest::of(text.as_bytes()) == before.digest {
            return Ok(false);
        }
        let (_, held) = Held::parse(&self.place, &self.origin, &text, now)?;
        if held.pepper != before.pepper {
            return Err(KeysError::Pepper(told(&self.place)));
        }
        if held.log.is_none() && before.log.is_some() {
            return Err(KeysError::NoLog(told(&self.place)));
        }
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(held);
        Ok(true)
    }

    /// The same, and logs what came of it: each failure once, however often it comes again.
    pub fn refresh(&self, now: Timestamp) {
        let result = self.reload(now);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(changed) => {
                if changed || refused.is_some() {
                    tracing::info!(keys = told(&self.place), "keys read again");
                }
                *refused = None;
            }
            Err(error) => {
                let error = error.to_string();
                if refused.as_ref() != Some(&error) {
                    tracing::error!(%error, "keys not read again; those in use stay");
                    *refused = Some(error);
                }
            }
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.place).finish_non_exhaustive()
    }
}

/// The text that holds the keys.
fn text(place: &KeysSettings) -> Result<Zeroizing<String>, KeysError> {
    match place {
        KeysSettings::Env { text, .. } => Ok(text.clone()),
        KeysSettings::File(path) => {
            place::read(path)?.ok_or_else(|| KeysError::Missing(path.clone()))
        }
    }
}

/// Where the keys are, told for people.
fn told(place: &KeysSettings) -> String {
    match place {
        KeysSettings::Env { name, .. } => format!("env:{name}"),
        KeysSettings::File(path) => path.display().to_string(),
    }
}
