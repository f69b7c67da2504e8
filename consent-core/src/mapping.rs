//! Mappings: what vendors' tags are told about consent, as data.
//!
//! Google, Microsoft, Meta and Matomo each have signals that their tags obey, and a call that sets
//! them; `mapping/vendors.toml` lists them with their sources. Here it is decided what each signal
//! is told. Nothing is called here: the loader does that in the browser, from the JSON of a
//! [`Mapping`].
//!
//! A vendor is told anything only if the policy has a `[mapping.VENDOR]` table. It may be empty:
//!
//! ```toml
//! [mapping.google]            # every signal follows what it follows by default
//! [mapping.clarity]
//! ad_Storage = ["retargeting"]  # this one follows another purpose; the others the default
//! [mapping.acme]
//! tracking = ["analytics"]    # a vendor that is not in the table: its signals, without a call
//! ```
//!
//! While the policy is read, the purposes that it left out are written into it. So its digest
//! covers what each signal follows, and a later edition of the table changes no published policy.
//!
//! # All of its purposes, not any of them
//!
//! A signal is granted if it follows at least one purpose and *all* of them are allowed. The vendor
//! cannot tell the purposes of a signal apart, so a grant for one would serve the others without
//! consent (GDPR Art. 6(1)(a): for specific purposes). A signal that follows nothing is denied. Only
//! what rests on consent can grant. The one exception is a signal for what is strictly necessary
//! ([`Follows::Always`]), and a policy can bind that, too.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Table;

use crate::rules::MAX_CHOICES;
use crate::{LegalBasis, Policy, PurposeId};

#[cfg(test)]
mod tests;

/// Stands in a call for an object of all the vendor's signals.
const SIGNALS: &str = "{signals}";
/// Stands in a call for the hours that a choice is remembered.
const HOURS: &str = "{hours}";

/// The vendors that are known, by name.
static VENDORS: LazyLock<BTreeMap<String, Vendor>> = LazyLock::new(|| {
    toml::from_str(include_str!("mapping/vendors.toml")).expect("a test reads it")
});

/// What the vendors of a policy are told.
///
/// ```
/// use consent_core::mapping::{Answer, Mapping};
/// use consent_core::{Policy, policy::EXAMPLE};
///
/// let policy = Policy::from_toml(&format!("{EXAMPLE}\n[mapping.google]\n"))?;
/// let mapping = Mapping::of(&policy);
/// let told = &mapping.answers(|purpose| purpose.as_str() == "analytics")["google"];
/// assert_eq!(told["analytics_storage"], Answer::Granted);
/// assert_eq!(told["ad_storage"], Answer::Denied, "the policy asks for no such purpose");
///
/// let faults = Policy::from_toml(&format!("{EXAMPLE}\n[mapping.uet]\nad_Storage = []")).unwrap_err();
/// assert!(faults.to_string().ends_with("'uet' has no signal 'ad_Storage'; there are ad_storage"));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Mapping {
    vendors: BTreeMap<String, Vendor>,
}

/// A vendor: what its signals follow, and how it is told.
///
/// ```
/// use consent_core::mapping::{Answer, Mapping};
/// use consent_core::{Policy, policy::EXAMPLE};
///
/// let policy = Policy::from_toml(&format!("{EXAMPLE}\n[mapping.matomo]"))?;
/// let mapping = Mapping::of(&policy);
/// let matomo = mapping.vendor("matomo").unwrap();
/// assert_eq!(matomo.answers(|_| true)["tracking"], Answer::Granted);
/// assert_eq!(matomo.before().unwrap().arguments, ["requireConsent"], "until then nothing is sent");
/// assert!(mapping.vendor("google").is_none(), "the policy does not name it");
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vendor {
    pub(crate) signals: BTreeMap<String, Follows>,
    #[serde(flatten)]
    protocol: Option<Protocol>,
}

/// How a vendor is told; `mapping/vendors.toml` says what the fields are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Protocol {
    #[serde(skip_serializing)]
    title: String,
    target: String,
    form: Form,
    before: Vec<Value>,
    granted: Vec<Value>,
    denied: Vec<Value>,
}

