//! What a policy must hold before it can be published. Collects every fault, not only the first.

use std::collections::BTreeSet;

use super::{LegalBasis, Policy, Text};
use crate::document::Document;

/// The longest text in one language, in bytes.
const MAX_TEXT: usize = 4_000;
/// The longest name, in bytes.
const MAX_NAME: usize = 200;

pub(super) fn check(policy: &Policy, document: &mut Document<'_>) {
    let mut checker = Checker { languages: &policy.languages, document };
    checker.head(policy);
    checker.parties(policy);
    checker.activities(policy);
    checker.purposes(policy);
    checker.sub_processors(policy);
    checker.regions(policy);
}

struct Checker<'p, 'd, 't> {
    languages: &'p [String],
    document: &'d mut Document<'t>,
}

impl Checker<'_, '_, '_> {
    fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.document.fault(path, message);
    }

    fn head(&mut self, policy: &Policy) {
        if policy.number == 0 {
            self.fault("number", "policies are counted from 1");
        }
        self.name("name", &policy.name);
        if policy.languages.is_empty() {
            self.fault("languages", "at least one language is needed, for example [\"en\"]");
        }
        let mut seen = BTreeSet::new();
        for (i, language) in policy.languages.iter().enumerate() {
            let path = format!("languages[{i}]");
            if !is_language_tag(language) {
                self.fault(&path, "a language is a BCP 47 tag such as \"en\" or \"pt-BR\"");
            }
            if !seen.insert(language.to_ascii_lowercase()) {
                self.fault(path, format!("'{language}' is listed twice"));
            }
        }
        let months = policy.lifetime_months;
        if !(1..=13).contains(&months) {
            self.fault(
                "lifetime_months",
                format!("a choice is remembered from 1 to 13 months, not {months}"),
            );
        }
        if policy.rights.is_empty() {
            self.fault("rights", "the rights of GDPR Art. 15 to 21 must be listed");
        }
    }

    fn parties(&mut self, policy: &Policy) {
        self.name("controller.name", &policy.controller.name);
        self.country("controller.country", &policy.controller.country);
        self.email("controller.email", &policy.controller.email);
        self.text("officer.name", &policy.officer.name);
        self.email("officer.email", &policy.officer.email);
        self.name("authority.name", &policy.authority.name);
        self.name("authority.address", &policy.authority.address);
        if !policy.authority.url.starts_with("https://") {
            self.fault("authority.url", "must begin with https://");
        }
    }

    fn activities(&mut self, policy: &Policy) {
        if policy.activities.is_empty() {
            self.fault("activity", "at least one [[activity]] must say what is processed");
        }
        for (i, activity) in policy.activities.iter().enumerate() {
            self.text(&format!("activity[{i}].title"), &activity.title);
            self.text(&format!("activity[{i}].description"), &activity.description);
            if activity.data.is_empty() {
                self.fault(format!("activity[{i}].data"), "the categories of data must be named");
            }
            for (j, data) in activity.data.iter().enumerate() {
                self.text(&format!("activity[{i}].data[{j}]"), data);
            }
        }
    }

    fn purposes(&mut self, policy: &Policy) {
        if policy.purposes.is_empty() {
            self.fault("purpose", "at least one [[purpose]] must say what data are processed for");
        }
        if policy.purposes.len() > crate::decision::MAX_CHOICES {
            self.fault("purpose", format!("at most {} purposes", crate::decision::MAX_CHOICES));
        }
        let mut seen = BTreeSet::new();
        for (i, purpose) in policy.purposes.iter().enumerate() {
            let path = format!("purpose[{i}]");
            if !seen.insert(&purpose.id) {
                let message = format!(
                    "'{}' is defined twice; a purpose rests on exactly one legal basis",
                    purpose.id
                );
                self.fault(format!("{path}.id"), message);
            }
            self.text(&format!("{path}.title"), &purpose.title);
            self.text(&format!("{path}.description"), &purpose.description);
            self.text(&format!("{path}.retention"), &purpose.retention);
            for (j, name) in purpose.services.iter().enumerate() {
                self.name(&format!("{path}.services[{j}]"), name);
            }
            for (j, name) in purpose.recipients.iter().enumerate() {
                self.name(&format!("{path}.recipients[{j}]"), name);
            }
            for (j, cookie) in purpose.cookies.iter().enumerate() {
                let path = format!("{path}.cookie[{j}]");
                let name = cookie.name.strip_suffix('*').unwrap_or(&cookie.name);
                if !is_cookie_name(name) {
                    self.fault(
                        format!("{path}.name"),
                        "a cookie's name is made of letters, digits and !#$%&'+-.^_`|~ (RFC 6265), \
                         with at most one '*', at the end",
                    );
                }
                if name == "consent" {
                    self.fault(
                        format!("{path}.name"),
                        "'consent' is the cookie of the choice itself",
                    );
                }
                if purpose.basis == LegalBasis::Consent && cookie.days > 396 {
                    let message =
                        format!("a cookie lives 13 months (396 days) at most, not {}", cookie.days);
                    self.fault(format!("{path}.days"), message);
                }
            }
        }
    }

    fn sub_processors(&mut self, policy: &Policy) {
        for (i, processor) in policy.sub_processors.iter().enumerate() {
            let path = format!("sub_processor[{i}]");
            self.name(&format!("{path}.name"), &processor.name);
            self.country(&format!("{path}.country"), &processor.country);
            self.text(&format!("{path}.service"), &processor.service);
            for (j, id) in processor.purposes.iter().enumerate() {
                if policy.purpose(id).is_none() {
                    let known: Vec<_> = policy.purposes.iter().map(|p| p.id.as_str()).collect();
                    self.fault(
                        format!("{path}.purposes[{j}]"),
                        format!("there is no purpose '{id}'; there are {}", known.join(", ")),
                    );
                }
            }
        }
    }

    fn regions(&mut self, policy: &Policy) {
        if policy.regions.is_empty() {
            self.fault("region", "at least one [[region]] must say where data are kept");
        }
        let mut seen = BTreeSet::new();
        for (i, region) in policy.regions.iter().enumerate() {
            if !seen.insert(&region.id) {
                self.fault(format!("region[{i}].id"), format!("'{}' is defined twice", region.id));
            }
            self.text(&format!("region[{i}].title"), &region.title);
            self.text(&format!("region[{i}].transfers"), &region.transfers);
        }
    }

    fn text(&mut self, path: &str, text: &Text) {
        for language in self.languages {
            match text.get(language).map(|text| text.trim()) {
                None | Some("") => {
                    self.fault(
                        format!("{path}.{language}"),
                        format!("the text in '{language}' is missing"),
                    );
                }
                Some(text) if text.len() > MAX_TEXT => {
                    let message = format!("at most {MAX_TEXT} bytes, not {}", text.len());
                    self.fault(format!("{path}.{language}"), message);
                }
                Some(_) => {}
            }
        }
        for language in text.keys().filter(|language| !self.languages.contains(language)) {
            let known = self.languages.join(", ");
            let message = format!("'{language}' is none of the policy's languages ({known})");
            self.document.fault(format!("{path}.{language}"), message);
        }
    }

    fn name(&mut self, path: &str, name: &str) {
        if name.trim().is_empty() {
            self.fault(path, "must not be empty");
        } else if name.len() > MAX_NAME {
            self.fault(path, format!("at most {MAX_NAME} bytes, not {}", name.len()));
        }
    }

    fn country(&mut self, path: &str, country: &str) {
        if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
            self.fault(path, "a country is two capital letters (ISO 3166-1), for example \"FR\"");
        }
    }

    fn email(&mut self, path: &str, email: &str) {
        if let Err(error) = email.parse::<crate::subject::EmailAddress>() {
            self.fault(path, error.to_string());
        }
    }
}

