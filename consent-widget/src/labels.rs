//! The widget's own words, one file for each language. What a policy says is not here.
//!
//! [`Labels`] goes to the visitor within a notice; [`PageLabels`] serves the pages for the owner
//! of an address. The language files are embedded only where notices are made (feature `server`).

use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($(#[$doc:meta])* $name:ident { $($(#[$text:meta])* $field:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$text])* pub $field: String,)* }

        impl $name {
            /// Makes the texts one by one; `text` is given each one's name.
            pub fn from_each(mut text: impl FnMut(&'static str) -> String) -> Self {
                Self { $($field: text(stringify!($field)),)* }
            }

            /// The same texts, each changed by `change`.
            #[must_use]
            pub fn map(&self, mut change: impl FnMut(&str) -> String) -> Self {
                Self { $($field: change(&self.$field),)* }
            }
        }
    };
}

texts! {
    /// The texts of the banner and of the preferences panel.
    Labels {
        /// The banner's heading.
        banner_title,
        /// Who asks; a list of purposes follows.
        banner_intro,
        /// What refusing changes.
        banner_consequence,
        /// How long a choice is kept, and that it can be changed.
        banner_withdraw,
        /// The button that grants every purpose.
        accept_all,
        /// The button that refuses every purpose.
        refuse_all,
        /// The button that opens the preferences.
        choose,
        /// Shown when a grant could not be recorded.
        error,
        /// That the browser sends a signal, `{signal}`, which counts as a refusal.
        signal,
        /// Above what a new policy changed.
        changed_heading,
        /// In place of a frame from `{host}` that waits for consent to `{purpose}`.
        frame_text,
        /// The button that shows this one frame.
        frame_once,
        /// The button that grants the frame's purpose.
        frame_always,
        /// The panel's heading.
        panel_title,
        /// What the panel shows.
        panel_intro,
        /// The name of the field that changes the language.
        language,
        /// Above the purposes that are asked for.
        asked_heading,
        /// Above the others.
        given_heading,
        /// The name of the button that closes the panel.
        close,
        /// The button that records what the switches say.
        save,
        /// Opens what else is known of a purpose.
        details,
        /// Above the categories of data.
        data,
        /// Above the interest pursued (GDPR Art. 13(1)(d)).
        interest,
        /// Above whether data have to be given (GDPR Art. 13(2)(e)).
        necessity,
        /// Above the services.
        services,
        /// Above the recipients.
        recipients,
        /// Above the cookies.
        cookies,
        /// Above the retention.
        retention,
        /// No services, recipients or cookies.
        none,
        /// In place of a switch, where there is nothing to choose.
        always_on,
        /// GDPR Art. 6(1)(a).
        basis_consent,
        /// GDPR Art. 6(1)(b).
        basis_contract,
        /// GDPR Art. 6(1)(f).
        basis_legitimate_interest,
        /// GDPR Art. 6(1)(c).
        basis_legal_obligation,
        /// The box that objects (GDPR Art. 21).
        object,
        /// How to object (GDPR Art. 21).
        objection,
        /// Above the contacts and rights.
        about_heading,
        /// Above the controller.
        controller,
        /// Above the data protection officer.
        officer,
        /// Above the supervisory authority.
        authority,
        /// The right to complain (GDPR Art. 13(2)(d)).
        authority_text,
        /// Above the rights.
        rights,
        /// How to exercise them.
        rights_text,
        /// Above the visitor's own choices.
        history_heading,
        /// There are none.
        history_none,
        /// They are being loaded.
        history_loading,
        /// They could not be loaded.
        history_error,
        /// The button that loads them.
        history_show,
        /// By the button that grants everything.
        chosen_accept_all,
        /// By the button that refuses everything.
        chosen_refuse_all,
        /// Purpose by purpose.
        chosen_preferences,
        /// By withdrawing.
        chosen_withdrawal,
        /// By objecting.
        chosen_objection,
        /// By a signal of the browser.
        chosen_signal,
        /// What a receipt says of a purpose: granted.
        state_granted,
        /// Refused.
        state_refused,
        /// Withdrawn.
        state_withdrawn,
        /// Objected to.
        state_objected,
        /// An objection taken back.
        state_open,
        /// Opens what a receipt says, in words.
        receipt_text,
        /// The button that downloads a receipt.
        save_receipt,
        /// The button that verifies a receipt.
        verify_receipt,
        /// It is genuine.
        receipt_valid,
        /// It is not, or nobody could tell.
        receipt_invalid,
    }
}

texts! {
    /// The texts of the pages for the owner of an address.
    PageLabels {
        /// Above the list of purposes.
        purposes_heading,
        /// The question's heading.
        confirm_title,
        /// Who asks.
        confirm_intro,
        /// What refusing or doing nothing means.
        confirm_consequence,
        /// The right to withdraw.
        confirm_withdraw,
        /// The button that grants.
        confirm,
        /// The button that refuses.
        refuse,
        /// The heading after a grant.
        done_title,
        /// What is recorded.
        done_intro,
        /// How to withdraw later.
        done_withdraw,
        /// The button that withdraws.
        withdraw,
        /// Opens the receipt.
        receipt,
        /// Opens what a receipt says, in words.
        receipt_text,
        /// The heading after a refusal.
        refused_title,
        /// What that means.
        refused_intro,
        /// The heading after a withdrawal.
        withdrawn_title,
        /// What that means.
        withdrawn_intro,
        /// The heading for a link that cannot be used.
        invalid_title,
        /// Why, and what to do.
        invalid_intro,
        /// Whom to write to.
        contact,
        /// What the page without a script offers.
        choices_hint,
        /// Grants one purpose.
        agree,
        /// Refuses one purpose.
        disagree,
        /// The heading after a decision there.
        recorded_title,
        /// What that means.
        recorded_intro,
        /// The link to the site.
        back,
    }
}

#[cfg(feature = "server")]
pub(crate) use file::File;

#[cfg(feature = "server")]
mod file {
    use std::collections::BTreeMap;

    use icu_locale_core::Locale;
    use icu_plurals::{PluralCategory, PluralRules, PluralRulesOptions};
    use serde::Deserialize;

    use super::{Labels, PageLabels};

    const FILES: [(&str, &str); 29] = [
        ("en", include_str!("labels/en.toml")),
        ("ar", include_str!("labels/ar.toml")),
        ("bg", include_str!("labels/bg.toml")),
        ("cs", include_str!("labels/cs.toml")),
        ("da", include_str!("labels/da.toml")),
        ("de", include_str!("labels/de.toml")),
        ("el", include_str!("labels/el.toml")),
        ("es", include_str!("labels/es.toml")),
        ("et", include_str!("labels/et.toml")),
        ("fi", include_str!("labels/fi.toml")),
        ("fr", include_str!("labels/fr.toml")),
        ("ga", include_str!("labels/ga.toml")),
        ("he", include_str!("labels/he.toml")),
        ("hr", include_str!("labels/hr.toml")),
        ("hu", include_str!("labels/hu.toml")),
        ("is", include_str!("labels/is.toml")),
        ("it", include_str!("labels/it.toml")),
        ("lt", include_str!("labels/lt.toml")),
        ("lv", include_str!("labels/lv.toml")),
        ("mt", include_str!("labels/mt.toml")),
        ("nb", include_str!("labels/nb.toml")),
        ("nl", include_str!("labels/nl.toml")),
        ("pl", include_str!("labels/pl.toml")),
        ("pt", include_str!("labels/pt.toml")),
        ("ro", include_str!("labels/ro.toml")),
        ("sk", include_str!("labels/sk.toml")),
        ("sl", include_str!("labels/sl.toml")),
        ("sv", include_str!("labels/sv.toml")),
        ("uk", include_str!("labels/uk.toml")),
    ];

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
        pub(crate) fn of(language: &str) -> Option<Self> {
            let known = |tag: &str| FILES.iter().find(|(known, _)| known.eq_ignore_ascii_case(tag));
            let short = language.split('-').next().unwrap_or(language);
            let (_, text) = known(language).or_else(|| known(short))?;
            Some(toml::from_str(text).expect("a test reads each embedded language file"))
        }

        /// The file of that language; English if there is none.
        pub(crate) fn or_english(language: &str) -> Self {
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
                for (text, original) in texts(&file).iter().zip(texts(&english)) {
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
}
