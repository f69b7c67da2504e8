//! The published policies of a site, and which choices made under them still stand.

use std::collections::{BTreeMap, BTreeSet};

use super::{Comparison, Policy};
use crate::{LegalBasis, PurposeId, Standing};

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
    earlier: Vec<Policy>,
    current: Policy,
    /// For each purpose the first policy of those that stand; none means the one in force.
    since: BTreeMap<PurposeId, u32>,
    /// The first policy of those that ask about the same purposes in the same order.
    alike_since: u32,
}

impl PolicyHistory {
    /// The history of these policies; `None` if there are none or their numbers do not grow.
    pub fn new(mut policies: Vec<Policy>) -> Option<Self> {
        if !policies.is_sorted_by(|a, b| a.number < b.number) {
            return None;
        }
        let current = policies.pop()?;
        let (since, alike_since) = (BTreeMap::new(), current.number);
        let mut history = Self { earlier: Vec::new(), since, alike_since, current };
        // Each is held against the one in force, so that many small steps lead no further than one
        // large one. The first one, going back, that asks again ends what stands.
        let letters = |policy: &Policy| -> Vec<(PurposeId, LegalBasis)> {
            policy.choosable_purposes().map(|purpose| (purpose.id.clone(), purpose.basis)).collect()
        };
        let mut standing: BTreeSet<PurposeId> =
            history.current.purposes.iter().map(|purpose| purpose.id.clone()).collect();
        let mut alike = true;
        for policy in policies.iter().rev() {
            let comparison = Comparison::of(policy, &history.current);
            let asked = comparison.asks_again();
            standing.retain(|purpose| !asked.contains(purpose));
            history.since.extend(standing.iter().map(|purpose| (purpose.clone(), policy.number)));
            alike &= letters(policy) == letters(&history.current);
            if alike {
                history.alike_since = policy.number;
            }
        }
        history.earlier = policies;
        Some(history)
    }

    /// All of them, oldest first.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.earlier.iter().chain(std::iter::once(&self.current))
    }

    /// The policy in force.
    pub fn current(&self) -> &Policy {
        &self.current
    }

    /// The policy of that number, the one in force among them.
    pub fn policy(&self, number: u32) -> Option<&Policy> {
        self.policies().find(|policy| policy.number == number)
    }

    /// The policies under which a choice about this purpose still stands.
    pub fn standing(&self, purpose: &PurposeId) -> Standing {
        let current = self.current.number;
        let since = self.since.get(purpose).copied().unwrap_or(current);
        Standing::new(since, current).unwrap_or(Standing::only(current))
    }

    /// The policies under which what a browser remembers about this purpose still stands: it is not
    /// asked again, and browsers remembered the same purposes in the same order.
    pub fn remembered(&self, purpose: &PurposeId) -> Standing {
        let current = self.current.number;
        let since = self.standing(purpose).since().max(self.alike_since);
        Standing::new(since, current).unwrap_or(Standing::only(current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::EXAMPLE;

    fn policy(number: u32, edit: impl Fn(&mut Policy)) -> Policy {
        let mut policy = Policy::from_toml(EXAMPLE).unwrap();
        edit(&mut policy);
        Policy { number, ..policy }
    }

    /// From which policy on choices about analytics stand, and from which on the cookie does.
    fn since(policies: Vec<Policy>) -> (u32, u32) {
        let history = PolicyHistory::new(policies).unwrap();
        let analytics = history.standing(&"analytics".parse().unwrap());
        assert_eq!(analytics.current(), history.current().number);
        (analytics.since(), history.remembered(&"analytics".parse().unwrap()).since())
    }

    #[test]
    fn choices_stand_until_something_material_changes() {
        let same = |number| policy(number, |_| ());
        let longer = |number| policy(number, |p| p.purposes[1].retention_months = Some(25));
        let more = |number| {
            policy(number, |p| {
                let second = p.purposes[1].clone();
                p.purposes
                    .insert(0, super::super::Purpose { id: "ads".parse().unwrap(), ..second });
            })
        };
        let interest = |number| {
            policy(number, |p| {
                let second = p.purposes[1].clone();
                let (id, basis) = ("safety".parse().unwrap(), LegalBasis::LegitimateInterest);
                p.purposes.insert(0, super::super::Purpose { id, basis, ..second });
            })
        };
        let turned = |number| {
            let mut policy = more(number);
            policy.purposes.swap(0, 2);
            policy
        };
        for (policies, expected) in [
            (vec![same(4)], (4, 4)),
            (vec![same(1), same(3), same(7)], (1, 1)),
            (vec![same(1), longer(2), longer(3)], (2, 2)),
            (vec![longer(1), same(2)], (1, 1)),
            // Asked again under 3, and what was taken back there does not bring 1 back.
            (vec![same(1), policy(2, |p| p.purposes[1].services.clear()), same(3)], (3, 3)),
            // Another purpose is asked: this one's choices stand, but the cookie is another.
            (vec![same(1), more(2)], (1, 2)),
            (vec![more(1), same(2)], (1, 2)),
            (vec![more(1), turned(2)], (1, 2)),
            (vec![same(1), interest(2), interest(3)], (1, 2)),
        ] {
            let numbers: Vec<_> = policies.iter().map(|policy| policy.number).collect();
            assert_eq!(since(policies), expected, "{numbers:?}");
        }
        assert!(PolicyHistory::new(vec![]).is_none());
        assert!(PolicyHistory::new(vec![same(1), same(1)]).is_none());
    }

    /// Each step alone asks nobody: a language comes, another goes. What is left was never compared
    /// with what was agreed to.
    #[test]
    fn small_steps_do_not_add_up_to_a_change_that_nobody_was_asked_about() {
        let title = |texts: &[(&str, &str)]| {
            texts.iter().map(|(tag, text)| (tag.to_string(), text.to_string())).collect()
        };
        let step =
            |number, texts: &[(&str, &str)]| policy(number, |p| p.data[1].title = title(texts));
        let steps = [
            step(1, &[("en", "pages read")]),
            step(2, &[("en", "pages read"), ("fr", "tout")]),
            step(3, &[("fr", "tout")]),
        ];
        for two in steps.windows(2) {
            assert!(Comparison::of(&two[0], &two[1]).asks_again().is_empty());
        }
        assert_eq!(since(steps.to_vec()).0, 2);
    }
}
