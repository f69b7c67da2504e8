//! What every store must do. A new implementation runs the same tests.

use consent_core::receipt::EXAMPLE_CLAIMS;
use consent_core::{Claims, Key, KeyRing, Recorded};

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn site(id: &str) -> SiteId {
    id.parse().unwrap()
}

fn records(recorded: Recorded, second: i64) -> BTreeMap<PurposeId, Record> {
    let record =
        Record { recorded, restricted: false, policy: 1, at: at(second), until: at(second + 100) };
    [("analytics".parse().unwrap(), record)].into()
}

fn receipt(number: u128, subject: &Subject) -> Receipt {
    let mut claims: Claims = serde_json::from_str(EXAMPLE_CLAIMS).unwrap();
    claims.jti = uuid::Uuid::from_u128(claims.jti.as_u128() + number);
    claims.sub = subject.clone();
    let ring = KeyRing::new(vec![Key::hs256("k", &[7; 32]).unwrap()]).unwrap();
    Receipt::sign(claims, &ring).unwrap()
}

fn policy(number: u32, document: &str) -> Published {
    Published { policy: number, digest: Digest::of(document.as_bytes()), document: document.into() }
}

async fn append(
    store: &dyn Store,
    receipt: &Receipt,
    follows: u64,
    recorded: Recorded,
    request: Option<Request<'_>>,
) -> Result<(), StoreError> {
    let records = records(recorded, 10);
    store.append(Entry { receipt, follows, records: &records, request }).await
}

async fn sqlite() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("deep/eu.db"), true).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn what_is_appended_is_read_after_opening_again() {
    let (folder, store) = sqlite().await;
    let (site, subject) = (site("example"), Subject::browser([1; 16]));
    let first = receipt(1, &subject);
    append(&store, &first, 0, Recorded::Granted, None).await.unwrap();
    store.close().await;

    let store = SqliteStore::open(&folder.path().join("deep/eu.db"), false).await.unwrap();
    let history = store.history(&site, &subject).await.unwrap();
    assert_eq!((history.receipts, history.latest), (1, Some(first.digest())));
    assert_eq!(history.records, records(Recorded::Granted, 10));
    let purpose = "analytics".parse().unwrap();
    let record = store.record(&site, &subject, &purpose).await.unwrap();
    assert_eq!(record, history.records.get(&purpose).copied());
}

