//! A PostgreSQL server for tests, from Debian's programs: in a folder of its own, reached through a
//! socket in it, gone with the process that started it, however that ends.
//!
//! What is tested with it is elsewhere.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Runs beside the server and obeys lines: `stop` kills it as a crash would, `start` starts it again.
/// It outlives an interrupted terminal. When the lines end, because whoever wrote them is done or dead, it ends the server and removes
/// the folder. It answers each line once it is done. The server gets no input: it would keep the
/// lines open.
const GUARD: &str = r#"
trap "" HUP INT QUIT TERM
folder=$1; shift
run() { "$@" </dev/null >>"$folder/log" 2>&1 & server=$!; }
end() { kill -QUIT "$server" 2>/dev/null; wait "$server"; }
run "$@"
while read -r line; do
    case $line in
        stop) end ;;
        start) run "$@" ;;
    esac
    echo "$line"
done
end
rm -rf "$folder"
"#;

/// The superuser, and the account that the server runs under where root starts it: PostgreSQL refuses
/// to run as root.
const USER: &str = "postgres";

/// A running server.
pub struct Cluster {
    folder: TempDir,
    port: u16,
    databases: AtomicU32,
    guard: Mutex<Guard>,
}

struct Guard {
    child: Child,
    /// Taken away to let the guard end.
    lines: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Cluster {
    /// The one that all tests of a process share. It flushes nothing: a server that is killed loses
    /// nothing by that, only a machine that is switched off would.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&["fsync=off", "max_connections=400"]))
    }

    /// Starts one with these settings, each as in `fsync=off`.
    pub fn start(settings: &[&str]) -> Self {
        Self::prepared(settings, init)
    }

    /// Starts one from a base copy, which it brings to where these settings say.
    pub fn recovered(base: &Path, settings: &[&str]) -> Self {
        let cluster = Self::prepared(settings, |data| {
            done(Command::new("cp").arg("--recursive").arg(base).arg(data));
            done(Command::new("touch").arg(data.join("recovery.signal")));
            if is_root() {
                done(Command::new("chown").arg("--recursive").arg(USER).arg(data));
            }
            done(Command::new("chmod").arg("700").arg(data));
        });
        // It can be read before it has arrived.
        let started = Instant::now();
        while cluster.sql("postgres", "SELECT pg_is_in_recovery()") != "f" {
            assert!(started.elapsed() < Duration::from_mins(1), "{}", cluster.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        cluster
    }

    fn prepared(settings: &[&str], make: impl FnOnce(&Path)) -> Self {
        let folder = TempDir::with_prefix("postgres-").expect("a folder for temporary files");
        let data = folder.path().join("data");
        if is_root() {
            done(Command::new("chown").arg(USER).arg(folder.path()));
        }
        make(&data);

        let port = free_port();
        let mut server = program("postgres");
        server.arg("-D").arg(&data).arg("-k").arg(folder.path()).arg("-p").arg(port.to_string());
        for setting in settings {
            server.arg("-c").arg(setting);
        }
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "sh"]).arg(folder.path());
        guard.arg(server.get_program()).args(server.get_args());
        let mut child =
            guard.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell is there");
        let lines = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let cluster = Self {
            folder,
            port,
            databases: AtomicU32::new(0),
            guard: Mutex::new(Guard { child, lines, answers }),
        };
        cluster.wait();
        cluster
    }

    /// Starts one that speaks TLS on its port, with this certificate and its key.
    pub fn with_certificate(certificate: &str, key: &str) -> Self {
        Self::prepared(&["ssl=on"], |data| {
            init(data);
            for (file, name) in [(certificate, "server.crt"), (key, "server.key")] {
                let mut install = Command::new("install");
                install.args(["-m", "600"]).arg(file).arg(data.join(name));
                if is_root() {
                    install.args(["-o", USER]);
                }
                done(&mut install);
            }
        })
    }

