//! The page without a script: everything that banner and preferences say and offer, as a document
//! with forms. It keeps the same receipt, and answers are as equal as they are in the banner.
//!
//! What is recorded, and how a form is read, is the server's.

use std::collections::BTreeMap;

use consent_core::{Choice, LegalBasis, Signal};
use yew::{Html, Properties, ServerRenderer, component, html};

use crate::labels::{File, Labels, PageLabels};
use crate::notice::{Notice, Purpose, Recipient};
use crate::page;

/// What the page shows, and where its buttons lead.
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct ChoicesPage {
    /// Who asks, for what, and in which language.
    pub notice: Notice,
    /// What counts now, by purpose; refused means objected to where it rests on an interest.
    pub choices: BTreeMap<String, Choice>,
    /// A signal that this browser sends and the policy honours.
    pub signal: Option<Signal>,
    /// The receipt of what was just recorded, or recorded before.
    pub receipt: Option<String>,
    /// Whether something was just recorded.
    pub recorded: bool,
    /// Sent back unchanged with each answer, by name: what was shown, and who answers.
    pub hidden: Vec<(&'static str, String)>,
    /// The address of this page, which receives the answers: `choice` (`accept`, `refuse` or
    /// `save`), `purpose.` and `object.` with a purpose's identifier.
    pub action_url: String,
    /// The address of [`PAGE_STYLE`](crate::PAGE_STYLE).
    pub style_url: String,
    /// The address of the site.
    pub back_url: String,
}

/// The whole document, from `<!doctype html>` on.
pub async fn render_choices_page(page: ChoicesPage) -> String {
    let html = ServerRenderer::<Page>::with_props(move || page).hydratable(false).render().await;
    ["<!doctype html>\n", &html, "\n"].concat()
}

#[component]
fn Page(page: &ChoicesPage) -> Html {
    let notice = &page.notice;
    let words = File::or_english(&notice.language).page.map(|text| notice.fill(text));
    let title = if page.recorded { &words.recorded_title } else { &notice.labels.banner_title };
    // Forms of this page are answered only where their origin is known, so it is told to this
    // server, and to nobody else.
    page::document(notice, title, &page.style_url, "same-origin", body(page, &words))
}

fn body(page: &ChoicesPage, words: &PageLabels) -> Html {
    let notice = &page.notice;
    let labels = &notice.labels;
    html! {
        <>
            { page.recorded.then(|| html! { <p role="status">{ &words.recorded_intro }</p> }) }
            { page.receipt.as_ref().map(|receipt| page::receipt(receipt, words)) }
            { changed(notice) }
            <p>{ &labels.banner_intro }</p>
            <ul>{ for notice.asked().map(|purpose| html! { <li>{ &purpose.title }</li> }) }</ul>
            <p>{ &labels.banner_consequence }{ " " }{ &labels.banner_withdraw }</p>
            { page.signal.map(|signal| {
                let told = labels.signal.replace("{signal}", &signal.to_string());
                html! { <p class="signal">{ told }</p> }
            }) }
            <p>{ &words.choices_hint }</p>
            <form method="post" action={page.action_url.clone()}>
                { hidden(page) }
                <div class="actions">
                    <button name="choice" value="refuse">{ &labels.refuse_all }</button>
                    <button name="choice" value="accept">{ &labels.accept_all }</button>
                </div>
            </form>
            <form method="post" action={page.action_url.clone()}>
                { hidden(page) }
                { section(notice, &labels.asked_heading, asked, |purpose| choice(page, words, purpose)) }
                { section(notice, &labels.given_heading, given, |purpose| stated(page, purpose)) }
                <div class="actions"><button name="choice" value="save">{ &labels.save }</button></div>
            </form>
            { about(notice) }
            { languages(page) }
            <p><a href={page.back_url.clone()}>{ &words.back }</a></p>
        </>
    }
}

fn asked(purpose: &Purpose) -> bool {
    purpose.basis == LegalBasis::Consent
}

fn given(purpose: &Purpose) -> bool {
    !asked(purpose)
}

fn hidden(page: &ChoicesPage) -> Html {
    let fields = page.hidden.iter().map(|(name, value)| {
        html! { <input type="hidden" name={*name} value={value.clone()} /> }
    });
    html! { <>{ for fields }</> }
}

/// What has changed since the visitor chose.
fn changed(notice: &Notice) -> Html {
    if notice.changes.is_empty() {
        return Html::default();
    }
    html! {
        <section>
            <h2>{ &notice.labels.changed_heading }</h2>
            <ul class="plain">{ for notice.changes.iter().map(|told| html! { <li>{ told }</li> }) }</ul>
        </section>
    }
}

/// The purposes of one kind, under their heading; nothing if there are none.
fn section(
    notice: &Notice,
    heading: &str,
    kind: fn(&Purpose) -> bool,
    show: impl Fn(&Purpose) -> Html,
) -> Html {
    let purposes: Vec<_> = notice.purposes.iter().filter(|purpose| kind(purpose)).collect();
    if purposes.is_empty() {
        return Html::default();
    }
    html! { <section><h2>{ heading }</h2>{ for purposes.into_iter().map(show) }</section> }
}

/// A purpose that is asked for, with its two answers. Neither is chosen beforehand, and neither is
/// required: who wants to answer one purpose, or only to object, answers no other.
fn choice(page: &ChoicesPage, words: &PageLabels, purpose: &Purpose) -> Html {
    let held = page.choices.get(&purpose.id);
    let radio = |choice: Choice, value: &'static str, text: &str| {
        html! {
            <label>
                <input type="radio" name={format!("purpose.{}", purpose.id)} {value}
                    checked={held == Some(&choice)} />
                { text }
            </label>
        }
    };
    html! {
        <fieldset aria-describedby={format!("{}-text", purpose.id)}>
            <legend>{ &purpose.title }</legend>
            { what(purpose, &page.notice.labels) }
            <div class="options">
                { radio(Choice::Refused, "refused", &words.disagree) }
                { radio(Choice::Granted, "granted", &words.agree) }
            </div>
        </fieldset>
    }
}

