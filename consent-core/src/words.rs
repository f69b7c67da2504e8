//! What this crate itself says to people, in their language: one file for each, in `words/`.
//!
//! What a policy says is not here, and neither are errors: who writes policies and programs reads
//! those, in English. A part that says something adds a table to the files and a type of its own
//! for it to [`Words`].

use std::sync::LazyLock;

use serde::Deserialize;

use crate::export::ReceiptWords;
use crate::policy::ChangeWords;

/// The tables of a language file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// The language that they are in.
    #[serde(skip)]
    pub(crate) language: &'static str,
    pub(crate) receipt: ReceiptWords,
    pub(crate) change: ChangeWords,
}

macro_rules! languages {
    ($($tag:literal),+ $(,)?) => {
        /// Each language's file as it stands.
        #[cfg(test)]
        const FILES: &[(&str, &str)] = &[$(($tag, embedded!($tag))),+];

        /// Each language's words, read when they are first asked for.
        static WORDS: [(&str, LazyLock<Words>); [$($tag),+].len()] =
            [$(($tag, LazyLock::new(|| read($tag, embedded!($tag))))),+];
    };
}

macro_rules! embedded {
    ($tag:literal) => {
        include_str!(concat!("words/", $tag, ".toml"))
    };
}

// English comes first: it stands in for the languages that are not here.
languages![
    "en", "ar", "bg", "cs", "da", "de", "el", "es", "et", "fi", "fr", "ga", "he", "hr", "hu", "is",
    "it", "lt", "lv", "mt", "nb", "nl", "pl", "pt", "ro", "sk", "sl", "sv", "uk"
];

fn read(language: &'static str, file: &str) -> Words {
    let words = toml::from_str(file).expect("a test reads each language's file");
    Words { language, ..words }
}

/// The words in this language (BCP 47). Where there are none, they are English.
pub(crate) fn of(language: &str) -> &'static Words {
    let known = |tag: &str| WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(tag));
    let (_, words) = lookup(language).find_map(known).unwrap_or(&WORDS[0]);
    words
}

/// A language tag, and then with one part less each time: `fr-CA` is content with `fr` (RFC 4647
/// §3.4). Norwegian of any kind is content with Bokmål, which all who read it read.
pub(crate) fn lookup(language: &str) -> impl Iterator<Item = &str> {
    let primary = language.split('-').next().unwrap_or(language);
    let norwegian = ["no", "nn"].iter().any(|tag| primary.eq_ignore_ascii_case(tag));
    std::iter::successors(Some(language), |tag| Some(tag.rsplit_once('-')?.0))
        .chain(norwegian.then_some("nb"))
}

/// The template with each `{name}` replaced by the value of that name. A value is not looked into:
/// what stands in braces there stays.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let value = |name| values.iter().find_map(|(known, text)| (*known == name).then_some(*text));
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = after.split_once('}').and_then(|(name, after)| Some((value(name)?, after)));
        let (text, after) = known.unwrap_or(("{", after));
        filled.push_str(text);
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use toml::{Table, Value};

    use super::*;

    /// Texts that are rightly the same as in English.
    const SAME: &[(&str, &str)] =
        &[("fr", "receipt.site"), ("mt", "receipt.data"), ("pt", "receipt.site")];

    /// Every text of a file, by table and key.
    fn texts(file: &str) -> BTreeMap<String, String> {
        fn walk(path: &str, table: &Table, texts: &mut BTreeMap<String, String>) {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                match value {
                    Value::Table(table) => walk(&path, table, texts),
                    Value::String(text) => _ = texts.insert(path, text.clone()),
                    other => panic!("{path} is no text: {other}"),
                }
            }
        }
        let mut texts = BTreeMap::new();
        walk("", &file.parse().unwrap(), &mut texts);
        texts
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).map(|rest| rest.split_once('}').expect(text).0).collect()
    }

    /// What is wrong with a language's file, beside the English one.
    fn faults(language: &str, file: &str) -> Vec<String> {
        let (english, texts) = (texts(FILES[0].1), texts(file));
        let mut faults = Vec::new();
        for key in english.keys().filter(|key| !texts.contains_key(*key)) {
            faults.push(format!("{key} is missing"));
        }
        for (key, text) in &texts {
            let Some(original) = english.get(key) else {
                faults.push(format!("{key} is unknown"));
                continue;
            };
            if text.trim() != text || text.is_empty() {
                faults.push(format!("{key} is empty, or has space around it"));
            }
            if placeholders(text) != placeholders(original) {
                faults.push(format!("{key} has other placeholders"));
            }
            // Where there are no words, there is nothing to translate.
            let wordless = original
                .split(['{', '}'])
                .step_by(2)
                .all(|part| !part.contains(char::is_alphabetic));
            let same =
                language == "en" || SAME.contains(&(language, key)) || wordless && text == original;
            if (text == original) != same {
                faults.push(format!("{key} is English, or is not and is said to be"));
            }
        }
        faults
    }

    #[test]
    fn each_language_says_everything() {
        for (language, file) in FILES {
            assert_eq!(faults(language, file), [""; 0], "{language}");
            let words = format!("{:?}", of(language));
            assert_eq!(words, format!("{:?}", read(language, file)), "{language}");
            assert_eq!(of(language).language, *language);
        }
    }

    #[test]
    fn a_language_that_says_less_is_noticed() {
        let (language, file) = FILES[1];
        for (change, expected) in [
            (file.replace("refused =", "declined ="), "receipt.refused is missing"),
            (file.replace("refused =", "declined ="), "receipt.declined is unknown"),
            (file.replace("refused = \"", "refused = \" "), "receipt.refused is empty, or"),
            (file.replace("{controller}", "{who}"), "has other placeholders"),
            (FILES[0].1.to_owned(), "receipt.refused is English"),
        ] {
            let faults = faults(language, &change).join("\n");
            assert!(faults.contains(expected), "{expected}: {faults}");
        }
    }

    #[test]
    fn a_longer_tag_is_content_with_a_shorter_one() {
        let refused = |language: &str| of(language).receipt.refused.as_str();
        assert_ne!(refused("en"), refused("fr"));
        for language in ["fr-CA", "FR", "fr-Latn-CA", "fr-"] {
            assert_eq!(refused(language), refused("fr"), "{language}");
        }
        for language in ["en-GB", "tlh", "", "-", "frr", "x-fr", &"a-".repeat(500_000)] {
            assert_eq!(refused(language), refused("en"), "{language:.20}");
        }
    }

    #[test]
    fn norwegian_is_content_with_bokmal() {
        for (language, tags) in [
            ("no", &["no", "nb"][..]),
            ("nn-NO", &["nn-NO", "nn", "nb"]),
            ("NO", &["NO", "nb"]),
            ("nb", &["nb"]),
            ("noo", &["noo"]),
        ] {
            assert_eq!(lookup(language).collect::<Vec<_>>(), tags);
        }
    }

    #[test]
    fn placeholders_are_filled_once() {
        let values = [("a", "1"), ("b", "{a}")];
        for (template, filled) in [
            ("", ""),
            ("none", "none"),
            ("{a}", "1"),
            ("x{a}y{b}z{a}", "x1y{a}z1"),
            ("{c} {a}", "{c} 1"),
            ("{ {a} } {", "{ 1 } {"),
            ("{{a}}", "{1}"),
            ("é{a}é", "é1é"),
        ] {
            assert_eq!(fill(template, &values), filled, "{template}");
        }
    }
}
