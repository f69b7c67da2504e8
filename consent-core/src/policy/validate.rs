//! What a policy must hold before it can be published. Collects every fault, not only the first.
//!
//! Lists are bounded before they are looked into, so the work grows with the length of the file
//! and not with its square.

mod mappings;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::parties::EEA;
use super::{Activity, LegalBasis, Policy, Purpose, Role, SubProcessor};
use crate::document::Document;
use crate::rules::MAX_CHOICES;
use crate::{DataId, PurposeId};
use values::{is_cookie_name, is_language_tag};

/// The longest text in one language, in bytes.
pub(super) const MAX_TEXT: usize = 4_000;
/// The longest name, in bytes.
pub(super) const MAX_NAME: usize = 200;
/// The most languages; the European Union has 24.
pub(super) const MAX_LANGUAGES: usize = 64;
/// The most entries of any other list.
pub(super) const MAX_LIST: usize = 256;
/// What a cookie for a consent purpose may live: 13 months, in days (CNIL 2020-091).
pub(super) const MAX_COOKIE_DAYS: u16 = 396;

pub(super) fn check(policy: &Policy, document: &mut Document<'_>) {
    let languages = match &policy.languages[..] {
        tags if tags.len() <= MAX_LANGUAGES && tags.iter().all(|tag| is_language_tag(tag)) => tags,
        _ => &[],
    };
    let mut checker = Checker {
        policy,
        document,
        languages,
        data: policy.data.iter().map(|data| &data.id).collect(),
        processed: policy.activities.iter().flat_map(|activity| &activity.data).collect(),
        purposes: policy.purposes.iter().map(|purpose| &purpose.id).collect(),
    };
    checker.head();
    checker.parties();
    checker.deadlines();
    checker.data();
    checker.activities();
    checker.purposes();
    checker.sub_processors();
    checker.regions();
    checker.mappings();
}

struct Checker<'p, 'd, 't> {
    policy: &'p Policy,
    document: &'d mut Document<'t>,
    /// The languages of every text; none if the list is wrong, and no text can be held against it.
    languages: &'p [String],
    /// The categories of data that there are.
    data: BTreeSet<&'p DataId>,
    /// Those that some activity processes.
    processed: BTreeSet<&'p DataId>,
    /// The purposes that there are.
    purposes: BTreeSet<&'p PurposeId>,
}

