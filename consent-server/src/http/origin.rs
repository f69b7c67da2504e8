//! Which pages may ask: only those of the site's own origins (CORS, Fetch Standard §3.2).

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::extract::AtSite;
use super::problem::{Kind, Problem};

/// Refuses foreign origins, answers preflight requests, and marks answers as readable.
///
/// A request without `Origin` does not come from another site's page, so it passes.
pub(super) async fn guard(AtSite(site): AtSite, request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return vary(next.run(request).await);
    };
    if !site.origins.iter().any(|own| own.as_bytes() == origin.as_bytes()) {
        let detail = "the page's origin is not listed in the site's `origins`";
        return vary(Problem::new(Kind::OriginForeign, detail).into_response());
    }
    let preflight = request.method() == Method::OPTIONS;
    let mut response =
        if preflight { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if preflight {
        let mut allow = |name: HeaderName, value: &'static str| {
            headers.insert(name, HeaderValue::from_static(value));
        };
        allow(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
        allow(header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, idempotency-key");
        allow(header::ACCESS_CONTROL_MAX_AGE, "600");
    }
    vary(response)
}

fn vary(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Origin"));
    response
}
