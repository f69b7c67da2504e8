//! The interface as an OpenAPI document, made of the routes themselves: what is served and what is
//! told are registered in one line, so neither can be without the other.
//!
//! What a single route takes and gives stands with it; here is what they have in common.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use utoipa::openapi::response::{Response as Described, ResponseBuilder};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, OpenApi, Ref, RefOr};
use utoipa::{Modify, OpenApi as _};

use super::problem::{self, Kind};
use super::{Routes, decisions, routes};
use crate::assets::Asset;
use crate::schemas;

/// What a body of JSON may be refused for, whatever it says.
pub(super) const JSON: &[Kind] =
    &[Kind::BodyMalformed, Kind::BodyTooLarge, Kind::BodyUnsupported, Kind::FieldInvalid];
/// The same of a form.
pub(super) const FORM: &[Kind] = &[Kind::BodyMalformed, Kind::BodyTooLarge, Kind::BodyUnsupported];
/// What a token may be refused for.
pub(super) const TOKEN: &[Kind] = &[Kind::TokenMissing, Kind::TokenUnknown, Kind::TokenScope];
/// What every route may answer.
const ANY: &[Kind] = &[Kind::RequestTimeout, Kind::Internal];

/// Declares the problems that a route may answer with.
macro_rules! problems {
    ($name:ident: $($kinds:expr),+ $(,)?) => {
        /// The problems of a route.
        pub(super) struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::response::Response>,
            > {
                $crate::http::openapi::answers(&[$($kinds),+])
            }
        }
    };
}
pub(super) use problems;

/// The answers with problems of these kinds, by status.
pub(super) fn answers(kinds: &[&[Kind]]) -> BTreeMap<String, RefOr<Described>> {
    let mut statuses: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
    let kinds = kinds.iter().copied().flatten();
    // Wherever a site or a region is named, it may be another server's.
    let named = |kind: &Kind| matches!(kind, Kind::SiteUnknown | Kind::RegionUnknown);
    let elsewhere = kinds.clone().any(named).then_some(&Kind::RegionElsewhere);
    for kind in kinds.chain(elsewhere) {
        statuses.entry(kind.status().as_str().to_owned()).or_default().push(*kind);
    }
    let answer = |(status, kinds): (String, Vec<Kind>)| match &kinds[..] {
        [kind] => (status, Ref::from_response_name(kind.name()).into()),
        kinds => (status, answer(kinds).into()),
    };
    statuses.into_iter().map(answer).collect()
}

/// The answer with a problem of one of these kinds, which have the same status.
fn answer(kinds: &[Kind]) -> Described {
    let description: Vec<_> = kinds.iter().map(|kind| kind.title()).collect();
    let content = ContentBuilder::new().schema(Some(problem_of(kinds))).build();
    let mut answer = ResponseBuilder::new()
        .description(description.join(". "))
        .content(problem::MEDIA_TYPE, content);
    let header = |text: &str, kind| {
        let schema = ObjectBuilder::new().schema_type(kind).build();
        HeaderBuilder::new().schema(Some(schema)).description(Some(text)).build()
    };
    match kinds[0].status() {
        StatusCode::UNAUTHORIZED => {
            let header = header("`Bearer`", Type::String);
            answer = answer.header("WWW-Authenticate", header);
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            let header = header("After how many seconds to try again.", Type::Integer);
            answer = answer.header("Retry-After", header);
        }
        _ => {}
    }
    answer.build()
}

/// A problem of one of these kinds.
fn problem_of(kinds: &[Kind]) -> Schema {
    let names = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(kinds.iter().map(|kind| kind.address())))
        .build();
    let narrowed = ObjectBuilder::new().property("type", names).build();
    AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed).build().into()
}

/// What is true of the whole interface.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "consent",
        description = "Records consent, proves it with signed receipts, and answers whether it is \
                       there.\n\nTimes are RFC 3339 in UTC. Errors are `application/problem+json` \
                       (RFC 9457); `type` is `/problems/` and a name that never changes, `detail` \
                       says what is wrong and what to do. Bodies are read up to 64 KiB.",
        license(name = "MIT", identifier = "MIT"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "pages", description = "For pages of a site. Browsers may ask from the site's \
                                        `origins` only."),
        (name = "people", description = "Pages for people: without a script, and behind the link \
                                         of a mail."),
        (name = "programs", description = "For programs with a token of the site, made by \
                                           `consent token new`."),
        (name = "anybody", description = "For anybody."),
        (name = "operation", description = "For those who operate the server."),
    ),
    components(schemas(problem::Body, schemas::Choice, schemas::Claims, super::WidgetFile, super::docs::DocsFile)),
    modifiers(&Security),
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut OpenApi) {
        let bearer = |format: &str, description: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
            SecurityScheme::Http(scheme.description(Some(description)).build())
        };
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "token",
            bearer("ct_…", "A token of the site, made by `consent token new`."),
        );
        components.add_security_scheme(
            "receipt",
            bearer("JWS", "One of this browser's receipts: whoever holds it is the subject."),
        );
    }
}

/// Routes that are told in the document.
pub(super) fn described() -> Routes {
    Routes::with_openapi(OpenApi::default())
}

/// The document, as JSON for people to read.
pub fn document() -> String {
    let mut document = Document::openapi();
    document.merge(routes(|visitor| visitor).into_openapi());
    let components = document.components.get_or_insert_default();
    let alone = Kind::ALL.iter().map(|kind| (kind.name().to_owned(), answer(&[*kind]).into()));
    components.responses.extend(alone);
    for (name, schema) in &mut components.schemas {
        if name == "Decision"
            && let RefOr::T(Schema::Object(decision)) = schema
        {
            decision.extensions = Some([("oneOf", decisions::methods())].into_iter().collect());
        }
    }
    for item in document.paths.paths.values_mut() {
        let all = [&mut item.get, &mut item.post];
        for operation in all.into_iter().flatten() {
            operation.responses.responses.extend(answers(&[ANY]));
        }
    }
    document.to_pretty_json().expect("texts and numbers") + "\n"
}

static ASSET: LazyLock<Asset> = LazyLock::new(|| Asset::document(document()));

/// This document
///
/// The interface of this server, as OpenAPI 3.1. `/docs` shows it, and tries it out.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "document", tag = "operation",
    responses((status = 200, description = "The document", body = Object)),
)]
pub(super) async fn get(headers: HeaderMap) -> Response {
    ASSET.answer(&headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
        // As values: in which order fields are written hangs on what else is built.
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert!(
            read(&std::fs::read_to_string(path).unwrap()) == read(&document()),
            "docs/openapi.json is not what the code says; run `cargo xtask generate` and commit \
             what it writes"
        );
    }

    #[test]
    fn everything_that_is_referred_to_is_there() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        let mut rest = vec![&document];
        while let Some(value) = rest.pop() {
            if let Some(reference) = value.get("$ref") {
                let place = reference.as_str().unwrap().strip_prefix('#').unwrap();
                assert!(document.pointer(place).is_some(), "{place}");
            }
            match value {
                serde_json::Value::Object(fields) => rest.extend(fields.values()),
                serde_json::Value::Array(items) => rest.extend(items),
                _ => {}
            }
        }
    }
}
