//! A server as a process: how long it takes to start, and what it takes of the machine.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::home::Home;

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// Kept open, so that the server can say that it stops.
    _told: BufReader<ChildStdout>,
    /// Where it listens.
    pub(super) url: String,
    /// From the start of the program to its first answer.
    pub(super) started: Duration,
}

/// Clock ticks in a second, in `/proc` (Linux, `USER_HZ`).
const TICKS: f64 = 100.0;

impl Process {
    /// The server that is measured.
    pub(super) fn consent(consent: &Path, home: &Home) -> Self {
        let mut command = Command::new(consent);
        command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(home.config());
        Self::start(command, home)
    }

    /// What it is measured against: this very program, asked to be a server.
    pub(super) fn rival(name: &str, home: &Home) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["rival", name]).arg(home.config());
        Self::start(command, home)
    }

    fn start(mut command: Command, home: &Home) -> Self {
        let log = std::fs::File::create(home.folder().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let start = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut told = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| {
            let log = std::fs::read_to_string(home.folder().join("log")).unwrap();
            panic!("{command:?} does not start: {line}{log}")
        });
        let url = url.to_owned();
        let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
        let ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(ask).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200", "{command:?}");
        Self { child, _told: told, url, started: start.elapsed() }
    }

    /// Memory that it holds, in bytes.
    pub(super) fn memory(&self) -> f64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
    }

    /// Seconds of processor that it has taken so far, all threads.
    pub(super) fn processor(&self) -> f64 {
        taken(self.child.id(), &[USER, SYSTEM]).unwrap()
    }
}

/// Seconds of processor that a process has taken itself, and those of its children that have ended.
const USER: usize = 11;
const SYSTEM: usize = 12;
const ENDED_USER: usize = 13;
const ENDED_SYSTEM: usize = 14;

/// What a process has taken so far, added up over these fields; nothing if it is gone.
fn taken(process: u32, fields: &[usize]) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let after_name: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.iter().map(|field| after_name[*field].parse::<f64>().unwrap());
    Some(ticks.sum::<f64>() / TICKS)
}

/// Seconds of processor that a process and its children have taken so far.
pub(super) fn with_children(process: u32) -> f64 {
    let children = format!("/proc/{process}/task/{process}/children");
    let children = std::fs::read_to_string(children).unwrap();
    let children = children.split_whitespace().map(|child| child.parse().unwrap());
    // One that ends meanwhile is counted by its parent from then on, which is asked last.
    let alive: f64 = children.filter_map(|child| taken(child, &[USER, SYSTEM])).sum();
    alive + taken(process, &[USER, SYSTEM, ENDED_USER, ENDED_SYSTEM]).unwrap()
}

impl Drop for Process {
    fn drop(&mut self) {
        // As an operator stops it, so that what it has stored is put in order.
        let stopped = Command::new("kill").arg(self.child.id().to_string()).status();
        if !stopped.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
