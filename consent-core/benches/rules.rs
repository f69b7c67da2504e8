//! States and verdicts: one verdict from what is recorded, and the replay of a long history, each
//! beside the least that any implementation must do and beside a simple alternative.

use consent_core::rules::{Act, Event};
use consent_core::{LegalBasis, Record, Standing, Timestamp, Verdict};

/// As many decisions as one person can be imagined to take, and then some.
const DECISIONS: u64 = 10_000;

fn main() {
    divan::main();
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_second(second.cast_signed()).expect("within the range")
}

/// Grants, refusals and restrictions in turn, in an order of arrival that is not theirs.
fn events() -> Vec<Event> {
    let event = |n: u64| {
        // A prime step visits each sequence once.
        let sequence = n * 7_919 % DECISIONS + 1;
        let act = match sequence % 4 {
            0 => Act::Refused,
            1 | 2 => Act::Granted,
            _ => Act::Asked,
        };
        Event { sequence, act, at: at(sequence), policy: 1, until: at(sequence + 15_000_000) }
    };
    (0..DECISIONS).map(event).collect()
}

#[divan::bench_group]
mod verdict {
    use divan::{Bencher, black_box};

    use super::{DECISIONS, LegalBasis, Record, Standing, Verdict, at, events};

    /// From one record.
    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let record = Record::replay(events());
        let (standing, now) = (Standing::only(1), at(DECISIONS + 1));
        bencher.bench(|| {
            let (record, standing) = (black_box(record.as_ref()), black_box(standing));
            Verdict::of(black_box(LegalBasis::Consent), record, standing, black_box(now))
        });
    }

    /// The three comparisons that no verdict can do without.
    #[divan::bench]
    fn bare_comparisons(bencher: Bencher<'_, '_>) {
        let record = Record::replay(events()).expect("there are events");
        let now = at(DECISIONS + 1);
        bencher.bench(|| {
            let (record, now) = (black_box(record), black_box(now));
            record.recorded == black_box(record.recorded)
                && record.until > now
                && record.policy == 1
        });
    }

    /// Keeping no record, and reading ten decisions each time.
    #[divan::bench]
    fn replaying_ten_decisions(bencher: Bencher<'_, '_>) {
        let events: Vec<_> = events().into_iter().take(10).collect();
        let (standing, now) = (Standing::only(1), at(DECISIONS + 1));
        bencher.bench(|| {
            let record = Record::replay(black_box(&events).iter().copied());
            Verdict::of(LegalBasis::Consent, record.as_ref(), standing, now)
        });
    }
}

#[divan::bench_group]
mod replay_of_10_000_decisions {
    use std::collections::BTreeSet;

    use divan::{Bencher, black_box};

    use super::{Event, Record, events};

    #[divan::bench]
    fn ours(bencher: Bencher<'_, '_>) {
        let events = events();
        bencher.bench(|| Record::replay(black_box(&events).iter().copied()));
    }

    /// Events have to be put in order; nothing that does so is faster than sorting them.
    #[divan::bench]
    fn sorting_alone(bencher: Bencher<'_, '_>) {
        let events = events();
        bencher.bench(|| {
            let mut events: Vec<Event> = black_box(&events).clone();
            events.sort_unstable();
            events
        });
    }

    /// A set that keeps the order as events arrive.
    #[divan::bench]
    fn by_a_set(bencher: Bencher<'_, '_>) {
        let events = events();
        bencher.bench(|| {
            let ordered: BTreeSet<Event> = black_box(&events).iter().copied().collect();
            ordered.iter().fold(None, |before, event| Some(Record::after(before, event)))
        });
    }
}
