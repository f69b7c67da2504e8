//! PostgreSQL under the server, beside PostgreSQL alone: `pgbench` inserts the same rows, in batches of
//! the size that the server's had, over as many connections as the server commits on.

use std::time::Duration;

use consent_test_postgres::{Cluster, tool};

use super::Bench;
use super::figures::Side;
use super::home::Home;
use super::load::Load;
use super::process::{Process, with_children};

/// On how many connections the server commits.
const COMMITTERS: &str = "2";

/// What a decision becomes, a batch at a time: made in the database, so that nobody waits for whoever
/// makes it. Keys are as neighbouring, and texts as long, as the server's.
const BATCH: &str = "
\\set run random(1, 9000000000000000)
BEGIN;
WITH new AS MATERIALIZED (
    SELECT substr(int8send((extract(epoch FROM clock_timestamp()) * 1000)::BIGINT), 3, 6)
            || substr(uuid_send(gen_random_uuid()), 7, 10) AS id,
        int8send((extract(epoch FROM clock_timestamp()) * 10)::BIGINT)
            || uuid_send(gen_random_uuid()) AS request,
        'browser:' || left(md5(:run::TEXT), 8) || left(md5(random()::TEXT), 14) AS subject,
        uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) AS digest,
        1800000000::BIGINT AS at
    FROM generate_series(1, :batch)
), requests AS (
    INSERT INTO request (id, content, receipt, at)
    SELECT request, digest, id, at FROM new ON CONFLICT (id) DO NOTHING
), subjects AS (
    INSERT INTO subject (site, subject, version, receipts, latest, digest, states)
    SELECT 'cloud-pbs', subject, 1, 1, id, digest, repeat('x', :states) FROM new
    ON CONFLICT (site, subject) DO NOTHING
), receipts AS (
    INSERT INTO receipt (id, site, subject, at, previous, request, salt, jws)
    SELECT id, 'cloud-pbs', subject, at, NULL, request, digest, repeat('x', :jws) FROM new
)
INSERT INTO pending (id, commitment) SELECT id, digest FROM new;
INSERT INTO statistic (site, day, policy, purpose, state, method, part, count)
SELECT 'cloud-pbs', 20833, 1, purpose, 'granted', 'accept_all', 64 + :client_id, :batch
FROM unnest(ARRAY['analytics', 'communications', 'email.open_tracking']) AS purpose
ON CONFLICT (site, day, policy, purpose, state, method, part)
DO UPDATE SET count = statistic.count + excluded.count;
COMMIT;
";

/// A cluster with two databases: the server's, and the one that is filled without it.
pub(super) struct Postgres {
    cluster: Cluster,
    pub(super) home: Home,
    /// Their names.
    served: String,
    alone: String,
    seconds: u64,
    script: std::path::PathBuf,
}

/// How long texts are, and how many receipts shared a transaction.
struct Shape {
    batch: u32,
    jws: u32,
    states: u32,
}

impl Postgres {
    pub(super) fn start(bench: &Bench) -> Self {
        let cluster = Cluster::start(&["shared_buffers=512MB", "max_wal_size=4GB"]);
        let home = |name: &str| {
            let url = cluster.database();
            let database = url.rsplit('/').next().unwrap().to_owned();
            (Home::empty(&bench.folder.join(name), &url), database)
        };
        let ((home, served), (other, alone)) = (home("postgres"), home("pgbench"));
        // It makes the tables, and those of this month.
        drop(Process::consent(&bench.consent, &other));
        let script = bench.folder.join("batch.sql");
        std::fs::write(&script, BATCH).unwrap();
        Self { cluster, home, served, alone, seconds: bench.seconds, script }
    }

    /// Seconds of processor that the database has taken so far, all its processes.
    pub(super) fn processor(&self) -> f64 {
        let file = self.cluster.folder().join("data/postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap();
        with_children(text.lines().next().unwrap().parse().unwrap())
    }

    /// What goes in without the server.
    pub(super) fn alone(&self) -> Side {
        let shape = self.shape();
        let before = self.processor();
        let mut pgbench = tool("pgbench");
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--username=postgres"]);
        pgbench.args([&format!("--client={COMMITTERS}"), &format!("--jobs={COMMITTERS}")]);
        pgbench.arg("--host").arg(self.cluster.folder());
        pgbench.arg(format!("--port={}", self.cluster.port()));
        pgbench.arg(format!("--time={}", self.seconds));
        for (name, value) in [("batch", shape.batch), ("jws", shape.jws), ("states", shape.states)]
        {
            pgbench.arg(format!("--define={name}={value}"));
        }
        let output = pgbench.arg("--file").arg(&self.script).arg(&self.alone).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let tps = told.lines().find_map(|line| line.strip_prefix("tps = "));
        let tps = tps.and_then(|line| line.split(' ').next()?.parse::<f64>().ok());
        let failed = String::from_utf8_lossy(&output.stderr);
        let rate = tps.unwrap_or_else(|| panic!("{told}{failed}")) * f64::from(shape.batch);
        let load = Load { rate, ..Load::default() };
        let took = self.processor() - before;
        let database = load.micros_each(took, Duration::from_secs(self.seconds));
        Side { load, database, ..Side::default() }
    }

    /// As the server's transactions were.
    fn shape(&self) -> Shape {
        let of = |sql: &str| self.cluster.sql(&self.served, sql).parse().unwrap();
        let batch = "SELECT ceil(count(*)::FLOAT8 / count(DISTINCT xmin::TEXT))::INT FROM receipt";
        Shape {
            batch: of(batch),
            jws: of("SELECT avg(length(jws))::INT FROM receipt"),
            states: of("SELECT avg(length(states))::INT FROM subject"),
        }
    }
}
