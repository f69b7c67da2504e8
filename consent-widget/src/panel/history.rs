//! The visitor's own choices so far, each with its receipt: to read, to save, to check.

use yew::{Html, html};

use super::{Panel, Press, facts};
use crate::labels::Labels;

/// The choices so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum History {
    /// Not asked for.
    #[default]
    Hidden,
    /// On their way.
    Loading,
    /// They could not be loaded.
    Failed,
    /// Newest first.
    Loaded(Vec<Decision>),
}

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When it was recorded, in words.
    pub at: String,
    /// The name of how it was made.
    pub method: String,
    /// For each purpose, by id, the name of what was answered.
    pub states: Vec<(String, String)>,
    /// The receipt, a JWS.
    pub receipt: String,
    /// What the receipt says, in words.
    pub text: String,
    /// Whether it is genuine, once somebody had it verified.
    pub is_genuine: Option<bool>,
}

impl Panel<'_> {
    pub(super) fn history(&self) -> Html {
        let labels = &self.notice.labels;
        let (decisions, said) = match self.history {
            History::Hidden => (&[][..], ""),
            History::Loading => (&[][..], labels.history_loading.as_str()),
            History::Failed => (&[][..], labels.history_error.as_str()),
            History::Loaded(decisions) if decisions.is_empty() => {
                (&[][..], labels.history_none.as_str())
            }
            History::Loaded(decisions) => (&decisions[..], ""),
        };
        html! {
            <div class="history">
                // The button stays, with the focus: pressed again, it looks again.
                <div class="row">
                    { self.button("history", &labels.history_show, Press::History) }
                    if self.receipt {
                        { self.button("receipt", &labels.save_receipt, Press::Latest) }
                    }
                </div>
                <p role="status">{ said }</p>
                // In a fragment: Yew matches children from the last one, and would make the button
                // anew were these its siblings.
                <>{ for decisions.iter().enumerate().map(|(i, decision)| self.decision(i, decision)) }</>
            </div>
        }
    }

    fn decision(&self, index: usize, decision: &Decision) -> Html {
        let labels = &self.notice.labels;
        let states = decision.states.iter().map(|(id, state)| {
            // A purpose that the policy no longer has is shown by its name there.
            let purpose = self.notice.purposes.iter().find(|purpose| purpose.id == *id);
            let title = purpose.map_or(id, |purpose| &purpose.title);
            facts(title, vec![Html::from(state_text(state, labels))])
        });
        let checked = match decision.is_genuine {
            None => "",
            Some(true) => &labels.receipt_valid,
            Some(false) => &labels.receipt_invalid,
        };
        html! {
            <article class="card" part="card">
                <p class="title">{ &decision.at }</p>
                <p class="basis">{ method_text(&decision.method, labels) }</p>
                <dl>{ for states }</dl>
                <details>
                    <summary aria-label={[&*labels.receipt_text, ": ", &decision.at].concat()}>{ &labels.receipt_text }</summary>
                    <p class="receipt">{ &decision.text }</p>
                </details>
                <div class="row">
                    { self.button("save-receipt", &labels.save_receipt, Press::Receipt(index)) }
                    { self.button("verify-receipt", &labels.verify_receipt, Press::Verify(index)) }
                </div>
                <p role="status">{ checked }</p>
            </article>
        }
    }
}

/// How a decision was made; by its name in the receipt where the widget has no words for it.
fn method_text<'a>(method: &'a str, labels: &'a Labels) -> &'a str {
    match method {
        "accept_all" => &labels.chosen_accept_all,
        "refuse_all" => &labels.chosen_refuse_all,
        "preferences" => &labels.chosen_preferences,
        "withdrawal" => &labels.chosen_withdrawal,
        "objection" => &labels.chosen_objection,
        "signal" => &labels.chosen_signal,
        other => other,
    }
}

/// What was answered, likewise.
fn state_text<'a>(state: &'a str, labels: &'a Labels) -> &'a str {
    match state {
        "granted" => &labels.state_granted,
        "refused" => &labels.state_refused,
        "withdrawn" => &labels.state_withdrawn,
        "objected" => &labels.state_objected,
        "open" => &labels.state_open,
        other => other,
    }
}
