//! Checks of single values: texts, names, identifiers, countries, addresses.

use std::collections::BTreeSet;

use super::{Checker, MAX_LIST, MAX_NAME, MAX_TEXT};
use crate::policy::Text;

impl Checker<'_, '_, '_> {
    /// Whether a list is short enough to be looked into.
    pub(super) fn bounded(&mut self, path: &str, length: usize, most: usize) -> bool {
        if length > most {
            self.fault(path, format!("at most {most} entries, not {length}"));
        }
        length <= most
    }

    /// Identifiers must differ, and not only in what the eye passes over.
    pub(super) fn ids<'i>(&mut self, list: &str, ids: impl Iterator<Item = &'i str>) {
        let mut seen: Vec<(String, &str)> = Vec::new();
        for (i, id) in ids.enumerate() {
            let shape = shape(id);
            match seen.iter().find(|(other, _)| *other == shape) {
                Some((_, other)) if *other == id => {
                    let message = format!("'{id}' is defined twice; give one another id");
                    self.fault(format!("{list}[{i}].id"), message);
                }
                Some((_, other)) => {
                    let message = format!("'{id}' looks like '{other}'; give one another id");
                    self.fault(format!("{list}[{i}].id"), message);
                }
                None => seen.push((shape, id)),
            }
        }
    }

    pub(super) fn categories(&mut self, path: &str, categories: &[crate::DataId]) {
        let path = format!("{path}.data");
        if categories.is_empty() {
            self.fault(&path, "the categories of data must be named");
        }
        if !self.bounded(&path, categories.len(), MAX_LIST) {
            return;
        }
        let mut seen = BTreeSet::new();
        for (j, id) in categories.iter().enumerate() {
            if !self.data.contains(id) {
                let known = some(self.policy.data.iter().map(|data| data.id.as_str()));
                let message = format!("there is no [[data]] '{id}'; there are {known}");
                self.fault(format!("{path}[{j}]"), message);
            }
            if !seen.insert(id) {
                self.fault(format!("{path}[{j}]"), format!("'{id}' is listed twice; keep one"));
            }
        }
    }

    pub(super) fn known_purpose(&mut self, path: &str, id: &crate::PurposeId) {
        if !self.purposes.contains(id) {
            let known = some(self.policy.purposes.iter().map(|purpose| purpose.id.as_str()));
            self.fault(path, format!("there is no purpose '{id}'; there are {known}"));
        }
    }

    pub(super) fn basis_text(
        &mut self,
        path: &str,
        text: Option<&Text>,
        needed: bool,
        missing: &str,
        misplaced: &str,
    ) {
        match text {
            Some(text) if needed => self.text(path, text),
            Some(_) => self.fault(path, misplaced),
            None if needed => self.fault(path, missing),
            None => {}
        }
    }

    pub(super) fn text(&mut self, path: &str, text: &Text) {
        let languages = self.languages;
        if languages.is_empty() {
            return;
        }
        for language in languages {
            let path = format!("{path}.{language}");
            match text.get(language) {
                Some(text) if !text.trim().is_empty() => self.words(&path, text, MAX_TEXT),
                _ => self.fault(path, format!("the text in '{language}' is missing")),
            }
        }
        for language in text.keys().filter(|language| !languages.contains(language)) {
            let known = some(languages.iter().map(String::as_str));
            let message = format!("'{language}' is none of the policy's languages ({known})");
            self.document.fault(format!("{path}.{language}"), message);
        }
    }

    /// Whether the name of a table is short enough to be part of many paths.
    pub(super) fn key(&mut self, path: &str, key: &str) -> bool {
        self.words(path, key, MAX_NAME);
        key.len() <= MAX_NAME
    }

    pub(super) fn names(&mut self, path: &str, names: &[String]) {
        if self.bounded(path, names.len(), MAX_LIST) {
            for (j, name) in names.iter().enumerate() {
                self.name(&format!("{path}[{j}]"), name);
            }
        }
    }

    pub(super) fn name(&mut self, path: &str, name: &str) {
        if name.trim().is_empty() {
            self.fault(path, "must not be empty");
        } else {
            self.words(path, name, MAX_NAME);
        }
    }

    /// Words that are shown to people: of a length that they can read, and nothing invisible in
    /// them that makes two different texts look alike.
    pub(super) fn words(&mut self, path: &str, words: &str, most: usize) {
        if words.len() > most {
            self.fault(path, format!("at most {most} bytes, not {}", words.len()));
        }
        if let Some(hidden) = words.chars().find(|c| is_hidden(*c)) {
            let message = format!("holds the invisible character U+{:04X}", u32::from(hidden));
            self.fault(path, message);
        }
    }

    pub(super) fn country(&mut self, path: &str, country: &str) {
        let known = |code: &str| iso3166::LIST.iter().any(|known| known.alpha2 == code);
        if !known(country) {
            self.fault(path, "a country is two capital letters (ISO 3166-1), for example \"FR\"");
        }
    }

    pub(super) fn email(&mut self, path: &str, email: &str) {
        if let Err(error) = email.parse::<crate::subject::EmailAddress>() {
            self.fault(path, error.to_string());
        }
    }
}

/// The first of these names, as many as help somebody who mistyped one.
fn some<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.take(20).collect::<Vec<_>>().join(", ")
}

/// What remains of an identifier when the eye passes quickly over it.
fn shape(id: &str) -> String {
    id.chars()
        .filter(|c| !"-_.".contains(*c))
        .map(|c| match c {
            '0' => 'o',
            '1' => 'l',
            other => other,
        })
        .collect()
}

/// Characters that are not seen: controls (but for the line break), and the marks of Unicode that
/// reorder text or join nothing. U+200C and U+200D are left, since Persian and Indian scripts need
/// them.
fn is_hidden(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

pub(super) fn is_language_tag(tag: &str) -> bool {
    tag.len() <= 35
        && tag.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && oxilangtag::LanguageTag::parse(tag)
            .is_ok_and(|parsed| (2..=3).contains(&parsed.primary_language().len()))
}

pub(super) fn is_cookie_name(name: &str) -> bool {
    (1..=100).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b))
}
