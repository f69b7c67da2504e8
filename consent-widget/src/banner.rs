//! The banner: who asks, what for, what follows from refusing, and three buttons.
//!
//! Not modal: the page stays usable, and nothing but a button answers. Accept and refuse differ in
//! their words only, and have one name for a site's style sheet between them. The loader listens
//! to the buttons; without it they do nothing.

use std::rc::Rc;

use yew::{Html, Properties, component, html};

use crate::notice::Notice;

/// What the banner shows.
#[derive(Debug, Clone, PartialEq, Properties)]
pub struct BannerProps {
    /// The notice, in the visitor's language.
    pub notice: Rc<Notice>,
}

/// The banner.
#[component]
pub fn Banner(props: &BannerProps) -> Html {
    let notice = &*props.notice;
    let labels = &notice.labels;
    html! {
        <section class="banner" part="banner" role="dialog" aria-labelledby="banner-title"
            aria-describedby="banner-text" lang={notice.language.clone()}
            dir={notice.direction.as_str()}>
            <div class="text">
                <h2 id="banner-title">{ &labels.banner_title }</h2>
                <div id="banner-text">
                    { changed(notice) }
                    <p>{ &labels.banner_intro }</p>
                    <ul>{ for notice.asked().map(|purpose| html! { <li>{ &purpose.title }</li> }) }</ul>
                    <p class="quiet">{ &labels.banner_consequence }{ " " }{ &labels.banner_withdraw }</p>
                </div>
            </div>
            <p class="error" role="alert" hidden=true>{ &labels.error }</p>
            <form method="post" class="actions">
                <div class="answers">
                    <button type="button" name="choice" value="refuse" class="answer" part="answer">
                        { &labels.refuse_all }
                    </button>
                    <button type="button" name="choice" value="accept" class="answer" part="answer">
                        { &labels.accept_all }
                    </button>
                </div>
                <button type="button" name="choice" value="customize" class="other" part="other">
                    { &labels.choose }
                </button>
            </form>
        </section>
    }
}

/// What differs from the policy under which the visitor chose; nothing where nothing does.
pub(crate) fn changed(notice: &Notice) -> Html {
    if notice.changes.is_empty() {
        return Html::default();
    }
    html! {
        <div class="changed">
            <p>{ &notice.labels.changed_heading }</p>
            <ul>{ for notice.changes.iter().map(|change| html! { <li>{ change }</li> }) }</ul>
        </div>
    }
}
