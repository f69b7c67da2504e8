//! The notice: everything that a visitor is shown before deciding, in one language.
//!
//! It is made from a policy where the server is (feature `server`), with every placeholder filled
//! in, so that its digest covers the exact words shown and the browser only lays them out.

pub use consent_core::policy::{Authority, Controller};
use consent_core::{LegalBasis, Signal};
use serde::{Deserialize, Serialize};

use crate::labels::Labels;

/// What is shown to a visitor, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The policy that it says in words.
    pub policy: PolicyName,
    /// The language of every text, as a BCP 47 tag.
    pub language: String,
    /// The direction of its writing.
    pub direction: Direction,
    /// The name of the site.
    pub name: String,
    /// How many months a choice is remembered.
    pub lifetime_months: u8,
    /// The same, in words.
    pub lifetime: String,
    /// The languages that the policy can be read in, the default first.
    pub languages: Vec<Language>,
    /// The browsers' signals that count as a refusal.
    pub signals: Vec<Signal>,
    /// What has changed since the policy under which the visitor chose, one sentence each. Empty
    /// where nobody asked for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<String>,
    /// Who decides why and how data are processed; its country by name, in the notice's language.
    pub controller: Controller,
    /// The data protection officer.
    pub officer: Officer,
    /// Where to lodge a complaint.
    pub authority: Authority,
    /// What data are processed for, in the order of the policy.
    pub purposes: Vec<Purpose>,
    /// The rights that can be exercised.
    pub rights: Vec<String>,
    /// The texts of banner and panel, with names filled in.
    pub labels: Labels,
}

/// Which policy, by number and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyName {
    /// Its number.
    pub number: u32,
    /// The SHA-256 of its canonical JSON, in hexadecimal.
    pub digest: String,
}

/// A language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    /// Its BCP 47 tag.
    pub tag: String,
    /// What it calls itself.
    pub name: String,
}

/// The direction of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Left to right.
    Ltr,
    /// Right to left.
    Rtl,
}

impl Direction {
    /// The value of the attribute `dir`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }
}

/// The data protection officer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// Who reads what is sent.
    pub name: String,
    /// The address.
    pub email: String,
}

/// What data are processed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// Its identifier.
    pub id: String,
    /// On what it rests.
    pub basis: LegalBasis,
    /// A short title.
    pub title: String,
    /// A plain description.
    pub description: String,
    /// The categories of data that it uses.
    pub data: Vec<String>,
    /// The interest pursued, where it rests on one (GDPR Art. 13(1)(d)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interest: Option<String>,
    /// Whether the data have to be given, where a contract or a law asks for them (GDPR Art.
    /// 13(2)(e)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub necessity: Option<String>,
    /// The services that serve it.
    pub services: Vec<String>,
    /// Who receives the data.
    pub recipients: Vec<Recipient>,
    /// What it writes in the browser.
    pub cookies: Vec<Cookie>,
    /// How long data are kept.
    pub retention: String,
}

/// Who receives data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Its name.
    pub name: String,
    /// What it does, if it works on the controller's behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Its country, in the notice's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// A cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cookie {
    /// Its name; a trailing `*` stands for any ending.
    pub name: String,
    /// How many days it lives.
    pub days: u16,
    /// The same, in words.
    pub lifetime: String,
}

impl Notice {
    /// The purposes that are asked for.
    pub fn asked(&self) -> impl Iterator<Item = &Purpose> {
        self.purposes.iter().filter(|purpose| purpose.basis == LegalBasis::Consent)
    }

    /// The purposes that rest on something else.
    pub fn given(&self) -> impl Iterator<Item = &Purpose> {
        self.purposes.iter().filter(|purpose| purpose.basis != LegalBasis::Consent)
    }
}

#[cfg(feature = "server")]
mod make {
    use consent_core::{Digest, Policy, policy};

    use super::{
        Controller, Cookie, Direction, Language, Notice, Officer, PolicyName, Purpose, Recipient,
    };
    use crate::labels::File;

