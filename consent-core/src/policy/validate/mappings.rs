//! Checks of `[mapping.VENDOR]`: what it names exists, and only consent grants.

use std::collections::BTreeMap;

use super::{Checker, MAX_LIST};
use crate::rules::MAX_CHOICES;
use crate::{LegalBasis, PurposeId, mapping};

impl Checker<'_, '_, '_> {
    pub(super) fn mappings(&mut self) {
        let mappings = &self.policy.mappings;
        if !self.bounded("mapping", mappings.len(), MAX_LIST) {
            return;
        }
        for (vendor, signals) in mappings {
            let path = format!("mapping.{vendor}");
            if !self.key(&path, vendor) || !self.bounded(&path, signals.len(), MAX_LIST) {
                continue;
            }
            match mapping::known().get(vendor) {
                Some(known) => {
                    let known: Vec<_> = known.signals.keys().map(String::as_str).collect();
                    for signal in signals.keys().filter(|signal| !known.contains(&signal.as_str()))
                    {
                        let known = known.join(", ");
                        let message =
                            format!("'{vendor}' has no signal '{signal}'; there are {known}");
                        self.fault(format!("{path}.{signal}"), message);
                    }
                }
                None => self.own_vendor(vendor, signals),
            }
            for (signal, purposes) in signals {
                let path = format!("{path}.{signal}");
                if self.key(&path, signal) {
                    self.followed(&path, purposes);
                }
            }
        }
    }

    /// A vendor that is not in the table. An empty one would be told nothing, so it is a misspelt
    /// name rather than a wish.
    fn own_vendor(&mut self, vendor: &str, signals: &BTreeMap<String, Vec<PurposeId>>) {
        let path = format!("mapping.{vendor}");
        if signals.is_empty() {
            let known: Vec<_> = mapping::known()
                .iter()
                .map(|(name, vendor)| format!("{name}: {}", vendor.title().unwrap_or_default()))
                .collect();
            let message = format!(
                "'{vendor}' is none of the known vendors ({}); name its signals, or correct it",
                known.join(", ")
            );
            self.fault(&path, message);
        }
        let plain = "a name is made of 1 to 64 letters, digits, '_' and '-'";
        if !is_plain(vendor) {
            self.fault(&path, plain);
        }
        for signal in signals.keys().filter(|signal| !is_plain(signal)) {
            self.fault(format!("{path}.{signal}"), plain);
        }
    }

    fn followed(&mut self, path: &str, purposes: &[PurposeId]) {
        if !self.bounded(path, purposes.len(), MAX_CHOICES) {
            return;
        }
        for (i, id) in purposes.iter().enumerate() {
            let path = format!("{path}[{i}]");
            self.known_purpose(&path, id);
            let basis = self.policy.purpose(id).map(|purpose| purpose.basis);
            if let Some(basis) = basis.filter(|basis| *basis != LegalBasis::Consent) {
                let message = format!("'{id}' rests on {basis}; a signal follows consent only");
                self.fault(&path, message);
            }
            if purposes[..i].contains(id) {
                self.fault(path, format!("'{id}' is listed twice; keep one"));
            }
        }
    }
}

fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
