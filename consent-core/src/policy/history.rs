//! The published policies of a site, and which choices made under them still stand.

use std::collections::BTreeMap;

use super::Policy;
use crate::{PurposeId, Standing};

/// A site's published policies, oldest first. Its last one is in force.
///
/// ```
/// use consent_core::policy::{EXAMPLE, PolicyHistory};
/// use consent_core::Policy;
/// let first = Policy::from_toml(EXAMPLE)?;
/// let longer = EXAMPLE.replace("number = 1", "number = 2").replace("months = 13", "months = 25");
/// let second = Policy::from_toml(&longer)?;
///
/// let analytics = "analytics".parse().unwrap();
/// let history = PolicyHistory::new(vec![first.clone(), second.clone()]).unwrap();
/// assert!(!history.standing(&analytics).holds(1), "data are kept for longer: asked again");
/// assert!(PolicyHistory::new(vec![second, first]).is_none(), "numbers only grow");
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyHistory {
    current: Policy,
    since: BTreeMap<PurposeId, u32>,
    shown_since: u32,
}

impl PolicyHistory {
    /// The history of these policies; `None` if there are none or their numbers do not grow.
    pub fn new(policies: Vec<Policy>) -> Option<Self> {
        if !policies.is_sorted_by(|a, b| a.number < b.number) {
            return None;
        }
        let mut since = BTreeMap::new();
        let mut shown_since = policies.first()?.number;
        for (old, new) in policies.iter().zip(&policies[1..]) {
            let again = asks_again(old, new);
            let shown = |policy: &Policy| -> Vec<PurposeId> {
                policy.consent_purposes().map(|purpose| purpose.id.clone()).collect()
            };
            if !again.is_empty() || shown(old) != shown(new) {
                shown_since = new.number;
            }
            since.extend(again.into_iter().map(|purpose| (purpose, new.number)));
        }
        let first = policies.first()?.number;
        let current = policies.into_iter().next_back()?;
        for purpose in current.consent_purposes() {
            since.entry(purpose.id.clone()).or_insert(first);
        }
        Some(Self { current, since, shown_since })
    }

    /// The policy in force.
    pub fn current(&self) -> &Policy {
        &self.current
    }

    /// The policies under which a choice about this purpose still stands. For a purpose that is
    /// not asked for there is only the one in force.
    pub fn standing(&self, purpose: &PurposeId) -> Standing {
        let current = self.current.number;
        let since = self.since.get(purpose).copied().unwrap_or(current);
        Standing::new(since, current).unwrap_or(Standing::only(current))
    }

    /// The policies under which everything that a browser remembers still stands: nothing is asked
    /// again, and the consent purposes are the same in the same order.
    pub fn standing_of_all(&self) -> Standing {
        let current = self.current.number;
        Standing::new(self.shown_since, current).unwrap_or(Standing::only(current))
    }
}

/// The purposes of `new` that are to be asked again: all of them.
fn asks_again(_old: &Policy, new: &Policy) -> Vec<PurposeId> {
    new.consent_purposes().map(|purpose| purpose.id.clone()).collect()
}
