//! `GET /.well-known/jwks.json`: the public keys of the regions held here, for whoever verifies
//! receipts and checkpoints without asking this server.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use consent_core::log::VerifierKey;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::app::App;

/// The public keys
///
/// A JWK set (RFC 7517 §5) of the regions held here. Keys of logs have a member of their own, which tells them from keys of
/// receipts (§4 lets readers pass over it): `vkey`, the key as signed notes write it.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "jwks", tag = "anybody",
    responses((status = 200, description = "The keys", body = Object,
        content_type = "application/jwk-set+json")),
)]
pub(super) async fn get(State(app): State<App>) -> Response {
    let mut keys: Vec<Value> = Vec::new();
    for region in app.regions() {
        let mut receipts = region.keys.receipt_verifier().jwks();
        keys.extend(receipts["keys"].as_array_mut().map(std::mem::take).unwrap_or_default());
        keys.extend(region.keys.named_log_verifiers().iter().map(|(kid, key)| jwk(kid, key)));
    }
    // Any page may read it: it is the same for everybody.
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        (header::CACHE_CONTROL, "max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, Json(json!({ "keys": keys })).into_response().into_body()).into_response()
}

/// An Ed25519 key (RFC 8037 §2), without `alg`, since what it signs is no JWS.
fn jwk(kid: &str, key: &VerifierKey) -> Value {
    let x = BASE64URL_NOPAD.encode(&key.to_bytes());
    json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": kid, "x": x, "vkey": key.to_string()})
}
