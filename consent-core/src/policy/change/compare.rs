//! Walks two policies side by side and notes what differs. How it is said stands in `text.rs`.
//!
//! Every struct is taken apart by name, so that a field added to the policy does not compile until
//! somebody has decided here what its change means.

mod mapping;
mod purpose;
mod sub_processor;

use std::collections::BTreeMap;
use std::fmt::Display;

use super::{Difference, Reason, Value};
use crate::policy::{Activity, Authority, Contact, Controller, Data, Policy, Region, Text};
use crate::{LegalBasis, PurposeId};

pub(super) fn differences(old: &Policy, new: &Policy) -> Vec<Difference> {
    let mut comparer = Comparer { old, new, found: Vec::new() };
    comparer.policy();
    comparer.found
}

struct Comparer<'p> {
    old: &'p Policy,
    new: &'p Policy,
    found: Vec<Difference>,
}

/// What stands in the text of a difference, by the name of its place.
type Values = Vec<(&'static str, Value)>;

/// One place in a text.
fn value(place: &'static str, name: impl Display) -> (&'static str, Value) {
    (place, Value::Name(name.to_string()))
}

/// One place in a text, for a text of the policy.
fn texts(place: &'static str, texts: impl IntoIterator<Item = Text>) -> (&'static str, Value) {
    (place, Value::Texts(texts.into_iter().collect()))
}

/// Whether something is only in the new policy, or only in the old one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Added,
    Removed,
}

impl Found {
    fn reason(self, added: Reason, removed: Reason) -> Reason {
        match self {
            Self::Added => added,
            Self::Removed => removed,
        }
    }
}

/// How two texts differ, the least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wording {
    Same,
    /// The same words, with other white space, capital letters or punctuation.
    Written,
    Other,
}

/// Compares what each language says that both have. Where there is none, nothing can be compared,
/// and so they are other words.
fn wording(old: &Text, new: &Text) -> Wording {
    fn words(text: &str) -> impl Iterator<Item = String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase)
    }
    let both = old.iter().filter_map(|(language, old)| Some((old, new.get(language)?)));
    let wordings = both.map(|(old, new)| match old == new {
        true => Wording::Same,
        false if words(old).eq(words(new)) => Wording::Written,
        false => Wording::Other,
    });
    wordings.max().unwrap_or(Wording::Other)
}

/// The same for texts that may be left out.
fn optional_wording(old: Option<&Text>, new: Option<&Text>) -> Wording {
    match (old, new) {
        (None, None) => Wording::Same,
        (Some(old), Some(new)) => wording(old, new),
        _ => Wording::Other,
    }
}

impl<'p> Comparer<'p> {
    /// Notes a difference that touches these purposes.
    fn note<'i>(
        &mut self,
        reason: Reason,
        path: impl Into<String>,
        touched: impl IntoIterator<Item = &'i PurposeId>,
        values: impl IntoIterator<Item = (&'static str, Value)>,
    ) {
        let asked = |id: &PurposeId| {
            let purpose = self.new.purpose(id);
            reason.asks_again() && purpose.is_some_and(|p| p.basis == LegalBasis::Consent)
        };
        let asks = touched.into_iter().filter(|id| asked(id)).cloned().collect();
        let values = values.into_iter().collect();
        self.found.push(Difference { reason, path: path.into(), asks, values });
    }

    /// The title of a purpose, as the new policy has it if it has the purpose.
    fn purpose_title(&self, id: &PurposeId) -> (&'static str, Value) {
        let purpose = self.new.purpose(id).or(self.old.purpose(id));
        texts("purpose", purpose.map(|purpose| purpose.title.clone()))
    }

    /// All purposes, for what touches every one.
    fn all(&self) -> impl Iterator<Item = &'p PurposeId> + use<'p> {
        self.new.purposes.iter().map(|purpose| &purpose.id)
    }

