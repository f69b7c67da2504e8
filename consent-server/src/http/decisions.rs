//! `POST /v1/sites/{site}/decisions`: a visitor decides and gets a receipt.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consent_core::receipt::Layer;
use consent_core::{
    Choice, Decision, Digest, Method, PurposeId, Recorded, Signal, Subject, Timestamp,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::cookies;
use super::extract::{AtSite, accepted, proven_subject, signals};
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::service::{Circumstances, Decided, decide};
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
    /// Where the text was shown.
    layer: Option<Layer>,
    /// The signals that the browser sends, as its script knows them.
    #[serde(default)]
    signals: BTreeSet<Signal>,
    /// The policy since which the text told what has changed.
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
    if body.layer == Some(Layer::Mail) {
        let detail = "layer: a decision sent here is made in no mail";
        return Err(Problem::new(Kind::FieldInvalid, detail));
    }
    // As the text itself was negotiated: the same words of the same request give the same language.
    let wanted = [body.language.as_str()].into_iter().chain(accepted(&headers));
    let language = site.policy.negotiate(wanted);
    let decision = Decision::new(&site.policy, body.policy, &body.choices, body.method, language)?;
    let new = body.previous.is_none();
    let subject = match &body.previous {
        Some(receipt) => proven_subject(&site, receipt, "previous")?,
        None => Subject::browser(app.ambient.random()),
    };
    let request = key.map(|key| Request { key: key.to_owned(), content });
    let signals: BTreeSet<_> = body.signals.iter().copied().chain(signals(&headers)).collect();
    let circumstances = Circumstances {
        layer: body.layer,
        since: body.since,
        signals: signals.into_iter().collect(),
        new,
        event: None,
    };
    let decided = decide(&app, &site, &subject, &decision, &circumstances, request).await?;
    let mut response = answer(&decided);
    cookies::set(&app, &site, &headers, &decided, &mut response);
    Ok(response)
}

pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
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

fn answer(decided: &Decided) -> Response {
    let claims = decided.receipt.claims();
    let held = |purpose| {
        let record = decided.records.get(purpose)?;
        Some((purpose, Held { state: record.recorded, until: record.until }))
    };
    let body = Answer {
        id: claims.jti,
        receipt: decided.receipt.as_str(),
        states: claims.purposes.keys().filter_map(held).collect(),
        cookie: decided.cookie.encode(),
    };
    (StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
