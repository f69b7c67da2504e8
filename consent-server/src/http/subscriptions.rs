//! `POST /v1/sites/{site}/subscriptions`: somebody typed an address; its owner is asked by mail.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use consent_core::PurposeId;
use serde::{Deserialize, Serialize};

use super::extract::AtSite;
use super::problem::Problem;
use crate::app::App;
use crate::service::subscribe;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    subject: String,
    purposes: Vec<PurposeId>,
    language: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Asked {
    status: &'static str,
}

/// Answers the same whether the address is known or not, so nobody learns that here.
pub(super) async fn post(
    State(app): State<App>,
    AtSite(site): AtSite,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<(StatusCode, Json<Asked>), Problem> {
    let Json(body) = body?;
    subscribe(&app, &site, &body.subject, &body.purposes, &body.language).await?;
    Ok((StatusCode::ACCEPTED, Json(Asked { status: "confirmation_sent" })))
}