impl Checker<'_, '_, '_> {
    fn fault(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.document.fault(path, message);
    }

    fn head(&mut self) {
        let policy = self.policy;
        if policy.number == 0 {
            self.fault("number", "policies are counted from 1");
        }
        self.name("name", &policy.name);
        if policy.languages.is_empty() {
            self.fault("languages", "at least one language is needed, for example [\"en\"]");
        }
        if self.bounded("languages", policy.languages.len(), MAX_LANGUAGES) {
            let mut seen = BTreeSet::new();
            for (i, language) in policy.languages.iter().enumerate() {
                let path = format!("languages[{i}]");
                if !is_language_tag(language) {
                    self.fault(&path, "a language is a BCP 47 tag such as \"en\" or \"pt-BR\"");
                }
                if !seen.insert(language.to_ascii_lowercase()) {
                    self.fault(path, format!("'{language}' is listed twice; keep one"));
                }
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
        for (i, right) in policy.rights.iter().enumerate().take(MAX_LIST) {
            if policy.rights[..i].contains(right) {
                let message = format!("'{}' is listed twice; keep one", right.as_str());
                self.fault(format!("rights[{i}]"), message);
            }
        }
        for (i, signal) in policy.signals.iter().enumerate().take(MAX_LIST) {
            if policy.signals[..i].contains(signal) {
                let message = format!("'{}' is listed twice; keep one", signal.as_str());
                self.fault(format!("signals[{i}]"), message);
            }
        }
    }

    fn parties(&mut self) {
        let policy = self.policy;
        self.name("controller.name", &policy.controller.name);
        self.country("controller.country", &policy.controller.country);
        self.email("controller.email", &policy.controller.email);
        if let Some(address) = &policy.controller.address {
            self.name("controller.address", address);
        }
        self.text("officer.name", &policy.officer.name);
        self.email("officer.email", &policy.officer.email);
        self.name("authority.name", &policy.authority.name);
        self.name("authority.address", &policy.authority.address);
        self.name("authority.url", &policy.authority.url);
        if !policy.authority.url.starts_with("https://") {
            self.fault("authority.url", "must begin with https://");
        }
    }

    fn deadlines(&mut self) {
        let deadlines = self.policy.deadlines;
        for (field, value, most, law) in [
            ("answer_months", deadlines.answer_months, 1, "Art. 12(3)"),
            ("extension_months", deadlines.extension_months, 2, "Art. 12(3)"),
            ("breach_hours", deadlines.breach_hours, 72, "Art. 33(1)"),
        ] {
            if value > most || value == 0 && field != "extension_months" {
                let message = format!("GDPR {law} allows {most} at most, not {value}");
                self.fault(format!("deadlines.{field}"), message);
            }
        }
        for (i, measure) in self.policy.security.iter().enumerate().take(MAX_LIST) {
            self.text(&format!("security[{i}]"), measure);
        }
        self.bounded("security", self.policy.security.len(), MAX_LIST);
        if let Some(text) = &self.policy.automated_decisions {
            self.text("automated_decisions", text);
        }
    }

    fn data(&mut self) {
        let policy = self.policy;
        if policy.data.is_empty() {
            self.fault("data", "at least one [[data]] must name a category of personal data");
        }
        if self.bounded("data", policy.data.len(), MAX_LIST) {
            self.ids("data", policy.data.iter().map(|data| data.id.as_str()));
            for (i, data) in policy.data.iter().enumerate() {
                self.text(&format!("data[{i}].title"), &data.title);
                if !self.processed.contains(&data.id) {
                    let message = format!(
                        "no [[activity]] processes '{}'; list it there or remove it here",
                        data.id
                    );
                    self.fault(format!("data[{i}].id"), message);
                }
            }
        }
    }

    fn activities(&mut self) {
        let policy = self.policy;
        if policy.activities.is_empty() {
            self.fault("activity", "at least one [[activity]] must say what is processed");
        }
        if self.bounded("activity", policy.activities.len(), MAX_LIST) {
            self.ids("activity", policy.activities.iter().map(|activity| activity.id.as_str()));
            for (i, activity) in policy.activities.iter().enumerate() {
                self.activity(&format!("activity[{i}]"), activity);
            }
        }
        let on_behalf = policy.activities.iter().any(|a| a.role == Role::Processor);
        match &policy.sub_processor_changes {
            Some(text) => self.text("sub_processor_changes", text),
            None if on_behalf && !policy.sub_processors.is_empty() => self.fault(
                "sub_processor_changes",
                "customers must hear of a new sub-processor before it takes effect (GDPR Art. \
                 28(2)); say how, in each language",
            ),
            None => {}
        }
    }

    fn activity(&mut self, path: &str, activity: &Activity) {
        self.text(&format!("{path}.title"), &activity.title);
        self.text(&format!("{path}.description"), &activity.description);
        self.categories(path, &activity.data);
    }

    fn purposes(&mut self) {
        let policy = self.policy;
        if policy.purposes.is_empty() {
            self.fault("purpose", "at least one [[purpose]] must say what data are processed for");
        }
        if self.bounded("purpose", policy.purposes.len(), MAX_CHOICES) {
            self.ids("purpose", policy.purposes.iter().map(|purpose| purpose.id.as_str()));
            for (i, purpose) in policy.purposes.iter().enumerate() {
                self.purpose(&format!("purpose[{i}]"), purpose);
            }
        }
    }

    fn purpose(&mut self, path: &str, purpose: &Purpose) {
        self.text(&format!("{path}.title"), &purpose.title);
        self.text(&format!("{path}.description"), &purpose.description);
        self.text(&format!("{path}.retention"), &purpose.retention);
        self.categories(path, &purpose.data);
        self.basis_text(
            &format!("{path}.interest"),
            purpose.interest.as_ref(),
            purpose.basis == LegalBasis::LegitimateInterest,
            "the interest pursued must be named (GDPR Art. 13(1)(d))",
            "only a purpose on legitimate interest names its interest; remove this field",
        );
        self.basis_text(
            &format!("{path}.necessity"),
            purpose.necessity.as_ref(),
            matches!(purpose.basis, LegalBasis::Contract | LegalBasis::LegalObligation),
            "what follows if the data are not given must be said (GDPR Art. 13(2)(e))",
            "only a contract or a legal obligation makes data necessary; remove this field",
        );
        if purpose.retention_months == Some(0) {
            self.fault(format!("{path}.retention_months"), "at least 1 month; or leave it out");
        }
        self.names(&format!("{path}.services"), &purpose.services);
        self.names(&format!("{path}.recipients"), &purpose.recipients);
        self.cookies(path, purpose);
    }

    fn cookies(&mut self, path: &str, purpose: &Purpose) {
        let list = format!("{path}.cookie");
        if !self.bounded(&list, purpose.cookies.len(), MAX_LIST) {
            return;
        }
        let mut seen = BTreeSet::new();
        for (j, cookie) in purpose.cookies.iter().enumerate() {
            let path = format!("{list}[{j}]");
            let name = cookie.name.strip_suffix('*').unwrap_or(&cookie.name);
            if !is_cookie_name(name) {
                self.fault(
                    format!("{path}.name"),
                    "a cookie's name is made of letters, digits and !#$%&'+-.^_`|~ (RFC 6265), \
                     with at most one '*', at the end",
                );
            }
            if name == crate::cookie::NAME {
                let message = "'consent' is the cookie of the choice itself; declare the others";
                self.fault(format!("{path}.name"), message);
            }
            if !seen.insert(&cookie.name) {
                self.fault(format!("{path}.name"), "this cookie is declared twice; keep one");
            }
            if purpose.basis == LegalBasis::Consent && cookie.days > MAX_COOKIE_DAYS {
                let message = format!(
                    "a cookie lives 13 months ({MAX_COOKIE_DAYS} days) at most, not {}",
                    cookie.days
                );
                self.fault(format!("{path}.days"), message);
            }
        }
    }

    fn sub_processors(&mut self) {
        let policy = self.policy;
        if !self.bounded("sub_processor", policy.sub_processors.len(), MAX_LIST) {
            return;
        }
        let mut seen = BTreeSet::new();
        for (i, processor) in policy.sub_processors.iter().enumerate() {
            let path = format!("sub_processor[{i}]");
            if !seen.insert(&processor.name) {
                let message = format!(
                    "'{}' is listed twice; list it once, with all its purposes",
                    processor.name
                );
                self.fault(format!("{path}.name"), message);
            }
            self.sub_processor(&path, processor);
        }
    }

    fn sub_processor(&mut self, path: &str, processor: &SubProcessor) {
        self.name(&format!("{path}.name"), &processor.name);
        self.country(&format!("{path}.country"), &processor.country);
        self.text(&format!("{path}.service"), &processor.service);
        if processor.purposes.is_empty() {
            self.fault(format!("{path}.purposes"), "the purposes that it serves must be listed");
        }
        if self.bounded(&format!("{path}.purposes"), processor.purposes.len(), MAX_CHOICES) {
            for (j, id) in processor.purposes.iter().enumerate() {
                self.known_purpose(&format!("{path}.purposes[{j}]"), id);
            }
        }
        match &processor.transfer {
            Some(text) => self.text(&format!("{path}.transfer"), text),
            None if !EEA.contains(&processor.country.as_str()) => self.fault(
                format!("{path}.transfer"),
                "outside the European Economic Area the ground of the transfer must be said (GDPR \
                 Art. 13(1)(f)), for example an adequacy decision, in each language",
            ),
            None => {}
        }
    }

    fn regions(&mut self) {
        let policy = self.policy;
        if policy.regions.is_empty() {
            self.fault("region", "at least one [[region]] must say where data are kept");
        }
        if self.bounded("region", policy.regions.len(), MAX_LIST) {
            self.ids("region", policy.regions.iter().map(|region| region.id.as_str()));
            for (i, region) in policy.regions.iter().enumerate() {
                self.text(&format!("region[{i}].title"), &region.title);
                self.text(&format!("region[{i}].transfers"), &region.transfers);
            }
        }
    }
}
