//! Presets: purposes that most sites share, so that a policy need not word them again.
//!
//! `preset = "analytics"` in a `[[purpose]]` fills in every field that the purpose does not give
//! itself, in the languages of the policy. It happens while the file is read: the policy, its
//! canonical JSON and its digest hold the words themselves. So the words of a preset never change;
//! better ones are a preset of another name.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::document::Document;

/// The presets, by name, as tables in the form of a `[[purpose]]`.
const PRESETS: &str = include_str!("presets.toml");

/// Fills in presets, and explains the mistakes about bases and switches that the types alone would
/// answer with less help.
pub(super) fn expand(policy: &mut Table, document: &mut Document<'_>) {
    let presets = presets(policy);
    let purposes = policy.get_mut("purpose").and_then(Value::as_array_mut);
    for (i, purpose) in purposes.into_iter().flatten().enumerate() {
        let Some(purpose) = purpose.as_table_mut() else { continue };
        let path = format!("purpose[{i}]");
        if let Some(name) = purpose.remove("preset") {
            fill(purpose, &name, &presets, &path, document);
        }
        one_basis(purpose, &path, document);
        for word in ["toggle", "switch", "checked", "default"] {
            if purpose.remove(word).is_some() {
                let message = "the legal basis alone decides what can be switched: consent has a \
                               switch that is off, the other bases have none; remove this field";
                document.fault(format!("{path}.{word}"), message);
            }
        }
    }
}

/// All presets, in every language that they have.
fn all() -> Table {
    toml::from_str(PRESETS).expect("a test reads it")
}

/// The names of the presets.
#[cfg(feature = "schema")]
pub(super) fn names() -> Vec<String> {
    all().keys().cloned().collect()
}

/// The presets, in the languages of the policy.
fn presets(policy: &Table) -> Table {
    let mut presets = all();
    let languages = policy.get("languages").and_then(Value::as_array).into_iter().flatten();
    let languages: BTreeSet<&str> = languages.filter_map(Value::as_str).collect();
    let fields = presets.iter_mut().filter_map(|(_, preset)| preset.as_table_mut()).flatten();
    for texts in fields.filter_map(|(_, value)| value.as_table_mut()) {
        texts.retain(|tag, _| languages.contains(tag));
    }
    presets
}

fn fill(
    purpose: &mut Table,
    name: &Value,
    presets: &Table,
    path: &str,
    document: &mut Document<'_>,
) {
    let Some(preset) = name.as_str().and_then(|name| presets.get(name)?.as_table()) else {
        let known: Vec<_> = presets.keys().map(String::as_str).collect();
        let message = format!("there is no such preset; there are {}", known.join(", "));
        document.fault(format!("{path}.preset"), message);
        return;
    };
    if purpose.get("basis").is_some_and(|basis| Some(basis) != preset.get("basis")) {
        let message = "this preset rests on consent; for another basis write the purpose in full";
        document.fault(format!("{path}.basis"), message);
    }
    for (field, value) in preset {
        if !purpose.contains_key(field) {
            purpose.insert(field.clone(), value.clone());
        }
    }
}

fn one_basis(purpose: &mut Table, path: &str, document: &mut Document<'_>) {
    let first = match purpose.get("basis") {
        Some(Value::Array(bases)) => bases.first().cloned(),
        _ => return,
    };
    let message = "a purpose rests on exactly one legal basis; write a second [[purpose]] for what \
                   rests on another";
    document.fault(format!("{path}.basis"), message);
    purpose.insert("basis".to_owned(), first.unwrap_or_else(|| Value::from("consent")));
}

#[cfg(test)]
mod tests {
    use crate::policy::EXAMPLE;
    use crate::{Digest, LegalBasis, Policy};

    fn with(purpose: &str) -> String {
        format!("{EXAMPLE}\n[[purpose]]\n{purpose}\n")
    }

    #[test]
    fn a_preset_fills_in_what_is_not_given() {
        let text =
            with("preset = \"communications\"\ndata = [\"account\"]\ntitle.en = \"Letters\"");
        let policy = Policy::from_toml(&text).unwrap();
        let purpose = policy.purposes.last().unwrap();
        assert_eq!((purpose.id.as_str(), purpose.basis), ("communications", LegalBasis::Consent));
        assert_eq!(purpose.title["en"], "Letters");
        assert!(purpose.description["en"].contains("e-mail"));
        assert_eq!(purpose.retention.len(), 1, "only in the policy's languages");
        assert!(!String::from_utf8(policy.canonical_json()).unwrap().contains("preset"));
    }

    #[test]
    fn mistakes_about_bases_and_switches_are_explained() {
        for (purpose, expected) in [
            ("preset = \"ads\"", "preset: there is no such preset; there are analytics, communic"),
            ("preset = 1", "preset: there is no such preset"),
            (
                "preset = \"communications\"\nbasis = \"contract\"\ndata = [\"account\"]",
                "basis: this preset rests on consent",
            ),
            (
                "preset = \"communications\"\ntoggle = true\ndata = [\"account\"]",
                "toggle: the legal basis alone decides",
            ),
        ] {
            let message = Policy::from_toml(&with(purpose)).unwrap_err().to_string();
            assert!(message.contains(expected), "{purpose}: {message}");
        }
        let toggled =
            EXAMPLE.replacen("basis = \"contract\"", "basis = \"contract\"\ntoggle = true", 1);
        let message = Policy::from_toml(&toggled).unwrap_err().to_string();
        assert!(message.contains("the other bases have none; remove this field"), "{message}");
    }

    /// Published policies use these words; see the head of this file.
    #[test]
    fn the_words_are_frozen() {
        let digest = Digest::of(super::PRESETS.as_bytes()).to_string();
        assert_eq!(digest, "1a6c6c458710de13283f2f3f04ebc61595522a939e7c0413affc36a6ba79275c");
    }
}
