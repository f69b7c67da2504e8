//! Whose store it is, and what its sites publish and show.

use super::*;

fn policy(number: u32, document: &str) -> Published {
    Published { policy: number, digest: Digest::of(document.as_bytes()), document: document.into() }
}

pub(super) async fn a_store_belongs_to_one_region(place: &dyn Place) {
    let store = place.open().await;
    let owner = |region: &str, origin: &str, secrets: &str| Owner {
        region: region.parse().unwrap(),
        origin: origin.into(),
        secrets: secrets.into(),
    };
    let eu = owner("eu", "example.org/eu", "a");
    store.belong(&eu, at(1)).await.unwrap();
    store.belong(&eu, at(2)).await.unwrap();
    for (other, told) in [
        (owner("us", "example.org/eu", "a"), "the records of region 'eu'"),
        (owner("eu", "other.org/eu", "a"), "write log = \"example.org/eu\""),
        (owner("eu", "example.org/eu", "b"), "put the copy of its keys back"),
    ] {
        let error = store.belong(&other, at(3)).await.unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
}

pub(super) async fn a_published_policy_never_changes(place: &dyn Place) {
    let store = place.open().await;
    let site = site("example");
    let publish = |number, document: &'static str, second| {
        let (store, site) = (Arc::clone(&store), site.clone());
        async move {
            let event = AuditEvent { at: at(second), ..event(second.try_into().unwrap()) };
            store.publish(&site, &policy(number, document), event).await
        }
    };
    publish(2, "two", 1).await.unwrap();
    publish(2, "two", 2).await.unwrap();
    let changed = publish(2, "other", 3).await.unwrap_err();
    assert!(changed.to_string().contains("give the new one the number 3"), "{changed}");
    let older = publish(1, "one", 3).await.unwrap_err();
    assert!(older.to_string().contains("is older than policy 2"), "{older}");
    publish(3, "three", 4).await.unwrap();
    let kept = [(at(1), b"two".to_vec()), (at(4), b"three".to_vec())];
    assert_eq!(store.policies(&site).await.unwrap(), kept, "as first published");
    assert_eq!(store.sites().await.unwrap(), std::slice::from_ref(&site));
    let events = store.events_after(None, 9).await.unwrap();
    assert_eq!(events.len(), 2, "only what changed something is an event");
}

pub(super) async fn texts_are_kept(place: &dyn Place) {
    let store = place.open().await;
    let (site, text) = (site("example"), policy(1, "a text"));
    for _ in 0..2 {
        store.keep_notice(&site, "en", &text).await.unwrap();
    }
    assert_eq!(store.notice(text.digest).await.unwrap(), Some(text.document));
    assert_eq!(store.notice(Digest::of(b"other")).await.unwrap(), None);
}

pub(super) async fn layouts_are_kept_when_they_change(place: &dyn Place) {
    let store = place.open().await;
    let (site, notice) = (site("example"), Digest::of(b"a text"));
    for (number, second, layout) in [(1, 10, "one"), (2, 20, "one"), (3, 30, "two"), (4, 40, "one")]
    {
        let event = AuditEvent { at: at(second), ..event(number) };
        store.keep_layout(&site, notice, layout.as_bytes(), event).await.unwrap();
    }
    assert_eq!(store.events_after(None, 9).await.unwrap().len(), 3, "only changes are told");
    for (second, since) in [
        (9, None),
        (10, Some((10, "one"))),
        (29, Some((10, "one"))),
        (30, Some((30, "two"))),
        (99, Some((40, "one"))),
    ] {
        let kept = store.layout(&site, notice, at(second)).await.unwrap();
        let expected = since.map(|(since, layout)| (at(since), layout.as_bytes().to_vec()));
        assert_eq!(kept, expected, "{second}");
    }
}
