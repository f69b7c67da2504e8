//! `GET /v1/sites/{site}/me`: a browser's own decisions, proven by one of its receipts.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use consent_core::Subject;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{AtSite, Wanted, bearer, languages, proven_subject};
use super::openapi::problems;
use super::problem::{Kind, Problem};
use super::schemas;
use crate::service::{Told, history};

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decisions)]
pub(super) struct Answer {
    /// The browser, as the site knows it.
    #[schema(value_type = schemas::Subject)]
    subject: Subject,
    /// The last 100 at most, newest first.
    #[schema(max_items = 100)]
    decisions: Vec<Told>,
}

problems!(
    Problems: &[
        Kind::OriginForeign,
        Kind::SiteUnknown,
        Kind::TokenMissing,
        Kind::TokenUnknown,
        Kind::FieldInvalid,
        Kind::StoreUnavailable,
    ],
);

/// A browser's own decisions
///
/// Proven by any of its receipts.
#[utoipa::path(
    get, path = "/v1/sites/{site}/me", operation_id = "me", tag = "pages",
    params(schemas::SitePath, Wanted, schemas::AcceptLanguage),
    responses((status = 200, description = "The decisions", body = Answer), Problems),
    security(("receipt" = [])),
)]

pub(super) async fn get(
    AtSite(site): AtSite,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Query(wanted) = wanted?;
    let Some(receipt) = bearer(&headers) else {
        let detail = "send one of this browser's receipts: Authorization: Bearer …";
        return Err(Problem::new(Kind::TokenMissing, detail));
    };
    let subject = proven_subject(&site, receipt, "Authorization")
        .map_err(|problem| problem.of(Kind::TokenUnknown))?;
    let language = site.policy.negotiate(languages(&wanted, &headers));
    let decisions = history(&site, &subject, language).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Answer { subject, decisions })))
}
