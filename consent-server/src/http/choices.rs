//! `/v1/sites/{site}/choices`: the page without a script. Its forms record the same decisions, with
//! the same receipts, as the banner does.
//!
//! A form that another site's page sent would decide for the visitor, so only this server's own
//! page may send one.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use consent_core::cookie::{self, StateCookie};
use consent_core::receipt::Layer;
use consent_core::rules::InvalidDecision;
use consent_core::{Choice, Decision, Digest, LegalBasis, Method, PurposeId, Receipt};
use consent_widget::{ChoicesPage, Notice};
use serde::Serialize;
use serde_json::json;
use utoipa::openapi::response::Response as ResponseDescription;
use utoipa::openapi::schema::{
    AdditionalProperties, AllOfBuilder, ObjectBuilder, OneOfBuilder, Schema, Type,
};
use utoipa::openapi::{Content, RefOr};
use utoipa::{IntoParams, IntoResponses, PartialSchema, ToSchema};

use super::extract::{AtSite, Shown, Wanted, proven_subject, signals};
use super::openapi::{FORM, answers, problems};
use super::problem::{Kind, Problem};
use super::{cookies, document};
use crate::app::{App, Site};
use crate::schemas;
use crate::service::{Circumstances, decide};
use crate::store::{History, Request};

problems!(
    GetProblems: &[Kind::SiteUnknown, Kind::FieldInvalid, Kind::StoreUnavailable],
);

/// The page without a script
///
/// Says what banner and preferences say, with forms: accept or refuse all, answer each purpose,
/// object.
#[utoipa::path(
    get, path = "/v1/sites/{site}/choices", operation_id = "show_choices", tag = "people",
    params(schemas::SitePath, Wanted, schemas::AcceptLanguage),
    responses(
        (status = 200, description = "The page", body = String, content_type = "text/html"),
        GetProblems,
    ),
)]
pub(super) async fn get(
    State(app): State<App>,
    Shown { site, since, texts }: Shown,
    headers: HeaderMap,
) -> Response {
    let view = View { since, held: remembered(&app, &site, &headers), ..View::new() };
    view.answer(&app, &site, &headers, &texts.notice).await
}

/// What the form says.
#[derive(ToSchema)]
#[expect(dead_code, reason = "its shape is all that is used; a form is read by `Sent`")]
struct Fields {
    /// The button that was pressed: `accept` and `refuse` answer for every purpose, `save` says
    /// what stands in the fields `purpose.…` and `object.…`.
    choice: Button,
    /// The number of the policy that the page showed.
    #[schema(minimum = 1, maximum = 4_294_967_295_i64, format = Int64)]
    policy: u32,
    /// The language of the page.
    #[schema(min_length = 1, example = "en")]
    language: String,
    /// The policy since which the page told what has changed.
    #[schema(minimum = 0, maximum = 4_294_967_295_i64, format = Int64, nullable = false)]
    since: Option<u32>,
    /// An earlier receipt of the same visitor.
    #[schema(nullable = false)]
    receipt: Option<String>,
    /// Makes two visits two forms.
    #[schema(nullable = false)]
    visit: Option<String>,
}

/// What follows the dot in the name of a purpose's field.
const PURPOSE: &str = "[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?";

/// A form with a field for each purpose.
pub(super) struct ChoicesForm;

impl ToSchema for ChoicesForm {
    fn name() -> Cow<'static, str> {
        "ChoicesForm".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Button::name().into(), Button::schema()));
    }
}