    /// The address of an empty database that nobody else has.
    pub fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The address of that database, through the socket.
    pub fn url(&self, database: &str) -> String {
        // A slash in the name of a host is written so.
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgresql://{USER}@{folder}:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder: the sockets are in it, and the data below.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a statement in a database; what it gives, without heads.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let mut psql = tool("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--username", USER]);
        psql.arg("--host").arg(self.folder.path()).arg("--port").arg(self.port.to_string());
        done(psql.args(["--set", "ON_ERROR_STOP=1", "--command", sql, database]))
    }

    /// Kills the server as a crash would: it finishes nothing.
    pub fn stop(&self) {
        self.tell("stop");
    }

    /// Starts it again after [`Self::stop`].
    pub fn resume(&self) {
        self.tell("start");
        self.wait();
    }

    fn tell(&self, line: &str) {
        let mut guard = self.guard();
        let lines = guard.lines.as_mut().expect("it is taken at the end only");
        writeln!(lines, "{line}").expect("the guard listens as long as this process lives");
        let mut answer = String::new();
        guard.answers.read_line(&mut answer).expect("the guard answers");
        assert_eq!(answer.trim(), line, "the guard of the PostgreSQL server ended");
    }

    /// Until it answers, or is known not to.
    fn wait(&self) {
        let started = Instant::now();
        loop {
            let mut ready = tool("pg_isready");
            ready.arg("--host").arg(self.folder.path()).arg("--port").arg(self.port.to_string());
            if ready.args(["--quiet", "--timeout=10"]).status().is_ok_and(|done| done.success()) {
                return;
            }
            let log = self.log();
            let in_time = started.elapsed() < Duration::from_mins(1);
            assert!(
                in_time && !log.contains("FATAL:  could not"),
                "PostgreSQL does not start:\n{log}"
            );
            assert!(
                self.guard().child.try_wait().is_ok_and(|ended| ended.is_none()),
                "the guard of the PostgreSQL server ended:\n{log}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the server said, without what it said to those who only ask whether it is there.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let told = log.lines().filter(|line| !line.ends_with("the database system is starting up"));
        told.collect::<Vec<_>>().join("\n")
    }

    fn guard(&self) -> MutexGuard<'_, Guard> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the folder of a server's data.
fn init(data: &Path) {
    let mut init = program("initdb");
    init.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username"]);
    done(init.arg(USER).arg("--pgdata").arg(data));
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut guard = self.guard();
        guard.lines = None;
        let _ = guard.child.wait();
    }
}

/// One of PostgreSQL's programs, by the account under which the server runs.
fn program(name: &str) -> Command {
    if !is_root() {
        return tool(name);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--init-groups", "--"]).arg(path(name));
    // It would complain that it may not read ours.
    command.current_dir("/");
    command
}

/// One of PostgreSQL's programs, for whoever asks.
pub fn tool(name: &str) -> Command {
    Command::new(path(name))
}

/// Where the newest of the versions that are installed keeps that program.
fn path(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|folder| {
            let version: u32 = folder.file_name().to_str()?.parse().ok()?;
            let path = folder.path().join("bin").join(name);
            path.is_file().then_some((version, path))
        })
        .max();
    newest.expect("PostgreSQL is installed; on Debian: sudo apt-get install postgresql").1
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("a port is free").port()
}

/// Runs it to its end; what it said.
fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (told, failed) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {told}{failed}");
    told.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_is_there_after_a_crash_and_the_folder_goes_in_the_end() {
        let cluster = Cluster::start(&[]);
        let database = cluster.database();
        let name = database.rsplit('/').next().unwrap();
        cluster.sql(name, "CREATE TABLE kept (x BIGINT)");
        cluster.stop();
        let mut ready = tool("pg_isready");
        ready.arg("--host").arg(cluster.folder()).arg("--port").arg(cluster.port().to_string());
        assert!(!ready.arg("--quiet").status().unwrap().success());
        cluster.resume();
        assert_eq!(cluster.sql(name, "SELECT count(*) FROM kept"), "0");
        let folder = cluster.folder().to_owned();
        drop(cluster);
        assert!(!folder.exists());
    }
}
