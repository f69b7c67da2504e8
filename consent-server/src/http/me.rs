//! `GET /v1/sites/{site}/me`: a browser's own decisions, proven by one of its receipts.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use consent_core::Subject;
use serde::Serialize;

use super::extract::{AtSite, Wanted, bearer, languages, proven_subject};
use super::problem::{Kind, Problem};
use crate::service::{Told, history};

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    subject: Subject,
    decisions: Vec<Told>,
}

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
    let subject = proven_subject(&site, receipt, "Authorization")?;
    let language = site.policy.negotiate(languages(&wanted, &headers));
    let decisions = history(&site, &subject, language).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(Answer { subject, decisions })))
}
