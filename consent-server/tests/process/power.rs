//! The power goes (invariant 4): what was written and not flushed is lost, in part or whole, sector by
//! sector; what was acknowledged is there.
//!
//! `strace` tells what the server writes, when it flushes and when it answers. From that, the files
//! are made as a disk may hold them at any moment, and looked at.

use std::collections::BTreeMap;

use super::durability::Random;
use super::whole::{Known, Place, assert_whole};
use super::*;

/// How many decide at once, and how often each.
const CLIENTS: usize = 4;
const DECISIONS: usize = 50;
/// At how many moments the power goes.
const MOMENTS: usize = 60;
/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A moment, in microseconds.
type Moment = u64;

/// What the server did.
#[derive(Debug)]
enum Done {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
    Flush,
    Answer { ids: Vec<String> },
}

#[derive(Debug)]
struct Call {
    start: Moment,
    end: Moment,
    /// The file's name, if it is one.
    file: String,
    done: Done,
}

/// Text with every byte written as `\x41`.
fn bytes(text: &str) -> Vec<u8> {
    let digits = text.split("\\x").skip(1);
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

impl Call {
    /// A line such as `1795623089.077230 pwrite64(3</a/b>, "…", 8, 3) = 8 <0.000030>`, with all that
    /// is in quotes or brackets as hexadecimal digits.
    fn read(line: &str) -> Option<Self> {
        let micros = |text: &str| text.replace('.', "").parse::<Moment>().ok();
        let (start, rest) = line.split_once(' ')?;
        let (rest, took) = rest.strip_suffix('>')?.rsplit_once(" <")?;
        let (rest, result) = rest.rsplit_once(" = ")?;
        let (name, arguments) = rest.strip_suffix(')')?.split_once('(')?;
        let result: usize = result.parse().ok()?;
        let (_, path) = arguments.split_once('<')?;
        let (path, arguments) = path.split_once('>')?;
        let path = String::from_utf8(bytes(path)).ok()?;
        let quoted: Vec<_> = arguments.split('"').skip(1).step_by(2).map(bytes).collect();
        let number = || arguments.rsplit_once(", ")?.1.parse::<usize>().ok();
        let done = match name {
            "pwrite64" => {
                let mut bytes = quoted.into_iter().next()?;
                bytes.truncate(result);
                Done::Write { offset: number()?, bytes }
            }
            "ftruncate" => Done::Truncate { length: number()? },
            "fdatasync" | "fsync" => Done::Flush,
            _ if path.starts_with("socket:") => {
                let sent = quoted.concat();
                let sent = String::from_utf8_lossy(&sent);
                let answers = sent.split("HTTP/1.1 ").filter(|answer| answer.starts_with("201"));
                let id = |answer: &str| {
                    let (_, id) = answer.split_once("{\"id\":\"")?;
                    Some(id.split_once('"')?.0.to_owned())
                };
                Done::Answer { ids: answers.filter_map(id).collect() }
            }
            _ => return None,
        };
        let start = micros(start)?;
        let file = path.rsplit('/').next()?.to_owned();
        Some(Self { start, end: start + micros(took)?, file, done })
    }
}

/// All that was told, in order.
fn told(folder: &Path) -> Vec<Call> {
    let mut calls = Vec::new();
    for thread in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(thread.unwrap().path()).unwrap();
        calls.extend(text.lines().filter_map(Call::read));
    }
    calls.sort_by_key(|call| call.start);
    calls
}

/// The files as a disk may hold them when the power goes at that moment, from what they were before.
fn after(
    before: &BTreeMap<String, Vec<u8>>,
    calls: &[Call],
    moment: Moment,
    random: &mut Random,
) -> BTreeMap<String, Vec<u8>> {
    let mut files = before.clone();
    for (index, call) in calls.iter().enumerate().take_while(|(_, call)| call.start <= moment) {
        // Whether it is flushed: by a flush of its file that began after it and ended by now.
        let flushed = calls[index..].iter().any(|flush| {
            matches!(flush.done, Done::Flush)
                && flush.file == call.file
                && flush.start >= call.end
                && flush.end <= moment
        });
        let mut is_kept = || flushed || random.below(2) == 0;
        match &call.done {
            Done::Write { offset, bytes } => {
                let file = files.entry(call.file.clone()).or_default();
                // By sectors of the disk, wherever the write begins.
                let mut from = 0;
                while from < bytes.len() {
                    let to = bytes.len().min(from + SECTOR - (offset + from) % SECTOR);
                    if is_kept() {
                        file.resize(file.len().max(offset + to), 0);
                        file[offset + from..offset + to].copy_from_slice(&bytes[from..to]);
                    }
                    from = to;
                }
            }
            Done::Truncate { length } if is_kept() => {
                files.entry(call.file.clone()).or_default().resize(*length, 0);
            }
            _ => {}
        }
    }
    // A file that is new is there for certain once its folder is flushed.
    let is_listed = calls
        .iter()
        .any(|call| matches!(call.done, Done::Flush) && call.file == "data" && call.end <= moment);
    files.retain(|name, _| before.contains_key(name) || is_listed || random.below(2) == 0);
    files
}

