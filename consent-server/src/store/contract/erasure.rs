//! What is erased, and what becomes too old.

use super::*;

pub(super) async fn what_is_erased_is_gone_and_the_log_stays(place: &dyn Place) {
    let store = place.open().await;
    let (site, content) = (site("example"), Digest::of(b"x"));
    let other = append(&store, 1, &person(1), Recorded::Granted).await;
    let request = Request { key: "0123456789abcdef".into(), content };
    let known = History::default();
    let first =
        Entry { request: Some(request.clone()), ..entry(2, &person(2), &known, Recorded::Granted) };
    store.append(first).await.unwrap();
    let second = append(&store, 3, &person(2), Recorded::Withdrawn).await;
    let work = integrate(&store).await;
    let erased = store.erase(&site, &person(2), report(1)).await.unwrap();
    assert_eq!(erased, Erased { receipts: 2, subjects: 1 });

    assert_eq!(store.history(&site, &person(2)).await.unwrap(), History::default());
    assert_eq!(store.receipt(second.id).await.unwrap(), None);
    assert_eq!(store.position(second.id).await.unwrap(), None);
    assert_eq!(store.answered(&site, &request.key).await.unwrap(), None);
    let stored = store.receipts_after(None, None, 9).await.unwrap();
    assert_eq!(stored.iter().map(|stored| stored.id).collect::<Vec<_>>(), [other.id]);
    assert_eq!(store.head().await.unwrap(), work.head);
    assert_eq!(store.tile(TileId::Entries(0)).await.unwrap(), Some(vec![1, 2]));
    assert_eq!(store.events_after(None, 9).await.unwrap()[0].0.body, "2 receipts");

    // Nobody is there any more, and that is written down as well.
    let nothing = store.erase(&site, &person(2), report(2)).await.unwrap();
    assert_eq!(nothing, Erased::default());
    assert_eq!(store.events_after(None, 9).await.unwrap().len(), 2);
    // Who was erased may decide again.
    append(&store, 4, &person(2), Recorded::Granted).await;
}

pub(super) async fn what_is_erased_while_it_waits_gets_a_place_without_a_name(place: &dyn Place) {
    let store = place.open().await;
    let erased = append(&store, 1, &person(1), Recorded::Granted).await;
    let commitment = store.pending(9).await.unwrap()[0].commitment;
    store.erase(&site("example"), &person(1), report(1)).await.unwrap();
    let waiting = store.pending(9).await.unwrap();
    let leaf = waiting.iter().find(|leaf| leaf.commitment == commitment).expect("it stays");
    assert_ne!(leaf.id, erased.id);
    let work = integrate(&store).await;
    assert_eq!(work.leaves.len(), 2);
    assert_eq!(store.position(erased.id).await.unwrap(), None);
    assert_eq!(store.position(leaf.id).await.unwrap(), None);
    assert!(store.position(event(1).id).await.unwrap().is_some());
}

pub(super) async fn what_is_too_old_goes_in_batches(place: &dyn Place) {
    let store = place.open().await;
    let (example, none) = (site("example"), History::default());
    store.prepare(at(100)).await.unwrap();
    for (number, second) in [(1, 10), (2, 20), (3, 30), (4, 40), (5, 50)] {
        let entry = entry_at(second, number.into(), &person(number), &none, Recorded::Granted);
        store.append(entry).await.unwrap();
    }
    integrate(&store).await;
    assert_eq!(store.expire(&site("other"), at(40), 9, report(1)).await.unwrap(), 0);
    assert_eq!(store.expire(&example, at(40), 2, report(1)).await.unwrap(), 2);
    assert_eq!(store.expire(&example, at(40), 2, report(2)).await.unwrap(), 1);
    assert_eq!(store.expire(&example, at(40), 2, report(3)).await.unwrap(), 0);
    let reports = store.events_after(None, 9).await.unwrap();
    let told: Vec<_> = reports.iter().map(|(event, _)| event.body.as_str()).collect();
    assert_eq!(told, ["2 receipts", "1 receipts"], "each is reported, and nothing is not");
    let left = store.receipts_after(None, None, 9).await.unwrap();
    assert_eq!(left.iter().map(|stored| stored.at).collect::<Vec<_>>(), [at(40), at(50)]);
    assert_eq!(store.position(id(10, 1)).await.unwrap(), None);

    let typed = History { records: records(Recorded::Unconfirmed, 45), ..none.clone() };
    store.save(&example, &person(6), &typed).await.unwrap();
    let before = Before { decided: at(40), typed: at(45) };
    let (mut swept, mut after, mut rounds) = (0, None, 0);
    loop {
        let (erased, next) = store.sweep(&example, before, after, 2).await.unwrap();
        (swept, rounds) = (swept + erased, rounds + 1);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(swept, 3);
    assert!(rounds >= 3);
    assert_ne!(store.history(&example, &person(4)).await.unwrap(), none);
    assert_eq!(store.history(&example, &person(3)).await.unwrap(), none);
    let before = Before { decided: at(40), typed: at(46) };
    assert_eq!(store.sweep(&example, before, None, 9).await.unwrap(), (1, None));
}

pub(super) async fn an_objection_is_never_too_old(place: &dyn Place) {
    let store = place.open().await;
    let example = site("example");
    for (number, recorded, restricted) in [
        (1, Recorded::Objected, false),
        (2, Recorded::Granted, true),
        (3, Recorded::Granted, false),
    ] {
        let mut known = History { records: records(recorded, 1), ..History::default() };
        known.records.values_mut().for_each(|record| record.restricted = restricted);
        store.save(&example, &person(number), &known).await.unwrap();
    }
    let before = Before { decided: at(1000), typed: at(1000) };
    assert_eq!(store.sweep(&example, before, None, 9).await.unwrap(), (1, None));
    assert_eq!(store.history(&example, &person(3)).await.unwrap(), History::default());
}

pub(super) async fn requests_are_forgotten(place: &dyn Place) {
    let store = place.open().await;
    let (site, none) = (site("example"), History::default());
    for (number, second) in [(1, 10), (2, 20), (3, 30)] {
        let request = Request { key: format!("request-{number}"), content: Digest::of(b"x") };
        let entry = entry_at(second, number.into(), &person(number), &none, Recorded::Granted);
        store.append(Entry { request: Some(request), ..entry }).await.unwrap();
    }
    let (mut forgotten, mut after, mut looks) = (0, None, 0);
    loop {
        let (some, next) = store.forget_requests(at(30), after, 1).await.unwrap();
        (forgotten, looks) = (forgotten + some, looks + 1);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((forgotten, looks), (2, 4), "each is looked at, and then there is none");
    assert_eq!(store.forget_requests(at(30), None, 9).await.unwrap(), (0, None));
    assert_eq!(store.answered(&site, "request-2").await.unwrap(), None);
    assert!(store.answered(&site, "request-3").await.unwrap().is_some());
}
