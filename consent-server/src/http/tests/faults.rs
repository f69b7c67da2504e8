//! What clients see of a store that fails, and that nothing is lost or doubled by it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use consent_core::{Claims, Receipt, Recorded, Subject};

use super::*;
use crate::background::keep_to_retention;
use crate::log::{Integrator, Stored, audit};
use crate::store::Statistic;
use crate::store::fault::{Call, Fault};

const GRANT: &str = r#"{"analytics":"granted"}"#;
const REFUSE: &str = r#"{"analytics":"refused"}"#;

#[track_caller]
fn unavailable(answer: &Answer) -> String {
    assert_eq!(answer.header("retry-after"), "5", "{}", answer.text);
    answer.problem(503, "store-unavailable")
}

fn decision(choices: &str, previous: Option<&str>) -> String {
    let previous = previous.map(|jws| format!(",\"previous\":\"{jws}\"")).unwrap_or_default();
    format!(
        r#"{{"policy":1,"choices":{choices},"method":"preferences","language":"en"{previous}}}"#
    )
}

impl TestApp {
    fn integrator(&self) -> Integrator {
        let region = Arc::clone(self.app.regions().next().unwrap());
        Integrator::new(self.store(), region, self.clock.clone())
    }

    /// Sends a decision under a key.
    async fn keyed(&self, key: &str, choices: &str, previous: Option<&str>) -> Answer {
        let headers = [("origin", OWN), ("idempotency-key", key)];
        self.post(DECISIONS, &headers, &decision(choices, previous)).await
    }

    /// Sends a decision, again and again under the same key, until it is acknowledged.
    async fn until_acknowledged(&self, key: &str, choices: &str, previous: Option<&str>) -> String {
        loop {
            let answer = self.keyed(key, choices, previous).await;
            if answer.status == 201 {
                return answer.receipt();
            }
            unavailable(&answer);
        }
    }

    /// A subject's receipts, oldest first, after having seen that each follows the one before.
    async fn chain(&self, subject: &Subject) -> Vec<Receipt> {
        let stored = self.store().receipts(&"example".parse().unwrap(), subject, 9_999).await;
        let stored = stored.unwrap();
        let mut chain: Vec<_> =
            stored.iter().map(|stored| self.app.verify(&stored.jws).unwrap()).collect();
        chain.reverse();
        let mut previous = None;
        for receipt in &chain {
            assert_eq!(receipt.claims().previous, previous);
            previous = Some(receipt.digest());
        }
        chain
    }
}