async fn decide_often(number: usize, url: String) -> Vec<Acknowledged> {
    let client = reqwest::Client::new();
    let mut mine = Vec::new();
    for request in 0..DECISIONS {
        let key = format!("client-{number:04}-request-{request:04}");
        mine.push(decide(&client, &url, Some(&key)).await.expect("it answers"));
    }
    mine
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_power_goes_what_was_acknowledged_is_there() {
    let home = Home::new();
    let mut server = home.serve().await;
    let mut acknowledged = vec![server.decide(&reqwest::Client::new()).await.unwrap()];
    server.terminate();
    assert!(server.process.wait().await.unwrap().success());
    let before = ["eu.db", "eu.keys"]
        .map(|name| (name.to_owned(), std::fs::read(home.path("data").join(name)).unwrap()));
    let before = BTreeMap::from(before);

    let trace = tempfile::tempdir().unwrap();
    let mut strace = Command::new("strace");
    strace.args(["-ff", "-qq", "-ttt", "-T", "-y", "-xx", "-s", "1000000", "-e", "signal=none"]);
    strace.args(["-e", "trace=pwrite64,ftruncate,fdatasync,fsync,write,writev,sendto,sendmsg"]);
    strace.arg("-o").arg(trace.path().join("calls"));
    // It ends with the one who watches it.
    strace.args(["setpriv", "--pdeathsig", "KILL", "--"]);
    let server = home.start(with(strace, &home.command(&["serve", "--log", "json"]))).await;
    let clients = (0..CLIENTS).map(|number| tokio::spawn(decide_often(number, server.url.clone())));
    for client in clients.collect::<Vec<_>>() {
        acknowledged.extend(client.await.unwrap());
    }
    server.end_watched().await;

    let calls = told(trace.path());
    let answers: Vec<_> = calls
        .iter()
        .filter_map(|call| match &call.done {
            Done::Answer { ids } if !ids.is_empty() => Some((call.start, ids)),
            _ => None,
        })
        .collect();
    assert_eq!(answers.iter().map(|(_, ids)| ids.len()).sum::<usize>(), CLIENTS * DECISIONS);
    let count = |wanted: fn(&Done) -> bool| calls.iter().filter(|call| wanted(&call.done)).count();
    assert!(count(|done| matches!(done, Done::Write { .. })) > 1_000);
    assert!(count(|done| matches!(done, Done::Flush)) > DECISIONS);

    let (mut random, last) = (Random::new(5), answers.last().unwrap().0);
    let between = calls[0].start..last;
    let moments: Vec<_> = (0..MOMENTS)
        .map(|number| {
            if number % 2 == 0 {
                // Just as an answer leaves.
                answers[usize::try_from(random.below(answers.len() as u64)).unwrap()].0
            } else {
                between.start + random.below(between.end - between.start)
            }
        })
        .chain([last])
        .collect();
    for moment in moments {
        let files = after(&before, &calls, moment, &mut random);
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let answered: Vec<_> = answers
            .iter()
            .take_while(|(start, _)| *start <= moment)
            .flat_map(|(_, ids)| ids.iter())
            .chain([&acknowledged[0].id])
            .collect();
        let must = acknowledged.iter().filter(|one| answered.contains(&&one.id));
        let place = Place::Files(folder.path());
        let found = assert_whole(&home, &place, must, &Known::default()).await;
        assert!(found.receipts >= answered.len() as u64);
    }
}

/// One command that runs another.
fn with(mut outer: Command, inner: &Command) -> Command {
    outer.arg(inner.get_program()).args(inner.get_args());
    outer
}

impl Server {
    /// Asks the server to stop that `strace` runs, and waits for both.
    async fn end_watched(mut self) {
        let watcher = self.process.id().unwrap();
        let children = format!("/proc/{watcher}/task/{watcher}/children");
        let child = std::fs::read_to_string(children).unwrap().trim().to_owned();
        assert!(Command::new("kill").args(["-TERM", &child]).status().unwrap().success());
        assert!(self.process.wait().await.unwrap().success());
    }
}
