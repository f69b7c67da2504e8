//! Differences told to people. The words stand in `words/`, names and titles come from the policy.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Difference, Reason, Value};
use crate::policy::in_language;
use crate::words::{self, fill};

/// The words for differences, in one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    /// Around the reasons why a purpose is asked again.
    because: String,
    /// Between two of them.
    and: String,
    /// A clause for each.
    reasons: BTreeMap<Reason, String>,
}

pub(super) fn clause(difference: &Difference, language: &str) -> String {
    let words = &words::of(language).change;
    let template = words.reasons.get(&difference.reason);
    let template = template.expect("a test looks for each reason in each language");
    let values: Vec<(&str, String)> = difference
        .values
        .iter()
        .map(|(place, value)| match value {
            Value::Name(name) => (*place, name.clone()),
            Value::Texts(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| in_language(text, language)).collect();
                (*place, texts.join(", "))
            }
        })
        .collect();
    let values: Vec<_> = values.iter().map(|(place, text)| (*place, text.as_str())).collect();
    fill(template, &values)
}

pub(super) fn because<'d>(
    differences: impl Iterator<Item = &'d Difference>,
    language: &str,
) -> Option<String> {
    let words = &words::of(language).change;
    let clauses = differences.map(|difference| clause(difference, language));
    let reasons =
        clauses.reduce(|one, other| fill(&words.and, &[("one", &one), ("other", &other)]))?;
    Some(fill(&words.because, &[("reasons", &reasons)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_words() {
        for language in ["en", "fr"] {
            let words = &words::of(language).change;
            for reason in Reason::ALL {
                assert!(words.reasons.contains_key(reason), "{language}: {reason:?}");
            }
        }
    }
}
