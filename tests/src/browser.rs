//! A Chromium with a fresh profile, driven by `chromedriver`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use thirtyfour::extensions::query::ElementPollerNoWait;
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities};

use crate::network::Network;
use crate::wait_for;

/// Finds in the banner's shadow root.
const FIND: &str = "return document.querySelector('consent-banner')?.shadowRoot.querySelector(arguments[0]) ?? null";

/// The address of the one `chromedriver` that all tests of this process share; each has a browser
/// and a profile of its own.
///
/// It is started below a shell that waits for the end of its input, which comes when this process
/// ends, however that happens: so it never stays behind.
fn driver_url() -> &'static str {
    static DRIVER: OnceLock<(String, ChildStdin)> = OnceLock::new();
    let (url, _) = DRIVER.get_or_init(|| {
        let script = "chromedriver --port=0 </dev/null & read -r _; kill $!";
        let mut shell = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        let port = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("chromedriver does not start; on Debian: apt-get install chromium chromium-driver; {said:?}");
            };
            if let Some((_, port)) = line.split_once("started successfully on port ") {
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
        (format!("http://127.0.0.1:{port}"), input)
    });
    url
}

/// A browser of one test. Ends with it.
pub struct Browser {
    driver: WebDriver,
    downloads: tempfile::TempDir,
}

/// Everything that a page of the current origin, or its server, left in the browser.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// The cookies, by name, those that scripts cannot read too.
    pub cookies: Vec<(String, String)>,
    /// The entries of `localStorage`.
    pub local: Vec<(String, String)>,
    /// The entries of `sessionStorage`.
    pub session: Vec<(String, String)>,
    /// The names of databases and caches.
    pub other: Vec<String>,
}

impl Browser {
    /// Starts a browser all of whose requests pass `network`.
    pub async fn start(network: &Network) -> Self {
        let downloads = tempfile::tempdir().unwrap();
        let mut wanted = ChromeCapabilities::new();
        for argument in [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,900",
            "--lang=en",
            // Loopback requests too pass the proxy.
            "--proxy-bypass-list=<-loopback>",
            &format!("--proxy-server=http://{}", network.address()),
        ] {
            wanted.add_arg(argument).unwrap();
        }
        let preferences = json!({ "download.default_directory": downloads.path() });
        wanted.add_experimental_option("prefs", preferences).unwrap();
        wanted.set("goog:loggingPrefs", json!({ "browser": "ALL" })).unwrap();
        let driver = WebDriver::new(driver_url(), wanted).await.unwrap();
        // The waiting is done here, with a word on what is waited for.
        driver.set_poller(Arc::new(ElementPollerNoWait));
        Self { driver, downloads }
    }

    /// The session itself, for what is not offered here.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Opens an address and waits until the page is loaded.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.unwrap();
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Whether a selector finds something in the banner's shadow root.
    pub async fn has(&self, selector: &str) -> bool {
        let found = self.driver.execute(FIND, vec![selector.into()]).await.unwrap();
        !found.json().is_null()
    }

    /// Waits until a selector finds something that is shown in the banner's shadow root.
    pub async fn shown(&self, selector: &str) -> WebElement {
        wait_for(selector, async || {
            let found = self.driver.execute(FIND, vec![selector.into()]).await.ok()?;
            let element = found.element().ok()?;
            element.is_displayed().await.ok()?.then_some(element)
        })
        .await
    }

    /// Waits until the banner and the panel are gone.
    pub async fn gone(&self) {
        wait_for("the banner to go", async || {
            self.driver.find(By::Tag("consent-banner")).await.is_err().then_some(())
        })
        .await;
    }

    /// Clicks, as a visitor does, what a selector finds in the banner or the panel.
    pub async fn press(&self, selector: &str) {
        self.shown(selector).await.click().await.unwrap();
    }

    /// Clicks, as a visitor does, what a selector finds in the page.
    pub async fn press_in_page(&self, selector: &str) {
        let element = self.driver.find(By::Css(selector)).await.unwrap();
        // At once, whatever the page's style says: a moving target is missed.
        let script = "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })";
        self.driver.execute(script, vec![element.to_json().unwrap()]).await.unwrap();
        element.click().await.unwrap();
    }

    /// Types into a field of the page.
    pub async fn type_into(&self, selector: &str, text: &str) {
        let field = self.driver.find(By::Css(selector)).await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// What is stored for the current page's origin.
    pub async fn storage(&self) -> Storage {
        let script = r"
            const done = arguments[0];
            (async () => ({
                local: Object.entries(localStorage).sort(),
                session: Object.entries(sessionStorage).sort(),
                other: [
                    ...(await indexedDB.databases()).map((base) => base.name),
                    ...('caches' in window ? await caches.keys() : []),
                ],
            }))().then(done);";
        let found = self.driver.execute_async(script, Vec::new()).await.unwrap().json().clone();
        let pairs = |area: &str| serde_json::from_value(found[area].clone()).unwrap();
        let cookies = self.driver.get_all_cookies().await.unwrap();
        let mut cookies: Vec<_> = cookies.into_iter().map(|c| (c.name, c.value)).collect();
        cookies.sort();
        Storage {
            cookies,
            local: pairs("local"),
            session: pairs("session"),
            other: serde_json::from_value(found["other"].clone()).unwrap(),
        }
    }

    /// What the page and the browser wrote to the console since it was last asked.
    pub async fn console(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.unwrap();
        entries.into_iter().map(|entry| entry.message).collect()
    }

    /// Waits for a file that the page offered to save.
    pub async fn downloaded(&self, name: &str) -> PathBuf {
        let path = self.downloads.path().join(name);
        wait_for(name, async || path.exists().then_some(())).await;
        path
    }
}
