//! A browser with a fresh profile, and what a visitor does in it. How it is started is in `start`.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use thirtyfour::extensions::query::ElementPollerNoWait;
use thirtyfour::{TypingData, prelude::*};

use crate::driver::Driver;
use crate::network::Network;
use crate::options::{Kind, Options};
use crate::start::{self, Lines};
use crate::wait_for;

/// Finds in the banner's shadow root.
const FIND: &str = "return document.querySelector('consent-banner')?.shadowRoot.querySelector(arguments[0]) ?? null";

/// A browser of one test. Ends with it.
pub struct Browser {
    // The session ends before its driver does.
    driver: WebDriver,
    engine: Engine,
    options: Options,
    folder: tempfile::TempDir,
}

/// What each kind has beside its session.
enum Engine {
    Chromium,
    Firefox { _driver: Driver, console: Lines },
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
    pub async fn start(network: &Network, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (driver, engine) = match options.kind {
            Kind::Chromium => {
                let driver = start::chromium(network.address(), folder.path(), &options).await;
                start::dress_chromium(&driver, &options).await;
                (driver, Engine::Chromium)
            }
            Kind::Firefox => {
                // Another test of this process may have named it already.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let (driver, gecko, console) =
                    start::firefox(network.address(), folder.path(), &options).await;
                (driver, Engine::Firefox { _driver: gecko, console })
            }
        };
        // The waiting is done here, with a word on what is waited for.
        driver.set_poller(Arc::new(ElementPollerNoWait));
        Self { driver, engine, options, folder }
    }

    /// Changes the size and the preferences of a running Chromium. What only a start decides, the
    /// languages and a signal that was sent, stays.
    pub async fn change(&mut self, options: Options) {
        assert_eq!((options.kind, self.options.kind), (Kind::Chromium, Kind::Chromium));
        self.options = options;
        start::dress_chromium(&self.driver, &self.options).await;
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

    /// Waits until the banner is gone and placeholders stand where frames wait.
    pub async fn gone_to_frames(&self) {
        self.gone().await;
        wait_for("a placeholder", async || {
            self.driver.find(By::Tag("consent-frame")).await.is_ok().then_some(())
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

    /// Presses a key.
    pub async fn key(&self, key: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(key).perform().await.unwrap();
    }

    /// Types into a field of the page.
    pub async fn type_into(&self, selector: &str, text: &str) {
        let field = self.driver.find(By::Css(selector)).await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// The cookies of the current page, by name.
    pub async fn cookies(&self) -> Vec<(String, String)> {
        let cookies = self.driver.get_all_cookies().await.unwrap();
        let mut cookies: Vec<_> = cookies.into_iter().map(|c| (c.name, c.value)).collect();
        cookies.sort();
        cookies
    }

    /// What a page keeps in `localStorage` or `sessionStorage`, by key.
    pub async fn entries(&self, area: &str) -> Vec<(String, String)> {
        let found = self.run(&format!("return Object.entries({area}).sort()")).await;
        serde_json::from_value(found).unwrap()
    }

    /// All that is stored for the current page's origin. Not for a page that may be about to be
    /// loaded anew: a browser answers with promises what databases there are, and a page that goes
    /// takes them along.
    pub async fn storage(&self) -> Storage {
        let script = r"
            const done = arguments[0];
            (async () => [
                ...(await indexedDB.databases()).map((base) => base.name),
                ...('caches' in window ? await caches.keys() : []),
            ])().then(done);";
        let other = self.driver.execute_async(script, Vec::new()).await.unwrap().json().clone();
        Storage {
            cookies: self.cookies().await,
            local: self.entries("localStorage").await,
            session: self.entries("sessionStorage").await,
            other: serde_json::from_value(other).unwrap(),
        }
    }

    /// What the page and the browser wrote to the console since it was last asked.
    pub async fn console(&self) -> Vec<String> {
        match &self.engine {
            Engine::Chromium => {
                let entries = self.driver.browser_log().await.unwrap();
                entries.into_iter().map(|entry| entry.message).collect()
            }
            Engine::Firefox { console, .. } => std::mem::take(&mut *console.lock().unwrap()),
        }
    }

    /// Waits for a file that the page offered to save.
    pub async fn downloaded(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        // Firefox makes an empty file first.
        let written = || std::fs::metadata(&path).is_ok_and(|file| file.len() > 0);
        wait_for(name, async || written().then_some(())).await;
        path
    }

    /// Kills the process of the page, which gets no chance to clean up, and goes on in a fresh tab.
    /// What is stored stays. Chromium only.
    pub async fn crash(&self) {
        let cdp = self.driver.cdp();
        // Beforehand, because nothing can be asked of a tab that crashed; and behind the page, so
        // that it does not notice.
        let fresh = json!({ "url": "about:blank", "background": true });
        let fresh = cdp.send_raw("Target.createTarget", fresh).await.unwrap();
        cdp.send_raw("Page.crash", json!({})).await.unwrap_err();
        let fresh = fresh["targetId"].as_str().unwrap().to_owned();
        self.driver.switch_to_window(fresh.into()).await.unwrap();
        start::dress_chromium(&self.driver, &self.options).await;
    }
}
