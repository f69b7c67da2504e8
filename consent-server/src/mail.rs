//! The mail that asks the owner of an address.

use std::collections::BTreeMap;
use std::path::PathBuf;

use consent_core::subject::EmailAddress;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{
    Address, AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
};
use serde::Deserialize;

use crate::settings::{MailSettings, Transport};

/// Why a mail was not handed over. Never names the address.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The folder cannot be made.
    #[error("mail folder {path}: {error}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system said.
        error: std::io::Error,
    },
    /// The address of the mail server is wrong.
    #[error("mail.transport: {0}")]
    Server(String),
    /// The mail cannot be composed.
    #[error("the mail cannot be composed")]
    Compose,
    /// The mail was not taken.
    #[error("the mail was not taken: {0}")]
    Send(&'static str),
}

/// What the owner of an address is asked.
#[derive(Debug)]
pub struct Question<'q> {
    /// The name of the service.
    pub name: &'q str,
    /// Who asks.
    pub controller: &'q str,
    /// The titles of the purposes.
    pub purposes: Vec<&'q str>,
    /// Where to answer.
    pub link: String,
    /// In which language to ask.
    pub language: &'q str,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    subject: String,
    body: String,
}

/// Sends mail, by a mail server or into a folder.
pub struct Mailer {
    from: Mailbox,
    route: Route,
    texts: BTreeMap<String, Text>,
}

enum Route {
    Folder(AsyncFileTransport<Tokio1Executor>),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

impl Mailer {
    /// A mailer by these settings. Makes the folder, if mail goes to one.
    pub fn new(settings: &MailSettings) -> Result<Self, MailError> {
        let route = match &settings.transport {
            Transport::Folder(path) => {
                std::fs::create_dir_all(path)
                    .map_err(|error| MailError::Folder { path: path.clone(), error })?;
                Route::Folder(AsyncFileTransport::new(path))
            }
            Transport::Smtp(url) => {
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                    .map_err(|error| MailError::Server(error.to_string()))?
                    .timeout(Some(std::time::Duration::from_secs(10)));
                Route::Smtp(transport.build())
            }
        };
        let texts = toml::from_str(include_str!("mail/texts.toml")).expect("the texts are tested");
        Ok(Self { from: settings.from.clone(), route, texts })
    }

    /// Asks the owner of an address to confirm.
    pub async fn ask(&self, to: &EmailAddress, question: &Question<'_>) -> Result<(), MailError> {
        let text = self.texts.get(question.language).or_else(|| self.texts.get("en"));
        let text = text.ok_or(MailError::Compose)?;
        let purposes: Vec<_> =
            question.purposes.iter().map(|title| format!("  - {title}")).collect();
        let fill = |template: &str| {
            template
                .replace("{name}", question.name)
                .replace("{controller}", question.controller)
                .replace("{purposes}", &purposes.join("\n"))
                .replace("{link}", &question.link)
        };
        let address: Address = to.as_str().parse().map_err(|_| MailError::Compose)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .subject(fill(&text.subject))
            // No robot should answer a question meant for a person (RFC 3834 §5).
            .raw_header(lettre::message::header::HeaderValue::new(
                lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ))
            .header(ContentType::TEXT_PLAIN)
            .body(fill(text.body.trim_start()))
            .map_err(|_| MailError::Compose)?;
        // The transports' own words may name the address, so they are not passed on.
        match &self.route {
            Route::Folder(folder) => folder
                .send(message)
                .await
                .map(drop)
                .map_err(|_| MailError::Send("the folder cannot be written")),
            Route::Smtp(server) => server.send(message).await.map(drop).map_err(|error| {
                MailError::Send(if error.is_permanent() {
                    "the mail server refused it"
                } else {
                    "the mail server cannot be reached or asks to try later"
                })
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_its_places() {
        let texts: BTreeMap<String, Text> =
            toml::from_str(include_str!("mail/texts.toml")).unwrap();
        assert!(texts.contains_key("en") && texts.contains_key("fr"));
        for (language, text) in texts {
            for place in ["{name}", "{purposes}", "{link}", "{controller}"] {
                assert!(text.body.contains(place), "{language}: {place}");
            }
            assert!(text.subject.contains("{name}"), "{language}");
        }
    }
}
