//! Which key signs when: the newest whose time has come and that is not retired.
//!
//! Only the file and the time decide, so servers that share a file agree without talking.

use std::sync::Arc;

use consent_core::Timestamp;

use super::file::KeyFacts;

/// What is signed with, from each moment on.
pub(super) struct Schedule<T> {
    /// Never empty, in the order of time. The first holds for all time before the second.
    turns: Vec<Turn<T>>,
}

/// What signs from a moment on.
pub(super) struct Turn<T> {
    start: Timestamp,
    /// The identifier of its key.
    pub(super) kid: String,
    /// What is signed with.
    pub(super) signer: Arc<T>,
}

/// Why there is no schedule: nothing signs at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap(pub(super) Timestamp);

impl<T> Schedule<T> {
    /// The schedule of these keys, made at a moment `now`. From then on some key signs at any time.
    /// Before, the same as now: a clock that is set back stops nobody.
    pub(super) fn new(
        keys: &[&KeyFacts],
        now: Timestamp,
        signer: impl Fn(usize) -> T,
    ) -> Result<Self, Gap> {
        let changes = keys.iter().flat_map(|key| [key.from, key.retired]).flatten();
        let mut starts: Vec<_> = changes.filter(|change| *change > now).chain([now]).collect();
        starts.sort_unstable();
        starts.dedup();
        let mut turns: Vec<Turn<T>> = Vec::new();
        for start in starts {
            let index = signing(keys, start).ok_or(Gap(start))?;
            let kid = &keys[index].kid;
            if turns.last().is_none_or(|last| last.kid != *kid) {
                turns.push(Turn { start, kid: kid.clone(), signer: Arc::new(signer(index)) });
            }
        }
        Ok(Self { turns })
    }

    /// What signs at that time.
    pub(super) fn at(&self, time: Timestamp) -> &Turn<T> {
        let begun = self.turns.partition_point(|turn| turn.start <= time);
        &self.turns[begun.saturating_sub(1)]
    }
}

/// Which of the keys signs at that time. Of two that are as new as each other it is the first.
pub(super) fn signing(keys: &[&KeyFacts], at: Timestamp) -> Option<usize> {
    let signs = |(_, key): &(usize, &&KeyFacts)| {
        key.secret
            && key.from.is_none_or(|from| from <= at)
            && key.retired.is_none_or(|retired| at < retired)
    };
    // The last of the greatest, so from behind.
    keys.iter().enumerate().filter(signs).rev().max_by_key(|(_, key)| key.from).map(|(i, _)| i)
}

#[cfg(test)]
mod tests {
    use consent_core::receipt::Algorithm;

    use super::super::file::KeyKind;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn key(kid: &str, from: Option<i64>, retired: Option<i64>) -> KeyFacts {
        KeyFacts {
            kind: KeyKind::Receipt,
            kid: kid.into(),
            algorithm: Algorithm::Hs256,
            from: from.map(at),
            retired: retired.map(at),
            destroyed: None,
            secret: true,
        }
    }

    /// Who signs at each of the seconds 0 to 9, by a schedule that was made at `now`.
    fn told(keys: &[KeyFacts], now: i64) -> Result<String, Gap> {
        let keys: Vec<_> = keys.iter().collect();
        let schedule = Schedule::new(&keys, at(now), |i| i)?;
        for second in now..10 {
            let turn = schedule.at(at(second));
            assert_eq!(Some(*turn.signer), signing(&keys, at(second)), "{second}");
            assert_eq!(turn.kid, keys[*turn.signer].kid);
        }
        Ok((0..10).map(|second| schedule.at(at(second)).kid.as_str()).collect())
    }

    #[test]
    fn the_newest_that_is_not_retired_signs() {
        let (a, b, c) = (key("a", None, None), key("b", Some(3), None), key("c", Some(6), None));
        assert_eq!(told(std::slice::from_ref(&a), 0), Ok("aaaaaaaaaa".into()));
        // The order in the file does not matter where the times differ.
        for keys in [[a.clone(), b.clone(), c.clone()], [c.clone(), a.clone(), b.clone()]] {
            assert_eq!(told(&keys, 0), Ok("aaabbbcccc".into()));
        }
        let retired = key("b", Some(3), Some(5));
        assert_eq!(told(&[a.clone(), retired.clone()], 0), Ok("aaabbaaaaa".into()));
        assert_eq!(told(&[a.clone(), retired, c], 0), Ok("aaabbacccc".into()));
        // A key that was retired before its time never signs.
        assert_eq!(told(&[a.clone(), key("b", Some(5), Some(2))], 0), Ok("aaaaaaaaaa".into()));
        let public = KeyFacts { secret: false, ..b };
        assert_eq!(told(&[public, a], 0), Ok("aaaaaaaaaa".into()));
    }

    #[test]
    fn of_two_as_new_as_each_other_the_first_signs() {
        let (a, b) = (key("a", None, None), key("b", None, None));
        assert_eq!(told(&[a.clone(), b.clone()], 0), Ok("aaaaaaaaaa".into()));
        assert_eq!(told(&[b, a], 0), Ok("bbbbbbbbbb".into()));
        let (c, d) = (key("c", Some(0), None), key("d", Some(0), None));
        assert_eq!(told(&[d, c], 0), Ok("dddddddddd".into()));
    }

    #[test]
    fn at_any_time_from_now_on_some_key_signs() {
        assert_eq!(told(&[], 0), Err(Gap(at(0))));
        let later = key("b", Some(3), None);
        assert_eq!(told(std::slice::from_ref(&later), 0), Err(Gap(at(0))));
        // What is past does not matter, nor a clock that is set back to it.
        assert_eq!(told(std::slice::from_ref(&later), 4), Ok("bbbbbbbbbb".into()));
        assert_eq!(told(&[key("a", None, Some(2)), later], 0), Err(Gap(at(2))));
        assert_eq!(told(&[key("a", None, Some(2))], 0), Err(Gap(at(2))));
    }
}