impl PartialSchema for ChoicesForm {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut fields)) = Fields::schema() else {
            unreachable!("a structure is described as an object")
        };
        // No attribute says this, so it goes where keywords go that utoipa does not know.
        let patterns = json!({
            format!("^object\\.{PURPOSE}$"): {"enum": ["on"], "type": "string"},
            format!("^purpose\\.{PURPOSE}$"): {"enum": ["granted", "refused"], "type": "string"},
        });
        fields.extensions = Some([("patternProperties", patterns)].into_iter().collect());
        fields.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        let pressed = |buttons: &[&str]| {
            let choice = ObjectBuilder::new().schema_type(Type::String);
            ObjectBuilder::new().property("choice", choice.enum_values(Some(buttons.to_vec())))
        };
        let name = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[a-z]+$")).build();
        let buttons = OneOfBuilder::new()
            .item(pressed(&["save"]))
            .item(pressed(&["accept", "refuse"]).property_names(Some(name)));
        AllOfBuilder::new().item(fields).item(buttons).into()
    }
}

/// Also says a page that the person corrects.
struct PostProblems;

impl IntoResponses for PostProblems {
    fn responses() -> BTreeMap<String, RefOr<ResponseDescription>> {
        let kinds = [
            Kind::OriginForeign,
            Kind::SiteUnknown,
            Kind::PolicyUnknown,
            Kind::PurposeUnknown,
            Kind::PurposeNotConsent,
            Kind::ReceiptInvalid,
            Kind::FieldInvalid,
            Kind::StoreUnavailable,
        ];
        let mut answers = answers(&[FORM, &kinds]);
        let page = RefOr::from(Content::new(Some(String::schema())));
        let RefOr::T(wrong) = answers.get_mut("422").expect("a field may be wrong") else {
            unreachable!("an answer with several problems is described in place")
        };
        wrong.description += ". Nothing was chosen, and the page says so";
        wrong.content.insert("text/html".into(), page.clone());
        let mut replaced = ResponseDescription::new("The policy was replaced; the new page");
        replaced.content.insert("text/html".into(), page);
        answers.insert("409".into(), replaced.into());
        answers
    }
}

/// Of which origin a form is.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "its shape is all that is used")]
struct Origin {
    /// The server's own address: this form is taken from its own page only.
    #[param(rename = "Origin")]
    origin: String,
}

/// A visitor decides, without a script
///
/// Records, with the layer `page`, and answers the page with the receipt; from there the next answer
/// is the same visitor's. A form sent twice is recorded once.
#[utoipa::path(
    post, path = "/v1/sites/{site}/choices", operation_id = "choose", tag = "people",
    params(schemas::SitePath, Origin),
    request_body(content = ChoicesForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "The page, with the receipt", body = String,
            content_type = "text/html"),
        PostProblems,
    ),
)]
pub(super) async fn post(
    State(app): State<App>,
    AtSite(site): AtSite,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, Problem> {
    let origin = headers.get(header::ORIGIN).map(header::HeaderValue::as_bytes);
    if origin != Some(app.public_url.as_bytes()) {
        let detail = "this form may be sent by the server's own page only";
        return Err(Problem::new(Kind::OriginForeign, detail));
    }
    let Form(fields) = form?;
    let content = Digest::of(&serde_json::to_vec(&fields).expect("texts"));
    let sent = Sent::read(fields)?;
    let proven = match &sent.receipt {
        Some(receipt) => Some(proven_subject(&site, receipt, "receipt")?),
        None => None,
    };
    let history = match &proven {
        Some(subject) => site.region.store.history(&site.id, subject).await?,
        None => History::default(),
    };
    let (choices, method) = sent.decision(&app, &site, &history);
    let decision = Decision::new(&site.policy, sent.policy, &choices, method, &sent.language);
    let mut view = View { since: sent.since, receipt: sent.receipt, ..View::new() };
    let decision = match decision {
        Ok(decision) => decision,
        // A person corrects these on the page: it says something else by now, or nothing was chosen.
        Err(error @ (InvalidDecision::Superseded { .. } | InvalidDecision::Empty)) => {
            view.status = match error {
                InvalidDecision::Empty => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::CONFLICT,
            };
            let now = app.ambient.now();
            view.held = held(&site, &site.remembered(&history.records, now, now));
            let texts = site.texts([sent.language.as_str()], sent.since).await?;
            return Ok(view.answer(&app, &site, &headers, &texts.notice).await);
        }
        Err(error) => return Err(error.into()),
    };

    let new = proven.is_none();
    let subject = proven.unwrap_or_else(|| app.browsers.new_one(&*app.ambient));
    let circumstances = Circumstances {
        new,
        layer: Some(Layer::Page),
        since: sent.since,
        signals: signals(&headers).collect(),
        event: None,
    };
    let key = format!("page-{content}");
    let request = Request { key, content };
    let request = may_answer(&site, &request).await?.then_some(request);
    let decided = decide(&app, &site, &subject, &decision, &circumstances, request).await?;
    view.recorded = true;
    view.receipt = Some(decided.receipt.as_str().to_owned());
    view.held = held(&site, &decided.cookie);
    let texts = site.texts([decision.language()], sent.since).await?;
    let mut response = view.answer(&app, &site, &headers, &texts.notice).await;
    cookies::set(&app, &site, &headers, &decided, &mut response);
    Ok(response)
}

/// Whether this form is new, or the one that its subject sent last: pressed twice, it is recorded
/// once. A form that comes again after another one is a new decision: somebody went back.
async fn may_answer(site: &Site, request: &Request) -> Result<bool, Problem> {
    let store = &site.region.store;
    let Some((_, id)) = store.answered(&site.id, &request.key).await? else { return Ok(true) };
    let Some(stored) = store.receipt(id).await? else { return Ok(false) };
    let Ok(receipt) = Receipt::verify(&stored.jws, &site.region.keys.receipt_verifier()) else {
        return Ok(false);
    };
    let history = store.history(&site.id, &receipt.claims().sub).await?;
    Ok(history.latest.is_some_and(|latest| latest.id == id))
}

/// A form as it was sent.
struct Sent {
    button: Button,
    policy: u32,
    language: String,
    since: Option<u32>,
    receipt: Option<String>,
    choices: BTreeMap<PurposeId, Choice>,
    objected: BTreeSet<PurposeId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ChoicesButton)]
