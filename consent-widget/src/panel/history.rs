//! The visitor's own choices so far, each with its receipt: to understand, to check and to keep.

use std::rc::Rc;

use yew::{Callback, Html, MouseEvent, html};

use crate::labels::Labels;
use crate::notice::Notice;

/// What is known of the visitor's choices so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum History {
    /// Nobody has asked for them.
    #[default]
    Closed,
    /// They are on their way.
    Loading,
    /// They could not be loaded.
    Failed,
    /// Here they are, the latest first.
    Shown(Rc<Vec<Chosen>>),
}

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// When, as the visitor's browser writes it.
    pub at: String,
    /// How it was made, as receipts name it.
    pub method: String,
    /// Each purpose with what was recorded, as receipts name it.
    pub purposes: Vec<(String, String)>,
    /// What the receipt says, in words.
    pub text: String,
    /// The receipt itself (JWS).
    pub receipt: String,
    /// Whether it is genuine, once that was asked.
    pub genuine: Option<bool>,
}

/// What can be done with a receipt, given its place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Load the list.
    Show,
    /// Check that receipt.
    Verify(usize),
    /// Save that receipt.
    Save(usize),
}

/// The list, or the button that loads it.
pub(super) fn history(notice: &Notice, history: &History, wish: &Callback<Wish>) -> Html {
    let labels = &notice.labels;
    let said = |text: &str| html! { <p role="status">{ text }</p> };
    match history {
        History::Closed => html! {
            <button type="button" name="history" class="save" part="save"
                onclick={wish.reform(|_: MouseEvent| Wish::Show)}>{ &labels.history_show }</button>
        },
        History::Loading => said(&labels.history_loading),
        History::Failed => html! { <p class="error" role="alert">{ &labels.history_error }</p> },
        History::Shown(list) if list.is_empty() => said(&labels.history_none),
        History::Shown(list) => {
            let items = list.iter().enumerate().map(|(i, chosen)| item(notice, i, chosen, wish));
            html! { <ol class="history">{ for items }</ol> }
        }
    }
}

fn item(notice: &Notice, index: usize, chosen: &Chosen, wish: &Callback<Wish>) -> Html {
    let labels = &notice.labels;
    let answers = chosen.purposes.iter().map(|(id, state)| {
        // A purpose that the policy no longer has is told by its name.
        let title = notice.purposes.iter().find(|p| p.id == *id).map_or(id, |p| &p.title);
        html! { <><dt>{ title }</dt><dd>{ state_said(labels, state) }</dd></> }
    });
    let verdict = chosen
        .genuine
        .map(|genuine| if genuine { &labels.receipt_valid } else { &labels.receipt_invalid });
    let button = |name: &'static str, label: &str, wanted: Wish| {
        html! {
            <button type="button" {name} class="small"
                onclick={wish.reform(move |_: MouseEvent| wanted)}>{ label }</button>
        }
    };
    html! {
        <li class="card">
            <p><strong>{ method_said(labels, &chosen.method) }</strong></p>
            <p class="basis">{ &chosen.at }</p>
            <dl>{ for answers }</dl>
            <details>
                <summary>{ &labels.receipt_text }</summary>
                <p class="told">{ &chosen.text }</p>
            </details>
            <div class="receipt">
                { button("verify", &labels.verify_receipt, Wish::Verify(index)) }
                { button("receipt", &labels.save_receipt, Wish::Save(index)) }
            </div>
            <p role="status">{ verdict }</p>
        </li>
    }
}

fn method_said<'l>(labels: &'l Labels, method: &str) -> &'l str {
    match method {
        "accept_all" => &labels.chosen_accept_all,
        "refuse_all" => &labels.chosen_refuse_all,
        "withdrawal" => &labels.chosen_withdrawal,
        "objection" => &labels.chosen_objection,
        "signal" => &labels.chosen_signal,
        _ => &labels.chosen_preferences,
    }
}

fn state_said<'l>(labels: &'l Labels, state: &str) -> &'l str {
    match state {
        "granted" => &labels.state_granted,
        "withdrawn" => &labels.state_withdrawn,
        "objected" => &labels.state_objected,
        "open" => &labels.state_open,
        _ => &labels.state_refused,
    }
}
