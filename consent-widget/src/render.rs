//! Renders components natively.
//!
//! Yew's renderer keeps its tree on one thread: it runs on a small pool of its own and hands back
//! text, so that these futures are `Send` and may be awaited on any tokio runtime.

use std::rc::Rc;

use yew::ServerRenderer;

use crate::banner::{Banner, BannerProps};
use crate::notice::Notice;

/// The banner as HTML, to be put into a shadow root that has adopted `banner.css`.
pub async fn render_banner(notice: Notice) -> String {
    ServerRenderer::<Banner>::with_props(move || BannerProps { notice: Rc::new(notice) })
        .hydratable(false)
        .render()
        .await
}

#[cfg(test)]
mod tests {
    use consent_core::{LegalBasis, Policy, policy::EXAMPLE};

    use super::*;
    use crate::notice::Language;
    use crate::panel::{Decision, History, Nodes, Panel, Reports};

    /// What a test shows in the panel, which a browser builds by itself.
    #[derive(Clone, Default, PartialEq, yew::Properties)]
    struct Shown {
        notice: Option<Notice>,
        on: Vec<String>,
        signal: Option<String>,
        history: History,
    }

    #[yew::component]
    fn Show(shown: &Shown) -> yew::Html {
        Panel {
            notice: shown.notice.as_ref().unwrap(),
            on: &shown.on,
            signal: shown.signal.as_deref(),
            receipt: true,
            history: &shown.history,
            failed: false,
            busy: false,
            nodes: &Nodes::default(),
            on_event: &Reports::default(),
        }
        .html()
    }

    async fn render_shown(shown: Shown) -> String {
        ServerRenderer::<Show>::with_props(move || shown).hydratable(false).render().await
    }

    async fn render_panel(notice: Notice) -> String {
        render_shown(Shown { notice: Some(notice), ..Shown::default() }).await
    }

