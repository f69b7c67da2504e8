//! Reads a notice from the JavaScript object that the loader fetched.
//!
//! By hand: derived deserialisers with serde-wasm-bindgen made the panel's download 17 KB larger
//! (78 KB against 60.5 KB, brotli). The server is trusted to send what it made; anything missing
//! is shown as an empty text.

use consent_core::{LegalBasis, Signal};
use js_sys::{Array, Reflect};
use wasm_bindgen::JsValue;

use crate::labels::Labels;
use crate::notice::{
    Authority, Controller, Cookie, Direction, Language, Notice, Officer, PolicyName, Purpose,
    Recipient,
};

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
        languages: list(&get(from, "languages"), |from| Language {
            tag: text(from, "tag"),
            name: text(from, "name"),
        }),
        signals: list(&get(from, "signals"), |from| match string(from).as_str() {
            "dnt" => Signal::Dnt,
            _ => Signal::Gpc,
        }),
        changes: list(&get(from, "changes"), string),
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
        purposes: list(&get(from, "purposes"), purpose),
        rights: list(&get(from, "rights"), string),
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
        data: list(&get(from, "data"), string),
        interest: get(from, "interest").as_string(),
        necessity: get(from, "necessity").as_string(),
        services: list(&get(from, "services"), string),
        recipients: list(&get(from, "recipients"), |from| Recipient {
            name: text(from, "name"),
            service: get(from, "service").as_string(),
            country: get(from, "country").as_string(),
        }),
        cookies: list(&get(from, "cookies"), |from| Cookie {
            name: text(from, "name"),
            days: number(from, "days").try_into().unwrap_or_default(),
            lifetime: text(from, "lifetime"),
        }),
        retention: text(from, "retention"),
    }
}

/// A property; undefined where there is none.
pub(crate) fn get(from: &JsValue, name: &str) -> JsValue {
    Reflect::get(from, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

pub(crate) fn string(from: &JsValue) -> String {
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

/// The items of a list; none of anything else.
pub(crate) fn list<T>(list: &JsValue, item: fn(&JsValue) -> T) -> Vec<T> {
    if !Array::is_array(list) {
        return Vec::new();
    }
    Array::from(list).iter().map(|from| item(&from)).collect()
}