    /// Compares two lists of things that have a name: in the order of the new one, then those that
    /// are gone.
    fn each<T, K: Ord + Display + 'p>(
        &mut self,
        list: &str,
        (old, new): (&'p [T], &'p [T]),
        key: impl Fn(&'p T) -> &'p K,
        compare: impl Fn(&mut Self, String, Option<&'p T>, Option<&'p T>),
    ) {
        let index = |list: &'p [T]| -> BTreeMap<&'p K, &'p T> {
            list.iter().map(|item| (key(item), item)).collect()
        };
        let (before, after) = (index(old), index(new));
        for item in new {
            let name = key(item);
            compare(self, format!("{list}.{name}"), before.get(name).copied(), Some(item));
        }
        for item in old.iter().filter(|item| !after.contains_key(key(item))) {
            compare(self, format!("{list}.{}", key(item)), Some(item), None);
        }
        let order = |list: &'p [T], other: &BTreeMap<&'p K, &'p T>| -> Vec<&'p K> {
            list.iter().map(&key).filter(|name| other.contains_key(name)).collect()
        };
        if order(old, &after) != order(new, &before) {
            self.note(Reason::Reordered, list, [], []);
        }
    }

    /// The same for lists that hold nothing but names.
    fn members<T: Ord + Display + 'p>(
        &mut self,
        list: &str,
        lists: (&'p [T], &'p [T]),
        say: impl Fn(&mut Self, Found, &'p T),
    ) {
        self.each(
            list,
            lists,
            |name| name,
            |comparer, _, old, new| match (old, new) {
                (None, Some(name)) => say(comparer, Found::Added, name),
                (Some(name), None) => say(comparer, Found::Removed, name),
                _ => {}
            },
        );
    }

    fn policy(&mut self) {
        let old = self.old;
        let Policy {
            number: _,
            name,
            languages,
            lifetime_months,
            signals,
            controller,
            officer,
            authority,
            data,
            activities,
            purposes,
            sub_processors,
            sub_processor_changes,
            regions,
            rights,
            deadlines,
            security,
            automated_decisions,
            mappings,
        } = self.new;
        if old.name != *name {
            self.note(Reason::Renamed, "name", [], [value("from", &old.name), value("to", name)]);
        }
        self.members("languages", (&old.languages, languages), |comparer, found, language| {
            let reason = found.reason(Reason::LanguageAdded, Reason::LanguageRemoved);
            comparer.note(reason, "languages", [], [value("what", language)]);
        });
        let (before, after) = (old.lifetime_months, *lifetime_months);
        if before != after {
            let longer = after > before;
            let reason = if longer { Reason::LifetimeLonger } else { Reason::LifetimeShorter };
            let values = [value("from", before), value("to", after)];
            self.note(reason, "lifetime_months", [], values);
        }
        self.members("signals", (&old.signals, signals), |comparer, found, signal| {
            let reason = found.reason(Reason::SignalAdded, Reason::SignalRemoved);
            comparer.note(reason, "signals", [], [value("what", signal)]);
        });
        self.controller(&old.controller, controller);
        let Contact { name, email } = officer;
        if old.officer.email != *email || wording(&old.officer.name, name) != Wording::Same {
            self.note(Reason::Officer, "officer", [], []);
        }
        let Authority { name: _, address: _, url: _ } = authority;
        if old.authority != *authority {
            self.note(Reason::Authority, "authority", [], [value("to", &authority.name)]);
        }
        self.each("data", (&old.data, data), |data| &data.id, Self::data);
        self.each("activity", (&old.activities, activities), |a| &a.id, Self::activity);
        self.each("purpose", (&old.purposes, purposes), |p| &p.id, Self::purpose);
        let processors = (&old.sub_processors[..], &sub_processors[..]);
        self.each("sub_processor", processors, |p| &p.name, Self::sub_processor);
        let changes = (old.sub_processor_changes.as_ref(), sub_processor_changes.as_ref());
        if optional_wording(changes.0, changes.1) != Wording::Same {
            self.note(Reason::SubProcessorNotice, "sub_processor_changes", [], []);
        }
        self.each("region", (&old.regions, regions), |region| &region.id, Self::region);
        self.members("rights", (&old.rights, rights), |comparer, found, right| {
            let reason = found.reason(Reason::RightAdded, Reason::RightRemoved);
            comparer.note(reason, "rights", [], [value("what", right)]);
        });
        if old.deadlines != *deadlines {
            self.note(Reason::Deadlines, "deadlines", [], []);
        }
        let same = |(old, new): (&Text, &Text)| wording(old, new) == Wording::Same;
        if old.security.len() != security.len() || !old.security.iter().zip(security).all(same) {
            self.note(Reason::Security, "security", [], []);
        }
        let path = "automated_decisions";
        match optional_wording(old.automated_decisions.as_ref(), automated_decisions.as_ref()) {
            Wording::Same => {}
            Wording::Other if automated_decisions.is_some() => {
                self.note(Reason::AutomatedDecisions, path, self.all(), []);
            }
            Wording::Written | Wording::Other => {
                self.note(Reason::AutomatedDecisionsReworded, path, [], []);
            }
        }
        self.mappings(mappings);
    }

    fn controller(&mut self, old: &Controller, new: &Controller) {
        let Controller { name, country, email, address } = new;
        if old.name != *name {
            let values = [value("from", &old.name), value("to", name)];
            self.note(Reason::ControllerChanged, "controller.name", self.all(), values);
        }
        if old.country != *country {
            let values = [value("who", name), value("to", country)];
            self.note(Reason::ControllerMoved, "controller.country", self.all(), values);
        }
        if old.email != *email || old.address != *address {
            self.note(Reason::ControllerContact, "controller", [], [value("who", name)]);
        }
    }

    fn data(&mut self, path: String, old: Option<&'p Data>, new: Option<&'p Data>) {
        let Some(Data { id, title }) = new.or(old) else { return };
        let what = [texts("what", [title.clone()])];
        let (Some(old), Some(_)) = (old, new) else {
            let reason = if new.is_some() { Reason::DataDefined } else { Reason::DataUndefined };
            return self.note(reason, path, [], what);
        };
        let reason = match wording(&old.title, title) {
            Wording::Same => return,
            Wording::Written => Reason::DataReworded,
            Wording::Other => Reason::DataRedefined,
        };
        let users = self.new.purposes.iter().filter(|purpose| purpose.data.contains(id));
        self.note(reason, path + ".title", users.map(|purpose| &purpose.id), what);
    }

    fn activity(&mut self, path: String, old: Option<&'p Activity>, new: Option<&'p Activity>) {
        let Some(Activity { id: _, role, title, description, data }) = new.or(old) else { return };
        let what = [texts("what", [title.clone()])];
        let (Some(old), Some(_)) = (old, new) else {
            let added = new.is_some();
            let reason = if added { Reason::ActivityAdded } else { Reason::ActivityRemoved };
            return self.note(reason, path, [], what);
        };
        for (differs, reason, field) in [
            (old.role != *role, Reason::ActivityRole, "role"),
            (wording(&old.title, title) != Wording::Same, Reason::ActivityReworded, "title"),
            (
                wording(&old.description, description) != Wording::Same,
                Reason::ActivityReworded,
                "description",
            ),
            (old.data != *data, Reason::ActivityData, "data"),
        ] {
            if differs {
                self.note(reason, format!("{path}.{field}"), [], what.clone());
            }
        }
    }

    fn region(&mut self, path: String, old: Option<&'p Region>, new: Option<&'p Region>) {
        let Some(Region { id: _, title, transfers }) = new.or(old) else { return };
        let what = [texts("what", [title.clone()])];
        let (Some(old), Some(_)) = (old, new) else {
            let reason = if new.is_some() { Reason::RegionAdded } else { Reason::RegionRemoved };
            return self.note(reason, path, [], what);
        };
        if wording(&old.title, title) != Wording::Same {
            self.note(Reason::RegionReworded, format!("{path}.title"), [], what.clone());
        }
        let path = format!("{path}.transfers");
        match wording(&old.transfers, transfers) {
            Wording::Same => {}
            Wording::Written => self.note(Reason::RegionReworded, path, [], what),
            Wording::Other => self.note(Reason::RegionTransfers, path, self.all(), what),
        }
    }
}
