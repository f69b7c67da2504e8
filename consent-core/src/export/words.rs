//! What is said around a receipt's facts, in the languages of `words/`.

use serde::Deserialize;

use crate::LegalBasis;
use crate::receipt::Layer;
use crate::rules::{Method, Recorded};

/// The table `[receipt]` of the language files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiptWords {
    pub(crate) pair: String,
    pub(crate) list: String,
    pub(crate) title: String,
    pub(crate) controller: String,
    pub(crate) decided: String,
    pub(crate) moment: String,
    pub(crate) granted: String,
    pub(crate) refused: String,
    pub(crate) withdrawn: String,
    pub(crate) unconfirmed: String,
    pub(crate) objected: String,
    pub(crate) open: String,
    pub(crate) basis: String,
    pub(crate) consent: String,
    pub(crate) contract: String,
    pub(crate) legal_obligation: String,
    pub(crate) legitimate_interest: String,
    pub(crate) data: String,
    pub(crate) recipients: String,
    pub(crate) nobody: String,
    pub(crate) kept: String,
    pub(crate) how: String,
    pub(crate) accept_all: String,
    pub(crate) refuse_all: String,
    pub(crate) preferences: String,
    pub(crate) withdrawal: String,
    pub(crate) double_opt_in: String,
    pub(crate) one_click_unsubscribe: String,
    pub(crate) objection: String,
    pub(crate) signal: String,
    pub(crate) signals: String,
    pub(crate) shown: String,
    pub(crate) shown_first: String,
    pub(crate) shown_preferences: String,
    pub(crate) shown_page: String,
    pub(crate) shown_mail: String,
    pub(crate) until: String,
    pub(crate) remembered: String,
    pub(crate) objection_stands: String,
    pub(crate) change: String,
    pub(crate) withdraw: String,
    pub(crate) object: String,
    pub(crate) complain: String,
    pub(crate) authority: String,
    pub(crate) about: String,
    pub(crate) id: String,
    pub(crate) issuer: String,
    pub(crate) site: String,
    pub(crate) region: String,
    pub(crate) subject: String,
    pub(crate) policy: String,
    pub(crate) policy_digest: String,
    pub(crate) notice_digest: String,
    pub(crate) receipt_digest: String,
    pub(crate) previous_digest: String,
    pub(crate) first: String,
}

impl ReceiptWords {
    /// What was decided, as a part of a sentence.
    pub(super) fn state(&self, state: Recorded) -> &str {
        match state {
            Recorded::Open => &self.open,
            Recorded::Unconfirmed => &self.unconfirmed,
            Recorded::Granted => &self.granted,
            Recorded::Refused => &self.refused,
            Recorded::Withdrawn => &self.withdrawn,
            Recorded::Objected => &self.objected,
        }
    }

    /// What it rests on, as a part of a sentence.
    pub(super) fn basis(&self, basis: LegalBasis) -> &str {
        match basis {
            LegalBasis::Consent => &self.consent,
            LegalBasis::Contract => &self.contract,
            LegalBasis::LegitimateInterest => &self.legitimate_interest,
            LegalBasis::LegalObligation => &self.legal_obligation,
        }
    }

    /// How it was decided, as a sentence.
    pub(super) fn method(&self, method: Method) -> &str {
        match method {
            Method::AcceptAll => &self.accept_all,
            Method::RefuseAll => &self.refuse_all,
            Method::Preferences => &self.preferences,
            Method::Withdrawal => &self.withdrawal,
            Method::DoubleOptIn => &self.double_opt_in,
            Method::OneClickUnsubscribe => &self.one_click_unsubscribe,
            Method::Objection => &self.objection,
            Method::Signal => &self.signal,
        }
    }

    /// Where the text was shown and in which `{language}`, as a sentence.
    pub(super) fn shown(&self, layer: Option<Layer>) -> &str {
        match layer {
            None => &self.shown,
            Some(Layer::First) => &self.shown_first,
            Some(Layer::Preferences) => &self.shown_preferences,
            Some(Layer::Page) => &self.shown_page,
            Some(Layer::Mail) => &self.shown_mail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of the language files are the names used everywhere else.
    #[test]
    fn each_thing_is_told_by_the_words_of_its_name() {
        let file: toml::Table = include_str!("../words/en.toml").parse().unwrap();
        let text = |key: &str| file["receipt"][key].as_str().unwrap();
        let words = &crate::words::of("en").receipt;
        for state in Recorded::ALL {
            assert_eq!(words.state(state), text(state.as_str()));
        }
        for basis in [
            LegalBasis::Consent,
            LegalBasis::Contract,
            LegalBasis::LegitimateInterest,
            LegalBasis::LegalObligation,
        ] {
            assert_eq!(words.basis(basis), text(basis.as_str()));
        }
        for method in super::super::tests::METHODS {
            assert_eq!(words.method(method), text(method.as_str()));
        }
        for (layer, key) in [
            (None, "shown"),
            (Some(Layer::First), "shown_first"),
            (Some(Layer::Preferences), "shown_preferences"),
            (Some(Layer::Page), "shown_page"),
            (Some(Layer::Mail), "shown_mail"),
        ] {
            assert_eq!(words.shown(layer), text(key));
        }
    }
}
