//! `POST /v1/receipts/verify`: is this receipt genuine?

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use consent_core::Claims;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::app::App;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    receipt: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Claims>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<&'static str>,
}

pub(super) async fn post(
    State(app): State<App>,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Json<Answer>, Problem> {
    let Json(body) = body?;
    Ok(Json(match app.verify(&body.receipt) {
        Ok(receipt) => Answer { valid: true, claims: Some(receipt.claims().clone()), failed: None },
        Err(failure) => Answer { valid: false, claims: None, failed: Some(failure.check()) },
    }))
}
