//! `POST /v1/receipts/verify`: is this receipt genuine?

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::problem::Problem;
use crate::app::App;
use crate::service::Verification;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Body {
    receipt: String,
}

pub(super) async fn post(
    State(app): State<App>,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body?;
    Ok(Json(Verification::from(&app.verify(&body.receipt))).into_response())
}