/// The common shape of BCP 47: a language of 2 or 3 letters, then subtags.
fn is_language_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && parts.all(|part| {
            (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

fn is_cookie_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use crate::Policy;
    use crate::policy::EXAMPLE;

    /// Each edit of the example, and the fault that must come of it.
    #[test]
    fn each_broken_policy_names_its_field_and_line() {
        for (from, to, expected) in [
            ("number = 1", "number = 0", "line 1: number: policies are counted from 1"),
            ("number = 1", "number = 'x'", "line 1: number: invalid type"),
            ("number = 1", "colour = 1", "line 1: colour: unknown field `colour`"),
            ("[\"en\"]", "[]", "line 3: languages: at least one"),
            ("[\"en\"]", "[\"en\", \"fr\"]", "title.fr: the text in 'fr' is missing"),
            ("[\"en\"]", "[\"english\"]", "line 3: languages[0]: a language is a BCP 47 tag"),
            ("months = 6", "months = 14", "line 4: lifetime_months: a choice is remembered from 1"),
            (
                "country = \"FR\"",
                "country = \"France\"",
                "line 9: controller.country: a country is two",
            ),
            ("dpo@example.org", "dpo", "line 14: officer.email: an e-mail address is written"),
            ("https://www", "www", "line 19: authority.url: must begin with https://"),
            ("retention.en = \"13 months.\"", "", "missing field `retention`"),
            (
                "basis = \"consent\"",
                "basis = [\"consent\", \"contract\"]",
                "line 36: purpose[1].basis: ",
            ),
            (
                "basis = \"consent\"",
                "basis = \"vital\"",
                "line 36: purpose[1].basis: unknown variant `vital`, expected one of `consent`",
            ),
            (
                "id = \"analytics\"",
                "id = \"service\"",
                "line 35: purpose[1].id: 'service' is defined twice",
            ),
            (
                "id = \"analytics\"",
                "id = \"Any thing\"",
                "line 35: purpose[1].id: a purpose must be",
            ),
            ("days = 390", "days = 400", "cookie[0].days: a cookie lives 13 months"),
            ("_measure", "a=b", "cookie[0].name: a cookie's name"),
            (
                "retention.en = \"13",
                "retention.de = \"13",
                "retention.en: the text in 'en' is missing",
            ),
            ("id = \"eu\"", "id = \"eu\"\ncountry = 1", "unknown field `country`"),
        ] {
            assert!(EXAMPLE.contains(from), "{from}");
            let Err(faults) = Policy::from_toml(&EXAMPLE.replacen(from, to, 1)) else {
                panic!("accepted: {to}")
            };
            let message = faults.to_string();
            assert!(message.contains(expected), "{to}: {message}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let broken = EXAMPLE.replace("months = 6", "months = 0").replace("\"FR\"", "\"\"");
        assert_eq!(Policy::from_toml(&broken).unwrap_err().as_slice().len(), 2);
    }

    #[test]
    fn the_digest_is_frozen() {
        let policy = Policy::from_toml(EXAMPLE).unwrap();
        // Order and spacing in the file do not matter; any change of content does.
        let moved =
            EXAMPLE.replace("number = 1\nname = \"Example\"", "name   = 'Example'\nnumber = 1");
        assert_eq!(Policy::from_toml(&moved).unwrap().digest(), policy.digest());
        let edited = EXAMPLE.replace("13 months.", "12 months.");
        assert_ne!(Policy::from_toml(&edited).unwrap().digest(), policy.digest());
        assert_eq!(policy.digest().to_string(), FROZEN);
    }

    /// Published receipts refer to policies by digest, so this must never change.
    const FROZEN: &str = "cff7f708e6418cfdbb0447b7020bb184b0c55b39911ae14ff474285224a4e252";

    #[test]
    fn languages_are_negotiated() {
        let policy = Policy::from_toml(EXAMPLE).unwrap();
        assert_eq!(policy.negotiate(["fr", "en-GB"]), "en");
        assert_eq!(policy.negotiate([]), "en");
    }

    #[test]
    fn lifetimes_are_calendar_months() {
        let at = "2026-01-31T12:00:00Z".parse().unwrap();
        assert_eq!(crate::policy::months_after(at, 1).to_string(), "2026-02-28T12:00:00Z");
        assert_eq!(crate::policy::months_after(jiff::Timestamp::MAX, 6), jiff::Timestamp::MAX);
    }
}
