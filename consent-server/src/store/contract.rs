//! The tests of the storage contract. Each runs over every implementation.

mod erasure;
mod log;
mod published;

use std::collections::BTreeSet;
use std::path::PathBuf;

use consent_core::receipt::EXAMPLE_CLAIMS;
use consent_core::{Claims, Key, KeyRing, Recorded};

use super::*;
use crate::ambient::System;
use erasure::*;
use log::*;
use published::*;

/// Where a store is kept, so that it can be opened again.
#[async_trait]
trait Place: Send + Sync {
    async fn open(&self) -> SharedStore;
}

/// Runs each of these tests over every implementation.
macro_rules! for_every_store {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(&super::File::new()).await;
                }
            )*
        }

        mod faulty {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(&super::Faulty(super::File::new())).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    super::$test(&super::Database::new()).await;
                }
            )*
        }
    };
}

for_every_store! {
    what_is_appended_is_read_after_opening_again,
    receipts_are_read_newest_first,
    receipts_of_a_site_are_read_in_pages,
    of_two_that_knew_the_same_one_loses,
    a_request_is_answered_once,
    many_at_once_are_all_stored_once,
    contradictions_at_once_end_in_one_chain,
    sites_do_not_see_one_another,
    what_is_known_is_read_as_it_was_written,
    a_store_belongs_to_one_region,
    a_published_policy_never_changes,
    texts_are_kept,
    layouts_are_kept_when_they_change,
    tokens_are_found_by_digest,
    decisions_are_counted,
    events_are_read_in_order,
    a_leaf_has_one_place_in_the_log,
    an_integration_from_another_size_changes_nothing,
    one_leads_until_its_time_is_over,
    what_is_erased_is_gone_and_the_log_stays,
    what_is_erased_while_it_waits_gets_a_place_without_a_name,
    what_is_too_old_goes_in_batches,
    an_objection_is_never_too_old,
    requests_are_forgotten,
}

struct File(tempfile::TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("deep/eu.db")
    }
}

#[async_trait]
impl Place for File {
    async fn open(&self) -> SharedStore {
        open_sqlite(&self.path(), true).await.unwrap()
    }
}

/// The wrapper that fails on purpose, as long as it has no purpose.
struct Faulty(File);

#[async_trait]
impl Place for Faulty {
    async fn open(&self) -> SharedStore {
        fault::FaultStore::over(self.0.open().await).0
    }
}

struct Database(String);

impl Database {
    fn new() -> Self {
        Self(consent_test_postgres::Cluster::shared().database())
    }
}

