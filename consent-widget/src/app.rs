//! The preferences panel in a browser: opens it as a modal dialog, hands answers to the loader.
//!
//! No network, cookie or storage here. The loader gets the browser's own event with each answer,
//! so that it can tell a visitor's click from a script's.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Date, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, HtmlDialogElement, HtmlElement};
use yew::platform::spawn_local;
use yew::{
    AppHandle, Callback, Event, Html, KeyboardEvent, MouseEvent, NodeRef, Properties, Renderer,
    component, html, use_effect_with, use_node_ref, use_state,
};

use crate::from_js::{self, get, list, string, text};
use crate::notice::Notice;
use crate::panel::{Answer, Chosen, Flip, History, Panel, Wish};

#[wasm_bindgen]
extern "C" {
    /// What the loader offers to the panel.
    #[derive(Debug, Clone, PartialEq)]
    pub type Api;

    /// `{purpose: "granted" | "refused"}`, for what is decided.
    #[wasm_bindgen(method, getter)]
    fn choices(this: &Api) -> JsValue;

    /// The legitimate interests objected to.
    #[wasm_bindgen(method, getter)]
    fn objected(this: &Api) -> JsValue;

    /// The signal that refuses, by the name that people know.
    #[wasm_bindgen(method, getter)]
    fn signal(this: &Api) -> Option<String>;

    /// Records `"accept"`, `"refuse"` or `{purpose: "granted" | "refused"}`. The promise is
    /// rejected when something was to be granted and could not be recorded.
    #[wasm_bindgen(method)]
    fn decide(this: &Api, event: &Event, what: &JsValue) -> Promise;

    /// The visitor's decisions, the latest first.
    #[wasm_bindgen(method)]
    fn history(this: &Api) -> Promise;

    /// Whether a receipt is genuine.
    #[wasm_bindgen(method)]
    fn verify(this: &Api, receipt: &str) -> Promise;

    /// Downloads a receipt.
    #[wasm_bindgen(method)]
    fn save(this: &Api, receipt: &str);

    /// The notice in another language.
    #[wasm_bindgen(method)]
    fn speak(this: &Api, language: &str) -> Promise;

    /// The panel is gone.
    #[wasm_bindgen(method)]
    fn closed(this: &Api);
}

/// Opens the panel in `root`, an element of the widget's shadow root.
#[wasm_bindgen]
pub fn open(root: Element, notice: &JsValue, api: Api) {
    let handle: Rc<RefCell<Option<AppHandle<App>>>> = Rc::default();
    let closed = {
        let (handle, api) = (handle.clone(), api.clone());
        Callback::from(move |()| {
            if let Some(app) = handle.borrow_mut().take() {
                app.destroy();
                api.closed();
            }
        })
    };
    let props = AppProps { notice: Rc::new(from_js::notice(notice)), api, closed };
    *handle.borrow_mut() = Some(Renderer::<App>::with_root_and_props(root, props).render());
}

#[derive(Debug, Clone, PartialEq, Properties)]
struct AppProps {
    notice: Rc<Notice>,
    api: Api,
    closed: Callback<()>,
}

/// Goes on with what a promise brings, or with nothing when it is rejected.
fn then(promise: Promise, with: impl FnOnce(Option<JsValue>) + 'static) {
    spawn_local(async move { with(JsFuture::from(promise).await.ok()) });
}

#[component]
fn App(props: &AppProps) -> Html {
    let (dialog, first, last) = (use_node_ref(), use_node_ref(), use_node_ref());
    let failed = use_state(|| false);
    let busy = use_state(|| false);
    let notice = use_state(|| props.notice.clone());
    let history = use_state(History::default);

    {
        let dialog = dialog.clone();
        use_effect_with((), move |()| {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                // Fails only for a dialog that is already open.
                let _ = dialog.show_modal();
            }
        });
    }
    let close = {
        let dialog = dialog.clone();
        move || {
            if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
                dialog.close();
            }
        }
    };
    let on_answer = {
        let (api, failed, busy, close) =
            (props.api.clone(), failed.clone(), busy.clone(), close.clone());
        Callback::from(move |(event, answer): (MouseEvent, Answer)| {
            failed.set(false);
            busy.set(true);
            let (failed, busy, close) = (failed.clone(), busy.clone(), close.clone());
            then(api.decide(&event, &what(&answer)), move |recorded| {
                busy.set(false);
                if recorded.is_some() {
                    close();
                } else {
                    failed.set(true);
                }
            });
        })
    };
    let on_language = {
        let (api, notice, history) = (props.api.clone(), notice.clone(), history.clone());
        Callback::from(move |event: Event| {
            let chosen = event.target().map(|select| text(&select, "value")).unwrap_or_default();
            let (notice, history) = (notice.clone(), history.clone());
            then(api.speak(&chosen), move |spoken| {
                let Some(spoken) = spoken else { return };
                notice.set(Rc::new(from_js::notice(&spoken)));
                // Its receipts are told in the language before.
                history.set(History::Closed);
            });
        })
    };
    let on_wish = {
        let (api, history) = (props.api.clone(), history.clone());
        let language = notice.language.clone();
        Callback::from(move |wish| grant(&wish, &api, &history, &language))
    };
    let choices = props.api.choices();
    let is_granted = |id: &&String| get(&choices, id).as_string().as_deref() == Some("granted");
    let granted: Vec<String> =
        props.notice.asked().map(|p| &p.id).filter(is_granted).cloned().collect();
    html! {
        <Panel notice={(*notice).clone()} {granted} objected={list(&props.api.objected(), string)}
            signal={props.api.signal()} history={(*history).clone()}
            failed={*failed} busy={*busy} {dialog} first={first.clone()} last={last.clone()}
            {on_answer} {on_wish} {on_language}
            on_close={Callback::from(move |_: MouseEvent| close())}
            on_closed={props.closed.reform(|_: Event| ())}
            on_key={Callback::from(move |event| keep_inside(&event, &first, &last))} />
    }
}

