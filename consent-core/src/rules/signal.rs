//! What browsers say on their user's behalf: Global Privacy Control, and Do Not Track before it.
//!
//! A signal counts as a refusal wherever nothing was decided here; an explicit choice, made on this
//! site, wins over it in both directions. A signal never grants, and its absence says nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::State;

/// A signal that a browser sends with every request.
///
/// ```
/// use consent_core::{Policy, Signal, policy::EXAMPLE};
/// let both = Policy::from_toml(&format!("signals = ['gpc', 'dnt']\n{EXAMPLE}"))?;
/// assert_eq!(both.signals, Signal::ALL);
///
/// let faults = Policy::from_toml(&format!("signals = ['tcf']\n{EXAMPLE}")).unwrap_err();
/// assert!(faults.to_string().contains("signals[0]: unknown variant `tcf`, expected `gpc` or `dnt`"));
/// # Ok::<(), consent_core::document::Faults>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Global Privacy Control: `Sec-GPC: 1`, `navigator.globalPrivacyControl`.
    Gpc,
    /// Do Not Track: `DNT: 1`. Withdrawn as a standard, and still sent.
    Dnt,
}

crate::read_value!(Signal);

impl Signal {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gpc, Self::Dnt];

    /// The name used in policies and receipts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gpc => "gpc",
            Self::Dnt => "dnt",
        }
    }

    /// The request header that carries it.
    pub fn header(self) -> &'static str {
        match self {
            Self::Gpc => "Sec-GPC",
            Self::Dnt => "DNT",
        }
    }

    /// Whether the values of that header, as they came, are the signal: one that is exactly `1` is
    /// enough, and nothing else is.
    ///
    /// ```
    /// use consent_core::Signal;
    /// assert!(Signal::Gpc.is_sent([&b"0"[..], b"1"]));
    /// assert!(!Signal::Gpc.is_sent([&b"true"[..]]), "only 1 counts");
    /// assert!(!Signal::Gpc.is_sent([]));
    /// ```
    pub fn is_sent<'v>(self, values: impl IntoIterator<Item = &'v [u8]>) -> bool {
        values.into_iter().any(|value| value == b"1")
    }

    /// What a state becomes when a signal that the policy honours is sent: where nobody decided,
    /// it is a refusal, and everything else stays what it is.
    ///
    /// ```
    /// use consent_core::{Signal, State};
    /// assert_eq!(Signal::applied_to(State::NeverAsked), State::Refused);
    /// assert_eq!(Signal::applied_to(State::Granted), State::Granted, "an explicit choice wins");
    /// ```
    pub fn applied_to(state: State) -> State {
        match state {
            State::NeverAsked | State::Unconfirmed | State::Expired | State::Superseded => {
                State::Refused
            }
            State::Granted
            | State::Refused
            | State::Withdrawn
            | State::Objected
            | State::Restricted => state,
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gpc => "Global Privacy Control",
            Self::Dnt => "Do Not Track",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_exact_one_counts() {
        for (values, sent) in [
            (&[][..], false),
            (&[&b"1"[..]], true),
            (&[b"0"], false),
            (&[b""], false),
            (&[b" 1"], false),
            (&[b"1, 1"], false),
            (&[b"01"], false),
            (&[b"\xff"], false),
            (&[b"0", b"1"], true),
        ] {
            for signal in Signal::ALL {
                assert_eq!(signal.is_sent(values.iter().copied()), sent, "{values:?}");
            }
        }
    }

    #[test]
    fn each_has_its_names() {
        let names = Signal::ALL.map(|signal| (signal.as_str(), signal.header()));
        assert_eq!(names, [("gpc", "Sec-GPC"), ("dnt", "DNT")]);
        for signal in Signal::ALL {
            assert_eq!(serde_json::to_value(signal).unwrap(), signal.as_str());
        }
    }

    #[test]
    fn a_signal_never_grants() {
        for state in State::ALL {
            let after = Signal::applied_to(state);
            assert_eq!(after == State::Granted, state == State::Granted, "{state:?}");
            assert_ne!(after, State::NeverAsked, "decided, so there is nothing to ask");
        }
    }
}
