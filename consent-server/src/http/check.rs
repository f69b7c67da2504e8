//! `GET /v1/sites/{site}/check`: may this purpose be served for this subject now?

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use consent_core::PurposeId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{AtSite, authorize};
use super::openapi::{TOKEN, problems};
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::schemas;
use crate::service::check;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Params {
    /// Whom the purpose would be served for.
    #[param(value_type = schemas::NamedSubject)]
    subject: String,
    /// The purpose.
    #[param(value_type = schemas::PurposeId)]
    purpose: PurposeId,
}

problems!(
    Problems: TOKEN,
    &[
        Kind::SiteUnknown,
        Kind::FieldInvalid,
        Kind::PurposeUnknown,
        Kind::PurposeNotConsent,
        Kind::StoreUnavailable,
    ],
);

/// May this purpose be served for this subject now?
///
/// Takes a token with the scope `check`. An error is never a yes.
#[utoipa::path(
    get, path = "/v1/sites/{site}/check", operation_id = "check", tag = "programs",
    params(schemas::SitePath, Params),
    responses((status = 200, description = "Yes or no", body = crate::service::Answer), Problems),
    security(("token" = [])),
)]

pub(super) async fn get(
    State(app): State<App>,
    AtSite(site): AtSite,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let now = app.ambient.now();
    authorize(&site, &headers, "check", now).await?;
    let Query(params) = params?;
    let answer =
        check(&site.region, &site.id, &site.history, &params.subject, &params.purpose, now).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)))
}
