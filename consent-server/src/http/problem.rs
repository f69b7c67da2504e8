//! Every error over HTTP: `application/problem+json` (RFC 9457) with a stable type.

use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection, QueryRejection};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consent_core::RegionId;
use consent_core::rules::InvalidDecision;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::AGAIN;
use crate::service::{CheckError, DecideError, SubscribeError};
use crate::store::StoreError;

/// What a problem is sent as.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// The kinds of problem. The name of each is part of the interface and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The body is not JSON, or not a form.
    BodyMalformed,
    /// The body is larger than is read.
    BodyTooLarge,
    /// The body is of another media type.
    BodyUnsupported,
    /// The request did not arrive whole in time.
    RequestTimeout,
    /// A field is missing, unknown or wrong.
    FieldInvalid,
    /// The site is not served here.
    SiteUnknown,
    /// The region is not known here.
    RegionUnknown,
    /// Another server holds the region.
    RegionElsewhere,
    /// The receipt, or whatever is meant, is not here.
    ReceiptUnknown,
    /// Nothing is in the log yet.
    LogEmpty,
    /// There is no such address.
    RouteUnknown,
    /// The address exists, but not for this method.
    MethodNotAllowed,
    /// The page's origin is not one of the site's.
    OriginForeign,
    /// The policy was never published.
    PolicyUnknown,
    /// The policy has been replaced.
    PolicySuperseded,
    /// The policy has no such purpose.
    PurposeUnknown,
    /// The purpose does not rest on consent.
    PurposeNotConsent,
    /// The receipt given as proof is not genuine.
    ReceiptInvalid,
    /// The key was used for another request.
    IdempotencyKeyReused,
    /// A token is needed.
    TokenMissing,
    /// The token is not known.
    TokenUnknown,
    /// The token does not allow this.
    TokenScope,
    /// The store cannot be read or written now.
    StoreUnavailable,
    /// The mail was not taken.
    MailUnavailable,
    /// A fault of the server.
    Internal,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: &[Self] = &[
        Self::BodyMalformed,
        Self::BodyTooLarge,
        Self::BodyUnsupported,
        Self::RequestTimeout,
        Self::FieldInvalid,
        Self::SiteUnknown,
        Self::RegionUnknown,
        Self::RegionElsewhere,
        Self::ReceiptUnknown,
        Self::LogEmpty,
        Self::RouteUnknown,
        Self::MethodNotAllowed,
        Self::OriginForeign,
        Self::PolicyUnknown,
        Self::PolicySuperseded,
        Self::PurposeUnknown,
        Self::PurposeNotConsent,
        Self::ReceiptInvalid,
        Self::IdempotencyKeyReused,
        Self::TokenMissing,
        Self::TokenUnknown,
        Self::TokenScope,
        Self::StoreUnavailable,
        Self::MailUnavailable,
        Self::Internal,
    ];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        self.facts().0
    }

    /// The status that it is answered with.
    pub(super) fn status(self) -> StatusCode {
        self.facts().1
    }

    /// What it is called for people.
    pub(super) fn title(self) -> &'static str {
        self.facts().2
    }

    /// Its name as an address, the `type` of a problem.
    pub(super) fn address(self) -> String {
        format!("/problems/{}", self.name())
    }

    /// Name, status and title.
    fn facts(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::BodyMalformed => ("body-malformed", S::BAD_REQUEST, "The body cannot be read"),
            Self::BodyTooLarge => ("body-too-large", S::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::BodyUnsupported => {
                ("body-unsupported", S::UNSUPPORTED_MEDIA_TYPE, "The body is of another type")
            }
            Self::RequestTimeout => {
                ("request-timeout", S::REQUEST_TIMEOUT, "The request took too long")
            }
            Self::FieldInvalid => ("field-invalid", S::UNPROCESSABLE_ENTITY, "A field is wrong"),
            Self::SiteUnknown => ("site-unknown", S::NOT_FOUND, "There is no such site here"),
            Self::RegionUnknown => ("region-unknown", S::NOT_FOUND, "There is no such region here"),
            Self::RegionElsewhere => {
                ("region-elsewhere", S::MISDIRECTED_REQUEST, "Another server holds this region")
            }
            Self::ReceiptUnknown => ("receipt-unknown", S::NOT_FOUND, "There is no such receipt"),
            Self::LogEmpty => ("log-empty", S::NOT_FOUND, "The log has no checkpoint yet"),
            Self::RouteUnknown => {
                ("route-unknown", S::NOT_FOUND, "There is nothing at this address")
            }
            Self::MethodNotAllowed => {
                ("method-not-allowed", S::METHOD_NOT_ALLOWED, "Not with this method")
            }
            Self::OriginForeign => ("origin-foreign", S::FORBIDDEN, "This origin may not ask"),
            Self::PolicyUnknown => {
                ("policy-unknown", S::UNPROCESSABLE_ENTITY, "There is no such policy")
            }
            Self::PolicySuperseded => {
                ("policy-superseded", S::CONFLICT, "The policy has been replaced")
            }
            Self::PurposeUnknown => {
                ("purpose-unknown", S::UNPROCESSABLE_ENTITY, "There is no such purpose")
            }
            Self::PurposeNotConsent => (
                "purpose-not-consent",
                S::UNPROCESSABLE_ENTITY,
                "The purpose does not rest on consent",
            ),
            Self::ReceiptInvalid => {
                ("receipt-invalid", S::UNPROCESSABLE_ENTITY, "The receipt is not genuine")
            }
            Self::IdempotencyKeyReused => (
                "idempotency-key-reused",
                S::UNPROCESSABLE_ENTITY,
                "The key belongs to another request",
            ),
            Self::TokenMissing => ("token-missing", S::UNAUTHORIZED, "A token is needed"),
            Self::TokenUnknown => ("token-unknown", S::UNAUTHORIZED, "The token is not known"),
            Self::TokenScope => ("token-scope", S::FORBIDDEN, "The token does not allow this"),
            Self::StoreUnavailable => {
                ("store-unavailable", S::SERVICE_UNAVAILABLE, "The store does not answer")
            }
            Self::MailUnavailable => ("mail-unavailable", S::BAD_GATEWAY, "The mail was not taken"),
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "The server made a mistake"),
        }
    }
}

