//! `POST /v1/sites/{site}/subscriptions`: somebody typed an address; its owner is asked by mail.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use consent_core::PurposeId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::AtSite;
use super::openapi::{JSON, problems};
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::schemas;
use crate::service::subscribe;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Subscription)]
pub(super) struct Body {
    /// Whose consent is asked for.
    #[schema(value_type = schemas::EmailSubject)]
    subject: String,
    /// What for.
    #[schema(value_type = Vec<schemas::PurposeId>, min_items = 1, max_items = 64)]
    purposes: Vec<PurposeId>,
    /// The language of the mail, one of the policy's.
    #[schema(example = "en")]
    language: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Asked {
    /// What happened: `confirmation_sent`.
    status: &'static str,
}

problems!(
    Problems: JSON,
    &[
        Kind::OriginForeign,
        Kind::SiteUnknown,
        Kind::PurposeUnknown,
        Kind::PurposeNotConsent,
        Kind::StoreUnavailable,
        Kind::MailUnavailable,
    ],
);

/// Somebody typed an address; its owner is asked by mail
///
/// The address gets a mail, at most one in ten minutes for the same purposes, with a link to
/// `/v1/sites/{site}/confirm`. Answers the same whether the address is known or not, so nobody
/// learns that here.
#[utoipa::path(
    post, path = "/v1/sites/{site}/subscriptions", operation_id = "subscribe", tag = "pages",
    params(schemas::SitePath),
    request_body = Body,
    responses((status = 202, description = "The owner is asked", body = Asked), Problems),
)]
pub(super) async fn post(
    State(app): State<App>,
    AtSite(site): AtSite,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let Json(body) = body?;
    subscribe(&app, &site, &body.subject, &body.purposes, &body.language).await?;
    Ok((StatusCode::ACCEPTED, Json(Asked { status: "confirmation_sent" })))
}
