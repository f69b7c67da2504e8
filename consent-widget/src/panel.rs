//! The preferences panel: every purpose with what is known of it, a switch where consent is asked.
//!
//! It only shows and reports. Opening it as a modal dialog, recording an answer and saving the
//! receipt are the caller's (`app` in a browser), so that it can also be rendered natively.

use std::rc::Rc;

use consent_core::LegalBasis;
use yew::{
    Callback, Event, Html, KeyboardEvent, MouseEvent, NodeRef, Properties, component, html,
    use_mut_ref,
};

use crate::labels::Labels;
use crate::notice::{Notice, Purpose, Recipient};

/// What a visitor answered, by which button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Every purpose granted.
    Accept,
    /// Every purpose refused.
    Refuse,
    /// Each purpose asked for, with whether its switch is on.
    Save(Vec<(String, bool)>),
}

/// What the panel shows, and to whom it reports.
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct PanelProps {
    /// The notice, in the visitor's language.
    pub notice: Rc<Notice>,
    /// The purposes granted at present; the switches of others are off.
    #[prop_or_default]
    pub granted: Vec<String>,
    /// Whether there is a receipt to save.
    #[prop_or_default]
    pub receipt: bool,
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
    /// The receipt is wanted.
    #[prop_or_default]
    pub on_receipt: Callback<MouseEvent>,
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

/// The preferences panel.
#[component]
pub fn Panel(props: &PanelProps) -> Html {
    let notice = &*props.notice;
    let labels = &notice.labels;
    // Kept beside the switches rather than in state: flipping one changes nothing else shown, and
    // what was chosen survives a server that does not answer.
    let chosen = use_mut_ref(|| -> Vec<(String, bool)> {
        let granted = |id: &String| props.granted.contains(id);
        notice.asked().map(|purpose| (purpose.id.clone(), granted(&purpose.id))).collect()
    });

    let asked = notice.asked().enumerate().map(|(index, purpose)| {
        let on = chosen.borrow().get(index).is_some_and(|(_, on)| *on);
        let flip = {
            let chosen = chosen.clone();
            Callback::from(move |_: Event| {
                if let Some((_, on)) = chosen.borrow_mut().get_mut(index) {
                    *on = !*on;
                }
            })
        };
        let heading = html! {
            <label class="heading">
                <span class="title">{ &purpose.title }</span>
                <input type="checkbox" role="switch" name="purpose" value={purpose.id.clone()}
                    checked={on} onchange={flip} aria-describedby={about(purpose)} />
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
        let objection = if purpose.basis == LegalBasis::LegitimateInterest {
            html! { <p class="quiet">{ &labels.objection }</p> }
        } else {
            Html::default()
        };
        card(purpose, labels, heading, objection)
    });

    let answer = |answer: Answer| props.on_answer.reform(move |event| (event, answer.clone()));
    let save = {
        let chosen = chosen.clone();
        props.on_answer.reform(move |event| (event, Answer::Save(chosen.borrow().clone())))
    };
    let save_is_last = if props.receipt { NodeRef::default() } else { props.last.clone() };

    html! {
        <dialog class="panel" ref={props.dialog.clone()} aria-labelledby="panel-title"
            aria-busy={props.busy.then_some("true")} lang={notice.language.clone()}
            dir={notice.direction.as_str()} onclose={props.on_closed.clone()}
            onkeydown={props.on_key.clone()}>
            <header>
                <h2 id="panel-title">{ &labels.panel_title }</h2>
                <button type="button" name="close" class="close" ref={props.first.clone()}
                    aria-label={labels.close.clone()} onclick={props.on_close.clone()} />
            </header>
            <div class="scroll">
                <p>{ &labels.panel_intro }</p>
                <h3>{ &labels.asked_heading }</h3>
                { for asked }
                <h3>{ &labels.given_heading }</h3>
                { for given }
                <h3>{ &labels.about_heading }</h3>
                { responsible(notice) }
            </div>
            <footer>
                <p class="error" role="alert">
                    if props.failed { { &labels.error } }
                </p>
                <div class="actions">
                    <button type="button" name="choice" value="refuse" class="answer"
                        onclick={answer(Answer::Refuse)}>{ &labels.refuse_all }</button>
                    <button type="button" name="choice" value="accept" class="answer"
                        onclick={answer(Answer::Accept)}>{ &labels.accept_all }</button>
                    <button type="button" name="choice" value="save" class="save"
                        ref={save_is_last} onclick={save}>{ &labels.save }</button>
                    if props.receipt {
                        <button type="button" name="receipt" class="other"
                            ref={props.last.clone()}
                            onclick={props.on_receipt.clone()}>{ &labels.save_receipt }</button>
                    }
                </div>
            </footer>
        </dialog>
    }
}

/// The id of a purpose's description.
fn about(purpose: &Purpose) -> String {
    ["about-", &purpose.id].concat()
}

fn card(purpose: &Purpose, labels: &Labels, heading: Html, more: Html) -> Html {
    let basis = match purpose.basis {
        LegalBasis::Consent => &labels.basis_consent,
        LegalBasis::Contract => &labels.basis_contract,
        LegalBasis::LegitimateInterest => &labels.basis_legitimate_interest,
        LegalBasis::LegalObligation => &labels.basis_legal_obligation,
    };
    let recipients = purpose.recipients.iter().map(recipient).collect();
    let cookies =
        purpose.cookies.iter().map(|cookie| note(&cookie.name, &[&cookie.lifetime])).collect();
    let services = purpose.services.iter().map(|service| html! { service }).collect();
    html! {
        <section class="card">
            { heading }
            <p id={about(purpose)}>{ &purpose.description }</p>
            <p class="basis">{ basis }</p>
            { more }
            <details>
                <summary>{ &labels.details }</summary>
                <dl>
                    { facts(&labels.services, services, labels) }
                    { facts(&labels.recipients, recipients, labels) }
                    { facts(&labels.cookies, cookies, labels) }
                    <dt>{ &labels.retention }</dt><dd>{ &purpose.retention }</dd>
                </dl>
            </details>
        </section>
    }
}

fn facts(title: &str, items: Vec<Html>, labels: &Labels) -> Html {
    let absent = items.is_empty().then(|| html! { <dd>{ &labels.none }</dd> });
    html! {
        <>
            <dt>{ title }</dt>
            { for items.into_iter().map(|item| html! { <dd>{ item }</dd> }) }
            { absent }
        </>
    }
}

fn recipient(recipient: &Recipient) -> Html {
    let notes: Vec<&str> = [&recipient.service, &recipient.country]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    note(&recipient.name, &notes)
}

/// A name, followed by what is said of it.
fn note(name: &str, notes: &[&str]) -> Html {
    let said = notes.iter().map(|text| html! { <span class="note">{ text }</span> });
    html! { <>{ name }{ for said }</> }
}

fn responsible(notice: &Notice) -> Html {
    let labels = &notice.labels;
    let (controller, officer, authority) = (&notice.controller, &notice.officer, &notice.authority);
    let address = controller.address.as_ref().map(|address| html! { <dd>{ address }</dd> });
    html! {
        <dl class="about">
            <dt>{ &labels.controller }</dt>
            <dd>{ note(&controller.name, &[&controller.country]) }</dd>
            { address }
            <dd>{ mail(&controller.email) }</dd>
            <dt>{ &labels.officer }</dt>
            <dd>{ &officer.name }</dd>
            <dd>{ mail(&officer.email) }</dd>
            <dt>{ &labels.rights }</dt>
            { for notice.rights.iter().map(|right| html! { <dd>{ right }</dd> }) }
            <dd>{ &labels.rights_text }</dd>
            <dt>{ &labels.authority }</dt>
            <dd>{ &labels.authority_text }</dd>
            <dd>
                <a href={authority.url.clone()} target="_blank" rel="noopener">{ &authority.name }</a>
            </dd>
            <dd>{ &authority.address }</dd>
        </dl>
    }
}

fn mail(address: &str) -> Html {
    html! { <a href={["mailto:", address].concat()}>{ address }</a> }
}
