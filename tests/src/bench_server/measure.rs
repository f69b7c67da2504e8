//! What is started, asked and read, in which order.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Bench;
use super::figures::{ByConnections, ByLoad, ByStored, Figures, Machine, Round, Side};
use super::fill::filled;
use super::home::Home;
use super::load::{Ask, Generator, Load, Pace};
use super::postgres::Postgres;
use super::process::Process;

/// A store of this size stands for a young one.
pub(super) const SMALL: u64 = 10_000;
/// How many ask at once, unless it is said otherwise.
const CONNECTIONS: u32 = 64;

pub(super) struct Measure<'b> {
    bench: &'b Bench,
    progress: &'b dyn Fn(&str),
    generator: Generator,
    large: Home,
    single: Home,
    bare: Home,
    postgres: Postgres,
}

/// The servers of one round.
struct Servers {
    ours: (Process, Home),
    large: (Process, Home),
    single: (Process, Home),
    bare: (Process, Home),
    constant: (Process, Home),
}

impl<'b> Measure<'b> {
    pub(super) async fn new(bench: &'b Bench, progress: &'b dyn Fn(&str)) -> Self {
        let folder = |name: &str| bench.folder.join(name);
        let sqlite = "sqlite:eu.db";
        let large = filled(&folder("large"), bench.receipts, &|step: &str| progress(step)).await;
        large.make_token(&bench.consent);
        Self {
            bench,
            progress,
            generator: Generator::new(&bench.folder),
            large,
            single: Home::empty(&folder("single"), sqlite),
            bare: Home::empty(&folder("bare"), sqlite),
            postgres: Postgres::start(bench),
        }
    }

    pub(super) async fn run(mut self) -> Figures {
        let machine = Machine::of(&self.bench.folder);
        let mut rounds = Vec::new();
        for number in 1..=self.bench.rounds {
            (self.progress)(&format!("round {number} of {}", self.bench.rounds));
            rounds.push(self.round(number).await);
        }
        let (mut by_connections, mut by_load, mut by_stored) = (Vec::new(), Vec::new(), Vec::new());
        if self.bench.curves {
            (self.progress)("curves");
            let servers = self.servers("curves").await;
            by_connections = self.by_connections(&servers);
            by_load = self.by_load(&servers);
            drop(servers);
            by_stored = self.by_stored().await;
        }
        (self.progress)("what a receipt takes on the disk");
        let bytes = self.bytes().await;
        let binary = std::fs::metadata(&self.bench.consent).unwrap().len();
        let receipts = self.bench.receipts;
        Figures { machine, receipts, rounds, by_connections, by_load, by_stored, bytes, binary }
    }

    /// A young store, made anew, since each round makes it grow.
    async fn small(&self, name: &str) -> Home {
        let folder = self.bench.folder.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        let home = filled(&folder, SMALL, &|_: &str| ()).await;
        home.make_token(&self.bench.consent);
        home
    }

    async fn servers(&self, name: &str) -> Servers {
        let small = self.small(name).await;
        let consent = |home: &Home| (Process::consent(&self.bench.consent, home), home.clone());
        let rival = |name: &str, home: &Home| (Process::rival(name, home), home.clone());
        Servers {
            ours: consent(&small),
            large: consent(&self.large),
            single: rival("single", &self.single),
            bare: rival("bare", &self.bare),
            constant: (Process::rival("constant", &self.bare), small),
        }
    }

    fn pace(&self, connections: u32, rate: Option<f64>) -> Pace {
        Pace { connections, time: Duration::from_secs(self.bench.seconds), rate }
    }

    /// Asks, and tells what it took.
    fn ask(&mut self, server: &(Process, Home), ask: Ask, pace: Pace) -> Side {
        let before = server.0.processor();
        let load = self.generator.run(&server.0.url, &server.1, ask, pace);
        let took = server.0.processor() - before;
        Side { load, processor: load.micros_each(took, pace.time), database: 0.0 }
    }

    async fn round(&mut self, number: usize) -> Round {
        let servers = self.servers("small").await;
        let idle = servers.ours.0.memory();
        let full = self.pace(CONNECTIONS, None);
        // What is read for the first time is read from the disk, and caches fill.
        let warm = Pace { time: Duration::from_secs(1), ..full };
        for server in [&servers.ours, &servers.large] {
            self.ask(server, Ask::Check, warm);
            self.ask(server, Ask::Decision, warm);
        }
        self.ask(&servers.bare, Ask::Decision, warm);
        self.ask(&servers.single, Ask::Decision, warm);
        let mut sides = [Side::default(); 4];
        let all = [&servers.ours, &servers.large, &servers.bare, &servers.single];
        // Whoever comes first has no advantage of it in all rounds.
        for i in (0..4).map(|i| (i + number) % 4) {
            sides[i] = self.ask(all[i], Ask::Decision, full);
        }
        let [ours, large, bare, single] = sides;
        let mut sides = [Side::default(); 3];
        let all = [&servers.ours, &servers.large, &servers.constant];
        for i in (0..3).map(|i| (i + number) % 3) {
            sides[i] = self.ask(all[i], Ask::Check, full);
        }
        let [checks, checks_large, constant] = sides;
        let (postgres, pgbench) = self.postgres(number);
        let half = |side: Side| self.pace(CONNECTIONS, Some(side.load.rate / 2.0));
        let (half_decisions, half_checks) = (half(ours), half(checks));
        Round {
            half_decisions: self.ask(&servers.ours, Ask::Decision, half_decisions).load,
            half_checks: self.ask(&servers.ours, Ask::Check, half_checks).load,
            start: millis(servers.ours.0.started),
            start_large: millis(servers.large.0.started),
            memory: servers.ours.0.memory(),
            memory_large: servers.large.0.memory(),
            ours,
            large,
            bare,
            single,
            checks,
            checks_large,
            constant,
            postgres,
            pgbench,
            idle,
        }
    }