    impl Notice {
        /// What `policy` says in `language`, which should be one of the policy's own; in another,
        /// its texts fall back to the policy's default and the widget's to English.
        ///
        /// ```
        /// use consent_core::{Policy, policy::EXAMPLE};
        /// use consent_widget::Notice;
        /// let notice = Notice::new(&Policy::from_toml(EXAMPLE)?, "en");
        /// assert_eq!(notice.labels.banner_title, "Your choices on Example");
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        pub fn new(policy: &Policy, language: &str) -> Self {
            let file = File::or_english(language);
            let say = |text: &policy::Text| {
                let fallback = policy.languages.first().and_then(|first| text.get(first));
                text.get(language).or(fallback).cloned().unwrap_or_default()
            };
            let country = |code: &str| file.country.get(code).map_or(code, |name| name).to_owned();
            let mut notice = Self {
                policy: PolicyName { number: policy.number, digest: policy.digest().to_string() },
                language: language.to_owned(),
                direction: Direction::of(language),
                name: policy.name.clone(),
                lifetime_months: policy.lifetime_months,
                lifetime: file.words.months.say(policy.lifetime_months.into(), language),
                languages: policy.languages.iter().map(|tag| Language::named(tag)).collect(),
                signals: policy.signals.clone(),
                changes: Vec::new(),
                controller: Controller {
                    country: country(&policy.controller.country),
                    ..policy.controller.clone()
                },
                officer: Officer {
                    name: say(&policy.officer.name),
                    email: policy.officer.email.clone(),
                },
                authority: policy.authority.clone(),
                purposes: Vec::new(),
                rights: policy
                    .rights
                    .iter()
                    .map(|right| file.right[right.as_str()].clone())
                    .collect(),
                labels: file.notice.clone(),
            };
            notice.labels = notice.labels.map(|text| notice.fill(text));
            notice.purposes = policy
                .purposes
                .iter()
                .map(|purpose| Purpose {
                    id: purpose.id.to_string(),
                    basis: purpose.basis,
                    title: say(&purpose.title),
                    description: say(&purpose.description),
                    data: purpose
                        .data
                        .iter()
                        .filter_map(|id| policy.data(id))
                        .map(|data| say(&data.title))
                        .collect(),
                    interest: purpose.interest.as_ref().map(say),
                    necessity: purpose.necessity.as_ref().map(say),
                    services: purpose.services.clone(),
                    recipients: recipients(policy, purpose, &say, &country),
                    cookies: purpose
                        .cookies
                        .iter()
                        .map(|cookie| file.cookie(cookie, language))
                        .collect(),
                    retention: say(&purpose.retention),
                })
                .collect();
            notice
        }

        /// Replaces the names in braces in one of the widget's texts.
        pub(crate) fn fill(&self, text: &str) -> String {
            text.replace("{officer}", &self.officer.email)
                .replace("{lifetime}", &self.lifetime)
                .replace("{controller}", &self.controller.name)
                .replace("{name}", &self.name)
        }

        /// The canonical JSON (RFC 8785), which the digest covers.
        pub fn canonical_json(&self) -> Vec<u8> {
            serde_json_canonicalizer::to_vec(self)
                .expect("a notice is made of texts and whole numbers, which always serialise")
        }

        /// What identifies the exact words shown.
        pub fn digest(&self) -> Digest {
            Digest::of(&self.canonical_json())
        }
    }

    /// Those whom the purpose names, and those who work for it on the controller's behalf.
    fn recipients(
        policy: &Policy,
        purpose: &policy::Purpose,
        say: &impl Fn(&policy::Text) -> String,
        country: &impl Fn(&str) -> String,
    ) -> Vec<Recipient> {
        let working: Vec<_> = policy
            .sub_processors
            .iter()
            .filter(|sub| sub.purposes.contains(&purpose.id))
            .map(|sub| Recipient {
                name: sub.name.clone(),
                service: Some(say(&sub.service)),
                country: Some(country(&sub.country)),
            })
            .collect();
        purpose
            .recipients
            .iter()
            .filter(|name| working.iter().all(|sub| sub.name != **name))
            .map(|name| Recipient { name: name.clone(), service: None, country: None })
            .chain(working.iter().cloned())
            .collect()
    }

    impl File {
        fn cookie(&self, cookie: &policy::Cookie, language: &str) -> Cookie {
            let lifetime = self.words.days.say(cookie.days, language);
            Cookie { name: cookie.name.clone(), days: cookie.days, lifetime }
        }
    }

    impl Language {
        /// The language of that tag, by its own name; by its tag if the widget does not speak it.
        fn named(tag: &str) -> Self {
            let name =
                File::of(tag).map_or_else(|| tag.to_owned(), |file| file.words.language.clone());
            Self { tag: tag.to_owned(), name }
        }
    }