/// A purpose that needs no consent; where it rests on an interest, with a box that objects.
fn stated(page: &ChoicesPage, purpose: &Purpose) -> Html {
    let labels = &page.notice.labels;
    let objection = (purpose.basis == LegalBasis::LegitimateInterest).then(|| {
        html! {
            <>
                <p>{ &labels.objection }</p>
                <div class="options">
                    <label>
                        <input type="checkbox" name={format!("object.{}", purpose.id)} value="on"
                            checked={page.choices.get(&purpose.id) == Some(&Choice::Refused)} />
                        { &labels.object }
                    </label>
                </div>
            </>
        }
    });
    html! {
        <fieldset aria-describedby={format!("{}-text", purpose.id)}>
            <legend>{ &purpose.title }</legend>
            { what(purpose, labels) }
            { objection }
        </fieldset>
    }
}

/// What a purpose is, on what it rests, and everything else that is known of it.
fn what(purpose: &Purpose, labels: &Labels) -> Html {
    let basis = match purpose.basis {
        LegalBasis::Consent => &labels.basis_consent,
        LegalBasis::Contract => &labels.basis_contract,
        LegalBasis::LegitimateInterest => &labels.basis_legitimate_interest,
        LegalBasis::LegalObligation => &labels.basis_legal_obligation,
    };
    let one = |label: &str, text: &str| html! { <><dt>{ label }</dt><dd>{ text }</dd></> };
    let list = |label: &str, items: Vec<String>| {
        let items = if items.is_empty() { vec![labels.none.clone()] } else { items };
        html! { <><dt>{ label }</dt>{ for items.iter().map(|item| html! { <dd>{ item }</dd> }) }</> }
    };
    let cookies =
        purpose.cookies.iter().map(|cookie| format!("{} ({})", cookie.name, cookie.lifetime));
    html! {
        <>
            <p id={format!("{}-text", purpose.id)}>{ &purpose.description }</p>
            <p class="quiet">{ basis }</p>
            <details>
                <summary>{ &labels.details }</summary>
                <dl>
                    { purpose.interest.as_ref().map(|text| one(&labels.interest, text)) }
                    { purpose.necessity.as_ref().map(|text| one(&labels.necessity, text)) }
                    { list(&labels.data, purpose.data.clone()) }
                    { list(&labels.services, purpose.services.clone()) }
                    { list(&labels.recipients, purpose.recipients.iter().map(recipient).collect()) }
                    { list(&labels.cookies, cookies.collect()) }
                    { one(&labels.retention, &purpose.retention) }
                </dl>
            </details>
        </>
    }
}

