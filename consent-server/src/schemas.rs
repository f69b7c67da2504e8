//! The core's types as the document of the interface shows them: the core itself knows nothing of
//! OpenAPI. A test holds each against the type that it stands for.
//!
//! The shapes of requests and answers stand where they are read and made.

#![expect(dead_code, reason = "these types are shapes: only their schemas are used")]

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A text that stands for one of the core's values.
macro_rules! text {
    ($(#[$attribute:meta])* $name:ident) => {
        #[derive(ToSchema)]
        $(#[$attribute])*
        pub(crate) struct $name(String);
    };
}

text! {
    /// Names a site.
    #[schema(pattern = "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$", max_length = 64, example = "cloud-pbs")]
    SiteId
}
text! {
    /// Names a region: a place with its own store and keys.
    #[schema(pattern = "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$", max_length = 64, example = "eu")]
    RegionId
}
text! {
    /// Names a purpose of a policy.
    #[schema(pattern = "^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$", max_length = 64, example = "analytics")]
    PurposeId
}
text! {
    /// A SHA-256 digest.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    Digest
}
text! {
    /// Whom a receipt is about, as an opaque key.
    #[schema(pattern = "^(browser:[A-Za-z0-9_-]{22}|(email|phone):[A-Za-z0-9_-]{43})$")]
    Subject
}
text! {
    /// A person or a browser, as programs name them: `email:` and an address, `phone:` and a number
    /// in international form, or `browser:` and the key in a receipt's `sub`.
    #[schema(
        pattern = "^(email:.+@.+|phone:.+|browser:[A-Za-z0-9_-]{21}[AQgw])$",
        example = "email:someone@example.org"
    )]
    NamedSubject
}
text! {
    /// An e-mail address.
    #[schema(pattern = "^email:.+@.+$", example = "email:someone@example.org")]
    EmailSubject
}
text! {
    /// A signed receipt: a JWS in compact form (RFC 7515 §7.1). What it states is `Claims`.
    #[schema(pattern = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$")]
    Receipt
}

/// An enumeration of the core, with a test that both have the same names.
macro_rules! mirror {
    ($(#[$attribute:meta])* $name:ident of $original:path { $($variant:ident),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name { $($variant),+ }

        #[cfg(test)]
        impl $name {
            /// Does not compile where the original has a variant that is not here.
            fn of(original: &$original) -> Self {
                use $original as Original;
                match original { $(Original::$variant => Self::$variant),+ }
            }

            fn check() {
                use $original as Original;
                for original in [$(Original::$variant),+] {
                    let name = serde_json::to_value(&original).unwrap();
                    assert_eq!(serde_json::to_value(Self::of(&original)).unwrap(), name);
                }
            }
        }
    };
}

mirror! {
    /// What somebody answers about a purpose.
    Choice of consent_core::Choice { Granted, Refused }
}
mirror! {
    /// How a decision was made.
    Method of consent_core::Method {
        AcceptAll, RefuseAll, Preferences, Withdrawal, DoubleOptIn, OneClickUnsubscribe, Objection,
        Signal,
    }
}
/// How a visitor's own decision was made.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VisitorMethod {
    AcceptAll,
    RefuseAll,
    Preferences,
    Withdrawal,
    Objection,
    Signal,
}

mirror! {
    /// Where a text was shown.
    Layer of consent_core::receipt::Layer { First, Preferences, Page, Mail }
}
/// Where the text of a visitor's own decision was shown.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VisitorLayer {
    First,
    Preferences,
    Page,
}

mirror! {
    /// A signal that a browser sends.
    Signal of consent_core::Signal { Gpc, Dnt }
}
mirror! {
    /// What was decided about a purpose. `open`: an objection was taken back.
    Recorded of consent_core::Recorded { Open, Unconfirmed, Granted, Refused, Withdrawn, Objected }
}
mirror! {
    /// What follows from what is recorded. Only `granted` is allowed.
    State of consent_core::State {
        NeverAsked, Unconfirmed, Granted, Refused, Withdrawn, Expired, Superseded, Objected,
        Restricted,
    }
}
mirror! {
    /// The basis that a purpose rests on (GDPR Art. 6(1)).
    LegalBasis of consent_core::LegalBasis {
        Consent, Contract, LegitimateInterest, LegalObligation,
    }
}

/// The check of a receipt that does not pass.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failed {
    Size,
    Format,
    Type,
    Algorithm,
    Key,
    Signature,
    Claims,
}

/// What a receipt states. Times are whole seconds since 1970 (RFC 7519 §2).
#[derive(ToSchema)]
pub(crate) struct Claims {
    /// Who issued it: the server's public address.
    #[schema(min_length = 1, max_length = 512)]
    iss: String,
    /// The receipt's own identifier (UUID version 7).
    #[schema(format = "uuid")]
    jti: String,
    /// When it was issued, by the server's clock.
    iat: i64,
    /// Until when the choices are remembered. The receipt proves them beyond that.
    exp: i64,
    /// Whom it is about.
    sub: Subject,
    /// The site that asked.
    site: SiteId,
    /// The region that keeps the record.
    region: RegionId,
    /// The policy in force.
    policy: PolicyRef,
    /// The exact text shown.
    notice: NoticeRef,
    /// How the decision was made.
    method: Method,
    /// Where the text was shown, if that is known.
    #[schema(nullable = false)]
    layer: Option<Layer>,
    /// The signals that the browser sent with the decision, each once.
    #[schema(nullable = false)]
    signals: Option<Vec<Signal>>,
    /// For each purpose its basis and what was decided, refusals as well as grants.
    purposes: std::collections::BTreeMap<String, Outcome>,
    /// The digest of this subject's receipt before, if there is one.
    #[schema(nullable = false)]
    previous: Option<Digest>,
}

/// Names a policy exactly.
#[derive(ToSchema)]
struct PolicyRef {
    /// Its number at the site, counted from 1.
    #[schema(minimum = 1, maximum = 4_294_967_295_u32, format = Int64)]
    number: u32,
    /// The digest of its canonical JSON.
    digest: Digest,
}

/// Names a text exactly.
#[derive(ToSchema)]
struct NoticeRef {
    /// Its language (BCP 47).
    language: String,
    /// The digest of its canonical JSON.
    digest: Digest,
}

/// What was decided about one purpose.
#[derive(ToSchema)]
struct Outcome {
    /// The legal basis.
    basis: LegalBasis,
    /// What was decided.
    state: Recorded,
}

/// The site that a path names.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct SitePath {
    /// The site.
    site: SiteId,
}

/// The region that a path names.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its shape is all that is used")]
pub(crate) struct RegionPath {
    /// The region.
    region: RegionId,
}

/// Something in the log of a region.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "its shape is all that is used")]
pub(crate) struct LeafPath {
    /// The region.
    region: RegionId,
    /// The identifier of a receipt, its `jti`.
    #[param(pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    id: String,
}

/// The languages that a browser wants.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct AcceptLanguage {
    /// The languages wanted, most wanted first. `lang` comes before them.
    #[param(
        rename = "Accept-Language",
        required = false,
        nullable = false,
        example = "fr, en;q=0.8"
    )]
    accept_language: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_the_cores() {
        Choice::check();
        Method::check();
        Layer::check();
        Signal::check();
        Recorded::check();
        State::check();
        LegalBasis::check();
    }
}
