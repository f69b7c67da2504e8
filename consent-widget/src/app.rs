//! The preferences panel in a browser: opens it as a modal dialog, hands answers to the loader.
//!
//! No network, cookie or storage here. The loader gets the browser's own event with each answer,
//! so that it can tell a visitor's click from a script's. A page may be hostile, and can reach the
//! switches: what counts is what trusted clicks have chosen, and only if it is also what is shown.

use std::cell::RefCell;
use std::rc::Rc;

use consent_core::LegalBasis;
use js_sys::{JsString, Object, Promise, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, HtmlDialogElement, HtmlElement};
use yew::platform::spawn_local;
use yew::{
    AppHandle, Callback, Component, Context, Event, Html, KeyboardEvent, MouseEvent, Properties,
    Renderer,
};

use crate::from_js;
use crate::notice::Notice;
use crate::panel::{History, Nodes, Panel, Press, Reports};

#[wasm_bindgen]
extern "C" {
    /// What the loader offers to the panel.
    #[derive(Clone, PartialEq)]
    pub type Api;

    /// `{purpose: "granted" | "refused"}`, for what is decided.
    #[wasm_bindgen(method, getter)]
    fn choices(this: &Api) -> JsValue;

    /// The purposes objected to.
    #[wasm_bindgen(method, getter)]
    fn objected(this: &Api) -> JsValue;

    /// The name of a signal that this browser sends and that counts at present.
    #[wasm_bindgen(method, getter)]
    fn signal(this: &Api) -> Option<String>;

    /// The receipt, if there is one.
    #[wasm_bindgen(method, getter)]
    fn receipt(this: &Api) -> Option<String>;

    /// Records `"accept"`, `"refuse"` or `{purpose: "granted" | "refused"}`. The promise is
    /// rejected when something was to be granted and could not be recorded.
    #[wasm_bindgen(method)]
    fn decide(this: &Api, event: &Event, what: &JsValue) -> Promise;

    /// The decisions so far; rejected when the server does not answer.
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
    fn speak(this: &Api, tag: &JsValue) -> Promise;

    /// The panel is gone.
    #[wasm_bindgen(method)]
    fn closed(this: &Api);
}

/// Opens the panel in `root`, an element of the widget's shadow root.
#[wasm_bindgen]
pub fn open(root: Element, notice: JsValue, api: Api) {
    let handle: Rc<RefCell<Option<AppHandle<App>>>> = Rc::default();
    let closed = {
        let (handle, api) = (handle.clone(), api.clone());
        Callback::from(move |_| {
            if let Some(app) = handle.borrow_mut().take() {
                app.destroy();
                api.closed();
            }
        })
    };
    let opened = Opened { notice, api, closed };
    *handle.borrow_mut() = Some(Renderer::<App>::with_root_and_props(root, opened).render());
}

#[derive(Clone, PartialEq, Properties)]
struct Opened {
    notice: JsValue,
    api: Api,
    closed: Callback<Event>,
}

struct App {
    notice: Notice,
    signal: Option<String>,
    /// The purposes granted or objected to, as far as trusted clicks say.
    on: Vec<String>,
    history: History,
    failed: bool,
    busy: bool,
    nodes: Nodes,
    reports: Reports,
}

enum Message {
    Press(MouseEvent, Press),
    Flip(String, bool),
    Speak(JsValue),
    /// A promise is kept; nothing where it was rejected.
    Settled(Awaited, Option<JsValue>),
}

/// What a promise was for.
#[derive(Clone, Copy)]
enum Awaited {
    Answer,
    Language,
    History,
    Receipt(usize),
}

impl Component for App {
    type Message = Message;
    type Properties = Opened;

    fn create(context: &Context<Self>) -> Self {
        let Opened { notice, api, closed } = context.props();
        let notice = from_js::notice(notice);
        let (choices, mut on) = (api.choices(), from_js::strings(&api.objected()));
        let is_granted = |id: &&String| from_js::text(&choices, id) == "granted";
        on.extend(notice.asked().map(|purpose| &purpose.id).filter(is_granted).cloned());
        let (link, nodes) = (context.link(), Nodes::default());
        let ends = nodes.clone();
        let reports = Reports {
            press: link.callback(|(event, press)| Message::Press(event, press)),
            flip: link.batch_callback(|event: MouseEvent| {
                event.is_trusted().then(|| {
                    let input = from_js::get(&event, "target");
                    let is_on = from_js::get(&input, "checked").is_truthy();
                    Message::Flip(from_js::text(&input, "value"), is_on)
                })
            }),
            speak: link.callback(|event: Event| {
                Message::Speak(from_js::get(&from_js::get(&event, "target"), "value"))
            }),
            key: Callback::from(move |event| keep_inside(&event, &ends)),
            closed: closed.clone(),
        };
        let signal = say_signal(&notice, api);
        Self {
            notice,
            signal,
            on,
            history: History::Hidden,
            failed: false,
            busy: false,
            nodes,
            reports,
        }
    }

    fn update(&mut self, context: &Context<Self>, message: Message) -> bool {
        let api = &context.props().api;
        match message {
            Message::Press(event, press) => self.press(context, &event, press),
            // The box shows it already.
            Message::Flip(id, is_on) => {
                self.on.retain(|other| *other != id);
                if is_on {
                    self.on.push(id);
                }
                return false;
            }
            Message::Speak(tag) => wait(context, api.speak(&tag), Awaited::Language),
            Message::Settled(awaited, value) => self.settled(context, awaited, value),
        }
        true
    }

    fn view(&self, context: &Context<Self>) -> Html {
        Panel {
            notice: &self.notice,
            on: &self.on,
            signal: self.signal.as_deref(),
            receipt: context.props().api.receipt().is_some(),
            history: &self.history,
            failed: self.failed,
            busy: self.busy,
            nodes: &self.nodes,
            on_event: &self.reports,
        }
        .html()
    }