fn recipient(recipient: &Recipient) -> String {
    let more = [&recipient.service, &recipient.country];
    let more: Vec<_> = more.into_iter().flatten().map(String::as_str).collect();
    let name = &recipient.name;
    if more.is_empty() { name.clone() } else { format!("{name} ({})", more.join(", ")) }
}

/// Who is responsible, to whom to complain, and which rights there are.
fn about(notice: &Notice) -> Html {
    let Notice { labels, controller, officer, authority, .. } = notice;
    let mail = |address: &str| html! { <a href={format!("mailto:{address}")}>{ address }</a> };
    html! {
        <section>
            <h2>{ &labels.about_heading }</h2>
            <dl>
                <dt>{ &labels.controller }</dt>
                <dd>{ &controller.name }{ ", " }{ &controller.country }</dd>
                { for controller.address.iter().map(|address| html! { <dd>{ address }</dd> }) }
                <dd>{ mail(&controller.email) }</dd>
                <dt>{ &labels.officer }</dt>
                <dd>{ &officer.name }{ ", " }{ mail(&officer.email) }</dd>
                <dt>{ &labels.authority }</dt>
                <dd>{ &labels.authority_text }</dd>
                <dd>{ &authority.name }{ ", " }{ &authority.address }{ ", " }
                    <a href={authority.url.clone()}>{ &authority.url }</a></dd>
                <dt>{ &labels.rights }</dt>
                { for notice.rights.iter().map(|right| html! { <dd>{ right }</dd> }) }
                <dd>{ &labels.rights_text }</dd>
            </dl>
        </section>
    }
}

/// The same page in the other languages of the policy, each named in itself.
fn languages(page: &ChoicesPage) -> Html {
    let others = page.notice.languages.iter().filter(|other| other.tag != page.notice.language);
    let links: Vec<_> = others
        .map(|other| {
            let (tag, name) = (&other.tag, &other.name);
            let address = format!("{}?lang={tag}", page.action_url);
            html! { <li><a href={address} hreflang={tag.clone()} lang={tag.clone()}>{ name }</a></li> }
        })
        .collect();
    if links.is_empty() {
        return Html::default();
    }
    html! {
        <nav aria-label={page.notice.labels.language.clone()}><ul class="plain">{ for links }</ul></nav>
    }
}

#[cfg(test)]
mod tests {
    use consent_core::{Policy, policy::EXAMPLE};

    use super::*;

    fn sample() -> ChoicesPage {
        let interest = "[[purpose]]\nid = \"safety\"\nbasis = \"legitimate_interest\"\n\
            data = [\"usage\"]\ntitle.en = \"Safety\"\ndescription.en = \"Noticing misuse.\"\n\
            interest.en = \"Keeping the site safe.\"\nretention.en = \"A year.\"\n\n[[region]]";
        let policy = Policy::from_toml(&EXAMPLE.replace("[[region]]", interest)).unwrap();
        ChoicesPage {
            notice: Notice::new(&policy, "en"),
            choices: BTreeMap::new(),
            signal: None,
            receipt: None,
            recorded: false,
            hidden: vec![("policy", "1".into()), ("receipt", "\"><script>".into())],
            action_url: "/choices".into(),
            style_url: "/page.css".into(),
            back_url: "https://www.example.org".into(),
        }
    }

