//! `POST /v1/receipts/verify`: is this receipt genuine?

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::openapi::{JSON, problems};
use super::problem::Problem;
use crate::app::App;
use crate::service::Verification;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReceiptToVerify)]
pub(super) struct Body {
    /// The receipt. Any text is taken; one that is no receipt fails the check of its format.
    receipt: String,
}

problems!(Problems: JSON);

/// Is this receipt genuine?
///
/// `failed` names the first check that does not pass, in this order: `size`, `format`, `type`
/// (signed, but no receipt), `algorithm`, `key` (not held here), `signature`, `claims`. Pages of any
/// origin may ask.
#[utoipa::path(
    post, path = "/v1/receipts/verify", operation_id = "verify", tag = "anybody",
    request_body = Body,
    responses((status = 200, description = "Genuine or not", body = Verification), Problems),
)]

pub(super) async fn post(
    State(app): State<App>,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body?;
    Ok(Json(Verification::from(&app.verify(&body.receipt))).into_response())
}
