//! The whole transition table, the whole table of states, and properties of replaying.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{Claims, LegalBasis};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn event(sequence: u64, act: Act) -> Event {
    let second = i64::try_from(sequence).unwrap();
    Event { sequence, act, at: at(second), policy: 1, until: at(second + 1_000) }
}

fn record(recorded: Recorded) -> Record {
    Record { recorded, restricted: false, policy: 1, at: at(0), until: at(1_000) }
}

/// The table at the head of `rules`: `None` leaves everything as it was.
#[test]
fn every_transition_is_in_the_table() {
    use Recorded::{
        Granted as G, Objected as O, Open as N, Refused as R, Unconfirmed as U, Withdrawn as W,
    };
    let table: [(Recorded, [Option<Recorded>; 5]); 6] = [
        //    asked    granted  refused  objected objection withdrawn
        (N, [Some(U), Some(G), Some(R), Some(O), None]),
        (U, [Some(U), Some(G), Some(R), Some(O), None]),
        (G, [None, Some(G), Some(W), Some(O), None]),
        (R, [None, Some(G), Some(R), Some(O), Some(N)]),
        (W, [None, Some(G), Some(W), Some(O), Some(N)]),
        (O, [None, Some(G), None, None, Some(N)]),
    ];
    let acts = [Act::Asked, Act::Granted, Act::Refused, Act::Objected, Act::ObjectionWithdrawn];
    let mut seen = 0;
    for (before, row) in table {
        for (act, expected) in acts.into_iter().zip(row) {
            for restricted in [false, true] {
                let record = Record { restricted, ..record(before) };
                let event = Event { policy: 2, ..event(7, act) };
                let after = Record::after(Some(record), &event);
                let expected = expected.map_or(record, |recorded| Record {
                    recorded,
                    restricted,
                    policy: 2,
                    at: event.at,
                    until: event.until,
                });
                assert_eq!(after, expected, "{before:?} after {act:?}");
                seen += 1;
            }
        }
        for (act, restricted) in [(Act::Restricted, true), (Act::Released, false)] {
            for start in [false, true] {
                let record = Record { restricted: start, ..record(before) };
                let after = Record::after(Some(record), &event(7, act));
                assert_eq!(after, Record { restricted, ..record }, "{before:?} after {act:?}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen, Recorded::ALL.len() * Act::ALL.len() * 2, "the table is whole");
}

#[test]
fn what_has_expired_is_decided_anew() {
    let late = |act| Event { at: at(1_000), ..event(7, act) };
    for (before, act, expected) in [
        (Recorded::Granted, Act::Refused, Recorded::Refused),
        (Recorded::Withdrawn, Act::Refused, Recorded::Refused),
        (Recorded::Granted, Act::Objected, Recorded::Objected),
        (Recorded::Refused, Act::Granted, Recorded::Granted),
        // An objection has no end, and typing an address decides nothing.
        (Recorded::Objected, Act::Refused, Recorded::Objected),
        (Recorded::Granted, Act::Asked, Recorded::Granted),
        // A refusal counts as an objection on another basis, so it can be taken back as one.
        (Recorded::Refused, Act::ObjectionWithdrawn, Recorded::Open),
        (Recorded::Withdrawn, Act::ObjectionWithdrawn, Recorded::Open),
        (Recorded::Unconfirmed, Act::Asked, Recorded::Unconfirmed),
    ] {
        let after = Record::after(Some(record(before)), &late(act));
        assert_eq!(after.recorded, expected, "{before:?} after {act:?}");
    }
    let just = Event { at: at(999), ..event(7, Act::Refused) };
    assert_eq!(Record::after(Some(record(Recorded::Granted)), &just).recorded, Recorded::Withdrawn);
}

#[test]
fn the_first_event_stands_alone() {
    for act in Act::ALL {
        let first = Record::after(None, &event(1, act));
        let opened = Record { at: at(1), until: at(1_001), ..record(Recorded::Open) };
        assert_eq!(first, Record::after(Some(opened), &event(1, act)), "{act:?}");
    }
    assert_eq!(Record::replay([]), None);
}

/// Every record against every standing and time: the state, and the verdict on every basis.
#[test]
fn only_a_grant_in_force_allows_what_rests_on_consent() {
    let standing = Standing::new(2, 3).unwrap();
    let mut allowed = Vec::new();
    for recorded in Recorded::ALL {
        for restricted in [false, true] {
            for policy in 0..=4 {
                for now in [-86_401, -86_400, 0, 999, 1_000, 1_001] {
                    let record = Record { restricted, policy, ..record(recorded) };
                    let now_at = at(now);
                    let verdict = |basis| Verdict::of(basis, Some(&record), standing, now_at);
                    let state = State::of(Some(&record), standing, now_at);
                    let over = !(-86_400..1_000).contains(&now);
                    let expected = match (restricted, recorded) {
                        (true, _) => State::Restricted,
                        (_, Recorded::Objected) => State::Objected,
                        (_, Recorded::Open) => State::NeverAsked,
                        _ if over => State::Expired,
                        (_, Recorded::Withdrawn) => State::Withdrawn,
                        _ if policy != 2 && policy != 3 => State::Superseded,
                        (_, Recorded::Granted) => State::Granted,
                        (_, Recorded::Refused) => State::Refused,
                        (_, Recorded::Unconfirmed) => State::Unconfirmed,
                    };
                    assert_eq!(state, expected, "{record:?} at {now}");
                    if verdict(LegalBasis::Consent).allowed {
                        allowed.push((recorded, restricted, policy, now));
                    }
                    let refused = matches!(
                        recorded,
                        Recorded::Refused | Recorded::Withdrawn | Recorded::Objected
                    );
                    let interest = verdict(LegalBasis::LegitimateInterest);
                    assert_eq!(interest.allowed, !restricted && !refused, "{record:?} at {now}");
                    let objected = refused && !restricted;
                    let expected = if objected { State::Objected } else { state };
                    assert_eq!(interest.state, expected, "{record:?} at {now}");
                    assert_eq!(verdict(LegalBasis::Contract).allowed, !restricted);
                    assert_eq!(verdict(LegalBasis::LegalObligation).allowed, !restricted);
                }
            }
        }
    }
    let granted = |policy, now| (Recorded::Granted, false, policy, now);
    let expected: Vec<_> = [2, 3]
        .into_iter()
        .flat_map(|policy| [-86_400, 0, 999].map(|now| granted(policy, now)))
        .collect();
    assert_eq!(allowed, expected);
    let nothing = Verdict::of(LegalBasis::Consent, None, standing, at(0));
    assert_eq!((nothing.allowed, nothing.state), (false, State::NeverAsked));
}

#[test]
fn each_verdict_has_its_own_reason() {
    let mut reasons: Vec<_> = State::ALL.map(State::reason).to_vec();
    let record = record(Recorded::Granted);
    for basis in [LegalBasis::LegitimateInterest, LegalBasis::Contract, LegalBasis::LegalObligation]
    {
        let verdict = Verdict::of(basis, Some(&record), Standing::only(1), at(1));
        assert!(verdict.allowed);
        reasons.push(verdict.reason());
        let restricted = Record { restricted: true, ..record };
        let verdict = Verdict::of(basis, Some(&restricted), Standing::only(1), at(1));
        assert_eq!(verdict.reason(), State::Restricted.reason());
    }
    let verdict = Verdict::of(LegalBasis::Consent, Some(&record), Standing::only(1), at(1));
    assert_eq!(verdict.reason(), State::Granted.reason());
    let all = reasons.len();
    reasons.sort_unstable();
    reasons.dedup();
    assert_eq!(reasons.len(), all);
}

#[test]
fn only_what_was_decided_is_a_choice_in_force() {
    for state in State::ALL {
        let expected = match state {
            State::Granted => Some(Choice::Granted),
            State::Refused | State::Withdrawn | State::Objected | State::Restricted => {
                Some(Choice::Refused)
            }
            State::NeverAsked | State::Unconfirmed | State::Expired | State::Superseded => None,
        };
        assert_eq!(state.choice(), expected, "{state:?}");
    }
}

#[test]
fn policies_stand_from_the_last_that_asked_again() {
    let standing = Standing::new(2, 4).unwrap();
    assert_eq!((standing.since(), standing.current()), (2, 4));
    assert_eq!(Standing::new(3, 3), Some(Standing::only(3)));
    for (since, current) in [(0, 0), (0, 1), (3, 2)] {
        assert_eq!(Standing::new(since, current), None);
    }
}

#[test]
fn a_receipt_tells_what_was_done() {
    let mut claims: Claims = serde_json::from_str(crate::receipt::EXAMPLE_CLAIMS).unwrap();
    claims.policy.number = 7;
    let purpose: crate::PurposeId = "analytics".parse().unwrap();
    for (state, act) in [
        (Recorded::Open, Act::ObjectionWithdrawn),
        (Recorded::Unconfirmed, Act::Asked),
        (Recorded::Granted, Act::Granted),
        (Recorded::Refused, Act::Refused),
        (Recorded::Withdrawn, Act::Refused),
        (Recorded::Objected, Act::Objected),
    ] {
        claims.purposes.get_mut(&purpose).unwrap().state = state;
        let (at, until) = (claims.iat, claims.exp);
        let event = Event { sequence: 3, act, at, policy: 7, until };
        let told: Vec<_> = Event::of_receipt(&claims, 3).collect();
        assert_eq!(told, [(&purpose, event)], "{state:?}");
    }
}

#[test]
fn what_is_recorded_has_one_name() {
    for recorded in Recorded::ALL {
        assert_eq!(serde_json::to_value(recorded).unwrap(), recorded.as_str());
    }
}

#[test]
fn times_at_the_ends_of_the_range_do_no_harm() {
    for recorded in Recorded::ALL {
        for at in [Timestamp::MIN, Timestamp::MAX] {
            for until in [Timestamp::MIN, Timestamp::MAX] {
                for now in [Timestamp::MIN, Timestamp::MAX] {
                    let record = Record { at, until, ..record(recorded) };
                    let state = State::of(Some(&record), Standing::only(1), now);
                    let sound =
                        until > now && at.duration_since(now) <= SignedDuration::from_hours(24);
                    assert_eq!(state == State::Granted, recorded == Recorded::Granted && sound);
                }
            }
        }
    }
}

#[test]
fn a_clock_that_goes_back_does_not_undo_a_withdrawal() {
    let granted = Event { at: at(500), ..event(1, Act::Granted) };
    let withdrawn = Event { at: at(100), ..event(2, Act::Refused) };
    let record = Record::replay([withdrawn, granted]).unwrap();
    assert_eq!(record.recorded, Recorded::Withdrawn);
}

#[test]
fn of_two_at_once_the_more_cautious_counts() {
    for (one, other, expected) in [
        (Act::Granted, Act::Refused, Recorded::Withdrawn),
        (Act::Granted, Act::Objected, Recorded::Objected),
        (Act::Asked, Act::Granted, Recorded::Granted),
        (Act::ObjectionWithdrawn, Act::Objected, Recorded::Objected),
    ] {
        for events in [[event(1, one), event(1, other)], [event(1, other), event(1, one)]] {
            assert_eq!(Record::replay(events).unwrap().recorded, expected, "{one:?}, {other:?}");
        }
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0..6_u64, 0..Act::ALL.len(), 0..40_i64, 1..3_u32, 0..60_i64).prop_map(
        |(sequence, act, second, policy, until)| Event {
            sequence,
            act: Act::ALL[act],
            at: at(second),
            policy,
            until: at(until),
        },
    );
    prop::collection::vec(event, 0..12)
}

proptest! {
    #[test]
    fn any_order_gives_the_same(events in events(), order in any::<prop::sample::Index>()) {
        let whole = Record::replay(events.iter().copied());
        let mut turned = events.clone();
        if !turned.is_empty() {
            let middle = order.index(turned.len());
            turned.rotate_left(middle);
        }
        turned.reverse();
        prop_assert_eq!(Record::replay(turned), whole);
        let twice = events.iter().chain(&events).copied();
        prop_assert_eq!(Record::replay(twice), whole);
    }

    #[test]
    fn in_order_one_by_one_is_the_same_as_all_at_once(mut events in events()) {
        events.sort_unstable();
        events.dedup();
        let one_by_one = events.iter().fold(None, |before, event| Some(Record::after(before, event)));
        prop_assert_eq!(one_by_one, Record::replay(events));
    }

    /// Invariant 6: whatever happened, a yes needs a grant that nothing after it took back.
    #[test]
    fn a_yes_needs_a_grant_that_nothing_took_back(events in events(), now in 0..60_i64) {
        let record = Record::replay(events.iter().copied());
        let standing = Standing::only(1);
        if Verdict::of(LegalBasis::Consent, record.as_ref(), standing, at(now)).allowed {
            let mut sorted = events;
            sorted.sort_unstable();
            let last = |act: &[Act]| sorted.iter().rposition(|event| act.contains(&event.act));
            let granted = last(&[Act::Granted]);
            prop_assert!(granted.is_some());
            prop_assert!(last(&[Act::Refused, Act::Objected]) < granted);
            prop_assert!(last(&[Act::Restricted]) <= last(&[Act::Released]));
        }
    }
}
