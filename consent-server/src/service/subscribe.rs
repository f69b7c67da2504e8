//! Asking the owner of an address: what anybody typed becomes a mail, and nothing else.

use std::time::Duration;

use consent_core::rules::{InvalidDecision, MAX_CHOICES};
use consent_core::subject::EmailAddress;
use consent_core::{Choice, Decision, Method, PurposeId, Record, Recorded, Subject, Timestamp};

use crate::app::{App, InvalidSubject, Site};
use crate::links::Link;
use crate::mail::{MailError, Question};
use crate::store::{History, StoreError, whole_seconds};

/// How long a link may grant: a week, in seconds.
const LINK_GRANTS: i64 = 7 * 24 * 3600;

/// Nobody's mailbox is filled by typing its address again and again.
const ASK_AGAIN_AFTER: Duration = Duration::from_mins(10);

/// How often a writer that lost a race tries again before it gives up.
const TRIES: usize = 16;

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
        at: whole_seconds(now),
        until: Timestamp::from_second(until).unwrap_or(Timestamp::MAX),
    };
    let purposes: Vec<_> = decision.purposes().cloned().collect();
    match change(site, &subject, |known| typed(known, &purposes, record)).await {
        Ok(true) => {}
        Ok(false) => return Ok(()),
        Err(error) => {
            // It may be stored all the same, and nobody was asked.
            let _ = ask_again(site, &subject).await;
            return Err(error.into());
        }
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
        ask_again(site, &subject).await?;
        return Err(error.into());
    }
    Ok(())
}

/// So that the next typing asks at once.
async fn ask_again(site: &Site, subject: &Subject) -> Result<(), StoreError> {
    let forget = |known: &mut History| !std::mem::take(&mut known.asked).is_empty();
    change(site, subject, forget).await.map(|_| ())
}

/// Changes what is known about a subject, unless `how` says that nothing is to be changed; what it
/// said.
async fn change(
    site: &Site,
    subject: &Subject,
    how: impl Fn(&mut History) -> bool,
) -> Result<bool, StoreError> {
    for _ in 0..TRIES {
        let mut known = site.region.store.history(&site.id, subject).await?;
        if !how(&mut known) {
            return Ok(false);
        }
        match site.region.store.save(&site.id, subject, &known).await {
            Ok(()) => return Ok(true),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Conflict)
}

/// What follows from typing an address: it takes the place of nothing but an earlier typing, which
/// is no decision. Whether its owner is to be asked: not if that was done a moment ago for each of
/// these purposes.
fn typed(known: &mut History, purposes: &[PurposeId], record: Record) -> bool {
    let mut ask = false;
    for purpose in purposes {
        let asked = known.asked.get(purpose);
        if asked.is_some_and(|asked| record.at.duration_since(*asked) < wait()) {
            continue;
        }
        ask = true;
        known.asked.insert(purpose.clone(), record.at);
        let held = known.records.entry(purpose.clone()).or_insert(record);
        if matches!(held.recorded, Recorded::Open | Recorded::Unconfirmed) {
            *held = Record { restricted: held.restricted, ..record };
        }
    }
    ask
}

fn wait() -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(ASK_AGAIN_AFTER).unwrap_or(jiff::SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn record(recorded: Recorded, second: i64) -> Record {
        Record { recorded, restricted: false, policy: 1, at: at(second), until: at(second + 100) }
    }

    #[test]
    fn typing_an_address_never_replaces_a_decision() {
        let purpose: PurposeId = "communications".parse().unwrap();
        let purposes = std::slice::from_ref(&purpose);
        for recorded in Recorded::ALL {
            for restricted in [false, true] {
                let before = Record { restricted, ..record(recorded, 10) };
                let mut known =
                    History { records: [(purpose.clone(), before)].into(), ..History::default() };
                let typing = record(Recorded::Unconfirmed, 20);
                assert!(typed(&mut known, purposes, typing));
                let open = matches!(recorded, Recorded::Open | Recorded::Unconfirmed);
                let expected = if open { Record { restricted, ..typing } } else { before };
                assert_eq!(known.records[&purpose], expected);
                // Its owner was asked all the same, so not again a moment later.
                assert!(!typed(&mut known, purposes, record(Recorded::Unconfirmed, 21)));
                assert_eq!(known.records[&purpose], expected);
            }
        }
    }

    #[test]
    fn the_owner_is_asked_again_after_a_while_and_for_a_further_purpose() {
        let (news, usage) = ("communications".parse().unwrap(), "analytics".parse().unwrap());
        let (mut known, both) = (History::default(), [news, usage]);
        for (second, purposes, asks) in [
            (0, &both[..1], true),
            (599, &both[..1], false),
            (600, &both[..1], true),
            (601, &both[..], true),
            (602, &both[..], false),
        ] {
            let typing = record(Recorded::Unconfirmed, second);
            assert_eq!(typed(&mut known, purposes, typing), asks, "{second}");
        }
        assert_eq!(known.records[&both[0]].at, at(600), "not asked about at 601");
    }
}