/// Does what is wanted of the choices so far.
fn grant(wish: &Wish, api: &Api, history: &yew::UseStateHandle<History>, language: &str) {
    let shown = match &**history {
        History::Shown(list) => list.clone(),
        _ => Rc::default(),
    };
    let receipt = |index: usize| shown.get(index).map_or("", |chosen| &chosen.receipt);
    match *wish {
        Wish::Show => {
            history.set(History::Loading);
            let (history, language) = (history.clone(), language.to_owned());
            then(api.history(), move |found| {
                let list = found.map(|found| list(&found, chosen));
                let at = |at: &str| {
                    Date::new(&at.into()).to_locale_string(&language, &Object::new()).into()
                };
                history.set(list.map_or(History::Failed, |list| {
                    let list = list.into_iter().map(|c| Chosen { at: at(&c.at), ..c });
                    History::Shown(Rc::new(list.collect()))
                }));
            });
        }
        Wish::Save(index) => api.save(receipt(index)),
        Wish::Verify(index) => {
            let (promise, history) = (api.verify(receipt(index)), history.clone());
            then(promise, move |genuine| {
                let mut list = (*shown).clone();
                if let Some(chosen) = list.get_mut(index) {
                    chosen.genuine = Some(genuine.is_some_and(|genuine| genuine == JsValue::TRUE));
                }
                history.set(History::Shown(Rc::new(list)));
            });
        }
    }
}

fn chosen(from: &JsValue) -> Chosen {
    let purposes = get(from, "purposes");
    let ids = purposes.dyn_ref::<Object>().map(Object::keys).unwrap_or_default();
    Chosen {
        at: text(from, "at"),
        method: text(from, "method"),
        purposes: ids
            .iter()
            .map(|id| string(&id))
            .map(|id| (id.clone(), text(&purposes, &id)))
            .collect(),
        text: text(from, "text"),
        receipt: text(from, "receipt"),
        genuine: None,
    }
}

/// An answer as the loader takes it.
fn what(answer: &Answer) -> JsValue {
    match answer {
        Answer::Accept => "accept".into(),
        Answer::Refuse => "refuse".into(),
        Answer::Save(flips) => {
            let object = Object::new();
            for (id, choice) in flips.iter().filter_map(choice) {
                // Fails only for an object that is frozen.
                let _ = Reflect::set(&object, &id.into(), &choice.into());
            }
            object.into()
        }
    }
}

/// What a switch says, and a box if it says something new. Where the element and the visitor's own
/// clicks differ, a script had its hands in it: the answer is then the one that allows less.
fn choice(flip: &Flip) -> Option<(&str, &'static str)> {
    let shows = flip.element.get().is_some_and(|element| get(&element, "checked") == JsValue::TRUE);
    let choice = |granted| if granted { "granted" } else { "refused" };
    if flip.asks {
        return Some((&flip.id, choice(flip.on && shows)));
    }
    let objects = flip.on || shows;
    (objects != flip.was).then_some((flip.id.as_str(), choice(!objects)))
}

/// Leads Tab from the last element to the first and back. A modal dialog keeps the page out of
/// reach by itself, but browsers let Tab wander off into their own toolbar.
fn keep_inside(event: &KeyboardEvent, first: &NodeRef, last: &NodeRef) {
    if event.key() != "Tab" {
        return;
    }
    let (from, to) = if event.shift_key() { (first, last) } else { (last, first) };
    let target = event.composed_path().get(0).dyn_into::<Element>().ok();
    if target.is_some()
        && target == from.cast::<Element>()
        && let Some(to) = to.cast::<HtmlElement>()
    {
        event.prevent_default();
        // Fails only where nothing can be focused.
        let _ = to.focus();
    }
}