    fn render(page: ChoicesPage) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(render_choices_page(page))
    }

    /// The opening tag of the element with that value.
    fn tag<'h>(html: &'h str, value: &str) -> &'h str {
        let at = html.find(&format!("value=\"{value}\"")).expect(value);
        let start = html[..at].rfind('<').unwrap();
        &html[start..=start + html[start..].find('>').unwrap()]
    }

    #[test]
    fn it_says_everything_that_must_be_said_before_a_choice() {
        let html = render(sample());
        let before = html.find("<form").unwrap();
        for said in [
            "<!doctype html>\n<html lang=\"en\" dir=\"ltr\">",
            "<title>Your choices on Example",
            "Example SAS, which is responsible for Example",
            "<li>Audience measurement</li>",
            "If you refuse, the site works in the same way.",
            "You can change it or withdraw it at any time.",
        ] {
            assert!(html[..before].contains(said), "{said}: {html}");
        }
        for said in
            ["Measure", "_measure (390 days)", "13 months.", "France", "https://www.cnil.fr"]
        {
            assert!(html[before..].contains(said), "{said}: {html}");
        }
        assert!(html.contains("href=\"https://www.example.org\">Back to Example</a>"));
    }

    #[test]
    fn both_answers_are_alike_and_nothing_is_chosen_beforehand() {
        let html = render(sample());
        for (yes, no) in [("accept", "refuse"), ("granted", "refused")] {
            assert_eq!(tag(&html, yes).replace(yes, ""), tag(&html, no).replace(no, ""));
        }
        assert!(!html.contains("checked"), "{html}");
        for labelled in ["/>I refuse</label>", "/>I accept</label>", "/>I object to this</label>"] {
            let labelled = labelled.replace("/>", ">");
            assert!(html.replace("/>", ">").contains(&labelled), "{labelled}: {html}");
        }
        assert!(html.contains("<legend>Audience measurement</legend>"));
        assert_eq!(html.matches("type=\"radio\"").count(), 2, "a contract is not asked for");
        assert_eq!(html.matches("type=\"checkbox\"").count(), 1, "nor objected to");
    }

    #[test]
    fn it_needs_no_script_and_no_style_of_its_own() {
        let html = render(sample());
        for forbidden in
            ["<script", " style=", "<style", " onclick=", " onchange=", " onsubmit=", "javascript:"]
        {
            assert!(!html.contains(forbidden), "{forbidden}: {html}");
        }
        assert!(
            html.contains("value=\"&quot;&gt;&lt;script&gt;\"")
                || html.contains("value=\"&quot;><")
        );
    }

    #[test]
    fn what_counts_now_is_chosen() {
        let choices = [("analytics", Choice::Granted), ("safety", Choice::Refused)];
        let choices = choices.map(|(id, choice)| (id.to_owned(), choice)).into();
        let receipt = Some("a.b.c".to_owned());
        let html = render(ChoicesPage { choices, receipt, recorded: true, ..sample() });
        let chosen = |value: &str| tag(&html, value).contains("checked");
        assert!(chosen("granted") && !chosen("refused") && chosen("on"), "{html}");
        assert!(html.contains("<h1>Your choices are recorded</h1>"));
        assert!(html.contains("a.b.c</textarea>"));
    }

    #[test]
    fn signals_changes_and_languages_are_told() {
        let mut page = sample();
        page.signal = Some(Signal::Gpc);
        page.notice.changes = vec!["It is kept for longer.".into()];
        page.notice.languages = ["en", "fr"]
            .map(|tag| crate::notice::Language { tag: tag.into(), name: tag.to_uppercase() })
            .into();
        let html = render(page);
        assert!(html.contains("<li>It is kept for longer.</li>"));
        assert!(html.contains("the signal “Global Privacy Control”"), "{html}");
        assert!(html.contains("<a href=\"/choices?lang=fr\" hreflang=\"fr\" lang=\"fr\">FR</a>"));
        assert!(!html.contains("lang=en\""), "it is in English already");
        let plain = render(sample());
        assert!(!plain.contains("class=\"signal\"") && !plain.contains("<nav"));
    }
}
