//! `POST /v1/sites/{site}/withdrawals`: an operator records that somebody took consent back, for
//! example by telephone. Takes a token with the scope `withdraw`.
//!
//! The answer leaves the receipt out: whoever holds a browser's receipt may decide for it, and this
//! scope must not grant.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use consent_core::rules::{InvalidDecision, MAX_CHOICES};
use consent_core::{Choice, Decision, Digest, Method, PurposeId, Recorded};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::decisions::{IdempotencyKey, idempotency_key};
use super::extract::{AtSite, authorize};
use super::openapi::{JSON, TOKEN, problems};
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::schemas;
use crate::service::{Circumstances, decide};
use crate::store::{AuditEvent, Request};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Withdrawal)]
pub(super) struct Body {
    /// Who took consent back.
    #[schema(value_type = schemas::NamedSubject)]
    subject: String,
    /// What for.
    #[schema(value_type = Vec<schemas::PurposeId>, min_items = 1, max_items = 64)]
    purposes: Vec<PurposeId>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Withdrawn)]
pub(super) struct Answer {
    /// The identifier of the receipt.
    #[schema(value_type = String, format = "uuid")]
    id: Uuid,
    /// What is recorded for each purpose now.
    #[schema(value_type = BTreeMap<String, schemas::Recorded>)]
    states: BTreeMap<PurposeId, Recorded>,
}

problems!(
    Problems: JSON,
    TOKEN,
    &[
        Kind::SiteUnknown,
        Kind::PurposeUnknown,
        Kind::PurposeNotConsent,
        Kind::IdempotencyKeyReused,
        Kind::StoreUnavailable,
    ],
);

/// Record that somebody took consent back
///
/// For example by telephone. Takes a token with the scope `withdraw`.
#[utoipa::path(
    post, path = "/v1/sites/{site}/withdrawals", operation_id = "withdraw", tag = "programs",
    params(schemas::SitePath, IdempotencyKey),
    request_body = Body,
    responses((status = 201, description = "Recorded", body = Answer), Problems),
    security(("token" = [])),
)]

pub(super) async fn post(
    State(app): State<App>,
    AtSite(site): AtSite,
    headers: HeaderMap,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<(StatusCode, Json<Answer>), Problem> {
    let token = authorize(&site, &headers, "withdraw", app.ambient.now()).await?;
    let key = idempotency_key(&headers)?;
    let Json(body) = body?;
    if body.purposes.len() > MAX_CHOICES {
        return Err(InvalidDecision::TooMany.into());
    }
    let subject = site
        .region
        .subject(&site.id, &body.subject)
        .map_err(|error| Problem::new(Kind::FieldInvalid, error.to_string()))?;
    let choices = body.purposes.into_iter().map(|purpose| (purpose, Choice::Refused)).collect();
    let (policy, language) = (&site.policy, &site.policy.languages[0]);
    let decision = Decision::new(policy, policy.number, &choices, Method::Withdrawal, language)?;
    let purposes: Vec<_> = decision.purposes().collect();
    let told = serde_json::json!({ "purposes": purposes, "token": token.name() });
    let event = AuditEvent::new(&*app.ambient, Some(&site.id), "consent.withdrawn", &told);
    // Of the subject its key only: what was typed could be guessed from a digest of it.
    let content = serde_json::json!({ "withdraws": purposes, "subject": subject }).to_string();
    let content = Digest::of(content.as_bytes());
    let request = key.map(|key| Request { key: key.to_owned(), content });
    let circumstances = Circumstances { event: Some(event), ..Circumstances::default() };
    let decided = decide(&app, &site, &subject, &decision, &circumstances, request).await?;
    let claims = decided.receipt.claims();
    let states = claims.purposes.iter().map(|(id, outcome)| (id.clone(), outcome.state)).collect();
    Ok((StatusCode::CREATED, Json(Answer { id: claims.jti, states })))
}
