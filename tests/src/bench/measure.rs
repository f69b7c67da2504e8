//! Measures visits: in a browser that nothing has been loaded in, on a slow line and processor.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use super::contestants::{Contestant, Server};
use crate::options::Options;
use crate::{start, wait_for};

/// What a page costs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Visit {
    /// Milliseconds from the start of the navigation to the first frame that shows the banner.
    pub(super) painted: f64,
    /// Bytes received until then, with headers, and those of the page itself.
    pub(super) bytes: f64,
    /// Milliseconds that scripts took, until the page was quiet.
    pub(super) script: f64,
    /// Milliseconds that the main thread took for anything.
    pub(super) task: f64,
    /// Tasks of more than 50 milliseconds.
    pub(super) long_tasks: f64,
    /// Cumulative layout shift.
    pub(super) shift: f64,
    /// Requests, that of the page itself included.
    pub(super) requests: f64,
    /// Of these, WebAssembly.
    pub(super) wasm: f64,
}

/// How long a browser is given after its start.
const SETTLED: Duration = Duration::from_secs(2);
/// How long a page is given to become quiet. Far longer than any of them needs.
const QUIET: Duration = Duration::from_secs(3);

/// Notes the first frame in which the banner has a box in the window and is not transparent.
const WATCH: &str = "(() => {
    const look = () => {
        const banner = BANNER;
        if (banner) {
            const { width, height, top, left, bottom, right } = banner.getBoundingClientRect();
            let opacity = 1;
            for (let node = banner; node; node = node.parentElement ?? node.getRootNode().host)
                opacity *= getComputedStyle(node).opacity;
            const shown = width && height && bottom > 0 && right > 0 && top < innerHeight
                && left < innerWidth && getComputedStyle(banner).visibility === 'visible';
            if (shown && opacity > 0)
                return (window.__painted = performance.timeOrigin + performance.now());
        }
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})()";

const BUFFERED: &str = "
    const done = arguments[0];
    const kept = { longtask: [], 'layout-shift': [] };
    for (const type of Object.keys(kept))
        new PerformanceObserver((list) => kept[type].push(...list.getEntries()))
            .observe({ type, buffered: true });
    setTimeout(() => done([
        kept.longtask.length,
        kept['layout-shift'].reduce((sum, { value }) => sum + value, 0),
    ]), 100);";

/// A first visit, and one with the choice stored. The page without a banner has no choice, but is
/// visited again as well, to be subtracted.
pub(super) async fn visits(server: &Server, contestant: &Contestant) -> (Visit, Visit) {
    let address = server.address(contestant);
    // Watching takes script time, so that is measured in a visit that is not watched.
    let watched = Session::start(server).await;
    let (painted, bytes) = watched.paint(&address, contestant).await;
    watched.driver.quit().await.unwrap();

    let session = Session::start(server).await;
    let first = Visit { painted, bytes, ..session.load(&address).await };
    if contestant.kind.shows() {
        session.accept(contestant).await;
    }
    // The choice is stored now, and what may be kept is in the cache.
    session.cache(true).await;
    session.driver.goto(&address).await.unwrap();
    let again = session.load(&address).await;
    session.driver.quit().await.unwrap();
    (first, again)
}

struct Session {
    driver: WebDriver,
    _folder: tempfile::TempDir,
}

impl Session {
    async fn start(server: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options::default();
        let driver = start::chromium_for_bench(folder.path(), &options).await;
        start::dress_chromium(&driver, &options).await;
        let session = Self { driver, _folder: folder };
        // A process for the origin, before anything is measured in it.
        session.driver.goto(&server.blank()).await.unwrap();
        session.send("Performance.enable", json!({})).await;
        session.send("Network.enable", json!({})).await;
        let line = json!({
            "offline": false, "latency": 150,
            "downloadThroughput": 200_000, "uploadThroughput": 200_000,
        });
        session.send("Network.emulateNetworkConditions", line).await;
        session.send("Emulation.setCPUThrottlingRate", json!({ "rate": 4 })).await;
        session.cache(false).await;
        // Its own pages keep a browser busy for a while after its start.
        tokio::time::sleep(SETTLED).await;
        session
    }

    async fn send(&self, method: &str, parameters: Value) -> Value {
        self.driver.cdp().send_raw(method, parameters).await.unwrap()
    }

    async fn cache(&self, on: bool) {
        self.send("Network.setCacheDisabled", json!({ "cacheDisabled": !on })).await;
    }

