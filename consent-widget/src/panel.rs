//! The preferences panel: every purpose with what is known of it, a switch where consent is asked,
//! a box to object where it is not, and the visitor's own choices so far.
//!
//! It only shows and reports. Opening it as a modal dialog, recording an answer, and everything
//! about receipts are the caller's (`app` in a browser), so that it can also be rendered natively.

mod history;
mod purpose;

use std::cell::RefCell;
use std::rc::Rc;

use consent_core::LegalBasis;
use yew::{
    Callback, Event, Html, KeyboardEvent, MouseEvent, NodeRef, Properties, component, html,
    use_mut_ref,
};

use crate::banner::changed;
use crate::notice::{Notice, Purpose};
pub use history::{Chosen, History, Wish};
use purpose::{about, card, responsible};

/// What a visitor answered, by which button.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Every purpose granted.
    Accept,
    /// Every purpose refused.
    Refuse,
    /// What each switch and box says.
    Save(Vec<Flip>),
}

/// A switch, or a box to object.
#[derive(Debug, Clone, PartialEq)]
pub struct Flip {
    /// The purpose.
    pub id: String,
    /// Whether it asks for consent; otherwise it takes an objection.
    pub asks: bool,
    /// What it said when the panel opened.
    pub was: bool,
    /// What the visitor made of it. A script can make the element say something else.
    pub on: bool,
    /// The element.
    pub element: NodeRef,
}

/// What the panel shows, and to whom it reports.
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct PanelProps {
    /// The notice, in the visitor's language.
    pub notice: Rc<Notice>,
    /// The purposes granted at present; the switches of others are off.
    #[prop_or_default]
    pub granted: Vec<String>,
    /// The legitimate interests objected to.
    #[prop_or_default]
    pub objected: Vec<String>,
    /// The signal that the browser sends, if it is what refuses.
    #[prop_or_default]
    pub signal: Option<String>,
    /// The visitor's choices so far.
    #[prop_or_default]
    pub history: History,
    /// Whether the last answer could not be recorded.
    #[prop_or_default]
    pub failed: bool,
    /// Whether an answer is being recorded.
    #[prop_or_default]
    pub busy: bool,
    /// The dialog.
    #[prop_or_default]
    pub dialog: NodeRef,
    /// The first element that Tab reaches.
    #[prop_or_default]
    pub first: NodeRef,
    /// The last element that Tab reaches.
    #[prop_or_default]
    pub last: NodeRef,
    /// Given an answer, and the event that proves it to be the visitor's.
    #[prop_or_default]
    pub on_answer: Callback<(MouseEvent, Answer)>,
    /// Something is wanted of the choices so far.
    #[prop_or_default]
    pub on_wish: Callback<Wish>,
    /// Another language is chosen.
    #[prop_or_default]
    pub on_language: Callback<Event>,
    /// The button that closes was used.
    #[prop_or_default]
    pub on_close: Callback<MouseEvent>,
    /// The dialog has closed, by whatever means.
    #[prop_or_default]
    pub on_closed: Callback<Event>,
    /// A key was pressed.
    #[prop_or_default]
    pub on_key: Callback<KeyboardEvent>,
}

/// Kept beside the elements rather than in state: flipping one changes nothing else shown, and what
/// was chosen survives another language and a server that does not answer.
type Flips = Rc<RefCell<Vec<Flip>>>;

