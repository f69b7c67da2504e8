//! The language files, one for each language that the widget speaks: read when first asked for.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules, PluralRulesOptions};
use serde::Deserialize;

use super::{Labels, PageLabels};

const FILES: [(&str, &str); 29] = [
    ("en", include_str!("en.toml")),
    ("ar", include_str!("ar.toml")),
    ("bg", include_str!("bg.toml")),
    ("cs", include_str!("cs.toml")),
    ("da", include_str!("da.toml")),
    ("de", include_str!("de.toml")),
    ("el", include_str!("el.toml")),
    ("es", include_str!("es.toml")),
    ("et", include_str!("et.toml")),
    ("fi", include_str!("fi.toml")),
    ("fr", include_str!("fr.toml")),
    ("ga", include_str!("ga.toml")),
    ("he", include_str!("he.toml")),
    ("hr", include_str!("hr.toml")),
    ("hu", include_str!("hu.toml")),
    ("is", include_str!("is.toml")),
    ("it", include_str!("it.toml")),
    ("lt", include_str!("lt.toml")),
    ("lv", include_str!("lv.toml")),
    ("mt", include_str!("mt.toml")),
    ("nb", include_str!("nb.toml")),
    ("nl", include_str!("nl.toml")),
    ("pl", include_str!("pl.toml")),
    ("pt", include_str!("pt.toml")),
    ("ro", include_str!("ro.toml")),
    ("sk", include_str!("sk.toml")),
    ("sl", include_str!("sl.toml")),
    ("sv", include_str!("sv.toml")),
    ("uk", include_str!("uk.toml")),
];

/// Each, once it was asked for.
static READ: [OnceLock<File>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];

/// A language file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Banner and panel.
    pub(crate) notice: Labels,
    /// Pages for the owner of an address.
    pub(crate) page: PageLabels,
    /// Parts of sentences.
    pub(crate) words: Words,
    /// The rights, by the name used in policies.
    pub(crate) right: BTreeMap<String, String>,
    /// Countries, by ISO 3166-1 alpha-2 code. One that is missing is shown by its code.
    pub(crate) country: BTreeMap<String, String>,
}

/// The language's own name, and numbers with their unit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) language: String,
    pub(crate) days: Counted,
    pub(crate) months: Counted,
}

/// A counted unit in the plural forms of its language, by their names in Unicode CLDR.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counted {
    zero: Option<String>,
    one: Option<String>,
    two: Option<String>,
    few: Option<String>,
    many: Option<String>,
    other: String,
}

impl Counted {
    /// So many of the unit, in `language`, which is that of the file.
    pub(crate) fn say(&self, count: u16, language: &str) -> String {
        let rules = language.parse::<Locale>().ok().and_then(|locale| {
            PluralRules::try_new((&locale).into(), PluralRulesOptions::default()).ok()
        });
        let category = rules.map_or(PluralCategory::Other, |rules| rules.category_for(count));
        let form = match category {
            PluralCategory::Zero => &self.zero,
            PluralCategory::One => &self.one,
            PluralCategory::Two => &self.two,
            PluralCategory::Few => &self.few,
            PluralCategory::Many => &self.many,
            PluralCategory::Other => &None,
        };
        form.as_ref().unwrap_or(&self.other).replace("{count}", &count.to_string())
    }
}

impl File {
    /// The file of that language; a regional tag is content with its language.
    pub(crate) fn of(language: &str) -> Option<&'static Self> {
        let known = |tag: &str| FILES.iter().position(|(known, _)| known.eq_ignore_ascii_case(tag));
        let short = language.split('-').next().unwrap_or(language);
        let index = known(language).or_else(|| known(short))?;
        let read = || toml::from_str(FILES[index].1).expect("a test reads each language file");
        Some(READ[index].get_or_init(read))
    }

    /// The file of that language; English if there is none.
    pub(crate) fn or_english(language: &str) -> &'static Self {
        Self::of(language).or_else(|| Self::of("en")).expect("there is an English file")
    }
}

impl Labels {
    /// The languages that the widget speaks, by BCP 47 tag.
    pub fn languages() -> impl Iterator<Item = &'static str> {
        FILES.iter().map(|(language, _)| *language)
    }
}

#[cfg(test)]
mod tests {
    /// What is the same as in English, and right.
    const SAME: &[(&str, &str)] = &[
        ("da", "Cookies"),
        ("de", "Cookies"),
        ("el", "Cookies"),
        ("es", "Cookies"),
        ("fr", "Services"),
        ("fr", "Cookies"),
        ("fr", "Rectification"),
        ("mt", "Data"),
        ("mt", "Cookies"),
        ("nl", "Cookies"),
        ("pt", "Cookies"),
    ];

    use consent_core::policy::Right;

    use super::*;

    #[test]
    fn each_language_says_everything() {
        let english = File::or_english("en");
        for (language, text) in FILES {
            let file: File = toml::from_str(text).expect(language);
            assert!(Right::ALL.iter().all(|right| file.right.contains_key(right.as_str())));
            assert!(file.country.keys().eq(english.country.keys()), "{language}");
            let placeholders = |text: &str| -> Vec<String> {
                let mut found: Vec<_> = text
                    .split('{')
                    .skip(1)
                    .filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()))
                    .collect();
                found.sort();
                found
            };
            let texts = |file: &File| {
                let mut all = Vec::new();
                let mut note = |text: &str| {
                    assert!(text.trim() == text && !text.is_empty(), "{language}: '{text}'");
                    all.push(text.to_owned());
                    String::new()
                };
                let _ = (file.notice.map(&mut note), file.page.map(&mut note));
                all.extend(file.right.values().cloned());
                all
            };
            for (text, original) in texts(&file).iter().zip(texts(english)) {
                assert_eq!(placeholders(text), placeholders(&original), "{language}: {text}");
                let same = language == "en" || SAME.contains(&(language, text));
                assert_eq!(*text == original, same, "{language}: '{text}' is English");
            }
            for (unit, english) in [
                (&file.words.days, &english.words.days),
                (&file.words.months, &english.words.months),
            ] {
                // In plural forms, so that no language is content with those of English.
                for count in [1, 2, 3, 6, 12, 13, 21, 390] {
                    let said = unit.say(count, language);
                    assert!(!said.contains('{') && !said.is_empty(), "{language}: {said}");
                    let same = language == "en" || SAME.contains(&(language, &said));
                    assert_eq!(said == english.say(count, "en"), same, "{language}: '{said}'");
                }
            }
        }
    }

    #[test]
    fn a_missing_or_unknown_text_is_refused() {
        let (_, english) = FILES[0];
        let missing = english.replace("accept_all = \"Accept all\"\n", "");
        let error = toml::from_str::<File>(&missing).unwrap_err().to_string();
        assert!(error.contains("missing field `accept_all`"), "{error}");
        let unknown = english.replace("[page]\n", "[page]\nwheedle = \"Oh, do accept\"\n");
        let error = toml::from_str::<File>(&unknown).unwrap_err().to_string();
        assert!(error.contains("unknown field `wheedle`"), "{error}");
    }

    #[test]
    fn a_regional_tag_is_content_with_its_language() {
        assert_eq!(File::or_english("fr-CA").notice.refuse_all, "Tout refuser");
        assert_eq!(File::or_english("ja").notice.refuse_all, "Refuse all");
    }
}
