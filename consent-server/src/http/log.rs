//! `/v1/log/{region}/…`: the log for everybody, as C2SP tlog-tiles has it; and the proof of one
//! receipt for whoever holds it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequestParts, Path, RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use consent_core::RegionId;
use consent_core::log::Tile;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::openapi::{JSON, problems};
use super::problem::{Kind, Problem};
use crate::app::{App, Region};
use crate::log::{BundleError, Source as _, SourceError, Stored, bundle, proof};
use crate::schemas;
use crate::service::verify;

/// The region that the path names.
pub(super) struct AtRegion(Arc<Region>);

impl FromRequestParts<App> for AtRegion {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let unknown = || Problem::new(Kind::RegionUnknown, "this server knows no such region");
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| unknown())?;
        let name = params.iter().find(|(name, _)| *name == "region").ok_or_else(unknown)?.1;
        let id: RegionId = name.parse().map_err(|_| unknown())?;
        if let Some(region) = app.regions().find(|region| region.id == id) {
            return Ok(Self(Arc::clone(region)));
        }
        let url = app.elsewhere(&id).ok_or_else(unknown)?;
        Err(Problem::elsewhere(&id, url))
    }
}

/// Anybody may read a log, from any page.
fn anybody(kind: &'static str, caching: &'static str) -> [(HeaderName, &'static str); 3] {
    [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, caching),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ]
}

problems!(CheckpointProblems: &[Kind::RegionUnknown, Kind::LogEmpty, Kind::StoreUnavailable]);

/// The latest checkpoint of a log
///
/// A signed note (C2SP tlog-checkpoint): the log's name, its size and its root. The tiles beside it,
/// `/v1/log/{region}/tile/…`, are those of C2SP tlog-tiles. Pages of any origin may ask.
#[utoipa::path(
    get, path = "/v1/log/{region}/checkpoint", operation_id = "checkpoint", tag = "anybody",
    params(schemas::RegionPath),
    responses(
        (status = 200, description = "The checkpoint", body = String, content_type = "text/plain"),
        CheckpointProblems,
    ),
)]
pub(super) async fn checkpoint(AtRegion(region): AtRegion) -> Result<Response, Problem> {
    let checkpoint = source(&region).checkpoint().await?;
    if checkpoint.is_empty() {
        return Err(Problem::new(Kind::LogEmpty, "the log has no checkpoint yet; ask in a second"));
    }
    Ok((anybody("text/plain; charset=utf-8", "no-cache"), checkpoint).into_response())
}

problems!(KeysProblems: &[Kind::RegionUnknown]);

/// The keys that a log's checkpoints are verified with
///
/// One on each line, as signed notes write them (C2SP signed-note), also those that sign no more.
#[utoipa::path(
    get, path = "/v1/log/{region}/keys", operation_id = "log_keys", tag = "anybody",
    params(schemas::RegionPath),
    responses(
        (status = 200, description = "The keys", body = String, content_type = "text/plain"),
        KeysProblems,
    ),
)]
pub(super) async fn keys(AtRegion(region): AtRegion) -> Response {
    let keys = region.keys.log_verifiers().into_iter().map(|key| key.to_string());
    let keys = keys.collect::<Vec<_>>().join("\n") + "\n";
    (anybody("text/plain; charset=utf-8", "max-age=300"), keys).into_response()
}

/// A tile. A full one never changes; of a partial one, what it holds does not. Not in the document
/// of the interface, which has no parameters with slashes in them.
pub(super) async fn tile(
    AtRegion(region): AtRegion,
    Path((_, path)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let unknown = |detail: String| Problem::new(Kind::RouteUnknown, detail);
    let tile: Tile = format!("tile/{path}").parse().map_err(|error| unknown(format!("{error}")))?;
    let size = region.store.head().await?.size;
    if !tile.is_within(size) {
        return Err(unknown(format!("the log has {size} leaves, and so no {tile} yet")));
    }
    let bytes = source(&region).tile(tile).await?;
    let caching = "public, max-age=31536000, immutable";
    Ok((anybody("application/octet-stream", caching), bytes).into_response())
}

problems!(
    InclusionProblems: &[Kind::RegionUnknown, Kind::ReceiptUnknown, Kind::StoreUnavailable],
);

/// The proof that a receipt is in the log
///
/// Where it is, and how that leads to the root of the latest checkpoint (C2SP tlog-proof). What it
/// says is not in it. A new receipt has its place within a second.
#[utoipa::path(
    get, path = "/v1/log/{region}/proof/{id}", operation_id = "inclusion", tag = "anybody",
    params(schemas::LeafPath),
    responses(
        (status = 200, description = "The proof", body = String, content_type = "text/plain"),
        InclusionProblems,
    ),
)]
pub(super) async fn inclusion(
    AtRegion(region): AtRegion,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let unknown = || {
        let detail = "the log holds nothing by this identifier; a new receipt has its place within \
                      a second, and an erased one has lost it";
        Problem::new(Kind::ReceiptUnknown, detail)
    };
    let id: Uuid = id.parse().map_err(|_| unknown())?;
    let position = region.store.position(id).await?.ok_or_else(unknown)?;
    let proof = proof(&source(&region), position).await?.ok_or_else(unknown)?;
    Ok((anybody("text/plain; charset=utf-8", "no-cache"), proof.to_string()).into_response())
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReceiptToBundle)]
pub(super) struct Body {
    /// The receipt.
    receipt: String,
}

problems!(
    BundleProblems: JSON,
    &[Kind::ReceiptInvalid, Kind::ReceiptUnknown, Kind::StoreUnavailable],
);

/// A receipt with its proof, for a stranger
///
/// For whoever holds a receipt: all that it takes to verify it with the log's public key alone
/// (`consent verify --offline`), without this server.
#[utoipa::path(
    post, path = "/v1/receipts/bundle", operation_id = "bundle", tag = "anybody",
    request_body = Body,
    responses(
        (status = 200, description = "The bundle", body = String, content_type = "text/plain"),
        BundleProblems,
    ),
)]
pub(super) async fn post_bundle(
    State(app): State<App>,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body?;
    let verifiers = app.regions().map(|region| region.keys.receipt_verifier());
    let receipt = verify(body.receipt.as_bytes(), verifiers)
        .map_err(|failure| Problem::new(Kind::ReceiptInvalid, format!("receipt: {failure}")))?;
    let region = app.regions().find(|region| region.id == receipt.claims().region);
    let elsewhere = || Problem::new(Kind::ReceiptUnknown, "its region is not held here");
    let region = region.ok_or_else(elsewhere)?;
    let bundle = bundle(&region.store, &receipt).await?;
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, bundle.to_string()).into_response())
}

fn source(region: &Region) -> Stored {
    Stored(Arc::clone(&region.store))
}

impl From<BundleError> for Problem {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Store(error) => error.into(),
            BundleError::Source(error) => error.into(),
            BundleError::Gone | BundleError::Waits => {
                Self::new(Kind::ReceiptUnknown, error.to_string())
            }
            BundleError::Bundle(_) => Self::internal(),
        }
    }
}

impl From<SourceError> for Problem {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Store(error) => error.into(),
            error => {
                tracing::error!(%error, "the log cannot be read");
                Self::internal()
            }
        }
    }
}
