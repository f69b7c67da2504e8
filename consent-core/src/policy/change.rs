//! What differs between two policies, and which purposes have to be asked again because of it.
//!
//! A choice was made about what the policy said then. Where the new one reaches further, the
//! choice does not cover it (GDPR Art. 4(11), 7, 13(3)): that difference is *material*, and the
//! purposes on consent that it touches are asked again. Every other difference is *editorial*:
//! whoever reads the notice sees it, and nobody is asked.
//!
//! # What is material
//!
//! Only for the purposes that it touches, and of those only for the ones that rest on consent:
//!
//! | what changed | because |
//! | --- | --- |
//! | the purpose is new, rests on consent from now on, or its `revision` was raised | it was never asked |
//! | another controller, or in another country | agreed to somebody else |
//! | another category of data, or the same under other words | more data |
//! | another recipient, service or sub-processor; one that serves another purpose | more who have them |
//! | a sub-processor outside the European Economic Area that was not there; another ground of transfer; other words about where a region's data go | further away |
//! | a longer retention, or one that cannot be told to be no longer | for longer |
//! | a cookie that lives longer than any did before | followed for longer |
//! | decisions made by machines, new or in other words | other consequences |
//! | a vendor's signal that follows the purpose and did not, or no longer waits for another | somebody is told of the choice, or more often told yes |
//!
//! # Words
//!
//! A program cannot tell what words mean. Where they are all there is to tell one thing from
//! another (a category of data, a retention without months, a ground of transfer), other words are
//! another thing; white space, capital letters and punctuation are not. A purpose however is known
//! by its identifier: its title and description may be worded better without asking everybody
//! again. When the words mean something else, raise its `revision`, and it is asked again.
//!
//! What is compared is what each language says; a language added or taken away changes nothing.

mod compare;
mod reason;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;

use super::{Policy, Text};
use crate::PurposeId;

pub use reason::Reason;
pub(crate) use text::Words as ChangeWords;

/// Everything that differs between two policies of a site.
///
/// ```
/// use consent_core::policy::{Comparison, EXAMPLE, Reason};
/// use consent_core::Policy;
/// let old = Policy::from_toml(EXAMPLE)?;
/// let edited = |from, to| Policy::from_toml(&EXAMPLE.replace(from, to));
///
/// // Kept for longer than agreed: asked again, and said why.
/// let new = edited("retention_months = 13", "retention_months = 25")?;
/// let comparison = Comparison::of(&old, &new);
/// assert_eq!(comparison.differences()[0].reason(), Reason::RetentionLonger);
/// let analytics = "analytics".parse().unwrap();
/// assert_eq!(
///     comparison.because(&analytics, "en").unwrap(),
///     "Asked again because the data for “Audience measurement” are kept for longer: 25 months \
///      instead of 13.",
/// );
///
/// // A better title asks nobody.
/// let new = edited("title.en = \"Audience measurement\"", "title.en = \"Measuring our audience\"")?;
/// let comparison = Comparison::of(&old, &new);
/// assert_eq!(comparison.differences().len(), 1);
/// assert!(comparison.asks_again().is_empty());
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison(Vec<Difference>);

impl Comparison {
    /// Compares two policies of one site. Their numbers are what they are, and no difference.
    pub fn of(old: &Policy, new: &Policy) -> Self {
        Self(compare::differences(old, new))
    }

    /// The differences, in the order in which a policy is written.
    pub fn differences(&self) -> &[Difference] {
        &self.0
    }

    /// The purposes on consent that are to be asked again.
    pub fn asks_again(&self) -> BTreeSet<&PurposeId> {
        self.0.iter().flat_map(Difference::asks_again).collect()
    }

    /// Why a purpose is asked again, in one sentence; `None` if it is not.
    pub fn because(&self, purpose: &PurposeId, language: &str) -> Option<String> {
        text::because(
            self.0.iter().filter(|difference| difference.asks.contains(purpose)),
            language,
        )
    }
}

/// Whether anybody is asked again because of a difference.
///
/// ```
/// use consent_core::policy::{Comparison, EXAMPLE, Weight};
/// use consent_core::Policy;
/// let old = Policy::from_toml(EXAMPLE)?;
/// let weight = |from, to| -> Result<_, consent_core::document::Faults> {
///     let new = Policy::from_toml(&EXAMPLE.replace(from, to))?;
///     Ok(Comparison::of(&old, &new).differences()[0].weight())
/// };
/// assert_eq!(weight("services = [\"Measure\"]", "services = [\"Other\"]")?, Weight::Material);
/// assert_eq!(weight("services = [\"Measure\"]", "")?, Weight::Editorial, "one less who has them");
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// At least one purpose is.
    Material,
    /// Nobody is.
    Editorial,
}

/// One thing that differs.
///
/// ```
/// use consent_core::policy::{Comparison, EXAMPLE};
/// use consent_core::Policy;
/// let old = Policy::from_toml(EXAMPLE)?;
/// let new = Policy::from_toml(&EXAMPLE.replace("Example SAS", "Another SAS"))?;
/// let comparison = Comparison::of(&old, &new);
/// let difference = &comparison.differences()[0];
/// assert_eq!(difference.path(), "controller.name");
/// assert_eq!(difference.text("en"), "Another SAS is now responsible, instead of Example SAS");
/// let asked: Vec<_> = difference.asks_again().iter().map(|id| id.as_str()).collect();
/// assert_eq!(asked, ["analytics"], "what rests on a contract is not asked for");
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    reason: Reason,
    path: String,
    asks: BTreeSet<PurposeId>,
    values: Vec<(&'static str, Value)>,
}

/// What stands in the text of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// The same in every language.
    Name(String),
    /// Texts of the policy, one after the other.
    Texts(Vec<Text>),
}

impl Difference {
    /// What changed.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// Where, as in `purpose.analytics.data`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Material if any purpose is asked again because of it.
    pub fn weight(&self) -> Weight {
        if self.asks.is_empty() { Weight::Editorial } else { Weight::Material }
    }

    /// The purposes that are asked again because of it.
    pub fn asks_again(&self) -> &BTreeSet<PurposeId> {
        &self.asks
    }

    /// What changed, for people: a clause without a capital letter or full stop, in this language,
    /// or in English where the program has no words in it.
    pub fn text(&self, language: &str) -> String {
        text::clause(self, language)
    }
}
