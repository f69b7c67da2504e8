//! The reference site's policy in further languages, for tests of what the widget looks like in
//! each. Nobody would publish it: what is not translated is filled with words of the widget's own.

use toml::{Table, Value};

const PRESETS: &str = include_str!("../../consent-core/src/policy/presets.toml");

/// A text longer than this many characters is a sentence; the others are headings.
const HEADING: usize = 60;

/// Every language that the widget speaks, by BCP 47 tag.
pub fn languages() -> Vec<&'static str> {
    consent_widget::Labels::languages().collect()
}

/// The policy in those languages, of which the first is the default.
pub fn policy_in(languages: &[&str]) -> String {
    let mut policy: Table = consent_examples::POLICY.parse().unwrap();
    let presets: Table = PRESETS.parse().unwrap();
    for language in languages {
        let words = Words::of(language);
        for purpose in policy["purpose"].as_array_mut().unwrap() {
            let purpose = purpose.as_table_mut().unwrap();
            let preset = purpose["id"].as_str().and_then(|id| presets.get(id)).cloned();
            for (field, value) in purpose.iter_mut() {
                let text = preset.as_ref().and_then(|preset| preset.get(field)?.get(language));
                if let (Some(text), Some(value)) = (text, value.as_table_mut()) {
                    value.entry(*language).or_insert(text.clone());
                }
            }
        }
        policy.iter_mut().for_each(|(_, value)| fill(value, language, &words));
    }
    let speaks = |value: &mut Value| {
        let spoken = |tag: &str| languages.contains(&tag);
        value.as_table_mut().unwrap().retain(|tag, _| spoken(tag));
    };
    policy.iter_mut().for_each(|(_, value)| each_text(value, &speaks));
    policy["languages"] = languages.to_vec().into();
    toml::to_string(&policy).unwrap()
}

/// Words of a language that stand for texts of any policy.
struct Words {
    heading: Value,
    sentence: Value,
}

impl Words {
    fn of(language: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../consent-widget/src/labels");
        let file = std::fs::read_to_string(format!("{folder}/{language}.toml")).unwrap();
        let file: Table = file.parse().unwrap();
        let notice = &file["notice"];
        Self { heading: notice["panel_title"].clone(), sentence: notice["panel_intro"].clone() }
    }
}

/// Says every text below `value` that is not said in that language.
fn fill(value: &mut Value, language: &str, words: &Words) {
    each_text(value, &|text| {
        let is_heading = text["en"].as_str().unwrap().chars().count() <= HEADING;
        let word = if is_heading { &words.heading } else { &words.sentence };
        text.as_table_mut().unwrap().entry(language).or_insert(word.clone());
    });
}

/// Visits every text below `value`: a table with one text for each language.
fn each_text(value: &mut Value, visit: &impl Fn(&mut Value)) {
    if value.get("en").is_some_and(Value::is_str) {
        visit(value);
    } else if let Some(table) = value.as_table_mut() {
        for (_, value) in table {
            each_text(value, visit);
        }
    } else if let Some(array) = value.as_array_mut() {
        for value in array {
            each_text(value, visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_valid_in_every_language_of_the_widget_and_in_one_alone() {
        let all = languages();
        let policy = consent_core::Policy::from_toml(&policy_in(&all)).unwrap();
        assert_eq!(policy.languages.len(), all.len());
        let policy = consent_core::Policy::from_toml(&policy_in(&["fr"])).unwrap();
        assert_eq!(policy.languages, ["fr"]);
        // What the reference site says stays.
        let title = &policy.purposes.iter().find(|p| p.id.as_str() == "security").unwrap().title;
        assert_eq!(title["fr"], "La sécurité");
    }
}
