//! `POST /v1/sites/{site}/decisions`: a visitor decides and gets a receipt.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consent_core::{
    Choice, Decision, Digest, Method, PurposeId, Receipt, Recorded, Subject, Timestamp, cookie,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::extract::AtSite;
use super::problem::{Kind, Problem};
use crate::app::{App, Site};
use crate::service::{Decided, decide};
use crate::store::Request;

/// The longest idempotency key, in bytes.
const MAX_KEY: usize = 128;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    policy: u32,
    #[serde(deserialize_with = "consent_core::rules::choices")]
    choices: BTreeMap<PurposeId, Choice>,
    method: Method,
    language: String,
    /// An earlier receipt: it proves that the same browser decides again.
    previous: Option<String>,
    layer: Option<String>,
    signals: Option<Vec<String>>,
    since: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    id: Uuid,
    receipt: &'a str,
    states: BTreeMap<&'a PurposeId, Held>,
    cookie: String,
}

#[derive(Debug, Serialize)]
struct Held {
    state: Recorded,
    until: Timestamp,
}

pub(super) async fn post(
    State(app): State<App>,
    AtSite(site): AtSite,
    headers: HeaderMap,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body?;
    let key = idempotency_key(&headers)?;
    let content = Digest::of(&serde_json::to_vec(&body).expect("texts and numbers"));
    if matches!(body.method, Method::DoubleOptIn | Method::OneClickUnsubscribe) {
        let detail = format!("method: '{}' takes the link of a mail", body.method.as_str());
        return Err(Problem::new(Kind::FieldInvalid, detail));
    }
    let decision =
        Decision::new(&site.policy, body.policy, &body.choices, body.method, &body.language)?;
    let subject = match &body.previous {
        Some(receipt) => proven_subject(&site, receipt)?,
        None => Subject::browser(app.ambient.random()),
    };
    let request = key.map(|key| Request { key, content });
    let decided = decide(&app, &site, &subject, &decision, request).await?;
    Ok(answer(&app, &headers, &decided))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (16..=MAX_KEY).contains(&key.len()) => Ok(Some(key)),
        _ => {
            let detail =
                format!("Idempotency-Key: 16 to {MAX_KEY} visible characters, for example a UUID");
            Err(Problem::new(Kind::FieldInvalid, detail))
        }
    }
}

/// The subject of a receipt of this site. Whoever holds the receipt is the subject.
fn proven_subject(site: &Site, receipt: &str) -> Result<Subject, Problem> {
    let invalid = |detail: String| Problem::new(Kind::ReceiptInvalid, detail);
    let receipt = Receipt::verify(receipt, &site.region.keys.receipts)
        .map_err(|failure| invalid(format!("previous: {failure}")))?;
    if receipt.claims().site != site.id {
        return Err(invalid("previous: it is a receipt of another site".into()));
    }
    if !receipt.claims().sub.is_browser() {
        let detail =
            "previous: it is the receipt of an address, which decides by the link it was sent";
        return Err(invalid(detail.into()));
    }
    Ok(receipt.claims().sub.clone())
}

fn answer(app: &App, headers: &HeaderMap, decided: &Decided) -> Response {
    let claims = decided.receipt.claims();
    let cookie = decided.cookie.encode();
    let held = |purpose| {
        let record = decided.records.get(purpose)?;
        Some((purpose, Held { state: record.recorded, until: record.until }))
    };
    let body = Answer {
        id: claims.jti,
        receipt: decided.receipt.as_str(),
        states: claims.purposes.keys().filter_map(held).collect(),
        cookie: cookie.clone(),
    };
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    let answered = response.headers_mut();
    answered.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // On the site's own host the server sets the cookie: one that a script set is cut to seven
    // days by Safari.
    if headers
        .get(header::ORIGIN)
        .is_some_and(|origin| origin.as_bytes() == app.public_url.as_bytes())
    {
        let secure = if app.public_url.starts_with("https://") { "; Secure" } else { "" };
        let seconds = claims.exp.as_second() - claims.iat.as_second();
        let name = cookie::NAME;
        let cookie = format!("{name}={cookie}; Path=/; Max-Age={seconds}; SameSite=Lax{secure}");
        answered.insert(header::SET_COOKIE, cookie.parse().expect("plain ASCII"));
    }
    response
}
