//! Pages for the owner of an e-mail address, who comes by a signed link: confirm, refuse,
//! withdraw. Complete documents that need no script, to be sent with a strict security policy.
//! What every page has is here too; the page for visitors without a script is in `choices.rs`.

use yew::{Html, Properties, ServerRenderer, component, html};

use crate::labels::{File, PageLabels};
use crate::notice::Notice;

/// The style sheet of these pages, to be served at the address given as `style_url`.
pub const PAGE_STYLE: &str = include_str!("page.css");

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressAction {
    /// Asks, with two equal buttons.
    Confirm,
    /// A consent is recorded; offers to withdraw it.
    Done,
    /// A consent was withdrawn.
    Withdrawn,
    /// A refusal is recorded.
    Refused,
    /// The link cannot be used.
    Invalid,
}

/// What a page shows, and where its buttons lead.
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct AddressPage {
    /// Who asks, and in which language.
    pub notice: Notice,
    /// Which page.
    pub action: AddressAction,
    /// The titles of the purposes concerned, in the notice's language.
    pub purposes: Vec<String>,
    /// Receives `token` and `choice`: `accept`, `refuse` or `withdraw`.
    pub action_url: String,
    /// What proves control of the address; sent back unchanged.
    pub token: String,
    /// The receipt of what was just recorded.
    pub receipt: Option<String>,
    /// The address of [`PAGE_STYLE`].
    pub style_url: String,
}

/// The whole document, from `<!doctype html>` on.
pub async fn render_address_page(page: AddressPage) -> String {
    let html = ServerRenderer::<Page>::with_props(move || page).hydratable(false).render().await;
    ["<!doctype html>\n", &html, "\n"].concat()
}

#[component]
fn Page(page: &AddressPage) -> Html {
    let notice = &page.notice;
    let labels = File::or_english(&notice.language).page.map(|text| notice.fill(text));
    let (title, body) = match page.action {
        AddressAction::Confirm => (&labels.confirm_title, confirm(page, &labels)),
        AddressAction::Done => (&labels.done_title, done(page, &labels)),
        AddressAction::Withdrawn => {
            (&labels.withdrawn_title, told(page, &labels.withdrawn_intro, &labels))
        }
        AddressAction::Refused => {
            (&labels.refused_title, told(page, &labels.refused_intro, &labels))
        }
        AddressAction::Invalid => {
            (&labels.invalid_title, html! { <p>{ &labels.invalid_intro }</p> })
        }
    };
    document(notice, title, &page.style_url, "no-referrer", body)
}

/// A page around `body`: its head, and whom to write to. `referrer` says who is told its address.
pub(crate) fn document(
    notice: &Notice,
    title: &str,
    style_url: &str,
    referrer: &'static str,
    body: Html,
) -> Html {
    let contact = notice.fill(&File::or_english(&notice.language).page.contact);
    html! {
        <html lang={notice.language.clone()} dir={notice.direction.as_str()}>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="robots" content="noindex, nofollow" />
                <meta name="referrer" content={referrer} />
                <title>{ title }{ " · " }{ &notice.name }</title>
                <link rel="stylesheet" href={style_url.to_owned()} />
            </head>
            <body>
                <main>
                    <p class="site">{ &notice.name }</p>
                    <h1>{ title }</h1>
                    { body }
                    <p class="quiet">{ contact }</p>
                </main>
            </body>
        </html>
    }
}

/// The receipt, to be opened and copied.
pub(crate) fn receipt(receipt: &str, labels: &PageLabels) -> Html {
    html! {
        <details>
            <summary>{ &labels.receipt }</summary>
            <p id="receipt-text">{ &labels.receipt_text }</p>
            <textarea readonly=true rows="6" aria-describedby="receipt-text"
                aria-label={labels.receipt.clone()} defaultvalue={receipt.to_owned()} />
        </details>
    }
}

fn confirm(page: &AddressPage, labels: &PageLabels) -> Html {
    html! {
        <>
            <p>{ &labels.confirm_intro }</p>
            { purposes(page, labels) }
            <p>{ &labels.confirm_consequence }</p>
            <p>{ &labels.confirm_withdraw }</p>
            <div class="actions">
                { form(page, "refuse", &labels.refuse) }
                { form(page, "accept", &labels.confirm) }
            </div>
        </>
    }
}

fn done(page: &AddressPage, labels: &PageLabels) -> Html {
    html! {
        <>
            { told(page, &labels.done_intro, labels) }
            <p>{ &labels.done_withdraw }</p>
            <div class="actions">
                { form(page, "withdraw", &labels.withdraw) }
            </div>
        </>
    }
}

fn told(page: &AddressPage, intro: &str, labels: &PageLabels) -> Html {
    let receipt = page.receipt.as_ref().map(|text| receipt(text, labels));
    html! { <><p>{ intro }</p>{ purposes(page, labels) }{ receipt }</> }
}

fn purposes(page: &AddressPage, labels: &PageLabels) -> Html {
    if page.purposes.is_empty() {
        return Html::default();
    }
    html! {
        <>
            <p>{ &labels.purposes_heading }</p>
            <ul>{ for page.purposes.iter().map(|title| html! { <li>{ title }</li> }) }</ul>
        </>
    }
}

fn form(page: &AddressPage, choice: &'static str, text: &str) -> Html {
    html! {
        <form method="post" action={page.action_url.clone()}>
            <input type="hidden" name="token" value={page.token.clone()} />
            <button name="choice" value={choice}>{ text }</button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use consent_core::{Policy, policy::EXAMPLE};

    use super::*;

    fn page(action: AddressAction, language: &str) -> String {
        let page = AddressPage {
            notice: Notice::new(&Policy::from_toml(EXAMPLE).unwrap(), language),
            action,
            purposes: vec!["Audience measurement".into()],
            action_url: "/answer".into(),
            token: "t\"><script>".into(),
            receipt: Some("a.b.c".into()),
            style_url: "/page.css".into(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(render_address_page(page))
    }

    #[test]
    fn the_question_offers_both_answers_alike() {
        let html = page(AddressAction::Confirm, "fr");
        assert!(html.starts_with("<!doctype html>\n<html lang=\"fr\" dir=\"ltr\">"), "{html}");
        assert!(html.contains("<button name=\"choice\" value=\"accept\">Confirmer</button>"));
        assert!(html.contains("<button name=\"choice\" value=\"refuse\">Refuser</button>"));
        assert_eq!(html.matches("action=\"/answer\"").count(), 2);
        assert!(html.contains("noindex"));
        assert!(!html.contains("<script>"), "the token is escaped");
        assert!(!html.contains("a.b.c"), "there is no receipt before an answer");
    }

    #[test]
    fn a_recorded_consent_is_withdrawn_by_one_button() {
        let html = page(AddressAction::Done, "en");
        assert_eq!(html.matches("<button").count(), 1);
        assert!(html.contains("value=\"withdraw\""));
        assert!(html.contains("a.b.c</textarea>"), "{html}");
    }

    #[test]
    fn other_pages_offer_nothing_to_press() {
        for action in [AddressAction::Withdrawn, AddressAction::Refused, AddressAction::Invalid] {
            let html = page(action, "en");
            assert!(!html.contains("<button") && html.contains("dpo@example.org"), "{html}");
        }
    }
}
