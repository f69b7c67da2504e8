//! Events, places in the log, and who gives them.

use super::*;

pub(super) async fn events_are_read_in_order(place: &dyn Place) {
    let store = place.open().await;
    for number in [2, 1, 3] {
        store.note(event(number)).await.unwrap();
    }
    let known = History::default();
    let caused = Entry {
        event: Some(AuditEvent { site: None, ..event(4) }),
        ..entry(1, &person(1), &known, Recorded::Withdrawn)
    };
    store.append(caused).await.unwrap();
    let waiting = store.pending(9).await.unwrap();
    let first = Pending { id: event(1).id, commitment: event(1).commitment() };
    assert_eq!(waiting.len(), 5, "events are in the queue as well");
    assert!(waiting.contains(&first));
    integrate(&store).await;
    let read = store.events_after(None, 2).await.unwrap();
    let rest = store.events_after(Some(read[1].0.id), 9).await.unwrap();
    let all = [read, rest].concat();
    let numbers: Vec<_> = all.iter().map(|(event, _)| event.body.as_str()).collect();
    assert_eq!(numbers, [1, 2, 3, 4].map(|n| format!("{{\"number\":{n}}}")));
    assert_eq!((&all[3].0.site, all[3].1), (&None, Some(4)), "the receipt is before them");
}

pub(super) async fn a_leaf_has_one_place_in_the_log(place: &dyn Place) {
    let store = place.open().await;
    assert_eq!(store.head().await.unwrap(), Head::default());
    let first = append(&store, 1, &person(1), Recorded::Granted).await;
    assert_eq!(store.position(first.id).await.unwrap(), None);
    integrate(&store).await;
    let second = append(&store, 2, &person(2), Recorded::Granted).await;
    let work = integrate(&store).await;
    assert_eq!(work.leaves, [second.id]);
    assert_eq!(store.head().await.unwrap(), work.head);
    assert_eq!(store.position(first.id).await.unwrap(), Some(0));
    assert_eq!(store.receipt(second.id).await.unwrap().unwrap().position, Some(1));
    assert_eq!(store.receipts(&site("example"), &person(2), 1).await.unwrap()[0].position, Some(1));
    assert_eq!(store.pending(9).await.unwrap(), []);
    assert_eq!(store.tile(TileId::Entries(0)).await.unwrap(), Some(vec![1, 2]));
    assert_eq!(store.tile(TileId::Hashes(1, 0)).await.unwrap(), Some(vec![3]));
    assert_eq!(store.tile(TileId::Hashes(1, 1)).await.unwrap(), None);
}

pub(super) async fn an_integration_from_another_size_changes_nothing(place: &dyn Place) {
    let store = place.open().await;
    append(&store, 1, &person(1), Recorded::Granted).await;
    let done = integrate(&store).await;
    let second = append(&store, 2, &person(2), Recorded::Granted).await;
    let head = Head { size: 9, checkpoint: "other".into() };
    let tiles = vec![(TileId::Entries(0), vec![9])];
    for (before, leaves) in [(0, vec![second.id]), (1, vec![second.id, Uuid::max()])] {
        let work = Integration { before, leaves, tiles: tiles.clone(), head: head.clone() };
        let other = store.integrate(work).await;
        assert!(matches!(other, Err(StoreError::Conflict)), "{other:?}");
        assert_eq!(store.head().await.unwrap(), done.head);
        assert_eq!(store.pending(9).await.unwrap().len(), 1);
        assert_eq!(store.tile(TileId::Entries(0)).await.unwrap(), Some(vec![1, 2]));
    }
}

pub(super) async fn one_leads_until_its_time_is_over(place: &dyn Place) {
    let store = place.open().await;
    let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for (who, now, until, leads) in [
        (a, 0, 10, true),
        (b, 5, 15, false),
        (a, 9, 19, true),
        (b, 18, 28, false),
        (b, 19, 29, true),
        (a, 20, 30, false),
        // Whose clock is far ahead does not lead for ever.
        (b, 10_000, 10_010, true),
        (a, 30, 40, true),
    ] {
        assert_eq!(store.lead(who, at(now), at(until)).await.unwrap(), leads, "{who} at {now}");
    }
}