/// A problem to be told to the client. Its detail never holds personal data.
#[derive(Debug)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    region: Option<Box<Elsewhere>>,
}

/// Who can be asked instead.
#[derive(Debug)]
struct Elsewhere {
    region: String,
    url: String,
}

/// Why a request was refused (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Body<'b> {
    /// `/problems/` and a name that never changes.
    r#type: String,
    /// The same in words.
    title: &'b str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong here, and what to do. Never holds personal data.
    detail: &'b str,
    /// With `region-elsewhere`: the region.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'b str>,
    /// With `region-elsewhere`: the origin of the server that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'b str>,
}

impl Problem {
    /// A problem of this kind; `detail` says what is wrong here and what to do.
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), region: None }
    }

    /// The region is another server's.
    pub(super) fn elsewhere(region: &RegionId, url: &str) -> Self {
        let detail = format!("the records of region '{region}' are kept by {url}: ask there");
        let elsewhere = Elsewhere { region: region.to_string(), url: url.to_owned() };
        Self { region: Some(Box::new(elsewhere)), ..Self::new(Kind::RegionElsewhere, detail) }
    }

    /// The same problem, of another kind.
    pub(super) fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// A panic, or anything else that should not happen.
    pub(super) fn internal() -> Self {
        Self::new(Kind::Internal, format!("the fault is logged; {AGAIN}"))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (_, status, title) = self.kind.facts();
        let body = Body {
            r#type: self.kind.address(),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            region: self.region.as_ref().map(|elsewhere| &*elsewhere.region),
            url: self.region.as_ref().map(|elsewhere| &*elsewhere.url),
        };
        let mut headers: Vec<(HeaderName, &str)> =
            vec![(header::CONTENT_TYPE, MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")];
        match status {
            StatusCode::UNAUTHORIZED => headers.push((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => headers.push((header::RETRY_AFTER, "5")),
            _ => {}
        }
        let mut response = (status, Json(body)).into_response();
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().expect("plain ASCII"));
        }
        response
    }
}

impl From<InvalidDecision> for Problem {
    fn from(error: InvalidDecision) -> Self {
        let kind = match &error {
            InvalidDecision::Superseded { .. } => Kind::PolicySuperseded,
            InvalidDecision::UnknownPolicy { .. } => Kind::PolicyUnknown,
            InvalidDecision::UnknownPurpose(_) => Kind::PurposeUnknown,
            InvalidDecision::NoChoice(..) => Kind::PurposeNotConsent,
            InvalidDecision::Empty
            | InvalidDecision::TooMany
            | InvalidDecision::Contradiction { .. }
            | InvalidDecision::UnknownLanguage { .. } => Kind::FieldInvalid,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // The one place where a store's failure is logged; the client needs no inner detail.
        tracing::error!(%error, "the store failed");
        let detail = match error {
            StoreError::Corrupt(_) => return Self::internal(),
            StoreError::Conflict => {
                "too much was written about the same subject at once, and nothing of this was \
                 recorded; please try again"
                    .to_owned()
            }
            _ => format!("the store does not answer; {AGAIN}"),
        };
        Self::new(Kind::StoreUnavailable, detail)
    }
}

impl From<DecideError> for Problem {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::KeyReused => Self::new(Kind::IdempotencyKeyReused, error.to_string()),
            DecideError::Claims(_) => {
                tracing::error!(%error, "a decision was not recorded");
                Self::internal()
            }
            DecideError::Store(error) => error.into(),
        }
    }
}

impl From<CheckError> for Problem {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Subject(_) => Self::new(Kind::FieldInvalid, error.to_string()),
            CheckError::UnknownPurpose(_) => Self::new(Kind::PurposeUnknown, error.to_string()),
            CheckError::NotConsent(..) => Self::new(Kind::PurposeNotConsent, error.to_string()),
            CheckError::Store(error) => error.into(),
        }
    }
}

impl From<SubscribeError> for Problem {
    fn from(error: SubscribeError) -> Self {
        match error {
            SubscribeError::Subject(error) => Self::new(Kind::FieldInvalid, error.to_string()),
            SubscribeError::Decision(error) => error.into(),
            SubscribeError::Store(error) => error.into(),
            SubscribeError::Mail(error) => {
                tracing::error!(%error, "a mail was not sent");
                Self::new(Kind::MailUnavailable, "no message was sent; please try again later")
            }
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Kind::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::BodyUnsupported,
            StatusCode::UNPROCESSABLE_ENTITY => Kind::FieldInvalid,
            _ => Kind::BodyMalformed,
        };
        Self::new(kind, rejection.body_text())
    }
}

impl From<FormRejection> for Problem {
    fn from(rejection: FormRejection) -> Self {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Kind::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Kind::BodyUnsupported,
            _ => Kind::BodyMalformed,
        };
        Self::new(kind, rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(Kind::FieldInvalid, rejection.body_text())
    }
}