    /// The server on PostgreSQL, and how many rows go in without it.
    fn postgres(&mut self, number: usize) -> (Side, Side) {
        // How large batches are is known from the first round on.
        if number.is_multiple_of(2) {
            let alone = self.postgres.alone();
            return (self.served_from_postgres(), alone);
        }
        (self.served_from_postgres(), self.postgres.alone())
    }

    fn served_from_postgres(&mut self) -> Side {
        let home = self.postgres.home.clone();
        let server = (Process::consent(&self.bench.consent, &home), home);
        let full = self.pace(CONNECTIONS, None);
        self.ask(&server, Ask::Decision, Pace { time: Duration::from_secs(1), ..full });
        let before = self.postgres.processor();
        let side = self.ask(&server, Ask::Decision, full);
        let took = self.postgres.processor() - before;
        Side { database: side.load.micros_each(took, full.time), ..side }
    }

    fn by_connections(&mut self, servers: &Servers) -> Vec<ByConnections> {
        let mut rate = |server: &(Process, Home), asked: Ask, connections: u32| {
            let pace = self.pace(connections, None);
            self.ask(server, asked, pace).load.rate
        };
        let at = |connections| ByConnections {
            connections,
            ours: rate(&servers.ours, Ask::Decision, connections),
            single: rate(&servers.single, Ask::Decision, connections),
            bare: rate(&servers.bare, Ask::Decision, connections),
            checks: rate(&servers.ours, Ask::Check, connections),
            constant: rate(&servers.constant, Ask::Check, connections),
        };
        [1, 2, 4, 8, 16, 32, 64, 128, 256].map(at).into()
    }

    fn by_load(&mut self, servers: &Servers) -> Vec<ByLoad> {
        let full = self.pace(CONNECTIONS, None);
        let most =
            [Ask::Decision, Ask::Check].map(|asked| self.ask(&servers.ours, asked, full).load.rate);
        let at = |share: f64| {
            let mut load = |asked: Ask, most: f64| -> Load {
                let pace = self.pace(CONNECTIONS, Some(most * share));
                self.ask(&servers.ours, asked, pace).load
            };
            ByLoad {
                share,
                decisions: load(Ask::Decision, most[0]),
                checks: load(Ask::Check, most[1]),
            }
        };
        [0.1, 0.25, 0.5, 0.75, 0.9].map(at).into()
    }

    async fn by_stored(&mut self) -> Vec<ByStored> {
        let mut all = Vec::new();
        let sizes = [SMALL, 100_000, 1_000_000, self.bench.receipts];
        for size in sizes.into_iter().filter(|size| *size <= self.bench.receipts) {
            let home = if size == self.bench.receipts {
                self.large.clone()
            } else {
                let folder = self.bench.folder.join(format!("stored-{size}"));
                let home = filled(&folder, size, &|_: &str| ()).await;
                home.make_token(&self.bench.consent);
                home
            };
            let server = (Process::consent(&self.bench.consent, &home), home);
            let full = self.pace(CONNECTIONS, None);
            let warm = Pace { time: Duration::from_secs(1), ..full };
            for asked in [Ask::Check, Ask::Decision] {
                self.ask(&server, asked, warm);
            }
            all.push(ByStored {
                stored: size,
                decisions: self.ask(&server, Ask::Decision, full).load.rate,
                checks: self.ask(&server, Ask::Check, full).load.rate,
            });
        }
        all
    }

    /// What each table takes for a receipt, with its indexes.
    async fn bytes(&self) -> Vec<(String, f64)> {
        const RECEIPTS: u64 = 100_000;
        let home = filled(&self.bench.folder.join("bytes"), RECEIPTS, &|_: &str| ()).await;
        let db = Connection::open(home.store()).unwrap();
        let mut all = db
            .prepare(
                "SELECT sqlite_master.tbl_name || \
                   CASE WHEN sqlite_master.type = 'index' THEN ', index' ELSE '' END, sum(pgsize) \
                 FROM dbstat JOIN sqlite_master USING (name) \
                 GROUP BY 1 HAVING sum(pgsize) > 100000 ORDER BY 2 DESC",
            )
            .unwrap();
        let rows = all.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)?)));
        #[expect(clippy::cast_precision_loss, reason = "it is a round number")]
        let each = |row: rusqlite::Result<(String, f64)>| {
            let (name, bytes) = row.unwrap();
            (name, bytes / RECEIPTS as f64)
        };
        rows.unwrap().map(each).collect()
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

impl Machine {
    fn of(folder: &Path) -> Self {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.unwrap_or_default().trim_start_matches(['\t', ':', ' ']).to_owned();
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let busy = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { cores, model, busy, flush: flush(folder) }
    }
}

/// How long the disk takes to keep a page: the median of many, in milliseconds.
fn flush(folder: &Path) -> f64 {
    use std::io::Write as _;
    let path = folder.join("flush");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut one = || {
        file.write_all(&[1; 4096]).unwrap();
        let start = Instant::now();
        file.sync_data().unwrap();
        millis(start.elapsed())
    };
    let all: Vec<f64> = (0..300).map(|_| one()).collect();
    std::fs::remove_file(path).unwrap();
    super::figures::median(all)
}
