//! `POST /v1/sites/{site}/decisions`: a visitor decides and gets a receipt.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consent_core::receipt::Layer;
use consent_core::rules::MAX_CHOICES;
use consent_core::{Choice, Decision, Digest, Method, PurposeId, Recorded, Signal, Timestamp};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;
use utoipa::openapi::schema::{Object, ObjectBuilder};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use uuid::Uuid;

use super::cookies;
use super::extract::{AtSite, accepted, proven_subject, signals};
use super::openapi::{JSON, problems};
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::schemas;
use crate::service::{Circumstances, Decided, decide};
use crate::store::Request;

/// The longest idempotency key, in bytes.
const MAX_KEY: usize = 128;

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Decision, example = json!({
    "policy": 1,
    "choices": {"analytics": "granted"},
    "method": "preferences",
    "language": "en",
}))]
pub(super) struct Body {
    /// The number of the policy that the visitor was shown. A decision that only refuses may name
    /// an earlier one than that in force.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 4_294_967_295_i64, format = Int64)]
    policy: u32,
    /// What is answered about each purpose. With `accept_all` all are granted, with the other
    /// methods but `preferences` all are refused. A purpose on a legitimate interest may be named
    /// with `preferences` (`refused` objects, `granted` takes the objection back) or `objection`.
    #[serde(deserialize_with = "consent_core::rules::choices")]
    #[schema(schema_with = choices)]
    choices: BTreeMap<PurposeId, Choice>,
    /// How it was made.
    #[schema(value_type = schemas::VisitorMethod)]
    method: Method,
    /// The language of the text that was shown.
    #[schema(example = "en")]
    language: String,
    /// An earlier receipt: it proves that the same browser decides again. Without it the decision
    /// is a new subject's.
    previous: Option<String>,
    /// Where the text was shown.
    #[schema(value_type = Option<schemas::VisitorLayer>)]
    layer: Option<Layer>,
    /// The signals that the browser sends, as its script knows them. The headers `Sec-GPC: 1` and
    /// `DNT: 1` count as well.
    #[serde(default)]
    #[schema(value_type = Vec<schemas::Signal>)]
    signals: BTreeSet<Signal>,
    /// The policy since which the text told what has changed.
    #[serde(default, deserialize_with = "whole_or_none")]
    #[schema(minimum = 0, maximum = 4_294_967_295_i64, format = Int64)]
    since: Option<u32>,
}

/// Reads `1`, and `1.0` as well: to JSON both are the same number (JSON Schema, Core §4.2.3).
fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let written = match number.as_f64() {
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    };
    let expected = "a whole number from 0 to 4294967295";
    written.parse().map_err(|_| D::Error::custom(format!("{number} is not {expected}")))
}

fn whole_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    #[derive(Deserialize)]
    struct Whole(#[serde(deserialize_with = "whole")] u32);
    Ok(Option::<Whole>::deserialize(deserializer)?.map(|Whole(number)| number))
}

/// From 1 to 64 purposes.
fn choices() -> Object {
    let RefOr::T(id) = schemas::PurposeId::schema() else { unreachable!("a text") };
    ObjectBuilder::new()
        .property_names(Some(id))
        .additional_properties(Some(Ref::from_schema_name("Choice")))
        .min_properties(Some(1))
        .max_properties(Some(MAX_CHOICES))
        .build()
}

/// Which methods go with which choices, as far as that does not hang on the policy.
pub(super) fn methods() -> serde_json::Value {
    let goes = |methods: &[&str], choices: &[&str]| {
        json!({"properties": {
            "choices": {"additionalProperties": {"enum": choices}},
            "method": {"enum": methods},
        }})
    };
    [
        goes(&["accept_all"], &["granted"]),
        goes(&["refuse_all", "withdrawal", "objection", "signal"], &["refused"]),
        goes(&["preferences"], &["granted", "refused"]),
    ]
    .into()
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decided)]
pub(super) struct Answer<'a> {
    /// The identifier of the receipt.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// The receipt.
    #[schema(value_type = schemas::Receipt)]
    receipt: &'a str,
    /// What is recorded for each purpose that was named.
    #[schema(value_type = BTreeMap<String, Held>)]
    states: BTreeMap<&'a PurposeId, Held>,
    /// The value of the cookie that remembers it.
    cookie: String,
}

/// What is recorded for one purpose.
#[derive(Debug, Serialize, ToSchema)]
struct Held {
    /// What was decided.
    #[schema(value_type = schemas::Recorded)]
    state: Recorded,
    /// Until when it is remembered.
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
}

/// Makes a request that is sent twice be recorded once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "its shape is all that is used")]
pub(super) struct IdempotencyKey {
    /// For example a UUID. The same key with the same content gets the first answer again; with
    /// other content it is refused.
    #[param(
        rename = "Idempotency-Key",
        required = false,
        nullable = false,
        min_length = 16,
        max_length = 128,
        pattern = "^[!-~]+$"
    )]
    key: Option<String>,
}

problems!(
    Problems: JSON,
    &[
        Kind::OriginForeign,
        Kind::SiteUnknown,
        Kind::PolicySuperseded,
        Kind::PolicyUnknown,
        Kind::PurposeUnknown,
        Kind::PurposeNotConsent,
        Kind::ReceiptInvalid,
        Kind::IdempotencyKeyReused,
        Kind::StoreUnavailable,
    ],
);

/// A visitor decides
///
/// When this is answered, the receipt is on the disk. Where the page is on the server's own host,
/// the answer sets the state cookie, and deletes the cookies of purposes that are not allowed now.
#[utoipa::path(
    post, path = "/v1/sites/{site}/decisions", operation_id = "decide", tag = "pages",
    params(schemas::SitePath, IdempotencyKey, schemas::AcceptLanguage),
    request_body = Body,
    responses((status = 201, description = "Recorded", body = Answer), Problems),
)]
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
        None => app.browsers.new_one(&*app.ambient),
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
        Ok(key)
            if (16..=MAX_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic()) =>
        {
            Ok(Some(key))
        }
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