    fn render<F: Future<Output = String> + Send>(future: F) -> String {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn notice(language: &str) -> Notice {
        Notice::new(&Policy::from_toml(EXAMPLE).unwrap(), language)
    }

    /// The example's notice, with a purpose on a legitimate interest.
    fn with_interest() -> Notice {
        let mut notice = notice("en");
        let mut purpose = notice.purposes[0].clone();
        purpose.id = "improvement".into();
        purpose.basis = LegalBasis::LegitimateInterest;
        purpose.interest = Some("A service that works well".into());
        notice.purposes.push(purpose);
        notice
    }

    /// The opening tag of the element with that value.
    fn button<'h>(html: &'h str, value: &str) -> &'h str {
        let at = html.find(&format!("value=\"{value}\"")).expect(value);
        let start = html[..at].rfind('<').unwrap();
        &html[start..=start + html[start..].find('>').unwrap()]
    }

    #[test]
    fn accept_and_refuse_differ_in_their_words_only() {
        for html in [render(render_banner(notice("en"))), render(render_panel(notice("fr")))] {
            let plain = |value: &str| button(&html, value).replace(value, "");
            assert_eq!(plain("accept"), plain("refuse"));
            assert!(!html.contains(" style="), "a strict policy forbids inline style");
            assert!(!html.contains(" onc"), "and inline handlers");
            assert!(!html.contains("<script"), "and scripts");
            assert_eq!(html.matches("part=\"answer\"").count(), 2, "no style for one of them");
        }
    }

    #[test]
    fn the_banner_says_what_must_be_said_before_a_choice() {
        let html = render(render_banner(notice("en")));
        for said in [
            "role=\"dialog\"",
            "lang=\"en\"",
            "dir=\"ltr\"",
            "Example SAS, which is responsible for Example",
            "<li>Audience measurement</li>",
            "If you refuse, the site works in the same way.",
            "You can change it or withdraw it at any time.",
            "role=\"alert\" hidden",
        ] {
            assert!(html.contains(said), "{said}: {html}");
        }
        assert!(!html.contains("The service"), "only what is asked for is listed");
    }

    #[test]
    fn only_consent_has_a_switch_and_it_is_off() {
        let html = render(render_panel(notice("en")));
        assert_eq!(html.matches("role=\"switch\"").count(), 1);
        assert!(html.contains("value=\"analytics\""));
        assert!(!html.contains("checked"), "{html}");
        assert_eq!(html.matches("Always on").count(), 1);
        assert!(html.contains("https://www.cnil.fr"));
    }

    #[test]
    fn what_has_changed_is_listed_where_something_has() {
        let mut notice = notice("en");
        for html in [render(render_banner(notice.clone())), render(render_panel(notice.clone()))] {
            assert!(!html.contains("class=\"changed\"") && !html.contains("What has changed"));
        }
        notice.changes = vec!["Audience measurement: a new recipient".into()];
        for html in [render(render_banner(notice.clone())), render(render_panel(notice))] {
            let list = "What has changed since your last choice</p><ul><li>Audience measurement: \
                        a new recipient</li></ul>";
            assert!(html.contains(list), "{html}");
        }
    }

    #[test]
    fn a_legitimate_interest_has_an_objection_and_no_switch() {
        let shown = |on: &[&str]| Shown {
            notice: Some(with_interest()),
            on: on.iter().map(|&id| id.into()).collect(),
            ..Shown::default()
        };
        let html = render(render_shown(shown(&[])));
        let tag = button(&html, "improvement");
        assert!(tag.contains("name=\"objection\""), "{tag}");
        assert!(!tag.contains("role=") && !tag.contains("checked"), "{tag}");
        for said in ["I object to this", "here or by writing to", "A service that works well"] {
            assert_eq!(html.matches(said).count(), 1, "{said}: {html}");
        }
        assert_eq!(html.matches("Always on").count(), 1, "what can be objected to is not fixed");
        let html = render(render_shown(shown(&["improvement"])));
        assert!(button(&html, "improvement").contains("checked"), "{html}");
        assert!(!button(&html, "analytics").contains("checked"), "{html}");
    }

    #[test]
    fn a_language_is_offered_by_its_own_name_where_there_is_another() {
        let mut notice = notice("fr");
        let language = |tag: &str, name: &str| Language { tag: tag.into(), name: name.into() };
        notice.languages = vec![language("fr", "Français")];
        assert!(!render(render_panel(notice.clone())).contains("<select"));
        notice.languages.insert(0, language("en", "English"));
        let html = render(render_panel(notice));
        assert!(html.contains("aria-label=\"Langue\""), "{html}");
        let (english, french) = (button(&html, "en"), button(&html, "fr"));
        assert!(english.contains("lang=\"en\"") && !english.contains("selected"), "{english}");
        assert!(french.contains("lang=\"fr\"") && french.contains("selected"), "{french}");
    }

    #[test]
    fn the_choices_so_far_are_told_in_words() {
        let show = |history| {
            let signal = Some("Your browser sends a signal.".into());
            let notice = Some(notice("en"));
            render(render_shown(Shown { notice, signal, history, ..Shown::default() }))
        };
        let state = |id: &str, state: &str| (id.into(), state.into());
        let html = show(History::Loaded(vec![Decision {
            at: "November 25, 2026".into(),
            method: "withdrawal".into(),
            states: vec![state("analytics", "withdrawn"), state("gone", "granted")],
            receipt: "e30.e30.c2ln".into(),
            text: "You were asked.\nYou answered.".into(),
            is_genuine: Some(false),
        }]));
        for said in [
            "Your browser sends a signal.",
            "November 25, 2026",
            "Consent withdrawn",
            "<dt>Audience measurement</dt><dd>Withdrawn</dd>",
            "<dt>gone</dt><dd>Accepted</dd>",
            "You were asked.\nYou answered.",
            "<p role=\"status\">The receipt is not genuine",
        ] {
            assert!(html.contains(said), "{said}: {html}");
        }
        // The button stays, and the focus with it; what it loads follows it.
        let (button, list) = (html.find("Show my choices"), html.find("Consent withdrawn"));
        assert!(button.is_some() && button < list, "{html}");
        assert!(show(History::Hidden).contains("Show my choices"));
        assert!(show(History::Loading).contains("<p role=\"status\">Loading your choices"));
        assert!(show(History::Failed).contains("<p role=\"status\">Your choices could not be"));
        assert!(show(History::Loaded(vec![])).contains("This browser holds no receipt."));
    }

    #[test]
    fn texts_are_escaped() {
        let mut notice = notice("en");
        notice.labels.banner_intro = "<img src=x>".into();
        assert!(!render(render_banner(notice)).contains("<img"));
    }
}