/// The preferences panel.
#[component]
pub fn Panel(props: &PanelProps) -> Html {
    let notice = &*props.notice;
    let labels = &notice.labels;
    let flips: Flips = use_mut_ref(|| flips(props));

    let asked = notice.asked().map(|purpose| {
        let heading = html! {
            <label class="heading">
                <span class="title">{ &purpose.title }</span>
                { flip(&flips, purpose, Some("switch"), "purpose") }
            </label>
        };
        card(purpose, labels, heading, Html::default())
    });
    let given = notice.given().map(|purpose| {
        let heading = html! {
            <div class="heading">
                <span class="title">{ &purpose.title }</span>
                <span class="fixed">{ &labels.always_on }</span>
            </div>
        };
        card(purpose, labels, heading, objection(notice, &flips, purpose))
    });

    let answer = |answer: Answer| props.on_answer.reform(move |event| (event, answer.clone()));
    let save = {
        let flips = flips.clone();
        props.on_answer.reform(move |event| (event, Answer::Save(flips.borrow().clone())))
    };

    html! {
        <dialog class="panel" part="panel" ref={props.dialog.clone()}
            aria-labelledby="panel-title" aria-busy={props.busy.then_some("true")}
            lang={notice.language.clone()} dir={notice.direction.as_str()}
            onclose={props.on_closed.clone()} onkeydown={props.on_key.clone()}>
            <header>
                <h2 id="panel-title">{ &labels.panel_title }</h2>
                <button type="button" name="close" class="close" ref={props.first.clone()}
                    aria-label={labels.close.clone()} onclick={props.on_close.clone()} />
            </header>
            <div class="scroll">
                { changed(notice) }
                { signal(props) }
                <p>{ &labels.panel_intro }</p>
                <h3>{ &labels.asked_heading }</h3>
                { for asked }
                <h3>{ &labels.given_heading }</h3>
                { for given }
                <h3>{ &labels.history_heading }</h3>
                { history::history(notice, &props.history, &props.on_wish) }
                <h3>{ &labels.about_heading }</h3>
                { responsible(notice) }
                { language(props) }
            </div>
            <footer>
                <p class="error" role="alert">
                    if props.failed { { &labels.error } }
                </p>
                <div class="actions">
                    <div class="answers">
                        <button type="button" name="choice" value="refuse" class="answer"
                            part="answer" onclick={answer(Answer::Refuse)}>{ &labels.refuse_all }</button>
                        <button type="button" name="choice" value="accept" class="answer"
                            part="answer" onclick={answer(Answer::Accept)}>{ &labels.accept_all }</button>
                    </div>
                    <button type="button" name="choice" value="save" class="save" part="save"
                        ref={props.last.clone()} onclick={save}>{ &labels.save }</button>
                </div>
            </footer>
        </dialog>
    }
}

/// The switches and boxes as they are at first.
fn flips(props: &PanelProps) -> Vec<Flip> {
    let flip = |purpose: &Purpose, asks: bool, on: &[String]| {
        let (id, was) = (purpose.id.clone(), on.contains(&purpose.id));
        Flip { id, asks, was, on: was, element: NodeRef::default() }
    };
    let asked = props.notice.asked().map(|purpose| flip(purpose, true, &props.granted));
    let interests = props.notice.given().filter(|p| p.basis == LegalBasis::LegitimateInterest);
    asked.chain(interests.map(|purpose| flip(purpose, false, &props.objected))).collect()
}

/// One of them. Only the visitor flips it: what a script does to it counts for nothing. Clicks are
/// listened to, because a browser vouches for the change that a script's click causes.
fn flip(flips: &Flips, purpose: &Purpose, role: Option<&'static str>, name: &'static str) -> Html {
    let Some(index) = flips.borrow().iter().position(|flip| flip.id == purpose.id) else {
        return Html::default();
    };
    let (on, element) = {
        let flip = &flips.borrow()[index];
        (flip.on, flip.element.clone())
    };
    let flips = flips.clone();
    let flip = Callback::from(move |event: MouseEvent| {
        let flip = &mut flips.borrow_mut()[index];
        flip.on ^= event.is_trusted();
    });
    html! {
        <input type="checkbox" {role} {name} value={purpose.id.clone()} checked={on}
            ref={element} onclick={flip} part="switch" aria-describedby={about(purpose)} />
    }
}

fn objection(notice: &Notice, flips: &Flips, purpose: &Purpose) -> Html {
    if purpose.basis != LegalBasis::LegitimateInterest {
        return Html::default();
    }
    html! {
        <>
            <label class="object">
                { flip(flips, purpose, None, "objection") }
                <span>{ &notice.labels.object }</span>
            </label>
            <p class="quiet">{ &notice.labels.objection }</p>
        </>
    }
}

fn signal(props: &PanelProps) -> Html {
    let Some(signal) = &props.signal else { return Html::default() };
    html! { <p class="changed">{ props.notice.labels.signal.replace("{signal}", signal) }</p> }
}

/// The choice of a language, where there is one.
fn language(props: &PanelProps) -> Html {
    let notice = &*props.notice;
    if notice.languages.len() < 2 {
        return Html::default();
    }
    let options = notice.languages.iter().map(|language| {
        html! {
            <option value={language.tag.clone()} lang={language.tag.clone()}
                selected={language.tag == notice.language}>{ &language.name }</option>
        }
    });
    html! {
        <label class="language">
            <span>{ &notice.labels.language }</span>
            <select name="language" onchange={props.on_language.clone()}>{ for options }</select>
        </label>
    }
}