    fn rendered(&mut self, _: &Context<Self>, is_first: bool) {
        if is_first && let Some(dialog) = self.dialog() {
            // Fails only for a dialog that is already open.
            let _ = dialog.show_modal();
            focus(self.find("[name=close]"));
        }
    }
}

impl App {
    fn dialog(&self) -> Option<HtmlDialogElement> {
        self.nodes.dialog.cast()
    }

    fn close(&self) {
        if let Some(dialog) = self.dialog() {
            dialog.close();
        }
    }

    fn press(&mut self, context: &Context<Self>, event: &Event, press: Press) {
        let api = &context.props().api;
        let what = match press {
            Press::Close => return self.close(),
            Press::Accept => "accept".into(),
            Press::Refuse => "refuse".into(),
            Press::Save => self.answer(&from_js::strings(&api.objected())),
            Press::History => return self.load(context),
            Press::Latest => return api.save(&api.receipt().unwrap_or_default()),
            Press::Receipt(index) => {
                if let Some(receipt) = self.receipt(index) {
                    api.save(receipt);
                }
                return;
            }
            Press::Verify(index) => {
                if let Some(receipt) = self.receipt(index) {
                    wait(context, api.verify(receipt), Awaited::Receipt(index));
                }
                return;
            }
        };
        self.failed = false;
        self.busy = true;
        wait(context, api.decide(event, &what), Awaited::Answer);
    }

    fn settled(&mut self, context: &Context<Self>, awaited: Awaited, value: Option<JsValue>) {
        match awaited {
            Awaited::Answer => {
                self.busy = false;
                self.failed = value.is_none();
                if !self.failed {
                    self.close();
                }
            }
            Awaited::Language => {
                self.failed = value.is_none();
                // The list names the language that is read, not one that could not be had.
                if self.failed
                    && let Some(select) = self.find("select")
                {
                    let _ =
                        Reflect::set(&select, &"value".into(), &(&*self.notice.language).into());
                }
                if let Some(notice) = value {
                    self.notice = from_js::notice(&notice);
                    self.signal = say_signal(&self.notice, &context.props().api);
                    // What receipts say is told in the same language.
                    if !matches!(self.history, History::Hidden) {
                        self.load(context);
                    }
                }
            }
            Awaited::History => {
                self.history = value.map_or(History::Failed, |found| {
                    History::Loaded(from_js::decisions(&found, &self.notice.language))
                });
            }
            Awaited::Receipt(index) => {
                if let History::Loaded(decisions) = &mut self.history
                    && let Some(decision) = decisions.get_mut(index)
                {
                    decision.is_genuine = Some(value.is_some_and(|found| found.is_truthy()));
                }
            }
        }
    }

    fn load(&mut self, context: &Context<Self>) {
        self.history = History::Loading;
        wait(context, context.props().api.history(), Awaited::History);
    }

    fn receipt(&self, index: usize) -> Option<&str> {
        match &self.history {
            History::Loaded(decisions) => Some(&decisions.get(index)?.receipt),
            _ => None,
        }
    }

    /// What is saved: a grant where both the trusted clicks and the switch say so, an objection
    /// where either does, and objections only where they differ from those made before.
    fn answer(&self, objected: &[String]) -> JsValue {
        let answer = Object::new();
        for purpose in &self.notice.purposes {
            let id = &purpose.id;
            let (chosen, shown) = (self.on.contains(id), self.is_shown_on(id));
            let is_granted = match purpose.basis {
                LegalBasis::Consent => chosen && shown,
                LegalBasis::LegitimateInterest => {
                    let objects = chosen || shown;
                    if objects == objected.contains(id) {
                        continue;
                    }
                    !objects
                }
                LegalBasis::Contract | LegalBasis::LegalObligation => continue,
            };
            let choice = if is_granted { "granted" } else { "refused" };
            // Fails only for an object that is frozen.
            let _ = Reflect::set(&answer, &id.into(), &choice.into());
        }
        answer.into()
    }

    fn is_shown_on(&self, id: &str) -> bool {
        self.find(&["input[value=\"", id, "\"]:checked"].concat()).is_some()
    }

    fn find(&self, selector: &str) -> Option<Element> {
        self.dialog()?.query_selector(selector).ok()?
    }
}

/// Tells the panel what has become of a promise.
fn wait(context: &Context<App>, promise: Promise, awaited: Awaited) {
    let link = context.link().clone();
    spawn_local(async move {
        let value = JsFuture::from(promise).await.ok();
        link.send_message(Message::Settled(awaited, value));
    });
}

fn say_signal(notice: &Notice, api: &Api) -> Option<String> {
    let name = api.signal()?;
    let text: JsString = notice.labels.signal.as_str().into();
    Some(text.replace("{signal}", &name).into())
}

/// Leads Tab from the last element to the first and back. A modal dialog keeps the page out of
/// reach by itself, but browsers let Tab wander off into their own toolbar.
fn keep_inside(event: &KeyboardEvent, nodes: &Nodes) {
    if event.key() != "Tab" {
        return;
    }
    let (first, last) = (&nodes.first, &nodes.last);
    let (from, to) = if event.shift_key() { (first, last) } else { (last, first) };
    let target = event.composed_path().get(0).dyn_into::<Element>().ok();
    if target.is_some() && target == from.cast::<Element>() {
        event.prevent_default();
        focus(to.cast());
    }
}

fn focus(element: Option<Element>) {
    if let Some(element) = element {
        // Fails only where nothing can be focused.
        let _ = element.unchecked_into::<HtmlElement>().focus();
    }
}