enum Button {
    Accept,
    Refuse,
    Save,
}

impl Sent {
    fn read(fields: Vec<(String, String)>) -> Result<Self, Problem> {
        let wrong = |detail: &str| Problem::new(Kind::FieldInvalid, detail);
        let mut named = BTreeMap::new();
        for (name, value) in fields {
            if named.insert(name, value).is_some() {
                return Err(wrong("a field is there twice"));
            }
        }
        let mut take = |name: &str| named.remove(name);
        let number = |text: String| text.parse::<u32>().ok();
        let button = match take("choice").as_deref() {
            Some("accept") => Button::Accept,
            Some("refuse") => Button::Refuse,
            Some("save") => Button::Save,
            _ => return Err(wrong("choice: must be accept, refuse or save")),
        };
        let policy = take("policy").and_then(number);
        let since = match take("since") {
            Some(text) => Some(number(text).ok_or_else(|| wrong("since: must be a number"))?),
            None => None,
        };
        let receipt = take("receipt");
        let language = take("language").ok_or_else(|| wrong("language: is missing"))?;
        // Makes two visits two forms; nothing is read from it.
        take("visit");
        let (mut choices, mut objected) = (BTreeMap::new(), BTreeSet::new());
        for (name, value) in named {
            let id = |id: &str| id.parse().map_err(|_| wrong("purpose: is no identifier"));
            match (name.split_once('.'), value.as_str()) {
                (Some(("purpose", purpose)), "granted") => {
                    choices.insert(id(purpose)?, Choice::Granted);
                }
                (Some(("purpose", purpose)), "refused") => {
                    choices.insert(id(purpose)?, Choice::Refused);
                }
                (Some(("object", purpose)), "on") => _ = objected.insert(id(purpose)?),
                _ => return Err(wrong("a field is unknown, or its value is")),
            }
        }
        if button != Button::Save && !(choices.is_empty() && objected.is_empty()) {
            return Err(wrong("choice: this button answers for every purpose, so none is named"));
        }
        let policy = policy.ok_or_else(|| wrong("policy: must be a number"))?;
        Ok(Self { button, policy, language, since, receipt, choices, objected })
    }

