//! `/v1/sites/{site}/confirm`: the page behind the link of a mail.
//!
//! Opening it changes nothing, since scanners of mail open links too. Only its buttons do.

use axum::Form;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use consent_core::{Choice, Decision, Method};
use consent_widget::{AddressAction, AddressPage};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::document;
use super::extract::{AtSite, Wanted, languages};
use super::openapi::{FORM, problems};
use super::problem::{Kind, Problem};
use super::schemas;
use crate::app::{App, Site};
use crate::links::Link;
use crate::service::{Circumstances, decide};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Params {
    /// What the link of the mail says.
    #[serde(default)]
    #[param(required = true)]
    token: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AddressAnswer)]
pub(super) struct Answer {
    /// What the link of the mail says.
    token: String,
    /// The button that was pressed.
    choice: Button,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AddressButton)]
enum Button {
    Accept,
    Refuse,
    Withdraw,
}

problems!(
    GetProblems: &[Kind::SiteUnknown, Kind::FieldInvalid, Kind::StoreUnavailable],
);

/// The page behind the link of a mail
///
/// Opening it changes nothing; its buttons do.
#[utoipa::path(
    get, path = "/v1/sites/{site}/confirm", operation_id = "show_confirm", tag = "people",
    params(schemas::SitePath, Params, Wanted, schemas::AcceptLanguage),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        (status = 410, description = "The link is not good, or no longer; the page says so",
            body = String, content_type = "text/html"),
        GetProblems,
    ),
)]
pub(super) async fn get(
    State(app): State<App>,
    AtSite(site): AtSite,
    lang: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, Problem> {
    let (Query(lang), Query(params)) = (lang?, params?);
    let Some(link) = Link::verify(&params.token, &site.id, &site.region.keys.link_verifier())
    else {
        return invalid(&site, &languages(&lang, &headers)).await;
    };
    let state = current(&app, &site, &link).await?;
    page(&site, &[&link.language], state, Some(&link), params.token, None).await
}

problems!(
    PostProblems: FORM,
    &[
        Kind::SiteUnknown,
        Kind::FieldInvalid,
        Kind::StoreUnavailable,
    ],
);

/// The owner of an address grants, refuses or withdraws
///
/// A link grants for seven days, and refuses and withdraws without limit.
#[utoipa::path(
    post, path = "/v1/sites/{site}/confirm", operation_id = "confirm", tag = "people",
    params(schemas::SitePath),
    request_body(content = Answer, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The page, with the receipt", body = String,
            content_type = "text/html"),
        (status = 410, description = "The link is not good, or no longer; the page says so",
            body = String, content_type = "text/html"),
        PostProblems,
    ),
)]
pub(super) async fn post(
    State(app): State<App>,
    AtSite(site): AtSite,
    form: Result<Form<Answer>, FormRejection>,
) -> Result<Response, Problem> {
    let Form(Answer { token, choice }) = form?;
    let Some(link) = Link::verify(&token, &site.id, &site.region.keys.link_verifier()) else {
        return invalid(&site, &[]).await;
    };
    let before = current(&app, &site, &link).await?;
    let (choice, method) = match choice {
        // Pressed twice, or on a page left open: what is granted already stays as it is.
        Button::Accept if before == AddressAction::Done => (None, Method::DoubleOptIn),
        Button::Accept if link.may_grant(|id| site.standing(id), app.ambient.now()) => {
            (Some(Choice::Granted), Method::DoubleOptIn)
        }
        Button::Accept => return invalid(&site, &[&link.language]).await,
        Button::Refuse if before != AddressAction::Done => {
            (Some(Choice::Refused), Method::Preferences)
        }
        Button::Refuse | Button::Withdraw => (Some(Choice::Refused), Method::Withdrawal),
    };
    let mut receipt = None;
    if let Some(choice) = choice {
        let policy = &site.policy;
        // A purpose that a later policy no longer has cannot be decided on, and is not served.
        let known = link.purposes.iter().filter(|id| policy.purpose(id).is_some());
        let choices = known.map(|id| (id.clone(), choice)).collect();
        let language = policy.negotiate([link.language.as_str()]);
        let decision = Decision::new(policy, policy.number, &choices, method, language)?;
        let circumstances = Circumstances::default();
        let decided = decide(&app, &site, &link.sub, &decision, &circumstances, None).await?;
        receipt = Some(decided.receipt.as_str().to_owned());
    }
    let state = current(&app, &site, &link).await?;
    page(&site, &[&link.language], state, Some(&link), token, receipt).await
}

/// What is recorded for the link's purposes, as the page tells it.
async fn current(app: &App, site: &Site, link: &Link) -> Result<AddressAction, Problem> {
    use consent_core::State as S;
    let history = site.region.store.history(&site.id, &link.sub).await?;
    let now = app.ambient.now();
    let state = |id| S::of(history.records.get(id), site.standing(id), now);
    let states: Vec<S> = link.purposes.iter().map(state).collect();
    let all = |wanted: S| states.iter().all(|state| *state == wanted);
    Ok(if all(S::Granted) {
        AddressAction::Done
    } else if all(S::Withdrawn) {
        AddressAction::Withdrawn
    } else if all(S::Refused) {
        AddressAction::Refused
    } else if link.may_grant(|id| site.standing(id), now) {
        AddressAction::Confirm
    } else if states.contains(&S::Granted) {
        AddressAction::Done
    } else {
        AddressAction::Invalid
    })
}

async fn invalid(site: &Site, languages: &[&str]) -> Result<Response, Problem> {
    page(site, languages, AddressAction::Invalid, None, String::new(), None).await
}

async fn page(
    site: &Site,
    languages: &[&str],
    state: AddressAction,
    link: Option<&Link>,
    token: String,
    receipt: Option<String>,
) -> Result<Response, Problem> {
    let texts = site.texts(languages.iter().copied(), None).await?;
    let notice = &texts.notice;
    let titles = |link: &Link| {
        let shown = notice
            .purposes
            .iter()
            .filter(|purpose| link.purposes.iter().any(|id| id.as_str() == purpose.id));
        shown.map(|purpose| purpose.title.clone()).collect()
    };
    let html = consent_widget::render_address_page(AddressPage {
        notice: notice.clone(),
        action: state,
        purposes: link.map(titles).unwrap_or_default(),
        action_url: format!("/v1/sites/{}/confirm", site.id),
        style_url: "/v1/page.css".into(),
        token,
        receipt,
    })
    .await;
    let status = if state == AddressAction::Invalid { StatusCode::GONE } else { StatusCode::OK };
    // The address of this page is a secret: it goes to nobody.
    Ok(document::answer(status, "no-referrer", html))
}