/// What a signal follows.
///
/// ```
/// use consent_core::mapping::Follows;
/// let read = serde_json::from_str::<Follows>;
/// assert_eq!(read("\"always\"")?, Follows::Always);
/// assert_eq!(read("[\"ads\"]")?, Follows::Purposes(vec!["ads".parse()?]));
/// assert!(read("\"sometimes\"").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Follows {
    /// It is for what is strictly necessary, and granted without asking (ePrivacy Directive,
    /// Art. 5(3)).
    Always,
    /// It is granted if all of these are allowed, and denied if there are none.
    #[serde(untagged)]
    Purposes(Vec<PurposeId>),
}

/// What a signal is told.
///
/// ```
/// use consent_core::mapping::Answer;
/// assert_eq!(serde_json::to_string(&Answer::Denied)?, "\"denied\"");
/// assert!(serde_json::from_str::<Answer>("\"refused\"").is_err(), "the vendors' words");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The vendor may not.
    Denied,
    /// The vendor may.
    Granted,
}

/// How a target is addressed with its arguments.
///
/// ```
/// use consent_core::mapping::Form;
/// assert_eq!(serde_json::from_str::<Form>("\"push_list\"")?, Form::PushList);
/// assert!(serde_json::from_str::<Form>("\"eval\"").is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// `target(a, b)`: a function of the vendor's. Where it is not there, there is nobody to tell.
    Call,
    /// `target.push(a, b)`, on a list made if it is not there.
    Push,
    /// `target.push([a, b])`, on a list made if it is not there.
    PushList,
    /// `target.push(arguments)` inside a function called with `a, b`, on a list made if it is not
    /// there: Google reads only an `arguments` object, not a list.
    PushArguments,
}

/// One call that tells a vendor something.
///
/// ```
/// use consent_core::mapping::Mapping;
/// use consent_core::{Policy, policy::EXAMPLE};
///
/// let policy = Policy::from_toml(&format!("{EXAMPLE}\n[mapping.meta]\nconsent = ['analytics']"))?;
/// let mapping = Mapping::of(&policy);
/// let call = mapping.vendor("meta").unwrap().after(|_| true).unwrap();
/// assert_eq!((call.target, call.arguments), ("fbq", vec!["consent".into(), "grant".into()]));
///
/// // Of a vendor that is not in the table nobody knows how it is told.
/// let policy = Policy::from_toml(&format!("{EXAMPLE}\n[mapping.acme]\non = ['analytics']"))?;
/// assert!(Mapping::of(&policy).vendor("acme").unwrap().after(|_| true).is_none());
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Call<'m> {
    /// What is addressed, a property of `window`.
    pub target: &'m str,
    /// How it is addressed.
    pub form: Form,
    /// With what.
    pub arguments: Vec<Value>,
}

impl Mapping {
    /// The vendors that a policy tells something.
    pub fn of(policy: &Policy) -> Self {
        let vendors = policy.mappings.iter().map(|(name, given)| {
            let Some(known) = VENDORS.get(name) else {
                let signals =
                    given.iter().map(|(signal, ids)| (signal.clone(), follows(policy, ids)));
                return (name.clone(), Vendor { signals: signals.collect(), protocol: None });
            };
            let signals = known.signals.iter().map(|(signal, default)| {
                let follows = match (given.get(signal), default) {
                    (Some(ids), _) => follows(policy, ids),
                    (None, Follows::Always) => Follows::Always,
                    (None, Follows::Purposes(_)) => Follows::Purposes(Vec::new()),
                };
                (signal.clone(), follows)
            });
            let protocol = known.protocol.as_ref().map(|protocol| protocol.lasting(hours(policy)));
            (name.clone(), Vendor { signals: signals.collect(), protocol })
        });
        Self { vendors: vendors.collect() }
    }

    /// Whether the policy tells nobody anything.
    pub fn is_empty(&self) -> bool {
        self.vendors.is_empty()
    }

    /// A vendor of the policy.
    pub fn vendor(&self, name: &str) -> Option<&Vendor> {
        self.vendors.get(name)
    }

    /// What each signal of each vendor is told when `allowed` says which purposes may be served.
    pub fn answers(
        &self,
        allowed: impl Fn(&PurposeId) -> bool,
    ) -> BTreeMap<&str, BTreeMap<&str, Answer>> {
        self.vendors
            .iter()
            .map(|(name, vendor)| (name.as_str(), vendor.answers(&allowed)))
            .collect()
    }
}

impl Vendor {
    /// What people call it, if it is known.
    pub(crate) fn title(&self) -> Option<&str> {
        self.protocol.as_ref().map(|protocol| protocol.title.as_str())
    }