    /// When the banner was painted, and the bytes until then.
    async fn paint(&self, address: &str, contestant: &Contestant) -> (f64, f64) {
        let source = WATCH.replace("BANNER", contestant.banner);
        self.send("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
        self.events().await;
        self.driver.goto(address).await.unwrap();
        // The page notes it itself; to be asked again and again would keep it busy.
        tokio::time::sleep(QUIET).await;
        let painted = if contestant.kind.shows() {
            wait_for(contestant.name, async || {
                let painted = self.number("window.__painted ?? 0").await;
                (painted > 0.0).then_some(painted)
            })
            .await
        } else {
            self.number("performance.timeOrigin + 60_000").await
        };
        let told = self.events().await;
        let events = Events::of(&told);
        let origin = self.number("performance.timeOrigin").await;
        (painted - origin, events.bytes_until(painted))
    }

    /// Loads the page and lets it become quiet.
    async fn load(&self, address: &str) -> Visit {
        let before = self.metrics().await;
        self.events().await;
        let started = tokio::time::Instant::now();
        self.driver.goto(address).await.unwrap();
        tokio::time::sleep_until(started + QUIET).await;
        let after = self.metrics().await;
        let told = self.events().await;
        let events = Events::of(&told);
        // The counters begin anew if the page got another process.
        let spent = |name: &str| {
            let (before, after) = (before[name], after[name]);
            1000.0 * if after < before { after } else { after - before }
        };
        let buffered = self.driver.execute_async(BUFFERED, Vec::new()).await.unwrap();
        let (requests, wasm) = events.requests();
        Visit {
            script: spent("ScriptDuration"),
            task: spent("TaskDuration"),
            long_tasks: buffered.json()[0].as_f64().unwrap(),
            shift: buffered.json()[1].as_f64().unwrap(),
            requests,
            wasm,
            ..Visit::default()
        }
    }

    async fn accept(&self, contestant: &Contestant) {
        let button = wait_for(contestant.name, async || {
            let script = format!("return {}", contestant.accept);
            let found = self.driver.execute(script, Vec::new()).await.ok()?;
            let button = found.element().ok()?;
            button.is_displayed().await.ok()?.then_some(button)
        })
        .await;
        button.click().await.unwrap();
        wait_for("the banner to go", async || {
            let script = format!(
                "return !({banner})?.checkVisibility({{ opacityProperty: true, visibilityProperty: true }})",
                banner = contestant.banner
            );
            let gone = self.driver.execute(script, Vec::new()).await.ok()?;
            (gone.json() == true).then_some(())
        })
        .await;
    }

    async fn number(&self, script: &str) -> f64 {
        let found = self.driver.execute(format!("return {script}"), Vec::new()).await.unwrap();
        found.json().as_f64().unwrap()
    }

    async fn metrics(&self) -> HashMap<String, f64> {
        let found = self.send("Performance.getMetrics", json!({})).await;
        let metrics = found["metrics"].as_array().unwrap().iter();
        metrics
            .map(|m| (m["name"].as_str().unwrap().to_owned(), m["value"].as_f64().unwrap()))
            .collect()
    }

    /// What the browser told of itself since it was last asked.
    async fn events(&self) -> Vec<Value> {
        let entries = self.driver.get_log("performance").await.unwrap();
        let message =
            |text: String| serde_json::from_str::<Value>(&text).unwrap()["message"].take();
        entries.into_iter().map(|entry| message(entry.message)).collect()
    }
}

/// What the browser told of its network.
struct Events<'e> {
    events: &'e [Value],
}

impl<'e> Events<'e> {
    fn of(events: &'e [Value]) -> Self {
        Self { events }
    }

    fn named(&self, method: &str) -> impl Iterator<Item = &'e Value> {
        let named = self.events.iter().filter(move |event| event["method"] == method);
        named.map(|event| &event["params"])
    }

    /// Bytes on the line until a time, in milliseconds of Unix time. Of what was still being
    /// received, those that had come.
    fn bytes_until(&self, painted: f64) -> f64 {
        let sent = self.named("Network.requestWillBeSent").next().unwrap();
        let offset = sent["wallTime"].as_f64().unwrap() - sent["timestamp"].as_f64().unwrap();
        let in_time =
            |event: &Value| (event["timestamp"].as_f64().unwrap() + offset) * 1000.0 <= painted;
        let size = |event: &Value| event["encodedDataLength"].as_f64().unwrap_or_default();
        let mut bytes: HashMap<&str, f64> = HashMap::new();
        for event in self.named("Network.dataReceived").filter(|event| in_time(event)) {
            *bytes.entry(event["requestId"].as_str().unwrap()).or_default() += size(event);
        }
        // Exact, and with headers.
        for event in self.named("Network.loadingFinished").filter(|event| in_time(event)) {
            bytes.insert(event["requestId"].as_str().unwrap(), size(event));
        }
        bytes.values().sum()
    }

    /// How many requests went out, and how many of them were for WebAssembly.
    fn requests(&self) -> (f64, f64) {
        let memory = self.named("Network.requestServedFromCache");
        let disk = self
            .named("Network.responseReceived")
            .filter(|event| event["response"]["fromDiskCache"] == true);
        let cached: Vec<_> = memory.chain(disk).map(|event| &event["requestId"]).collect();
        let sent: Vec<_> = self
            .named("Network.requestWillBeSent")
            .filter(|event| !cached.contains(&&event["requestId"]))
            .filter_map(|event| event["request"]["url"].as_str())
            .filter(|url| url.starts_with("http"))
            .collect();
        let wasm = sent.iter().filter(|url| url.contains(".wasm")).count();
        (count(sent.len()), count(wasm))
    }
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