    impl Direction {
        /// The direction in which a language is usually written.
        pub fn of(language: &str) -> Self {
            match language.split('-').next().unwrap_or(language) {
                "ar" | "ckb" | "dv" | "fa" | "he" | "ps" | "sd" | "ug" | "ur" | "yi" => Self::Rtl,
                _ => Self::Ltr,
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn example() -> Policy {
            let toml = policy::EXAMPLE.replace(
                "services = [\"Measure\"]",
                "services = [\"Measure\"]\nrecipients = [\"Auditor\", \"Host\"]",
            );
            let sub = "\n[[sub_processor]]\nname = \"Host\"\nservice.en = \"Hosting\"\n\
                       country = \"DE\"\npurposes = [\"analytics\"]\n";
            Policy::from_toml(&(toml + sub)).unwrap()
        }

        #[test]
        fn a_notice_says_what_the_policy_says() {
            let notice = Notice::new(&example(), "en");
            assert_eq!(notice.controller.country, "France");
            assert_eq!(notice.asked().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["analytics"]);
            let analytics = notice.asked().next().unwrap();
            let host = Recipient {
                name: "Host".into(),
                service: Some("Hosting".into()),
                country: Some("Germany".into()),
            };
            let auditor = Recipient { name: "Auditor".into(), service: None, country: None };
            assert_eq!(analytics.recipients, [auditor, host], "named once, with what is known");
            assert_eq!(analytics.cookies[0].lifetime, "390 days");
            let json = serde_json_canonicalizer::to_string(&notice).unwrap();
            assert!(!json.contains('{') || !json.contains("{officer}"), "placeholders are filled");
            for name in ["{name}", "{controller}", "{officer}", "{months}", "{count}"] {
                assert!(!json.contains(name), "{name} is filled in");
            }
        }

        #[test]
        fn the_shape_is_frozen() {
            let notice = Notice::new(&Policy::from_toml(policy::EXAMPLE).unwrap(), "en");
            let json = serde_json_canonicalizer::to_string(&notice).unwrap();
            let (before_labels, rest) = json.split_once("\"labels\":{").unwrap();
            let (_, after_labels) = rest.split_once("},\"language\"").unwrap();
            assert_eq!(
                before_labels,
                "{\"authority\":{\"address\":\"3 Place de Fontenoy, TSA 80715, 75334 Paris Cedex \
                 07\",\"name\":\"CNIL\",\"url\":\"https://www.cnil.fr\"},\"controller\":{\
                 \"country\":\"France\",\"email\":\"contact@example.org\",\"name\":\"Example SAS\"},\
                 \"direction\":\"ltr\",",
            );
            assert_eq!(
                after_labels,
                ":\"en\",\"languages\":[{\"name\":\"English\",\"tag\":\"en\"}],\"lifetime\":\
                 \"6 months\",\"lifetime_months\":6,\"name\":\"Example\",\"officer\":{\"email\
                 \":\"dpo@example.org\",\"name\":\"Data protection officer\"},\"policy\":{\"d\
                 igest\":\"DIGEST\",\"number\":1},\"purposes\":[{\"basis\":\"contract\",\"coo\
                 kies\":[],\"data\":[\"name and e-mail address\"],\"description\":\"Running w\
                 hat you ordered.\",\"id\":\"service\",\"necessity\":\"Without them there can \
                 be no account.\",\"recipients\":[],\"retention\":\"As long as you are a cust\
                 omer.\",\"services\":[],\"title\":\"The service\"},{\"basis\":\"consent\",\"\
                 cookies\":[{\"days\":390,\"lifetime\":\"390 days\",\"name\":\"_measure\"}],\
                 \"data\":[\"data on how the site is used\"],\"description\":\"Which pages ar\
                 e read, so that we can improve them.\",\"id\":\"analytics\",\"recipients\":[\
                 ],\"retention\":\"13 months.\",\"services\":[\"Measure\"],\"title\":\"Audien\
                 ce measurement\"}],\"rights\":[\"Access to your data\",\"Rectification\",\"E\
                 rasure\",\"Restriction of processing\",\"Portability\",\"Objection\"],\"sign\
                 als\":[\"gpc\"]}"
                    .replace("DIGEST", &notice.policy.digest),
            );
        }

        #[test]
        fn one_changed_word_is_another_digest() {
            let notice = Notice::new(&example(), "en");
            assert_eq!(notice.digest(), Notice::new(&example(), "en").digest());
            let mut other = notice.clone();
            other.labels.banner_consequence.push('!');
            assert_ne!(other.digest(), notice.digest());
            assert_ne!(Notice::new(&example(), "fr").digest(), notice.digest());
        }

        #[test]
        fn a_language_without_labels_falls_back() {
            let notice = Notice::new(&example(), "fa");
            assert_eq!(
                (notice.direction, notice.labels.choose.as_str()),
                (Direction::Rtl, "Choose")
            );
        }
    }
}
