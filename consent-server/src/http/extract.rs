//! What handlers take from a request: the site, the bearer's token or receipt, the wanted
//! language, the signals of the browser.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use consent_core::{Digest, Receipt, Signal, SiteId, Subject, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::{Kind, Problem};
use crate::app::{App, Site};
use crate::texts::Texts;

/// The site that the path names.
pub(super) struct AtSite(pub(super) Arc<Site>);

impl FromRequestParts<App> for AtSite {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let unknown = || Problem::new(Kind::SiteUnknown, "this server has no site of that name");
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| unknown())?;
        let name = params.iter().find(|(name, _)| *name == "site").ok_or_else(unknown)?.1;
        let id: SiteId = name.parse().map_err(|_| unknown())?;
        if let Some(site) = app.site(&id) {
            return Ok(Self(Arc::clone(site)));
        }
        let region = app.region_elsewhere(&id).ok_or_else(unknown)?;
        Err(app.elsewhere(region).map_or_else(unknown, |url| Problem::elsewhere(region, url)))
    }
}

/// Which text a query asks for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The language wanted (BCP 47). It comes before `Accept-Language`; `fr-CA` is content with
    /// `fr`, and without any that the policy has, its default is given.
    #[param(required = false, nullable = false, example = "fr")]
    lang: Option<String>,
    /// The policy under which the visitor chose last. Where that one asked for something else, the
    /// text says what is different now. Any other number is as none.
    #[param(required = false, nullable = false, minimum = 0, maximum = 4_294_967_295_i64, format = Int64)]
    since: Option<u32>,
}

/// What the site shows to this request: in its language, and since the policy that it names.
pub(super) struct Shown {
    pub(super) site: Arc<Site>,
    pub(super) since: Option<u32>,
    pub(super) texts: Arc<Texts>,
}

impl FromRequestParts<App> for Shown {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let AtSite(site) = AtSite::from_request_parts(parts, app).await?;
        let Query(wanted) = Query::<Wanted>::from_request_parts(parts, app).await?;
        let texts = site.texts(languages(&wanted, &parts.headers), wanted.since).await?;
        Ok(Self { site, since: wanted.since, texts })
    }
}

/// The languages that a request wants, most wanted first: `lang`, then `Accept-Language`.
///
/// Weights are not compared: browsers already write the header in order of preference.
pub(super) fn languages<'r>(query: &'r Wanted, headers: &'r HeaderMap) -> Vec<&'r str> {
    query.lang.as_deref().into_iter().chain(accepted(headers)).collect()
}

/// The languages of `Accept-Language`, most wanted first.
pub(super) fn accepted(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let items = accepted.unwrap_or_default().split(',');
    items.map(|item| item.split(';').next().unwrap_or_default().trim()).take(15)
}

/// The signals that a request carries.
pub(super) fn signals(headers: &HeaderMap) -> impl Iterator<Item = Signal> + '_ {
    Signal::ALL.into_iter().filter(|signal| {
        signal.is_sent(headers.get_all(signal.header()).iter().map(HeaderValue::as_bytes))
    })
}

/// What a request bears as `Authorization: Bearer …`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
}

/// The subject of a receipt of this site, which stands in `field`. Whoever holds a browser's receipt
/// is the subject.
pub(super) fn proven_subject(site: &Site, receipt: &str, field: &str) -> Result<Subject, Problem> {
    let invalid = |detail: String| Problem::new(Kind::ReceiptInvalid, detail);
    let receipt = Receipt::verify(receipt, &site.region.keys.receipt_verifier())
        .map_err(|failure| invalid(format!("{field}: {failure}")))?;
    if receipt.claims().site != site.id {
        return Err(invalid(format!("{field}: it is a receipt of another site")));
    }
    if !receipt.claims().sub.is_browser() {
        return Err(invalid(format!(
            "{field}: it is the receipt of an address, which decides by the link it was sent"
        )));
    }
    Ok(receipt.claims().sub.clone())
}

/// A token that a request bears, by what may be told of it.
pub(super) struct Bearer(Digest);

impl Bearer {
    /// What the audit trail calls it: the first half of its digest.
    pub(super) fn name(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.0.as_bytes()[..16])
    }
}

/// Fails unless the request bears a token of this site with this scope.
pub(super) async fn authorize(
    site: &Site,
    headers: &HeaderMap,
    scope: &str,
    now: Timestamp,
) -> Result<Bearer, Problem> {
    let Some(token) = bearer(headers) else {
        return Err(Problem::new(
            Kind::TokenMissing,
            format!("send a token with the scope '{scope}': Authorization: Bearer …"),
        ));
    };
    // Looked up by digest, so the time taken tells nothing about tokens that exist.
    let unknown = || Problem::new(Kind::TokenUnknown, "make one with: consent token new");
    let digest = Digest::of(token.as_bytes());
    let region = &site.region;
    let token = region.tokens.get(&*region.store, digest, now).await?.ok_or_else(unknown)?;
    if token.site != site.id {
        // To another site's token this site does not exist.
        return Err(unknown());
    }
    if !token.scopes.iter().any(|held| held == scope) {
        return Err(Problem::new(Kind::TokenScope, format!("the scope '{scope}' is needed")));
    }
    Ok(Bearer(digest))
}
