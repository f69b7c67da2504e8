//! Asking the owner of an address: what anybody typed becomes a mail, and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use consent_core::rules::{InvalidDecision, MAX_CHOICES};
use consent_core::subject::EmailAddress;
use consent_core::{Choice, Decision, Method, PurposeId, Record, Recorded, Timestamp};

use crate::app::{App, InvalidSubject, Site};
use crate::links::Link;
use crate::mail::{MailError, Question};
use crate::store::StoreError;

/// How long a link may grant: a week, in seconds.
const LINK_GRANTS: i64 = 7 * 24 * 3600;

/// Nobody's mailbox is filled by typing its address again and again.
const ASK_AGAIN_AFTER: Duration = Duration::from_mins(10);

/// Why the owner was not asked.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// Not `email:` and an address.
    #[error(transparent)]
    Subject(#[from] InvalidSubject),
    /// The purposes or the language do not fit the policy.
    #[error(transparent)]
    Decision(#[from] InvalidDecision),
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The mail cannot be sent.
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Sends the owner of an address the question whether those purposes are agreed to.
pub async fn subscribe(
    app: &App,
    site: &Site,
    subject: &str,
    purposes: &[PurposeId],
    language: &str,
) -> Result<(), SubscribeError> {
    let Some(("email", address)) = subject.split_once(':') else {
        return Err(InvalidSubject::NotEmail.into());
    };
    let address: EmailAddress = address.parse().map_err(InvalidSubject::Email)?;
    if purposes.len() > MAX_CHOICES {
        return Err(InvalidDecision::TooMany.into());
    }
    // What the owner would decide by confirming must be a decision that can stand.
    let choices = purposes.iter().map(|purpose| (purpose.clone(), Choice::Granted)).collect();
    let decision =
        Decision::new(&site.policy, site.policy.number, &choices, Method::DoubleOptIn, language)?;

    let now = app.ambient.now();
    let until = now.as_second() + LINK_GRANTS;
    let subject = site.region.keys.pepper.email(&site.id, &address);
    let record = Record {
        recorded: Recorded::Unconfirmed,
        restricted: false,
        policy: site.policy.number,
        at: now,
        until: Timestamp::from_second(until).unwrap_or(Timestamp::MAX),
    };
    let purposes: Vec<_> = decision.purposes().cloned().collect();
    let records: BTreeMap<_, _> =
        purposes.iter().map(|purpose| (purpose.clone(), record)).collect();
    let store = &site.region.store;
    if !store.mark_unconfirmed(&site.id, &subject, &records, ASK_AGAIN_AFTER).await? {
        return Ok(());
    }

    let link = Link {
        site: site.id.clone(),
        sub: subject.clone(),
        purposes,
        policy: site.policy.number,
        language: language.to_owned(),
        until,
    };
    let token = link.sign(&site.region.keys.links(now));
    let question = Question {
        name: &site.policy.name,
        controller: &site.policy.controller.name,
        purposes: decision
            .purposes()
            .filter_map(|id| site.policy.purpose(id)?.title.get(language).map(String::as_str))
            .collect(),
        link: format!("{}/v1/sites/{}/confirm?token={token}", app.public_url, site.id),
        language,
    };
    if let Err(error) = app.mailer.ask(&address, &question).await {
        store.not_asked(&site.id, &subject).await?;
        return Err(error.into());
    }
    Ok(())
}
