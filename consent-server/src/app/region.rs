//! A region: its store, its secrets, and whom a text names in it.

use consent_core::policy::PolicyHistory;
use consent_core::{Pepper, Policy, RegionId, SiteId, Subject, Timestamp};

use super::StartError;
use crate::ambient::Ambient;
use crate::keys::Keys;
use crate::log::Witnesses;
use crate::service::ClockCheck;
use crate::settings::RegionSettings;
use crate::store::{self, Owner, SharedStore, StoreError};
use crate::tokens::Tokens;

/// One region: what is kept here is nowhere else.
pub struct Region {
    /// Its name.
    pub id: RegionId,
    /// Its records.
    pub store: SharedStore,
    /// Its secrets.
    pub keys: Keys,
    /// The tokens that were asked for lately.
    pub tokens: Tokens,
    /// Who hears of its log's checkpoints.
    pub witnesses: Witnesses,
    /// Whether the clock may decide what is erased.
    pub clock: ClockCheck,
}

impl Region {
    /// Opens a region; makes store and secrets first if they do not exist and `create` says so.
    pub async fn open(
        settings: &RegionSettings,
        create: bool,
        ambient: &dyn Ambient,
    ) -> Result<Self, StartError> {
        let keys = Keys::open(settings, create, ambient)?;
        let store = store::open(&settings.store, create).await?;
        if create {
            let owner = Owner {
                region: settings.id.clone(),
                origin: settings.log.origin.clone(),
                secrets: fingerprint(&keys.pepper),
            };
            store.belong(&owner, ambient.now()).await?;
            store.prepare(ambient.now()).await?;
        }
        let clock = ClockCheck::new(&*store, ambient).await?;
        let witnesses = Witnesses {
            addresses: settings.log.witnesses.clone(),
            file: settings.log.checkpoints.clone(),
        };
        let tokens = Tokens::default();
        Ok(Self { id: settings.id.clone(), store, keys, tokens, witnesses, clock })
    }

    /// How many leaves its log has, and since when the oldest commitment waits; nothing if its store
    /// cannot be read.
    pub async fn measure(&self) -> Option<(u64, Option<Timestamp>)> {
        let head = self.store.head().await.ok()?;
        let oldest = self.store.pending(1).await.ok()?.first().and_then(|leaf| {
            let (second, _) = leaf.id.get_timestamp()?.to_unix();
            Timestamp::from_second(i64::try_from(second).ok()?).ok()
        });
        Some((head.size, oldest))
    }

    /// The policies published for a site, up to `current`. One that cannot be read any more ends
    /// the list: what was decided before it is asked again.
    pub async fn policies(
        &self,
        site: &SiteId,
        current: &Policy,
    ) -> Result<PolicyHistory, StoreError> {
        let mut policies = vec![current.clone()];
        for (_, document) in self.store.policies(site).await?.iter().rev() {
            let Ok(policy) = Policy::from_canonical_json(document) else {
                tracing::warn!(%site, "an earlier policy cannot be read; its choices are asked again");
                break;
            };
            if policy.number < current.number {
                policies.insert(0, policy);
            }
        }
        PolicyHistory::new(policies).ok_or(StoreError::Corrupt("policy"))
    }

    /// The subject that a text names: `email:` and an address, `phone:` and a number in
    /// international form, or `browser:` and its key.
    pub fn subject(&self, site: &SiteId, text: &str) -> Result<Subject, InvalidSubject> {
        match text.split_once(':') {
            Some(("email", address)) => Ok(self.keys.pepper.email(site, &address.parse()?)),
            Some(("phone", number)) => Ok(self.keys.pepper.phone(site, &number.parse()?)),
            Some(("browser", _)) => text.parse().map_err(|_| InvalidSubject::Key),
            _ => Err(InvalidSubject::Kind),
        }
    }
}

/// What tells a pepper from others: what it makes of an address that nobody has.
fn fingerprint(pepper: &Pepper) -> String {
    let site: SiteId = "fingerprint".parse().expect("a name");
    let address = "pepper@fingerprint.invalid".parse().expect("an address");
    pepper.email(&site, &address).to_string()
}

/// Why a text names no subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// Neither an address, nor a number, nor a browser's key.
    #[error(
        "subject: must be 'email:' and an address, 'phone:' and a number, or 'browser:' and its key"
    )]
    Kind,
    /// Not an e-mail address.
    #[error("subject: {0}")]
    Email(#[from] consent_core::subject::InvalidEmail),
    /// Only the owner of an address can be asked by mail.
    #[error("subject: must be 'email:' and an address")]
    NotEmail,
    /// Not a telephone number.
    #[error("subject: {0}")]
    Phone(#[from] consent_core::subject::InvalidPhone),
    /// Not a browser's key.
    #[error("subject: a browser's key is 22 characters of base64url")]
    Key,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::System;
    use crate::settings::{KeysSettings, LogSettings};

    #[tokio::test]
    async fn a_person_is_one_subject_however_named() {
        let folder = tempfile::tempdir().unwrap();
        let settings = RegionSettings {
            id: "eu".parse().unwrap(),
            store: crate::settings::StoreSettings::Sqlite(folder.path().join("eu.db")),
            keys: KeysSettings::File(folder.path().join("eu.keys")),
            log: LogSettings { origin: "eu".into(), witnesses: Vec::new(), checkpoints: None },
        };
        let region = Region::open(&settings, true, &System).await.unwrap();
        let site = "example".parse().unwrap();
        let subject = |text: &str| region.subject(&site, text);

        let phone = subject("phone:+33612345678").unwrap();
        assert!(phone.to_string().starts_with("phone:") && !phone.is_browser());
        assert_eq!(subject("phone:+33 (0)6 12 34 56 78"), Ok(phone));
        assert_eq!(subject("email:A@example.org"), subject("email:a@example.org"));
        let browser = "browser:BwcHBwcHBwcHBwcHBwcHBw";
        assert_eq!(subject(browser).unwrap().to_string(), browser);

        for (text, told) in [
            ("fax:+33612345678", "must be 'email:'"),
            ("phone:0612345678", "starts with '+'"),
            ("phone:+336", "no country has"),
            ("email:+33612345678", "name@domain"),
            ("browser:AAAA", "a browser's key"),
        ] {
            let error = subject(text).unwrap_err().to_string();
            assert!(error.starts_with("subject: ") && error.contains(told), "{error}");
        }
    }
}
