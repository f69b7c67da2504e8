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
use consent_core::{Choice, Decision, Method, PurposeId, Recorded};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::extract::{AtSite, authorize};
use super::openapi::{JSON, TOKEN, problems};
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::schemas;
use crate::service::{Circumstances, decide};
use crate::store::AuditEvent;

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
        Kind::StoreUnavailable,
    ],
);

/// Record that somebody took consent back
///
/// For example by telephone. Takes a token with the scope `withdraw`.
#[utoipa::path(
    post, path = "/withdrawals", operation_id = "withdraw", tag = "programs",
    params(schemas::SitePath),
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
    let token = authorize(&site, &headers, "withdraw").await?;
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
    let circumstances = Circumstances { event: Some(event), ..Circumstances::default() };
    let decided = decide(&app, &site, &subject, &decision, &circumstances, None).await?;
    let claims = decided.receipt.claims();
    let states = claims.purposes.iter().map(|(id, outcome)| (id.clone(), outcome.state)).collect();
    Ok((StatusCode::CREATED, Json(Answer { id: claims.jti, states })))
}
