//! The preferences panel in a browser: opens it as a modal dialog, hands answers to the loader.
//!
//! No network, cookie or storage here. The loader gets the browser's own event with each answer,
//! so that it can tell a visitor's click from a script's.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, HtmlDialogElement, HtmlElement};
use yew::platform::spawn_local;
use yew::{
    AppHandle, Callback, Event, Html, KeyboardEvent, MouseEvent, NodeRef, Properties, Renderer,
    component, html, use_effect_with, use_node_ref, use_state,
};

use crate::from_js;
use crate::notice::Notice;
use crate::panel::{Answer, Panel};

#[wasm_bindgen]
extern "C" {
    /// What the loader offers to the panel.
    #[derive(Debug, Clone, PartialEq)]
    pub type Api;

    /// `{purpose: "granted" | "refused"}`, for what is decided.
    #[wasm_bindgen(method, getter)]
    fn choices(this: &Api) -> JsValue;

    /// The receipt, if there is one.
    #[wasm_bindgen(method, getter)]
    fn receipt(this: &Api) -> Option<String>;

    /// Records `"accept"`, `"refuse"` or `{purpose: "granted" | "refused"}`. The promise is
    /// rejected when something was to be granted and could not be recorded.
    #[wasm_bindgen(method)]
    fn decide(this: &Api, event: &Event, what: &JsValue) -> Promise;

    /// The panel is gone.
    #[wasm_bindgen(method)]
    fn closed(this: &Api);

    /// Downloads the receipt.
    #[wasm_bindgen(method)]
    fn save(this: &Api);
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

#[component]
fn App(props: &AppProps) -> Html {
    let (dialog, first, last) = (use_node_ref(), use_node_ref(), use_node_ref());
    let failed = use_state(|| false);
    let busy = use_state(|| false);

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
            let recorded = JsFuture::from(api.decide(&event, &what(&answer)));
            let (failed, busy, close) = (failed.clone(), busy.clone(), close.clone());
            spawn_local(async move {
                let recorded = recorded.await;
                busy.set(false);
                if recorded.is_ok() {
                    close();
                } else {
                    failed.set(true);
                }
            });
        })
    };
    let choices = props.api.choices();
    let is_granted =
        |id: &str| from_js::get(&choices, id).as_string().as_deref() == Some("granted");
    let granted: Vec<String> =
        props.notice.asked().map(|p| &p.id).filter(|id| is_granted(id)).cloned().collect();
    let api = props.api.clone();
    html! {
        <Panel notice={props.notice.clone()} {granted} receipt={props.api.receipt().is_some()}
            failed={*failed} busy={*busy} {dialog} first={first.clone()} last={last.clone()}
            {on_answer}
            on_receipt={Callback::from(move |_: MouseEvent| api.save())}
            on_close={Callback::from(move |_: MouseEvent| close())}
            on_closed={props.closed.reform(|_: Event| ())}
            on_key={Callback::from(move |event| keep_inside(&event, &first, &last))} />
    }
}

/// An answer as the loader takes it.
fn what(answer: &Answer) -> JsValue {
    match answer {
        Answer::Accept => "accept".into(),
        Answer::Refuse => "refuse".into(),
        Answer::Save(choices) => {
            let object = Object::new();
            for (id, on) in choices {
                let choice = if *on { "granted" } else { "refused" };
                // Fails only for an object that is frozen.
                let _ = Reflect::set(&object, &id.into(), &choice.into());
            }
            object.into()
        }
    }
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