    /// What the form decides, for a subject of whom this is known.
    fn decision(
        &self,
        app: &App,
        site: &Site,
        history: &History,
    ) -> (BTreeMap<PurposeId, Choice>, Method) {
        let all = |choice| {
            site.policy.consent_purposes().map(|purpose| (purpose.id.clone(), choice)).collect()
        };
        match self.button {
            Button::Accept => (all(Choice::Granted), Method::AcceptAll),
            Button::Refuse => (all(Choice::Refused), Method::RefuseAll),
            Button::Save => {
                let mut choices = self.choices.clone();
                choices.extend(self.objected.iter().map(|id| (id.clone(), Choice::Refused)));
                // A box that is no longer ticked takes the objection back; one that never was, says
                // nothing.
                let now = app.ambient.now();
                let interests = site
                    .policy
                    .choosable_purposes()
                    .filter(|purpose| purpose.basis == LegalBasis::LegitimateInterest);
                for purpose in interests.filter(|purpose| !self.objected.contains(&purpose.id)) {
                    if !site.verdict(purpose, &history.records, now).allowed {
                        choices.insert(purpose.id.clone(), Choice::Granted);
                    }
                }
                (choices, Method::Preferences)
            }
        }
    }
}

/// What counts now, by purpose, as the page shows it.
fn held(site: &Site, cookie: &StateCookie) -> BTreeMap<String, Choice> {
    let purposes = site.policy.choosable_purposes().zip(&cookie.choices);
    purposes
        .filter(|(purpose, _)| site.history.remembered(&purpose.id).holds(cookie.policy))
        .filter_map(|(purpose, choice)| Some((purpose.id.to_string(), (*choice)?)))
        .collect()
}

/// What this browser's cookie says, where pages and server share a host, if it still stands.
fn remembered(app: &App, site: &Site, headers: &HeaderMap) -> BTreeMap<String, Choice> {
    let cookie = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie::NAME)
        .and_then(|(_, value)| StateCookie::decode(value))
        .filter(|cookie| {
            site.origins.contains(&app.public_url)
                && cookie.until > app.ambient.now()
                && cookie.choices.len() == site.policy.choosable_purposes().count()
        });
    cookie.map(|cookie| held(site, &cookie)).unwrap_or_default()
}

/// What is different from one answer to the next.
struct View {
    status: StatusCode,
    since: Option<u32>,
    held: BTreeMap<String, Choice>,
    receipt: Option<String>,
    recorded: bool,
}

impl View {
    fn new() -> Self {
        let (status, held) = (StatusCode::OK, BTreeMap::new());
        Self { status, since: None, held, receipt: None, recorded: false }
    }

    async fn answer(
        self,
        app: &App,
        site: &Site,
        headers: &HeaderMap,
        notice: &Notice,
    ) -> Response {
        let visit = data_encoding::BASE64URL_NOPAD.encode(&app.ambient.random::<16>());
        let mut hidden = vec![
            ("policy", site.policy.number.to_string()),
            ("language", notice.language.clone()),
            ("visit", visit),
        ];
        hidden.extend(self.since.map(|since| ("since", since.to_string())));
        hidden.extend(self.receipt.clone().map(|receipt| ("receipt", receipt)));
        let html = consent_widget::render_choices_page(ChoicesPage {
            notice: notice.clone(),
            choices: self.held,
            signal: signals(headers).find(|signal| site.policy.signals.contains(signal)),
            receipt: self.receipt,
            recorded: self.recorded,
            hidden,
            action_url: format!("/v1/sites/{}/choices", site.id),
            style_url: "/v1/page.css".into(),
            back_url: site.origins[0].clone(),
        })
        .await;
        document::answer(self.status, "same-origin", html)
    }
}
