//! Keys for new browsers.

use std::sync::{Mutex, PoisonError};

use consent_core::Subject;

use crate::ambient::Ambient;

/// Bytes at the beginning of a key that those have in common who decide one after another.
const SHARED: usize = 6;
/// So many have them in common.
const RUN: u8 = 64;

/// Makes keys for browsers that decide for the first time.
///
/// A key is random, but not the whole of it is random anew each time: stores keep subjects in the order
/// of their keys, and so the rows of those who come at once are neighbours, and are written together.
/// With keys that have nothing in common each of them costs a page of its own, which was most of
/// what a decision cost. It says nothing about a browser that its receipt does not: that it decided
/// about then.
#[derive(Debug, Default)]
pub(crate) struct Browsers {
    run: Mutex<Run>,
}

#[derive(Debug, Default)]
struct Run {
    shared: [u8; SHARED],
    left: u8,
}

impl Browsers {
    /// A key that nobody has.
    pub(crate) fn new_one(&self, ambient: &dyn Ambient) -> Subject {
        let mut key: [u8; 16] = ambient.random();
        let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        if run.left == 0 {
            *run = Run { shared: ambient.random(), left: RUN };
        }
        run.left -= 1;
        key[..SHARED].copy_from_slice(&run.shared);
        Subject::browser(key)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ambient::System;

    /// All differ, and those of one run are neighbours.
    #[test]
    fn those_who_come_at_once_are_neighbours() {
        let browsers = Browsers::default();
        let count = usize::from(RUN) * 3;
        let made: Vec<String> = (0..count).map(|_| browsers.new_one(&System).to_string()).collect();
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), count);
        // 6 bytes are 8 letters of base64.
        let begins = |key: &String| key["browser:".len()..][..8].to_owned();
        let runs: BTreeSet<_> = made.iter().map(begins).collect();
        assert_eq!(runs.len(), 3);
        for run in made.chunks(RUN.into()) {
            assert!(run.iter().all(|key| begins(key) == begins(&run[0])));
        }
    }
}
