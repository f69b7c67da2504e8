//! What the panel says about one purpose, and about who is responsible.

use consent_core::LegalBasis;
use yew::{Html, html};

use crate::labels::Labels;
use crate::notice::{Notice, Purpose, Recipient};

/// The id of a purpose's description.
pub(super) fn about(purpose: &Purpose) -> String {
    ["about-", &purpose.id].concat()
}

/// A purpose, below its heading; `more` is what else can be done about it.
pub(super) fn card(purpose: &Purpose, labels: &Labels, heading: Html, more: Html) -> Html {
    let basis = match purpose.basis {
        LegalBasis::Consent => &labels.basis_consent,
        LegalBasis::Contract => &labels.basis_contract,
        LegalBasis::LegitimateInterest => &labels.basis_legitimate_interest,
        LegalBasis::LegalObligation => &labels.basis_legal_obligation,
    };
    let texts = |texts: &[String]| texts.iter().map(|text| html! { text }).collect();
    let recipients = purpose.recipients.iter().map(recipient).collect();
    let cookies =
        purpose.cookies.iter().map(|cookie| note(&cookie.name, &[&cookie.lifetime])).collect();
    html! {
        <section class="card" part="card">
            { heading }
            <p id={about(purpose)}>{ &purpose.description }</p>
            <p class="basis">{ basis }</p>
            { more }
            <details>
                <summary>{ &labels.details }</summary>
                <dl>
                    { facts(&labels.data, texts(&purpose.data), labels) }
                    { one(&labels.interest, purpose.interest.as_ref()) }
                    { one(&labels.necessity, purpose.necessity.as_ref()) }
                    { facts(&labels.services, texts(&purpose.services), labels) }
                    { facts(&labels.recipients, recipients, labels) }
                    { facts(&labels.cookies, cookies, labels) }
                    { one(&labels.retention, Some(&purpose.retention)) }
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

/// A fact that not every purpose has.
fn one(title: &str, text: Option<&String>) -> Html {
    text.map(|text| html! { <><dt>{ title }</dt><dd>{ text }</dd></> }).unwrap_or_default()
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

/// Controller, officer, rights and authority (GDPR Art. 13(1) and (2)).
pub(super) fn responsible(notice: &Notice) -> Html {
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
