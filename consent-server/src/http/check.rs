//! `GET /v1/sites/{site}/check`: may this purpose be served for this subject now?

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use consent_core::PurposeId;
use serde::Deserialize;

use super::extract::{AtSite, authorize};
use super::problem::Problem;
use crate::app::App;
use crate::service::check;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Params {
    subject: String,
    purpose: PurposeId,
}

pub(super) async fn get(
    State(app): State<App>,
    AtSite(site): AtSite,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    authorize(&site, &headers, "check").await?;
    let Query(params) = params?;
    let now = app.ambient.now();
    let answer =
        check(&site.region, &site.id, &site.history, &params.subject, &params.purpose, now).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)))
}