#[tokio::test]
async fn receipts_are_read_newest_first() {
    let (_folder, store) = sqlite().await;
    let (site, subject) = (site("example"), Subject::browser([1; 16]));
    let receipts: Vec<_> = (1..=3).map(|number| receipt(number, &subject)).collect();
    for (follows, receipt) in (0..).zip(&receipts) {
        append(&store, receipt, follows, Recorded::Granted, None).await.unwrap();
    }
    let other = receipt(4, &Subject::browser([2; 16]));
    append(&store, &other, 0, Recorded::Granted, None).await.unwrap();
    let read = |site, limit| store.receipts(site, &subject, limit);
    let newest: Vec<_> = receipts.iter().rev().map(Receipt::as_str).collect();
    assert_eq!(read(&site, 100).await.unwrap(), newest);
    assert_eq!(read(&site, 2).await.unwrap(), newest[..2]);
    assert_eq!(read(&self::site("other"), 100).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn of_two_that_follow_the_same_receipt_one_loses() {
    let (_folder, store) = sqlite().await;
    let (site, subject) = (site("example"), Subject::browser([1; 16]));
    append(&store, &receipt(1, &subject), 0, Recorded::Granted, None).await.unwrap();
    let second = append(&store, &receipt(2, &subject), 0, Recorded::Refused, None).await;
    assert!(matches!(second, Err(StoreError::Conflict)));
    let history = store.history(&site, &subject).await.unwrap();
    assert_eq!(history.records, records(Recorded::Granted, 10), "the loser changed nothing");
    append(&store, &receipt(2, &subject), 1, Recorded::Refused, None).await.unwrap();
}

#[tokio::test]
async fn a_request_is_answered_once() {
    let (_folder, store) = sqlite().await;
    let (site, subject) = (site("example"), Subject::browser([1; 16]));
    let request = Request { key: "0123456789abcdef", content: Digest::of(b"x") };
    let first = receipt(1, &subject);
    append(&store, &first, 0, Recorded::Granted, Some(request)).await.unwrap();
    let again = append(&store, &receipt(2, &subject), 1, Recorded::Granted, Some(request)).await;
    assert!(matches!(again, Err(StoreError::Conflict)));
    let answered = store.answered(&site, request.key).await.unwrap();
    assert_eq!(answered, Some((request.content, first.as_str().to_owned())));
    assert_eq!(store.answered(&"other".parse().unwrap(), request.key).await.unwrap(), None);
}

#[tokio::test]
async fn typing_an_address_never_replaces_a_decision() {
    let (_folder, store) = sqlite().await;
    let site = site("example");
    for (i, decided) in
        [Recorded::Granted, Recorded::Refused, Recorded::Withdrawn].into_iter().enumerate()
    {
        let subject = Subject::browser([u8::try_from(i).unwrap(); 16]);
        append(&store, &receipt(i as u128, &subject), 0, decided, None).await.unwrap();
        let typed = records(Recorded::Unconfirmed, 50);
        assert!(store.mark_unconfirmed(&site, &subject, &typed, MINUTE).await.unwrap());
        assert_eq!(store.history(&site, &subject).await.unwrap().records, records(decided, 10));
        // Its owner was asked all the same, so not again a moment later.
        assert!(!store.mark_unconfirmed(&site, &subject, &typed, MINUTE).await.unwrap());
    }
    let subject = Subject::browser([9; 16]);
    for (second, asks, kept) in [(50, true, 50), (109, false, 50), (110, true, 110)] {
        let typed = records(Recorded::Unconfirmed, second);
        assert_eq!(store.mark_unconfirmed(&site, &subject, &typed, MINUTE).await.unwrap(), asks);
        let expected = records(Recorded::Unconfirmed, kept);
        assert_eq!(store.history(&site, &subject).await.unwrap().records, expected);
    }
    store.not_asked(&site, &subject).await.unwrap();
    let again = records(Recorded::Unconfirmed, 110);
    assert!(store.mark_unconfirmed(&site, &subject, &again, MINUTE).await.unwrap());
    // A further purpose is a further question.
    let mut typed = records(Recorded::Unconfirmed, 111);
    let record = typed.values().next().copied().unwrap();
    typed.insert("communications".parse().unwrap(), record);
    assert!(store.mark_unconfirmed(&site, &subject, &typed, MINUTE).await.unwrap());
}

#[tokio::test]
async fn sites_do_not_see_one_another() {
    let (_folder, store) = sqlite().await;
    let subject = Subject::browser([1; 16]);
    append(&store, &receipt(1, &subject), 0, Recorded::Granted, None).await.unwrap();
    assert_eq!(store.history(&site("other"), &subject).await.unwrap(), History::default());
}

#[tokio::test]
async fn a_published_policy_never_changes() {
    let (_folder, store) = sqlite().await;
    let site = site("example");
    store.publish(&site, &policy(2, "two"), at(1)).await.unwrap();
    store.publish(&site, &policy(2, "two"), at(2)).await.unwrap();
    let changed = store.publish(&site, &policy(2, "other"), at(3)).await.unwrap_err();
    assert!(changed.to_string().contains("give the new one the number 3"), "{changed}");
    let older = store.publish(&site, &policy(1, "one"), at(3)).await.unwrap_err();
    assert!(older.to_string().contains("is older than policy 2"), "{older}");
    store.publish(&site, &policy(3, "three"), at(4)).await.unwrap();
    let kept = [(at(1), b"two".to_vec()), (at(4), b"three".to_vec())];
    assert_eq!(store.policies(&site).await.unwrap(), kept, "as first published");
}

#[tokio::test]
async fn tokens_are_found_by_digest() {
    let (_folder, store) = sqlite().await;
    let token = Token { site: site("example"), scopes: vec!["check".into(), "withdraw".into()] };
    store.add_token(Digest::of(b"secret"), &token, at(1)).await.unwrap();
    assert_eq!(store.token(Digest::of(b"secret")).await.unwrap(), Some(token));
    assert_eq!(store.token(Digest::of(b"other")).await.unwrap(), None);
}

#[tokio::test]
async fn a_store_that_cannot_be_had_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = SqliteStore::open(&folder.path().join("eu.db"), false).await.unwrap_err();
    assert!(missing.to_string().contains("eu.db: not found; start the server once"), "{missing}");
    std::fs::write(folder.path().join("file"), "").unwrap();
    let below_a_file =
        SqliteStore::open(&folder.path().join("file/eu.db"), true).await.unwrap_err();
    assert!(below_a_file.to_string().contains("eu.db: "), "{below_a_file}");
    std::fs::write(folder.path().join("rubbish.db"), "this is no database ".repeat(100)).unwrap();
    let rubbish = SqliteStore::open(&folder.path().join("rubbish.db"), true).await.unwrap_err();
    assert!(rubbish.to_string().contains("not a database"), "{rubbish}");
}

#[tokio::test]
async fn every_record_is_read_as_it_was_written() {
    let (_folder, store) = sqlite().await;
    let site = site("example");
    for (i, recorded) in (0_u8..).zip(Recorded::ALL) {
        for restricted in [false, true] {
            let subject = Subject::browser([i * 2 + u8::from(restricted); 16]);
            let mut records = records(recorded, 10);
            for record in records.values_mut() {
                record.restricted = restricted;
            }
            let receipt = receipt(u128::from(i * 2 + u8::from(restricted)), &subject);
            let entry = Entry { receipt: &receipt, follows: 0, records: &records, request: None };
            store.append(entry).await.unwrap();
            assert_eq!(store.history(&site, &subject).await.unwrap().records, records);
            let purpose = records.keys().next().unwrap();
            let read = store.record(&site, &subject, purpose).await.unwrap();
            assert_eq!(read.as_ref(), records.get(purpose));

            // What was typed replaces only what nobody decided, and never a restriction.
            let typed = self::records(Recorded::Unconfirmed, 20);
            store.mark_unconfirmed(&site, &subject, &typed, MINUTE).await.unwrap();
            let read = store.record(&site, &subject, purpose).await.unwrap().unwrap();
            let open = matches!(recorded, Recorded::Open | Recorded::Unconfirmed);
            let expected = if open { typed[purpose] } else { records[purpose] };
            assert_eq!(read, Record { restricted, ..expected });
        }
    }
}
