//! The programs that drive the browsers. What is done with a browser is in `browser.rs`.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;

/// A driver that runs as long as this lives.
///
/// It is started below a shell that waits for the end of its input, which comes when this is
/// dropped or the process ends, however that happens: so it never stays behind, nor does a browser
/// that it started.
#[derive(Debug)]
pub(crate) struct Driver {
    url: String,
    _input: ChildStdin,
}

impl Driver {
    /// The one `chromedriver` that all tests of this process share; each has a browser and a
    /// profile of its own.
    pub(crate) fn chrome() -> &'static Self {
        static DRIVER: OnceLock<Driver> = OnceLock::new();
        DRIVER.get_or_init(|| Self::start("chromedriver --port=0", "started successfully on port "))
    }

    /// A `geckodriver`. It drives one browser only, so each test needs its own. Profiles are made
    /// in `folder`, because those of a browser that is killed stay behind.
    pub(crate) fn gecko(folder: &Path) -> Self {
        let built =
            Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target/tools/bin/geckodriver");
        let program = if built.exists() { built.as_path() } else { Path::new("geckodriver") };
        let command = format!(
            "'{}' --port 0 --websocket-port 0 --profile-root '{}' 2>&1",
            program.display(),
            folder.display()
        );
        Self::start(&command, "Listening on 127.0.0.1:")
    }

    /// Runs a command that tells its port in a line after `mark`.
    fn start(command: &str, mark: &str) -> Self {
        // A driver that does not start ends the shell too, so that nobody waits for its port.
        let script = format!("{{ {command}; kill -- -$$; }} </dev/null & read -r _; kill -- -$$");
        let mut shell = Command::new("sh")
            .args(["-c", &script])
            // A group of its own, so that everything in it can be ended together.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        let port = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("`{command}` does not start; `cargo xtask test` installs it; {said:?}");
            };
            if let Some((_, port)) = line.split_once(mark) {
                break port.trim_end_matches('.').to_owned();
            }
            said.push(line);
        };
        // It goes on writing; nobody else reads it.
        let input = shell.stdin.take().unwrap();
        std::thread::spawn(move || {
            lines.for_each(drop);
            shell.wait()
        });
        Self { url: format!("http://127.0.0.1:{port}"), _input: input }
    }

    /// Where it takes commands.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}