/// Everything that is asked of the server and that asks the store.
async fn ask_everything(test: &TestApp, bearer: &str, receipt: &str, link: &str) -> Vec<Answer> {
    let site = "/v1/sites/example";
    let own = [("origin", OWN)];
    let token = [("authorization", bearer)];
    let proof = format!("Bearer {receipt}");
    let withdrawal = r#"{"subject":"email:a@example.org","purposes":["communications"]}"#;
    let check = format!("{site}/check?subject=email:a@example.org&purpose=communications");
    let form = format!("policy=1&language=en&visit=x&choice=accept&receipt={receipt}");
    let form = Request::post(format!("{site}/choices"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("origin", OWN)
        .body(Body::from(form));
    vec![
        test.post(DECISIONS, &own, &decision(GRANT, None)).await,
        test.post(DECISIONS, &own, &decision(REFUSE, Some(receipt))).await,
        test.get(&format!("{site}/me"), &[("authorization", &proof)]).await,
        test.get(&check, &token).await,
        test.post(&format!("{site}/withdrawals"), &token, withdrawal).await,
        test.send(form.unwrap()).await,
        test.get(&format!("{site}/confirm?token={link}"), &[]).await,
        test.form(&format!("{site}/confirm"), &format!("token={link}&choice=refuse")).await,
        test.subscribe("email:a@example.org").await,
        test.get("/readyz", &[]).await,
    ]
}

#[tokio::test]
async fn each_failure_is_a_clear_answer_and_passes_by_itself() {
    let test = TestApp::new().await;
    let bearer = test.token(&["check", "withdraw"]).await;
    let receipt = test.decide(GRANT, "preferences", None).await.receipt();
    test.subscribe("email:b@example.org").await;
    let link = test.mailed_token();
    let mut failed = vec![0; 10];
    for call in Call::ALL {
        for fault in [Fault::NotStored, Fault::Stored] {
            // So that an address that was asked about is asked about again.
            test.pass_days(1);
            test.faults.always(call, fault);
            for (failed, answer) in
                failed.iter_mut().zip(ask_everything(&test, &bearer, &receipt, &link).await)
            {
                if !answer.status.is_success() {
                    let detail = unavailable(&answer);
                    assert!(detail.contains("Idempotency-Key"), "{detail}");
                    *failed += 1;
                }
            }
            test.faults.none();
            for answer in ask_everything(&test, &bearer, &receipt, &link).await {
                assert!(answer.status.is_success(), "after {call:?}: {}", answer.text);
            }
        }
    }
    assert!(failed.iter().all(|failed| *failed >= 2), "each of them asks the store: {failed:?}");
}

#[tokio::test]
async fn who_never_comes_first_is_told_so() {
    let test = TestApp::new().await;
    test.faults.always(Call::Append, Fault::Conflict);
    let answer = test.keyed("0123456789abcdef", GRANT, None).await;
    assert!(unavailable(&answer).contains("nothing of this was recorded"), "{}", answer.text);
    test.faults.none();
    assert_eq!(test.count("SELECT count(*) FROM receipt"), 0);
    assert_eq!(test.keyed("0123456789abcdef", GRANT, None).await.status, 201);
}

#[tokio::test]
async fn a_store_that_hangs_is_not_waited_for_for_ever() {
    let test = TestApp::new().await;
    let bearer = test.token(&["check"]).await;
    let hour = Fault::Slow(Duration::from_hours(1));
    test.faults.always(Call::Append, hour);
    test.faults.always(Call::Read, hour);
    // From here on time passes by itself whenever nothing else is to be done.
    tokio::time::pause();
    let late = test.keyed("0123456789abcdef", GRANT, None).await;
    assert!(unavailable(&late).contains("no answer within 15 seconds"), "{}", late.text);
    unavailable(&test.check(&bearer, "email:a@example.org", "communications").await);
    tokio::time::resume();
    test.faults.none();
    test.faults.always(Call::Append, Fault::Slow(Duration::from_millis(20)));
    let answer = test.keyed("0123456789abcdef", GRANT, None).await;
    assert_eq!(answer.status, 201, "slow is not wrong: {}", answer.text);
}

#[tokio::test]
async fn a_withdrawal_by_an_operator_is_recorded_once() {
    let test = TestApp::new().await;
    let bearer = test.token(&["withdraw"]).await;
    let send = async |purpose: &str| {
        let body = format!(r#"{{"subject":"email:a@example.org","purposes":["{purpose}"]}}"#);
        let headers = [("authorization", &*bearer), ("idempotency-key", "0123456789abcdef")];
        test.post("/v1/sites/example/withdrawals", &headers, &body).await
    };
    test.faults.nth(Call::Append, 0, Fault::Stored);
    unavailable(&send("communications").await);
    let (first, again) = (send("communications").await, send("communications").await);
    assert_eq!((first.status.as_u16(), &first.text), (201, &again.text));
    assert_eq!(test.count("SELECT count(*) FROM receipt"), 1);
    assert_eq!(test.count("SELECT count(*) FROM event WHERE kind = 'consent.withdrawn'"), 1);
    send("analytics").await.problem(422, "idempotency-key-reused");
}

/// What was stored although the client was told that it failed must not keep the owner from being
/// asked.
#[tokio::test]
async fn an_address_is_asked_when_it_is_sent_again() {
    let test = TestApp::new().await;
    for fault in [Fault::NotStored, Fault::Stored] {
        test.faults.nth(Call::Save, 0, fault);
        unavailable(&test.subscribe("email:a@example.org").await);
        let mails = test.mails();
        assert_eq!(test.subscribe("email:a@example.org").await.status, 202);
        assert_eq!(test.mails(), mails + 1);
        test.pass_days(1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictions_at_once_end_in_the_last_of_one_chain() {
    let test = Arc::new(TestApp::new().await);
    let bearer = test.token(&["check"]).await;
    let first = test.until_acknowledged("contradiction-first", GRANT, None).await;
    let subject = test.app.verify(&first).unwrap().claims().sub.clone();
    let decide = |number: usize| {
        let (test, first) = (Arc::clone(&test), first.clone());
        tokio::spawn(async move {
            let choices = if number.is_multiple_of(2) { GRANT } else { REFUSE };
            let key = format!("contradiction-{number:04}");
            test.until_acknowledged(&key, choices, Some(&first)).await
        })
    };
    let mut acknowledged = BTreeSet::from([first.clone()]);
    for done in (0..24).map(decide).collect::<Vec<_>>() {
        acknowledged.insert(done.await.unwrap());
    }
    let chain = test.chain(&subject).await;
    let stored: BTreeSet<_> = chain.iter().map(|receipt| receipt.as_str().to_owned()).collect();
    assert_eq!((acknowledged.len(), stored), (25, acknowledged));
    let last = chain.last().unwrap().claims().purposes.values().next().unwrap().state;
    let check = test.check(&bearer, &subject.to_string(), "analytics").await.json();
    assert_eq!(check["state"], last.as_str());
    assert_eq!(check["allowed"], last == Recorded::Granted);
}

const SUBJECTS: usize = 4;
const CLIENTS: usize = 3;
const ROUNDS: usize = 12;

/// Clients that decide against one another for the same subjects, and repeat what is not
/// acknowledged; two who integrate; and a store of which one in `one_in` calls fails. Between any two
/// decisions `between` is called with a number.
async fn under_faults(seed: u64, one_in: u64, between: fn(&TestApp, usize)) {
    let test = Arc::new(TestApp::new().await);
    test.faults.at_random(seed, one_in);
    let (done, stop) = tokio::sync::watch::channel(false);
    let integrate = |_| {
        let (test, stop) = (Arc::clone(&test), stop.clone());
        tokio::spawn(async move {
            let mut integrator = test.integrator();
            loop {
                // Only what a store that fails leads to.
                match integrator.integrate().await {
                    Ok((0, _)) if *stop.borrow() => return,
                    Ok(_) => {}
                    Err(error) => {
                        let told = error.to_string();
                        assert!(told.contains("made to fail") || told.contains("first"), "{told}");
                    }
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    };
    let integrators: Vec<_> = (0..2).map(integrate).collect();

    let subject = |subject: usize| {
        let test = Arc::clone(&test);
        tokio::spawn(async move {
            let key = format!("first-of-{subject:08}");
            let first = test.until_acknowledged(&key, GRANT, None).await;
            let client = |client: usize| {
                let (test, mut receipt) = (Arc::clone(&test), first.clone());
                tokio::spawn(async move {
                    let mut acknowledged = BTreeMap::new();
                    for round in 0..ROUNDS {
                        between(&test, subject + client + round);
                        let key = format!("subject-{subject:04}-{client:04}-{round:04}");
                        let refuses = (client + round).is_multiple_of(2);
                        let choices = if refuses { REFUSE } else { GRANT };
                        receipt = test.until_acknowledged(&key, choices, Some(&receipt)).await;
                        acknowledged.insert(key, receipt.clone());
                    }
                    acknowledged
                })
            };
            let clients: Vec<_> = (0..CLIENTS).map(client).collect();
            let mut acknowledged = BTreeMap::from([(key, first)]);
            for client in clients {
                acknowledged.extend(client.await.unwrap());
            }
            acknowledged
        })
    };
    let mut acknowledged = BTreeMap::new();
    for subject in (0..SUBJECTS).map(subject).collect::<Vec<_>>() {
        acknowledged.extend(subject.await.unwrap());
    }
    done.send(true).unwrap();
    for integrator in integrators {
        integrator.await.unwrap();
    }
    assert!(test.faults.none() > 20, "some calls failed");
    let mut last = test.integrator();
    // Whoever leads by a clock that is wrong does not lead for ever.
    test.clock.0.fetch_add(3_600, Ordering::SeqCst);
    while last.integrate().await.unwrap().0 > 0 {}
    assert_whole(&test, &acknowledged).await;
}

/// Asserts that the store holds these answers, each once, in whole chains, counted once each, and in
/// a log that verifies; and nothing else.
async fn assert_whole(test: &Arc<TestApp>, acknowledged: &BTreeMap<String, String>) {
    assert_eq!(acknowledged.len(), SUBJECTS * (1 + CLIENTS * ROUNDS));
    let site = "example".parse().unwrap();
    let store = test.store();
    let mut by_subject: BTreeMap<Subject, Vec<&str>> = BTreeMap::new();
    for (key, receipt) in acknowledged {
        let claims: Claims = test.app.verify(receipt).unwrap().claims().clone();
        let (_, id) = store.answered(&site, key).await.unwrap().expect("it is answered");
        assert_eq!(id, claims.jti, "{key}");
        by_subject.entry(claims.sub).or_default().push(receipt);
    }
    assert_eq!(by_subject.len(), SUBJECTS);
    let mut counted: BTreeMap<Statistic, u64> = BTreeMap::new();
    for (subject, mut given) in by_subject {
        let chain = test.chain(&subject).await;
        let mut stored: Vec<_> = chain.iter().map(Receipt::as_str).collect();
        stored.sort_unstable();
        given.sort_unstable();
        assert_eq!(stored, given, "each once, and nothing else");
        let known = store.history(&site, &subject).await.unwrap();
        let last = chain.last().unwrap().claims();
        for (purpose, outcome) in &last.purposes {
            assert_eq!(known.records[purpose].recorded, outcome.state);
        }
        for claims in chain.iter().map(Receipt::claims) {
            for (purpose, outcome) in &claims.purposes {
                let statistic = Statistic {
                    day: claims.iat.as_second() / 86_400,
                    policy: claims.policy.number,
                    purpose: purpose.clone(),
                    state: outcome.state.as_str(),
                    method: claims.method.as_str().to_owned(),
                    count: 0,
                };
                *counted.entry(statistic).or_default() += 1;
            }
        }
    }
    let told = store.statistics(&site).await.unwrap();
    let told: BTreeMap<_, _> =
        told.into_iter().map(|told| (Statistic { count: 0, ..told.clone() }, told.count)).collect();
    assert_eq!(told, counted);

    let source = Stored(Arc::clone(&store));
    let verifiers = test.app.regions().next().unwrap().keys.log_verifiers();
    let log = audit::log(&source, &verifiers, None, |_, _| {}).await.unwrap();
    let verify = |jws: &str| test.app.verify(jws);
    let records = audit::records(&*store, &source, log.size, verify, |_| {}).await.unwrap();
    assert_eq!(records.receipts, acknowledged.len() as u64);
    assert_eq!((records.waiting, records.erased, records.without_key), (0, 0, 0));
    assert_eq!(log.size, records.receipts + records.events);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_fails_each_decision_is_recorded_once() {
    for seed in [1, 2, 3] {
        under_faults(seed, 8, |_, _| {}).await;
    }
}

/// Years ahead and years back, at any moment, with failures as well.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_clock_says_each_decision_is_recorded_once() {
    under_faults(4, 8, |test, number| {
        let years = [10, -10, -3, 3, 0][number % 5];
        test.clock.0.fetch_add(years * 31_557_600 + 7, Ordering::SeqCst);
    })
    .await;
}

/// A clock that is twenty years ahead, also at a start, erases nothing that is not that old.
#[tokio::test]
async fn a_clock_that_is_wrong_erases_nothing() {
    const YEARS: i64 = 20 * 365;
    let test = TestApp::new().await;
    let receipt = test.decide(GRANT, "preferences", None).await.receipt();
    test.pass_days(YEARS);
    keep_to_retention(&test.app).await;
    let receipts = "SELECT count(*) FROM receipt";
    assert_eq!(test.count(receipts), 1);

    test.app.close().await;
    let (again, now) = (settings(test.folder.path(), policy(1)), test.clock.now());
    let test = TestApp::open_at(test.folder, again, now).await.unwrap();
    keep_to_retention(&test.app).await;
    assert_eq!(test.count(receipts), 1);
    assert!(test.is_valid(&receipt).await, "and everything else goes on");
    assert_eq!(test.decide(REFUSE, "preferences", Some(&receipt)).await.status, 201);

    // It was right: there is a record from now.
    test.app.close().await;
    let again = settings(test.folder.path(), policy(1));
    let test = TestApp::open_at(test.folder, again, now).await.unwrap();
    keep_to_retention(&test.app).await;
    assert_eq!(test.count(receipts), 1);
    assert_eq!(test.count("SELECT count(*) FROM event WHERE kind = 'receipts.expired'"), 1);
}

/// A key is remembered for thirty days, and its receipt for longer.
#[tokio::test]
async fn a_request_is_forgotten_before_its_receipt() {
    let test = TestApp::new().await;
    let key = [("origin", OWN), ("idempotency-key", "6f1c2a34-0000-4000-8000-000000000001")];
    let body =
        format!(r#"{{"policy":1,"choices":{GRANT},"method":"preferences","language":"en"}}"#);
    assert_eq!(test.post(DECISIONS, &key, &body).await.status, 201);
    let mut test = test;
    for (days, left) in [(29, 1), (2, 0)] {
        // Started again, since a clock that has gained days is not believed.
        test.pass_days(days);
        test.app.close().await;
        let (again, now) = (settings(test.folder.path(), policy(1)), test.clock.now());
        test = TestApp::open_at(test.folder, again, now).await.unwrap();
        keep_to_retention(&test.app).await;
        assert_eq!(test.count("SELECT count(*) FROM request"), left, "{days} days later");
        assert_eq!(test.count("SELECT count(*) FROM receipt"), 1);
    }
}
