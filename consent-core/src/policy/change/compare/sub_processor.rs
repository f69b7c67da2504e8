//! One sub-processor of two policies: where it is, what it serves, and so what it receives.

use std::collections::{BTreeMap, BTreeSet};

use super::{Comparer, Found, Value, Wording, optional_wording, texts, value, wording};
use crate::policy::parties::EEA;
use crate::policy::{Policy, Reason, SubProcessor};
use crate::{DataId, PurposeId};

impl<'p> Comparer<'p> {
    pub(super) fn sub_processor(
        &mut self,
        path: String,
        old: Option<&'p SubProcessor>,
        new: Option<&'p SubProcessor>,
    ) {
        let Some(processor) = new.or(old) else { return };
        let SubProcessor { name, service, country, purposes, transfer } = processor;
        let who = value("who", name);
        let (Some(old), Some(_)) = (old, new) else {
            let (reason, policy) = match new {
                Some(_) => (Reason::SubProcessorAdded, self.new),
                None => (Reason::SubProcessorRemoved, self.old),
            };
            let what = titles(policy, received(policy, purposes).into_keys());
            return self.note(reason, path, purposes, [who, value("to", country), what]);
        };
        if wording(&old.service, service) != Wording::Same {
            let path = format!("{path}.service");
            self.note(Reason::SubProcessorReworded, path, [], [who.clone()]);
        }
        if old.country != *country {
            let away = !EEA.contains(&country.as_str());
            let reason = if away { Reason::SubProcessorAway } else { Reason::SubProcessorMoved };
            let values = [who.clone(), value("to", country)];
            self.note(reason, format!("{path}.country"), purposes, values);
        }
        let reason = match optional_wording(old.transfer.as_ref(), transfer.as_ref()) {
            Wording::Same => None,
            Wording::Other if transfer.is_some() => Some(Reason::TransferGround),
            Wording::Written | Wording::Other => Some(Reason::TransferReworded),
        };
        if let Some(reason) = reason {
            self.note(reason, format!("{path}.transfer"), purposes, [who.clone()]);
        }
        self.served(&path, &who, old, processor);
    }

    /// What it serves. Where that brings it data that it did not have, those are what is told.
    fn served(
        &mut self,
        path: &str,
        who: &(&'static str, Value),
        old: &'p SubProcessor,
        new: &'p SubProcessor,
    ) {
        let path = format!("{path}.purposes");
        let had = received(self.old, &old.purposes);
        let mut told = BTreeSet::new();
        for (data, users) in received(self.new, &new.purposes) {
            if had.contains_key(data) {
                continue;
            }
            told.extend(users.clone());
            let values = [who.clone(), titles(self.new, [data])];
            self.note(Reason::SubProcessorData, &path, users, values);
        }
        self.members(&path, (&old.purposes, &new.purposes), |comparer, found, id| {
            if found == Found::Added && told.contains(id) {
                return;
            }
            let reason =
                found.reason(Reason::SubProcessorPurpose, Reason::SubProcessorPurposeRemoved);
            let title = comparer.purpose_title(id);
            comparer.note(reason, &path, [id], [who.clone(), title]);
        });
    }
}

/// The data that these purposes use, each with those of them that use it.
fn received<'p>(
    policy: &'p Policy,
    purposes: &'p [PurposeId],
) -> BTreeMap<&'p DataId, Vec<&'p PurposeId>> {
    let mut received = BTreeMap::<_, Vec<_>>::new();
    for id in purposes {
        for data in policy.purpose(id).map_or(&[][..], |purpose| &purpose.data) {
            received.entry(data).or_default().push(id);
        }
    }
    received
}

fn titles<'d>(
    policy: &Policy,
    data: impl IntoIterator<Item = &'d DataId>,
) -> (&'static str, Value) {
    texts("what", data.into_iter().filter_map(|id| Some(policy.data(id)?.title.clone())))
}
