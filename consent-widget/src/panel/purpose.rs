//! One purpose in the panel: its switch or objection, and everything that is known of it.

use consent_core::LegalBasis;
use yew::{Html, html};

use super::{Panel, facts, note, texts};
use crate::notice::{Cookie, Purpose, Recipient};

impl Panel<'_> {
    pub(super) fn purpose(&self, purpose: &Purpose) -> Html {
        let labels = &self.notice.labels;
        let is_asked = purpose.basis == LegalBasis::Consent;
        let basis = match purpose.basis {
            LegalBasis::Consent => &labels.basis_consent,
            LegalBasis::Contract => &labels.basis_contract,
            LegalBasis::LegitimateInterest => &labels.basis_legitimate_interest,
            LegalBasis::LegalObligation => &labels.basis_legal_obligation,
        };
        let heading = if is_asked {
            self.switch(purpose, &purpose.title)
        } else {
            let fixed = (purpose.basis != LegalBasis::LegitimateInterest).then(|| {
                html! { <span class="fixed">{ &labels.always_on }</span> }
            });
            html! {
                <div class="heading"><span class="title">{ &purpose.title }</span>{ fixed }</div>
            }
        };
        let objection = (purpose.basis == LegalBasis::LegitimateInterest).then(|| {
            html! {
                <div class="object">
                    { self.switch(purpose, &labels.object) }
                    <p class="quiet">{ &labels.objection }</p>
                </div>
            }
        });
        html! {
            <section class="card" part="card">
                { heading }
                <p id={about(purpose)}>{ &purpose.description }</p>
                <p class="basis">{ basis }</p>
                { objection }
                { self.details(purpose) }
            </section>
        }
    }

    /// The switch that grants, or the box that objects.
    fn switch(&self, purpose: &Purpose, text: &str) -> Html {
        let (is_asked, id) = (purpose.basis == LegalBasis::Consent, &purpose.id);
        html! {
            <label class="heading">
                <span class="title">{ text }</span>
                <input type="checkbox" role={is_asked.then_some("switch")}
                    name={if is_asked { "purpose" } else { "objection" }} value={id.clone()}
                    checked={self.on.contains(id)} onclick={&self.on_event.flip}
                    aria-describedby={about(purpose)} />
            </label>
        }
    }

    fn details(&self, purpose: &Purpose) -> Html {
        let labels = &self.notice.labels;
        let rows: [(&str, Vec<Html>); 7] = [
            (&labels.data, texts(&purpose.data)),
            (&labels.interest, texts(purpose.interest.as_slice())),
            (&labels.necessity, texts(purpose.necessity.as_slice())),
            (&labels.services, texts(&purpose.services)),
            (&labels.recipients, purpose.recipients.iter().map(recipient).collect()),
            (&labels.cookies, purpose.cookies.iter().map(cookie).collect()),
            (&labels.retention, vec![Html::from(&purpose.retention)]),
        ];
        let rows = rows.into_iter().enumerate().filter_map(|(index, (title, mut items))| {
            if items.is_empty() {
                // That there are no services, recipients or cookies is worth saying.
                if index < 3 {
                    return None;
                }
                items.push(Html::from(&labels.none));
            }
            Some(facts(title, items))
        });
        html! {
            <details>
                <summary aria-label={[&*labels.details, ": ", &purpose.title].concat()}>{ &labels.details }</summary>
                <dl>{ for rows }</dl>
            </details>
        }
    }
}

/// The id of a purpose's description.
fn about(purpose: &Purpose) -> String {
    ["about-", &purpose.id].concat()
}

fn cookie(cookie: &Cookie) -> Html {
    note(&cookie.name, &[&cookie.lifetime])
}

fn recipient(recipient: &Recipient) -> Html {
    let notes: Vec<&str> = [&recipient.service, &recipient.country]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    note(&recipient.name, &notes)
}
