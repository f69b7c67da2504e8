//! An acknowledged decision survives `kill -9`, exactly once (invariant 4), and the log verifies
//! after each.
//!
//! `CONSENT_KILLS` says how often the server is killed, and `CONSENT_SEED` at which moments.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use consent_test_postgres::Cluster;

use super::whole::{Known, Place, assert_whole};
use super::*;

/// How often the server is killed if nobody says it.
const KILLS: u64 = 8;
/// How many clients decide at once.
const CLIENTS: usize = 8;
/// The most decisions that are acknowledged before a kill.
const MOST: u64 = 150;

/// A client that decides as fast as it is answered, each time for somebody new. Each request has a
/// key, under which it is sent again after the server was killed.
struct Client {
    number: usize,
    sent: usize,
    /// What was acknowledged, by its key.
    acknowledged: BTreeMap<String, Acknowledged>,
}

impl Client {
    fn new(number: usize) -> Self {
        Self { number, sent: 0, acknowledged: BTreeMap::new() }
    }

    fn key(&self) -> String {
        format!("client-{:04}-request-{:08}", self.number, self.sent)
    }

    /// Sends what it has to send next.
    async fn step(&mut self, client: &reqwest::Client, url: &str) -> Step {
        let key = self.key();
        let Ok(answer) = send(client, url, Some(&key)).await else { return Step::Gone };
        let status = answer.status();
        if status == 503 {
            return Step::Refused;
        }
        let Some(answer) = acknowledged(answer).await else {
            // The answer broke off, or is nothing that may come.
            assert_eq!(status, 201);
            return Step::Gone;
        };
        self.acknowledged.insert(key, answer);
        self.sent += 1;
        Step::Acknowledged
    }

    /// Goes on until the server is gone.
    async fn run(mut self, url: String, acknowledged: Arc<AtomicUsize>) -> Self {
        let client = reqwest::Client::new();
        loop {
            match self.step(&client, &url).await {
                Step::Acknowledged => _ = acknowledged.fetch_add(1, Ordering::SeqCst),
                Step::Refused => tokio::time::sleep(Duration::from_millis(5)).await,
                Step::Gone => return self,
            }
        }
    }
}

/// How a request ended.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Acknowledged,
    /// With 503: it is sent again.
    Refused,
    /// The server is not there any more.
    Gone,
}

/// Sets all of them to work.
fn load(
    url: &str,
    clients: Vec<Client>,
    acknowledged: &Arc<AtomicUsize>,
) -> Vec<tokio::task::JoinHandle<Client>> {
    let start = |client: Client| tokio::spawn(client.run(url.to_owned(), Arc::clone(acknowledged)));
    clients.into_iter().map(start).collect()
}

/// Waits until so many decisions are acknowledged, so that the end comes in the midst of others.
async fn until(acknowledged: &AtomicUsize, count: usize) {
    let reached = async {
        while acknowledged.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reached).await.expect("the server answers");
}

async fn all(running: Vec<tokio::task::JoinHandle<Client>>) -> Vec<Client> {
    let mut clients = Vec::new();
    for client in running {
        clients.push(client.await.unwrap());
    }
    clients
}

fn all_acknowledged(clients: &[Client]) -> impl Iterator<Item = &Acknowledged> {
    clients.iter().flat_map(|client| client.acknowledged.values())
}

/// Numbers that follow from a seed (`SplitMix64`).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: must be a number")))
}

/// A start that is cut short, at any moment.
fn killed_while_it_starts(home: &Home, after: Duration) {
    let mut command = home.command(&["serve"]);
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    process.kill().unwrap();
    process.wait().unwrap();
}

/// Kills the server, again and again, and looks at what is there each time. `under_load` is done
/// before each kill, while clients decide.
async fn kill(home: &Home, place: &Place<'_>, under_load: impl AsyncFn(&mut Random, &AtomicUsize)) {
    let kills = setting("CONSENT_KILLS").unwrap_or(KILLS);
    let seed = setting("CONSENT_SEED").unwrap_or(5);
    let (mut random, mut known) = (Random::new(seed), Known::default());
    let mut clients: Vec<_> = (0..CLIENTS).map(Client::new).collect();
    let started = Instant::now();
    for kill in 1..=kills {
        if random.below(4) == 0 {
            killed_while_it_starts(home, Duration::from_micros(random.below(40_000)));
        }
        let mut server = home.serve().await;
        let count = Arc::new(AtomicUsize::new(0));
        let running = load(&server.url, clients, &count);
        until(&count, usize::try_from(random.below(MOST)).unwrap()).await;
        under_load(&mut random, &count).await;
        tokio::time::sleep(Duration::from_micros(random.below(3_000))).await;
        server.process.kill().await.unwrap();
        clients = all(running).await;
        known = assert_whole(home, place, all_acknowledged(&clients), &known).await;
        if kills > KILLS {
            let seconds = started.elapsed().as_secs();
            let (receipts, leaves) = (known.receipts, known.head.map_or(0, |head| head.size()));
            println!("{kill} of {kills} kills: {receipts} receipts, {leaves} leaves, {seconds} s");
        }
    }
    // What was under way at the last kill is sent again, and is there once, stored or not.
    let mut server = home.serve().await;
    let client = reqwest::Client::new();
    for one in &mut clients {
        assert_eq!(one.step(&client, &server.url).await, Step::Acknowledged, "{}", home.log());
    }
    server.process.kill().await.unwrap();
    let known = assert_whole(home, place, all_acknowledged(&clients), &known).await;
    assert_eq!(known.receipts, all_acknowledged(&clients).count() as u64, "with seed {seed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_loses_and_doubles_nothing() {
    let home = Home::new();
    kill(&home, &Place::Files(&home.path("data")), async |_, _| {}).await;
}

/// Also where the database is killed as well, under the same load: the server goes on by itself when
/// the database is there again.
#[tokio::test(flavor = "multi_thread")]
async fn killed_with_its_database_it_loses_and_doubles_nothing() {
    let cluster = Cluster::start(&[]);
    let url = cluster.database();
    let home = Home::new();
    home.edit("consent.toml", "sqlite:data/eu.db", &url);
    let place = Place::Database(&cluster, url);
    kill(&home, &place, async |random, acknowledged| {
        if random.below(2) == 0 {
            return;
        }
        tokio::task::block_in_place(|| {
            cluster.stop();
            cluster.resume();
        });
        let more = acknowledged.load(Ordering::SeqCst) + 20;
        until(acknowledged, more).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_under_load_it_finishes_what_it_began() {
    let home = Home::new();
    let mut server = home.serve().await;
    let count = Arc::new(AtomicUsize::new(0));
    let running = load(&server.url, (0..CLIENTS).map(Client::new).collect(), &count);
    until(&count, 50).await;
    server.terminate();
    let status = tokio::time::timeout(Duration::from_secs(20), server.process.wait()).await;
    assert!(status.expect("it stops").unwrap().success());
    assert_eq!(server.lines.next_line().await.unwrap().as_deref(), Some("stopped"));
    let clients = all(running).await;
    assert_whole(
        &home,
        &Place::Files(&home.path("data")),
        all_acknowledged(&clients),
        &Known::default(),
    )
    .await;
}
