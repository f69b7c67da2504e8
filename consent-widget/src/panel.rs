//! The preferences panel: every purpose with what is known of it, a switch where consent is asked,
//! an objection where one is possible, and what the visitor has chosen so far.
//!
//! It only shows and reports. What is on, opening it as a modal dialog and recording an answer are
//! the caller's (`app` in a browser), so that it can also be rendered natively. It is a function
//! rather than a component: a second component, with properties to compare, is all download.

mod history;
mod purpose;

use yew::{Callback, Event, Html, KeyboardEvent, MouseEvent, NodeRef, html};

use crate::banner::changed;
use crate::notice::Notice;

pub use history::{Decision, History};

/// What a visitor pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// Closes the panel.
    Close,
    /// Every purpose granted.
    Accept,
    /// Every purpose refused.
    Refuse,
    /// Each purpose as its switch says.
    Save,
    /// Loads the choices so far.
    History,
    /// Downloads the latest receipt.
    Latest,
    /// Downloads the receipt of the decision with that index.
    Receipt(usize),
    /// Verifies it.
    Verify(usize),
}

/// What the panel shows, and to whom it reports.
#[derive(Debug, Clone, Copy)]
pub struct Panel<'a> {
    /// The notice, in the visitor's language.
    pub notice: &'a Notice,
    /// The purposes whose box is ticked: granted, or objected to.
    pub on: &'a [String],
    /// That the browser sends a signal, in words.
    pub signal: Option<&'a str>,
    /// Whether there is a receipt to save.
    pub receipt: bool,
    /// The choices so far.
    pub history: &'a History,
    /// Whether the last answer could not be recorded.
    pub failed: bool,
    /// Whether an answer is being recorded.
    pub busy: bool,
    /// The elements that the caller needs.
    pub nodes: &'a Nodes,
    /// The reports.
    pub on_event: &'a Reports,
}

/// Elements that the caller needs.
#[derive(Debug, Clone, Default)]
pub struct Nodes {
    /// The dialog.
    pub dialog: NodeRef,
    /// The first element that Tab reaches.
    pub first: NodeRef,
    /// The last element that Tab reaches.
    pub last: NodeRef,
}

/// To whom the panel reports.
#[derive(Debug, Clone, Default)]
pub struct Reports {
    /// A button was pressed; with the event that proves it to be the visitor's.
    pub press: Callback<(MouseEvent, Press)>,
    /// A box was clicked. Not `change`: a browser fires that as trusted after a script's click.
    pub flip: Callback<MouseEvent>,
    /// Another language was selected.
    pub speak: Callback<Event>,
    /// A key was pressed.
    pub key: Callback<KeyboardEvent>,
    /// The dialog has closed, by whatever means.
    pub closed: Callback<Event>,
}

impl Panel<'_> {
    /// The panel as Yew's tree.
    pub fn html(&self) -> Html {
        let Self { notice, nodes, on_event, .. } = *self;
        let labels = &notice.labels;
        let has_languages = notice.languages.len() > 1;
        let first = |is: bool| if is { nodes.first.clone() } else { NodeRef::default() };
        html! {
            <dialog class="panel" part="panel" ref={&nodes.dialog} aria-labelledby="panel-title"
                aria-busy={self.busy.then_some("true")} lang={notice.language.clone()}
                dir={notice.direction.as_str()} onclose={&on_event.closed}
                onkeydown={&on_event.key}>
                <header>
                    <h2 id="panel-title">{ &labels.panel_title }</h2>
                    if has_languages {
                        { self.languages(first(true)) }
                    }
                    <button type="button" name="close" class="close"
                        ref={first(!has_languages)} aria-label={labels.close.clone()}
                        onclick={self.press(Press::Close)} />
                </header>
                <div class="scroll">
                    { changed(notice) }
                    if let Some(signal) = self.signal {
                        <p class="signal">{ signal }</p>
                    }
                    <p>{ &labels.panel_intro }</p>
                    <h3>{ &labels.asked_heading }</h3>
                    { for notice.asked().map(|purpose| self.purpose(purpose)) }
                    <h3>{ &labels.given_heading }</h3>
                    { for notice.given().map(|purpose| self.purpose(purpose)) }
                    <h3>{ &labels.history_heading }</h3>
                    { self.history() }
                    <h3>{ &labels.about_heading }</h3>
                    { responsible(notice) }
                </div>
                <footer>
                    <p class="error" role="alert">
                        if self.failed { { &labels.error } }
                    </p>
                    <div class="actions">
                        <div class="answers">
                            { self.answer("refuse", &labels.refuse_all, Press::Refuse) }
                            { self.answer("accept", &labels.accept_all, Press::Accept) }
                        </div>
                        <button type="button" name="choice" value="save" class="save" part="save"
                            ref={&nodes.last} onclick={self.press(Press::Save)}>
                            { &labels.save }
                        </button>
                    </div>
                </footer>
            </dialog>
        }
    }

    fn languages(&self, node: NodeRef) -> Html {
        let options = self.notice.languages.iter().map(|language| {
            html! {
                <option value={language.tag.clone()} lang={language.tag.clone()}
                    selected={language.tag == self.notice.language}>{ &language.name }</option>
            }
        });
        html! {
            <select name="language" ref={node} aria-label={self.notice.labels.language.clone()}
                onchange={&self.on_event.speak}>{ for options }</select>
        }
    }

    fn press(&self, press: Press) -> Callback<MouseEvent> {
        self.on_event.press.reform(move |event| (event, press))
    }

    /// Accept and refuse: one look for both.
    fn answer(&self, value: &'static str, text: &str, press: Press) -> Html {
        html! {
            <button type="button" name="choice" {value} class="answer" part="answer"
                onclick={self.press(press)}>{ text }</button>
        }
    }

    /// A button that answers nothing.
    fn button(&self, name: &'static str, text: &str, press: Press) -> Html {
        html! {
            <button type="button" {name} class="small" onclick={self.press(press)}>{ text }</button>
        }
    }
}

/// A name, followed by what is said of it.
fn note(name: &str, notes: &[&str]) -> Html {
    let said = notes.iter().map(|text| html! { <span class="note">{ text }</span> });
    html! { <>{ name }{ for said }</> }
}

/// A title and what belongs to it.
fn facts(title: &str, items: Vec<Html>) -> Html {
    let items: Vec<Html> = items.into_iter().map(|item| html! { <dd>{ item }</dd> }).collect();
    html! { <div><dt>{ title }</dt>{ items }</div> }
}

fn texts(texts: &[String]) -> Vec<Html> {
    texts.iter().map(Html::from).collect()
}

fn responsible(notice: &Notice) -> Html {
    let labels = &notice.labels;
    let (controller, officer, authority) = (&notice.controller, &notice.officer, &notice.authority);
    let mut who = vec![note(&controller.name, &[&controller.country])];
    who.extend(texts(controller.address.as_slice()));
    who.push(mail(&controller.email));
    let mut rights = texts(&notice.rights);
    rights.push(Html::from(&labels.rights_text));
    let link = html! {
        <a href={authority.url.clone()} target="_blank" rel="noopener">{ &authority.name }</a>
    };
    let complain = vec![Html::from(&labels.authority_text), link, Html::from(&authority.address)];
    html! {
        <dl class="about">
            { facts(&labels.controller, who) }
            { facts(&labels.officer, vec![Html::from(&officer.name), mail(&officer.email)]) }
            { facts(&labels.rights, rights) }
            { facts(&labels.authority, complain) }
        </dl>
    }
}

fn mail(address: &str) -> Html {
    html! { <a href={["mailto:", address].concat()}>{ address }</a> }
}