#[async_trait]
impl Place for Database {
    async fn open(&self) -> SharedStore {
        open_postgres(&self.0, true).await.unwrap()
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn site(id: &str) -> SiteId {
    id.parse().unwrap()
}

pub(super) fn person(number: u8) -> Subject {
    Subject::browser([number; 16])
}

pub(super) fn records(recorded: Recorded, second: i64) -> BTreeMap<PurposeId, Record> {
    let record =
        Record { recorded, restricted: false, policy: 1, at: at(second), until: at(second + 100) };
    [("analytics".parse().unwrap(), record)].into()
}

/// An identifier of that second.
fn id(second: i64, number: u128) -> Uuid {
    let millis = u64::try_from(second).unwrap() * 1000;
    let random = number.to_be_bytes();
    uuid::Builder::from_unix_timestamp_millis(millis, random[6..].try_into().unwrap()).into_uuid()
}

pub(super) fn entry(
    number: u128,
    subject: &Subject,
    before: &History,
    recorded: Recorded,
) -> Entry {
    entry_at(10, number, subject, before, recorded)
}

pub(super) fn entry_at(
    second: i64,
    number: u128,
    subject: &Subject,
    before: &History,
    recorded: Recorded,
) -> Entry {
    let mut claims: Claims = serde_json::from_str(EXAMPLE_CLAIMS).unwrap();
    claims.jti = id(second, number);
    claims.iat = at(second);
    claims.exp = at(second + 100);
    claims.sub = subject.clone();
    claims.previous = before.latest.map(|latest| latest.digest);
    let ring = KeyRing::new(vec![Key::hs256("k", &[7; 32]).unwrap()]).unwrap();
    Entry {
        receipt: Receipt::sign(claims, &ring).unwrap(),
        salt: Salt::from([u8::try_from(number % 251).unwrap(); 32]),
        before: before.clone(),
        records: records(recorded, second),
        request: None,
        event: None,
    }
}

pub(super) fn event(number: u128) -> AuditEvent {
    AuditEvent {
        id: id(20, number),
        at: at(20),
        site: Some(site("example")),
        kind: "test.done".into(),
        body: format!("{{\"number\":{number}}}"),
        salt: Salt::from([9; 32]),
    }
}

pub(super) fn report(number: u128) -> Report {
    Arc::new(move |erased| AuditEvent {
        body: format!("{} receipts", erased.receipts),
        ..event(number)
    })
}

/// Appends a receipt to what is known, and says what is known then.
pub(super) async fn append(
    store: &SharedStore,
    number: u128,
    subject: &Subject,
    recorded: Recorded,
) -> Stored {
    let before = store.history(&site("example"), subject).await.unwrap();
    let entry = entry(number, subject, &before, recorded);
    let (id, jws) = (entry.receipt.claims().jti, entry.receipt.as_str().to_owned());
    let stored = Stored { id, at: at(10), jws, salt: entry.salt.clone(), position: None };
    store.append(entry).await.unwrap();
    stored
}

/// Gives everything that waits its place.
pub(super) async fn integrate(store: &SharedStore) -> Integration {
    let before = store.head().await.unwrap().size;
    let leaves: Vec<_> = store.pending(1000).await.unwrap().iter().map(|leaf| leaf.id).collect();
    let head = Head { size: before + leaves.len() as u64, checkpoint: format!("{before}") };
    let tiles = vec![(TileId::Entries(0), vec![1, 2]), (TileId::Hashes(1, 0), vec![3])];
    let work = Integration { before, leaves, tiles, head };
    store.integrate(work.clone()).await.unwrap();
    work
}

async fn what_is_appended_is_read_after_opening_again(place: &dyn Place) {
    let store = place.open().await;
    let (site, subject) = (site("example"), person(1));
    let first = append(&store, 1, &subject, Recorded::Granted).await;
    store.close().await;

    let store = place.open().await;
    let history = store.history(&site, &subject).await.unwrap();
    let digest = Digest::of(first.jws.as_bytes());
    assert_eq!((history.version, history.receipts), (1, 1));
    assert_eq!(history.latest, Some(Latest { id: first.id, digest }));
    assert_eq!(history.records, records(Recorded::Granted, 10));
    assert_eq!(store.receipt(first.id).await.unwrap(), Some(first));
    assert_eq!(store.receipt(Uuid::max()).await.unwrap(), None);
    store.ready().await.unwrap();
}

async fn receipts_are_read_newest_first(place: &dyn Place) {
    let store = place.open().await;
    let (example, subject) = (site("example"), person(1));
    let mut receipts = Vec::new();
    // Also where a clock went back, so that identifiers are not in the order of decisions.
    for number in [2, 1, 3] {
        receipts.insert(0, append(&store, number, &subject, Recorded::Granted).await);
    }
    append(&store, 4, &person(2), Recorded::Granted).await;
    assert_eq!(store.receipts(&example, &subject, 100).await.unwrap(), receipts);
    assert_eq!(store.receipts(&example, &subject, 2).await.unwrap(), receipts[..2]);
    assert_eq!(store.receipts(&site("other"), &subject, 100).await.unwrap(), []);
}

async fn receipts_of_a_site_are_read_in_pages(place: &dyn Place) {
    let store = place.open().await;
    let mut all = Vec::new();
    for number in 1..=5 {
        all.push(append(&store, number.into(), &person(number), Recorded::Refused).await);
    }
    let example = site("example");
    let first = store.receipts_after(Some(&example), None, 3).await.unwrap();
    let rest = store.receipts_after(Some(&example), Some(first[2].id), 3).await.unwrap();
    assert_eq!([first, rest].concat(), all);
    assert_eq!(store.receipts_after(None, None, 9).await.unwrap(), all);
    assert_eq!(store.receipts_after(Some(&site("other")), None, 9).await.unwrap(), []);
}

async fn of_two_that_knew_the_same_one_loses(place: &dyn Place) {
    let store = place.open().await;
    let (site, subject) = (site("example"), person(1));
    for round in 0..2 {
        let known = store.history(&site, &subject).await.unwrap();
        let winner = entry(round * 10 + 1, &subject, &known, Recorded::Granted);
        let loser = entry(round * 10 + 2, &subject, &known, Recorded::Refused);
        let lost = loser.receipt.claims().jti;
        let waiting = store.pending(100).await.unwrap().len();
        store.append(winner.clone()).await.unwrap();
        let request = Request { key: format!("request-{round}"), content: Digest::of(b"x") };
        let second = store
            .append(Entry { request: Some(request.clone()), event: Some(event(1)), ..loser })
            .await;
        assert!(matches!(second, Err(StoreError::Conflict)), "{second:?}");

        let history = store.history(&site, &subject).await.unwrap();
        assert_eq!(history, winner.after(), "the loser changed nothing");
        assert_eq!(store.receipt(lost).await.unwrap(), None);
        assert_eq!(store.answered(&site, &request.key).await.unwrap(), None);
        assert_eq!(store.events_after(None, 9).await.unwrap(), []);
        assert_eq!(store.pending(100).await.unwrap().len(), waiting + 1);
        let saved = store.save(&site, &subject, &known).await;
        assert!(matches!(saved, Err(StoreError::Conflict)), "{saved:?}");
    }
}

async fn a_request_is_answered_once(place: &dyn Place) {
    let store = place.open().await;
    let (site, content) = (site("example"), Digest::of(b"x"));
    let request = || Some(Request { key: "0123456789abcdef".into(), content });
    let first = Entry {
        request: request(),
        ..entry(1, &person(1), &History::default(), Recorded::Granted)
    };
    let id = first.receipt.claims().jti;
    store.append(first).await.unwrap();
    let again = Entry {
        request: request(),
        ..entry(2, &person(2), &History::default(), Recorded::Granted)
    };
    let again = store.append(again).await;
    assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    let key = "0123456789abcdef";
    assert_eq!(store.answered(&site, key).await.unwrap(), Some((content, id)));
    assert_eq!(store.answered(&self::site("other"), key).await.unwrap(), None);
    assert_eq!(store.history(&site, &person(2)).await.unwrap(), History::default());
}

async fn many_at_once_are_all_stored_once(place: &dyn Place) {
    let store = place.open().await;
    let subject = |number: u16| {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        Subject::browser(bytes)
    };
    let appends = (0..400_u16).map(|number| {
        let store = Arc::clone(&store);
        let entry = entry(number.into(), &subject(number), &History::default(), Recorded::Granted);
        tokio::spawn(async move { store.append(entry).await })
    });
    for done in appends.collect::<Vec<_>>() {
        done.await.unwrap().unwrap();
    }
    let stored = store.receipts_after(None, None, 1000).await.unwrap();
    let waiting = store.pending(1000).await.unwrap();
    let ids = |ids: &mut dyn Iterator<Item = Uuid>| ids.collect::<BTreeSet<_>>();
    let receipts = ids(&mut stored.iter().map(|stored| stored.id));
    assert_eq!((stored.len(), receipts.len()), (400, 400));
    assert_eq!(ids(&mut waiting.iter().map(|leaf| leaf.id)), receipts);
    for stored in &stored {
        let commitment = Commitment::new(RecordKind::Receipt, &stored.salt, stored.jws.as_bytes());
        assert!(waiting.contains(&Pending { id: stored.id, commitment }));
    }
}

/// Whoever comes first, in the end there is one chain of receipts, and the last one says what is
/// recorded.
async fn contradictions_at_once_end_in_one_chain(place: &dyn Place) {
    let store = place.open().await;
    let (example, subject) = (site("example"), person(1));
    let writers = (0..16_u128).map(|number| {
        let (store, site, subject) = (Arc::clone(&store), example.clone(), subject.clone());
        let recorded = if number % 2 == 0 { Recorded::Granted } else { Recorded::Refused };
        tokio::spawn(async move {
            let mut tries = 0_u128;
            loop {
                let known = store.history(&site, &subject).await.unwrap();
                let entry = entry(number * 1000 + tries, &subject, &known, recorded);
                match store.append(entry).await {
                    Ok(()) => break,
                    Err(StoreError::Conflict) => tries += 1,
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    for done in writers.collect::<Vec<_>>() {
        done.await.unwrap();
    }
    let receipts = store.receipts(&example, &subject, 100).await.unwrap();
    assert_eq!(receipts.len(), 16);
    let ring = KeyRing::new(vec![Key::hs256("k", &[7; 32]).unwrap()]).unwrap();
    let receipts: Vec<_> =
        receipts.iter().map(|stored| Receipt::verify(&stored.jws, &ring).unwrap()).collect();
    for pair in receipts.windows(2) {
        assert_eq!(pair[0].claims().previous, Some(pair[1].digest()));
    }
    let known = store.history(&example, &subject).await.unwrap();
    let latest = Latest { id: receipts[0].claims().jti, digest: receipts[0].digest() };
    assert_eq!((known.receipts, known.latest), (16, Some(latest)));
}

async fn sites_do_not_see_one_another(place: &dyn Place) {
    let store = place.open().await;
    append(&store, 1, &person(1), Recorded::Granted).await;
    let other = store.history(&site("other"), &person(1)).await.unwrap();
    assert_eq!(other, History::default());
}

async fn what_is_known_is_read_as_it_was_written(place: &dyn Place) {
    let store = place.open().await;
    let (site, purpose) = (site("example"), "communications".parse::<PurposeId>().unwrap());
    for (number, recorded) in (0_u8..).zip(Recorded::ALL) {
        for restricted in [false, true] {
            let subject = person(number * 2 + u8::from(restricted));
            let mut known = History { records: records(recorded, 10), ..History::default() };
            for record in known.records.values_mut() {
                record.restricted = restricted;
            }
            known.asked.insert(purpose.clone(), at(7));
            store.save(&site, &subject, &known).await.unwrap();
            known.version = 1;
            assert_eq!(store.history(&site, &subject).await.unwrap(), known);

            // A receipt about one purpose leaves what is known about others.
            let decided = entry(number.into(), &subject, &known, Recorded::Withdrawn);
            let decided = Entry {
                receipt: entry(
                    u128::from(number) * 2 + u128::from(restricted),
                    &subject,
                    &known,
                    recorded,
                )
                .receipt,
                ..decided
            };
            store.append(decided.clone()).await.unwrap();
            assert_eq!(store.history(&site, &subject).await.unwrap(), decided.after());
            assert_eq!(decided.after().asked[&purpose], at(7));
        }
    }
}

async fn tokens_are_found_by_digest(place: &dyn Place) {
    let store = place.open().await;
    let token = Token { site: site("example"), scopes: vec!["check".into(), "withdraw".into()] };
    store.add_token(Digest::of(b"secret"), &token, event(1)).await.unwrap();
    assert_eq!(store.token(Digest::of(b"secret")).await.unwrap(), Some(token));
    assert_eq!(store.token(Digest::of(b"other")).await.unwrap(), None);
    assert_eq!(store.events_after(None, 9).await.unwrap(), [(event(1), None)]);
}

async fn decisions_are_counted(place: &dyn Place) {
    let store = place.open().await;
    for number in 0..3 {
        append(&store, number.into(), &person(number), Recorded::Granted).await;
    }
    let counted = store.statistics(&site("example")).await.unwrap();
    let claims: Claims = serde_json::from_str(EXAMPLE_CLAIMS).unwrap();
    assert_eq!(counted.len(), claims.purposes.len());
    for statistic in &counted {
        let outcome = &claims.purposes[&statistic.purpose];
        assert_eq!((statistic.count, statistic.day, statistic.policy), (3, 0, 1));
        assert_eq!(statistic.state, outcome.state.as_str());
        assert_eq!(statistic.method, claims.method.as_str());
    }
    assert_eq!(store.statistics(&site("other")).await.unwrap(), []);
}

#[tokio::test]
async fn a_store_that_cannot_be_had_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |name: &str, create| {
        open_sqlite(&folder.path().join(name), create).await.err().unwrap().to_string()
    };
    let missing = open("eu.db", false).await;
    assert!(missing.contains("eu.db: not found; start the server once"), "{missing}");
    std::fs::write(folder.path().join("file"), "").unwrap();
    let below_a_file = open("file/eu.db", true).await;
    assert!(below_a_file.contains("eu.db: "), "{below_a_file}");
    std::fs::write(folder.path().join("rubbish.db"), "this is no database ".repeat(100)).unwrap();
    let rubbish = open("rubbish.db", true).await;
    assert!(rubbish.contains("not a database"), "{rubbish}");
}

#[test]
fn an_event_without_personal_data_is_made_whole() {
    let site = site("example");
    let event =
        AuditEvent::new(&System, Some(&site), "test.done", &serde_json::json!({"b": 1, "a": 2}));
    assert_eq!(event.body, r#"{"a":2,"b":1}"#);
    let record = event.record();
    assert_eq!(record, format!("{}\n{}\nexample\ntest.done\n{}\n", event.id, event.at, event.body));
    let other = AuditEvent { body: "{}".into(), ..event.clone() };
    assert_ne!(event.commitment(), other.commitment());
}

/// Keys that begin alike are next to each other, and nobody else's key stands for the same.
#[test]
fn requests_are_in_the_order_of_how_their_keys_begin() {
    let id = |name: &str, key: &str| Request::id(&site(name), key);
    let early = id("example", "890yrjk/811bbaa6-25db-4869-9935-bdba907e77d4");
    let same = id("example", "890yrjk/5c1c0a5e-0000-4000-8000-000000000000");
    let late = id("example", "890yrjl/00000000-0000-4000-8000-000000000000");
    assert!(early[..8] == same[..8] && early != same);
    assert!(early < late && same < late);
    assert_ne!(early, id("other", "890yrjk/811bbaa6-25db-4869-9935-bdba907e77d4"));
    assert_ne!(id("example", "short"), id("example", "short\0"));
}
