//! The cookie named `consent`: what a browser remembers of its own decision.
//!
//! `1.<policy>.<until>.<states>`: the version of this format, the policy's number, the minute
//! until which the choice is remembered (minutes since 1970, base 36), and one letter for each
//! purpose that leaves something to choose: first those asked for, then the legitimate interests,
//! each in the policy's order. No identifier.
//!
//! | letter | on consent | on a legitimate interest |
//! | --- | --- | --- |
//! | `g` | granted | |
//! | `r` | refused | objected to |
//! | `-` | not asked | not objected to |
//!
//! The loader reads and writes the same format; both are tested with `cookie-vectors.json`.

use jiff::Timestamp;

use crate::policy::Purpose;
use crate::{Choice, LegalBasis, Policy};

/// The name of the cookie.
pub const NAME: &str = "consent";

/// The longest value that is read.
const MAX: usize = 200;

/// What a browser remembers.
///
/// ```
/// use consent_core::cookie::StateCookie;
/// use consent_core::{Choice, Policy, policy::EXAMPLE};
///
/// let policy = Policy::from_toml(EXAMPLE)?;
/// let cookie = StateCookie::new(&policy, "2026-07-01T00:00:00Z".parse()?, |_| Some(Choice::Granted));
/// assert_eq!(cookie.encode(), "1.1.hovs0.g");
/// assert_eq!(StateCookie::decode("1.1.hovs0.g"), Some(cookie));
/// assert_eq!(StateCookie::decode("1.1.hovs0.yes"), None, "rubbish means never asked");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateCookie {
    /// The policy decided on.
    pub policy: u32,
    /// Until when it is remembered; whole minutes are kept.
    pub until: Timestamp,
    /// The choice for each purpose that leaves one, in the order of [`Policy::choosable_purposes`].
    pub choices: Vec<Option<Choice>>,
}

impl StateCookie {
    /// The choices for the purposes of `policy` that leave one, as `choice` tells them. There is no
    /// agreeing to a legitimate interest: a grant of one is left out.
    pub fn new(
        policy: &Policy,
        until: Timestamp,
        choice: impl Fn(&Purpose) -> Option<Choice>,
    ) -> Self {
        let choices = policy
            .choosable_purposes()
            .map(|purpose| {
                let consent = purpose.basis == LegalBasis::Consent;
                choice(purpose).filter(|choice| consent || *choice == Choice::Refused)
            })
            .collect();
        Self { policy: policy.number, until, choices }
    }

    /// The cookie's value.
    pub fn encode(&self) -> String {
        let letters: String = self
            .choices
            .iter()
            .map(|choice| match choice {
                Some(Choice::Granted) => 'g',
                Some(Choice::Refused) => 'r',
                None => '-',
            })
            .collect();
        let minutes = self.until.as_second().max(0) / 60;
        format!("1.{}.{}.{letters}", self.policy, base36(minutes.unsigned_abs()))
    }

    /// Reads a value. Anything that is not exactly this format is "never asked": `None`.
    ///
    /// ```
    /// use consent_core::cookie::StateCookie;
    /// assert!(StateCookie::decode("1.3.i5h0o.gr").is_some());
    /// assert!(StateCookie::decode("2.3.i5h0o.gr").is_none(), "an unknown version");
    /// assert!(StateCookie::decode("1.3.i5h0o.gx").is_none(), "an unknown letter");
    /// ```
    pub fn decode(value: &str) -> Option<Self> {
        if value.len() > MAX {
            return None;
        }
        let mut parts = value.split('.');
        let (version, policy, until, letters) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let policy: u32 =
            policy.parse().ok().filter(|n: &u32| *n > 0 && n.to_string() == policy)?;
        if version != "1" || parts.next().is_some() || until.is_empty() || until.len() > 8 {
            return None;
        }
        if !until.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()) {
            return None;
        }
        let minutes = i64::from_str_radix(until, 36).ok()?;
        let choices = letters
            .chars()
            .map(|letter| match letter {
                'g' => Some(Some(Choice::Granted)),
                'r' => Some(Some(Choice::Refused)),
                '-' => Some(None),
                _ => None,
            })
            .collect::<Option<_>>()?;
        Some(Self { policy, until: Timestamp::from_second(minutes * 60).ok()?, choices })
    }
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b"0123456789abcdefghijklmnopqrstuvwxyz"[(number % 36) as usize]);
        number /= 36;
        if number == 0 {
            break;
        }
    }
    digits.iter().rev().map(|&digit| char::from(digit)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        valid: Vec<Valid>,
        invalid: Vec<String>,
    }

    #[derive(Deserialize)]
    struct Valid {
        value: String,
        policy: u32,
        until: Timestamp,
        letters: String,
    }

    #[test]
    fn the_vectors_shared_with_the_loader() {
        let vectors: Vectors = serde_json::from_str(include_str!("cookie-vectors.json")).unwrap();
        assert!(vectors.valid.len() >= 3 && vectors.invalid.len() >= 8);
        for vector in vectors.valid {
            let cookie = StateCookie::decode(&vector.value).expect(&vector.value);
            assert_eq!((cookie.policy, cookie.until), (vector.policy, vector.until));
            assert_eq!(cookie.encode(), vector.value);
            assert!(vector.value.ends_with(&format!(".{}", vector.letters)));
        }
        for value in vectors.invalid {
            assert_eq!(StateCookie::decode(&value), None, "{value}");
        }
    }

    #[test]
    fn one_letter_for_each_purpose_that_leaves_a_choice() {
        let mut policy = Policy::from_toml(crate::policy::EXAMPLE).unwrap();
        let analytics = policy.purposes[1].clone();
        for (id, basis) in
            [("safety", LegalBasis::LegitimateInterest), ("law", LegalBasis::LegalObligation)]
        {
            let id = id.parse().unwrap();
            policy.purposes.insert(1, Purpose { id, basis, ..analytics.clone() });
        }
        let until = Timestamp::UNIX_EPOCH;
        for (choice, letters) in
            [(Some(Choice::Granted), "g-"), (Some(Choice::Refused), "rr"), (None, "--")]
        {
            let value = StateCookie::new(&policy, until, |_| choice).encode();
            assert_eq!(value.rsplit('.').next(), Some(letters), "analytics, safety");
        }
    }

    #[test]
    fn twenty_purposes_fit() {
        let cookie = StateCookie {
            policy: u32::MAX,
            until: Timestamp::MAX,
            choices: vec![Some(Choice::Granted); 20],
        };
        assert!(cookie.encode().len() <= 50);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            policy in 1..u32::MAX,
            minutes in 0_i64..10_000_000_000 / 60,
            letters in prop::collection::vec(0_usize..3, 0..20),
        ) {
            let choices = letters
                .into_iter()
                .map(|n| [None, Some(Choice::Granted), Some(Choice::Refused)][n])
                .collect();
            let until = Timestamp::from_second(minutes * 60).unwrap();
            let cookie = StateCookie { policy, until, choices };
            prop_assert_eq!(StateCookie::decode(&cookie.encode()), Some(cookie));
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[1-3.a-z-]{0,30}|\\PC{0,30}") {
            let _ = StateCookie::decode(&text);
        }
    }
}
