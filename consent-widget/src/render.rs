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
    use consent_core::{Policy, policy::EXAMPLE};

    use super::*;
    use crate::panel::{Panel, PanelProps};

    /// The preferences panel, which a browser builds by itself, with all switches off.
    async fn render_panel(notice: Notice) -> String {
        let props = move || yew::props!(PanelProps { notice: Rc::new(notice) });
        ServerRenderer::<Panel>::with_props(props).hydratable(false).render().await
    }

    fn render<F: Future<Output = String> + Send>(future: F) -> String {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn notice(language: &str) -> Notice {
        Notice::new(&Policy::from_toml(EXAMPLE).unwrap(), language)
    }

    /// The opening tag of the button with that value.
    fn button<'h>(html: &'h str, value: &str) -> &'h str {
        let at = html.find(&format!("value=\"{value}\"")).expect(value);
        let start = html[..at].rfind("<button").unwrap();
        &html[start..=start + html[start..].find('>').unwrap()]
    }

    #[test]
    fn accept_and_refuse_differ_in_their_words_only() {
        for html in [render(render_banner(notice("en"))), render(render_panel(notice("fr")))] {
            let plain = |value: &str| button(&html, value).replace(value, "");
            assert_eq!(plain("accept"), plain("refuse"));
            assert!(!html.contains(" style="), "a strict policy forbids inline style");
            assert!(!html.contains(" onc"), "and inline handlers");
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
    fn texts_are_escaped() {
        let mut notice = notice("en");
        notice.labels.banner_intro = "<img src=x>".into();
        assert!(!render(render_banner(notice)).contains("<img"));
    }
}
