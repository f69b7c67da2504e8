//! Reads a notice, and the visitor's decisions, from the JavaScript objects that the loader fetched.
//!
//! By hand: derived deserialisers with serde-wasm-bindgen made the panel's download 17 KB larger
//! (78 KB against 60.5 KB, brotli). The server is trusted to send what it made; anything missing
//! is shown as an empty text.

use consent_core::{LegalBasis, Signal};
use js_sys::{Array, Date, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use crate::labels::Labels;
use crate::notice::{
    Authority, Controller, Cookie, Direction, Language, Notice, Officer, PolicyName, Purpose,
    Recipient,
};
use crate::panel::Decision;

/// The notice.
pub(crate) fn notice(from: &JsValue) -> Notice {
    let (policy, labels) = (get(from, "policy"), get(from, "labels"));
    let (controller, officer) = (get(from, "controller"), get(from, "officer"));
    let authority = get(from, "authority");
    Notice {
        policy: PolicyName { number: number(&policy, "number"), digest: text(&policy, "digest") },
        language: text(from, "language"),
        direction: match text(from, "direction").as_str() {
            "rtl" => Direction::Rtl,
            _ => Direction::Ltr,
        },
        name: text(from, "name"),
        lifetime_months: number(from, "lifetime_months").try_into().unwrap_or_default(),
        lifetime: text(from, "lifetime"),
        languages: list(from, "languages", |from| Language {
            tag: text(from, "tag"),
            name: text(from, "name"),
        }),
        signals: list(from, "signals", |from| match string(from).as_str() {
            "dnt" => Signal::Dnt,
            _ => Signal::Gpc,
        }),
        changes: strings(&get(from, "changes")),
        controller: Controller {
            name: text(&controller, "name"),
            country: text(&controller, "country"),
            email: text(&controller, "email"),
            address: get(&controller, "address").as_string(),
        },
        officer: Officer { name: text(&officer, "name"), email: text(&officer, "email") },
        authority: Authority {
            name: text(&authority, "name"),
            address: text(&authority, "address"),
            url: text(&authority, "url"),
        },
        purposes: list(from, "purposes", purpose),
        rights: strings(&get(from, "rights")),
        labels: Labels::from_each(|name| text(&labels, name)),
    }
}

fn purpose(from: &JsValue) -> Purpose {
    Purpose {
        id: text(from, "id"),
        basis: match text(from, "basis").as_str() {
            "consent" => LegalBasis::Consent,
            "contract" => LegalBasis::Contract,
            "legitimate_interest" => LegalBasis::LegitimateInterest,
            _ => LegalBasis::LegalObligation,
        },
        title: text(from, "title"),
        description: text(from, "description"),
        data: strings(&get(from, "data")),
        interest: get(from, "interest").as_string(),
        necessity: get(from, "necessity").as_string(),
        services: strings(&get(from, "services")),
        recipients: list(from, "recipients", |from| Recipient {
            name: text(from, "name"),
            service: get(from, "service").as_string(),
            country: get(from, "country").as_string(),
        }),
        cookies: list(from, "cookies", |from| Cookie {
            name: text(from, "name"),
            days: number(from, "days").try_into().unwrap_or_default(),
            lifetime: text(from, "lifetime"),
        }),
        retention: text(from, "retention"),
    }
}

/// The decisions so far, their dates as the language writes them, in the browser's time zone.
pub(crate) fn decisions(from: &JsValue, language: &str) -> Vec<Decision> {
    let style = Object::new();
    for (name, value) in [("dateStyle", "long"), ("timeStyle", "short")] {
        // Fails only for an object that is frozen.
        let _ = Reflect::set(&style, &name.into(), &value.into());
    }
    array(from, |from| {
        let states: Object = get(from, "purposes").unchecked_into();
        Decision {
            at: Date::new(&get(from, "at")).to_locale_string(language, &style).into(),
            method: text(from, "method"),
            states: array(&Object::keys(&states), |id| {
                let id = string(id);
                let state = text(&states, &id);
                (id, state)
            }),
            receipt: text(from, "receipt"),
            text: text(from, "text"),
            is_genuine: None,
        }
    })
}

/// A property; undefined where there is none.
pub(crate) fn get(from: &JsValue, name: &str) -> JsValue {
    Reflect::get(from, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

fn string(from: &JsValue) -> String {
    from.as_string().unwrap_or_default()
}

pub(crate) fn text(from: &JsValue, name: &str) -> String {
    string(&get(from, name))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the casts saturate, and these numbers are small whole ones"
)]
fn number(from: &JsValue, name: &str) -> u32 {
    get(from, name).as_f64().unwrap_or_default() as u32
}

pub(crate) fn strings(from: &JsValue) -> Vec<String> {
    array(from, string)
}

fn list<T>(from: &JsValue, name: &str, item: fn(&JsValue) -> T) -> Vec<T> {
    array(&get(from, name), item)
}

fn array<T>(from: &JsValue, item: impl Fn(&JsValue) -> T) -> Vec<T> {
    if !Array::is_array(from) {
        return Vec::new();
    }
    Array::from(from).iter().map(|from| item(&from)).collect()
}
