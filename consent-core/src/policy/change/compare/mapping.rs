//! What vendors' signals follow in two policies.

use std::collections::{BTreeMap, BTreeSet};

use super::{Comparer, Found, value};
use crate::PurposeId;
use crate::mapping::{self, Vendor};
use crate::policy::Reason;

/// The purposes that each signal of a vendor follows.
type Signals = BTreeMap<String, Vec<PurposeId>>;

impl<'p> Comparer<'p> {
    pub(super) fn mappings(&mut self, new: &'p BTreeMap<String, Signals>) {
        let (before, none) = (&self.old.mappings, &Signals::new());
        for (vendor, found) in vendors(before, new) {
            let (path, told) = (format!("mapping.{vendor}"), self.found.len());
            let title = mapping::known().get(vendor).and_then(Vendor::title).unwrap_or(vendor);
            if let Some(found) = found {
                let reason = found.reason(Reason::VendorAdded, Reason::VendorRemoved);
                self.note(reason, &path, [], [value("who", title)]);
            }
            let (old, new) = (before.get(vendor), new.get(vendor));
            self.signals(title, &path, old.unwrap_or(none), new);
            if old != new && self.found.len() == told {
                self.note(Reason::VendorSignals, path, [], [value("who", title)]);
            }
        }
    }

    /// `new` is nothing where the vendor is told nothing any more.
    fn signals(&mut self, title: &str, path: &str, old: &Signals, new: Option<&Signals>) {
        let names = old.keys().chain(new.into_iter().flat_map(Signals::keys));
        for signal in names.collect::<BTreeSet<_>>() {
            let path = format!("{path}.{signal}");
            let who = value("who", format!("{title} ({signal})"));
            let before = old.get(signal).map_or(&[][..], Vec::as_slice);
            let after = new.and_then(|new| new.get(signal)).map_or(&[][..], Vec::as_slice);
            for id in after.iter().filter(|id| !before.contains(id)) {
                let values = [who.clone(), self.purpose_title(id)];
                self.note(Reason::SignalFollows, &path, [id], values);
            }
            for id in before.iter().filter(|id| !after.contains(id)) {
                let values = [who.clone(), self.purpose_title(id)];
                // One that is not listed any more may be granted always.
                let unlisted = new.is_some_and(|new| !new.contains_key(signal));
                let touched = if unlisted { before } else { after };
                self.note(Reason::SignalFollowsLess, &path, touched, values);
            }
        }
    }
}

/// The vendors of both, and whether each is new or gone.
fn vendors<'v, V>(
    old: &'v BTreeMap<String, V>,
    new: &'v BTreeMap<String, V>,
) -> impl Iterator<Item = (&'v String, Option<Found>)> {
    let gone = old.keys().filter(|vendor| !new.contains_key(*vendor));
    let here =
        new.keys().map(|vendor| (vendor, (!old.contains_key(vendor)).then_some(Found::Added)));
    here.chain(gone.map(|vendor| (vendor, Some(Found::Removed))))
}