    /// What each signal is told when `allowed` says which purposes may be served.
    pub fn answers(&self, allowed: impl Fn(&PurposeId) -> bool) -> BTreeMap<&str, Answer> {
        let answer = |follows: &Follows| match follows {
            Follows::Always => Answer::Granted,
            Follows::Purposes(ids) if !ids.is_empty() && ids.iter().all(&allowed) => {
                Answer::Granted
            }
            Follows::Purposes(_) => Answer::Denied,
        };
        self.signals.iter().map(|(signal, follows)| (signal.as_str(), answer(follows))).collect()
    }

    /// What to tell before any code of the vendor runs, on every page. `None` for a vendor of which
    /// nothing but its signals is known.
    pub fn before(&self) -> Option<Call<'_>> {
        let protocol = self.protocol.as_ref()?;
        Some(protocol.call(&protocol.before, &self.answers(|_| false)))
    }

    /// What to tell next, where something is granted or no longer is. `None` as for
    /// [`before`](Self::before).
    pub fn after(&self, allowed: impl Fn(&PurposeId) -> bool) -> Option<Call<'_>> {
        let protocol = self.protocol.as_ref()?;
        let answers = self.answers(allowed);
        let all = answers.values().all(|answer| *answer == Answer::Granted);
        Some(protocol.call(if all { &protocol.granted } else { &protocol.denied }, &answers))
    }
}

impl Protocol {
    /// The same, with the hours filled in.
    fn lasting(&self, hours: u32) -> Self {
        let fill = |arguments: &[Value]| {
            let fill = |value: &Value| if value == HOURS { hours.into() } else { value.clone() };
            arguments.iter().map(fill).collect()
        };
        Self {
            title: self.title.clone(),
            target: self.target.clone(),
            form: self.form,
            before: fill(&self.before),
            granted: fill(&self.granted),
            denied: fill(&self.denied),
        }
    }

    fn call(&self, arguments: &[Value], answers: &BTreeMap<&str, Answer>) -> Call<'_> {
        let fill = |value: &Value| if value == SIGNALS { object(answers) } else { value.clone() };
        Call {
            target: &self.target,
            form: self.form,
            arguments: arguments.iter().map(fill).collect(),
        }
    }
}

fn object(answers: &BTreeMap<&str, Answer>) -> Value {
    answers.iter().map(|(signal, answer)| ((*signal).to_owned(), answer.as_str())).collect()
}

impl Answer {
    /// The word that vendors read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Granted => "granted",
        }
    }
}

/// The purposes, if every one is asked for; otherwise none, so that the signal is denied. A policy
/// that was read and checked has no others.
fn follows(policy: &Policy, ids: &[PurposeId]) -> Follows {
    let asked = |id| policy.purpose(id).is_some_and(|p| p.basis == LegalBasis::Consent);
    Follows::Purposes(if ids.iter().all(asked) { ids.to_vec() } else { Vec::new() })
}

/// The hours that a choice is remembered, counted in the shortest months: never longer than it is.
fn hours(policy: &Policy) -> u32 {
    u32::from(policy.lifetime_months) * 28 * 24
}

/// The vendors that are known, by name, with what their signals follow by default.
pub(crate) fn known() -> &'static BTreeMap<String, Vendor> {
    &VENDORS
}

/// Writes into a policy, while it is read, what each signal follows that it left out.
pub(crate) fn expand(policy: &mut Table) {
    let asked: Vec<String> = policy
        .get("purpose")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter(|purpose| purpose.get("basis").and_then(toml::Value::as_str) == Some("consent"))
        .filter_map(|purpose| purpose.get("id")?.as_str().map(str::to_owned))
        .take(MAX_CHOICES)
        .collect();
    let mappings = policy.get_mut("mapping").and_then(toml::Value::as_table_mut);
    for (vendor, given) in mappings.into_iter().flatten() {
        let (Some(vendor), Some(given)) = (VENDORS.get(vendor), given.as_table_mut()) else {
            continue;
        };
        for (signal, follows) in &vendor.signals {
            let Follows::Purposes(names) = follows else { continue };
            given.entry(signal).or_insert_with(|| {
                let names = names.iter().map(PurposeId::as_str);
                let names = names.filter(|name| asked.iter().any(|id| id == name));
                names.map(toml::Value::from).collect::<Vec<_>>().into()
            });
        }
    }
}
