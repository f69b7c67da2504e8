//! The cookies that the answer to a decision sets and deletes.
//!
//! Where pages and server share a host, the server keeps the state cookie, which Safari would cut to
//! seven days if a script had written it, and deletes what a withdrawn purpose has left, which a
//! script cannot do where a cookie is `HttpOnly`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use consent_core::cookie;

use crate::app::{App, Site};
use crate::service::Decided;

/// The most deletions in one answer. Proxies refuse an answer whose head is long (4 KB is usual),
/// and a withdrawal must arrive; what is left over goes with the next one, or by the page's script.
const MOST: usize = 40;

/// Sets and deletes cookies in the answer to a decision that came with these headers.
pub(super) fn set(
    app: &App,
    site: &Site,
    request: &HeaderMap,
    decided: &Decided,
    response: &mut Response,
) {
    let state = state(app, site, request, decided);
    for text in state.into_iter().chain(deletions(app, site, request, decided)) {
        // A name that no header may hold is no cookie that a server has set.
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
}

/// The state cookie, if the request came from a page on this host.
fn state(app: &App, site: &Site, request: &HeaderMap, decided: &Decided) -> Option<String> {
    let origin = request.get(header::ORIGIN)?;
    let own = origin.as_bytes() == app.public_url.as_bytes();
    if !own || !site.origins.contains(&app.public_url) {
        return None;
    }
    let (name, value, claims) = (cookie::NAME, decided.cookie.encode(), decided.receipt.claims());
    let seconds = claims.exp.as_second() - claims.iat.as_second();
    let secure = secure(app);
    Some(format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{secure}"))
}

/// Deletes each cookie that came with the request and belongs to purposes that are not allowed
/// now, on every domain of this host that it may have been set for.
fn deletions(app: &App, site: &Site, request: &HeaderMap, decided: &Decided) -> Vec<String> {
    let now = decided.receipt.claims().iat;
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for purpose in &site.policy.purposes {
        let allowed = site.verdict(purpose, &decided.records, now).allowed;
        let patterns = purpose.cookies.iter().map(|cookie| cookie.name.as_str());
        if allowed { kept.extend(patterns) } else { gone.extend(patterns) }
    }
    let declared = |patterns: &[&str], name: &str| {
        patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *pattern,
        })
    };
    let sent: BTreeSet<&str> = request
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(|pair| pair.split('=').next().unwrap_or_default().trim())
        .filter(|name| *name != cookie::NAME && declared(&gone, name) && !declared(&kept, name))
        .collect();
    let domains = domains(&app.public_url);
    let secure = secure(app);
    sent.iter()
        .flat_map(|name| domains.iter().map(move |domain| (name, domain)))
        .map(|(name, domain)| format!("{name}=; Path=/; Max-Age=0{domain}{secure}"))
        .take(MOST)
        .collect()
}

fn secure(app: &App) -> &'static str {
    if app.public_url.starts_with("https://") { "; Secure" } else { "" }
}

/// The attribute of each domain that a cookie of this origin may have: none, the host, and each
/// domain above it. Browsers ignore those that nobody may set cookies for, such as `co.uk`.
fn domains(origin: &str) -> Vec<String> {
    let uri: Option<Uri> = origin.parse().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    let numeric = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
    let named = std::iter::successors(Some(host), |host| Some(host.split_once('.')?.1))
        .filter(|domain| !numeric && domain.contains('.'))
        .map(|domain| format!("; Domain={domain}"));
    std::iter::once(String::new()).chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domains_of_an_origin() {
        for (origin, expected) in [
            ("http://127.0.0.1:8787", &[""][..]),
            ("http://[::1]:8787", &[""]),
            ("http://localhost", &[""]),
            ("https://example.org", &["", "; Domain=example.org"]),
            (
                "https://consent.shop.example.org:8443",
                &[
                    "",
                    "; Domain=consent.shop.example.org",
                    "; Domain=shop.example.org",
                    "; Domain=example.org",
                ],
            ),
        ] {
            assert_eq!(domains(origin), expected, "{origin}");
        }
    }
}
