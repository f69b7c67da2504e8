//! The `consent` program as a process: started, asked, stopped and killed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod command_line;
mod disk;
mod durability;
mod interface;
mod keys;
mod mail;
mod postgres;
mod power;
mod records;
mod start;
mod whole;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use consent_core::policy::EXAMPLE;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

const ORIGIN: &str = "http://www.example.org:8080";

/// A folder with a configuration and a policy, and everything that the program makes there.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        let config = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:8787\"\n\n\
             [mail]\ntransport = \"file:data/mail\"\n\n\
             [[region]]\nid = \"eu\"\nstore = \"sqlite:data/eu.db\"\nkeys = \"data/eu.keys\"\n\n\
             [[site]]\nid = \"example\"\nregion = \"eu\"\npolicy = \"policy.toml\"\norigins = [\"{ORIGIN}\"]\n"
        );
        std::fs::write(home.path("consent.toml"), config).unwrap();
        std::fs::write(home.path("policy.toml"), EXAMPLE).unwrap();
        home
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Replaces text in a file.
    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(self.path(name), text.replacen(from, to, 1)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_consent"));
        command.args(arguments).current_dir(self.0.path()).env("CONSENT_CONFIG", "consent.toml");
        command
    }

    /// Runs a command to its end.
    fn run(&self, arguments: &[&str]) -> Run {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// What the server logged.
    fn log(&self) -> String {
        std::fs::read_to_string(self.path("serve.log")).unwrap()
    }

    /// Starts the server and waits until it listens.
    async fn serve(&self) -> Server {
        let mut serve = self.command(&["serve", "--log", "json"]);
        serve.env("RUST_LOG", "info,consent_server=debug");
        self.start(serve).await
    }

    /// The same by a command that becomes the server.
    async fn start(&self, command: Command) -> Server {
        let mut command = tokio::process::Command::from(command);
        command.current_dir(self.0.path()).env("CONSENT_CONFIG", "consent.toml");
        // Into a file, not a pipe: nobody reads along, and a full pipe would stop the server.
        let log = std::fs::File::create(self.path("serve.log")).unwrap();
        let mut process =
            command.stdout(Stdio::piped()).stderr(log).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap();
        let Some(url) = first.as_deref().and_then(|line| line.strip_prefix("listening on ")) else {
            panic!("did not start: {}", self.log());
        };
        Server { url: url.to_owned(), process, lines }
    }
}

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

struct Server {
    url: String,
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    /// Sends a decision; the receipt, if it was acknowledged.
    async fn decide(&self, client: &reqwest::Client) -> Option<Acknowledged> {
        decide(client, &self.url, None).await
    }

    /// Asks the process to stop, as Ctrl-C and service managers do.
    fn terminate(&self) {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }
}

#[derive(Debug, Clone)]
struct Acknowledged {
    id: String,
    receipt: String,
}

/// Sends a decision, under a key if there is one; what it is answered with, if acknowledged.
async fn decide(client: &reqwest::Client, url: &str, key: Option<&str>) -> Option<Acknowledged> {
    acknowledged(send(client, url, key).await.ok()?).await
}

/// What an answer acknowledges, if it does.
async fn acknowledged(answer: reqwest::Response) -> Option<Acknowledged> {
    let created = answer.status() == 201;
    let answer: serde_json::Value = answer.json().await.ok()?;
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    created.then(|| Some(Acknowledged { id: text("id")?, receipt: text("receipt")? })).flatten()
}

async fn send(
    client: &reqwest::Client,
    url: &str,
    key: Option<&str>,
) -> reqwest::Result<reqwest::Response> {
    let body = serde_json::json!({
        "policy": 1, "choices": {"analytics": "granted"}, "method": "preferences", "language": "en",
    });
    let request = client.post(format!("{url}/v1/sites/example/decisions")).header("origin", ORIGIN);
    let request = match key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    };
    request.json(&body).send().await
}
