//! Starting a browser of either kind, with a fresh profile, so that all that it sends passes the
//! recording proxy. What it sends of its own, to its maker, is turned away there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use thirtyfour::bidi::events::LogEntryAdded;
use thirtyfour::bidi::modules::browsing_context::{SetViewport, Viewport};
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, FirefoxCapabilities};

use crate::driver::Driver;
use crate::options::Options;

/// What Firefox wrote to its console, by the order of arrival.
pub(crate) type Lines = Arc<Mutex<Vec<String>>>;

/// Puts violations of a page's policy on the console, where Chromium puts them by itself.
const TELL_VIOLATIONS: &str = "() => addEventListener('securitypolicyviolation', (event) =>
    console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`))";

/// Sets the signal as a browser with Global Privacy Control does.
const SIGNAL: &str =
    "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })";

/// Starts a Chromium. It still has to be [dressed](dress_chromium).
pub(crate) async fn chromium(proxy: SocketAddr, folder: &Path, options: &Options) -> WebDriver {
    // Loopback requests too pass the proxy.
    let line = ["--proxy-bypass-list=<-loopback>", &format!("--proxy-server=http://{proxy}")];
    chromium_over(&line, &["browser"], folder, options).await
}

/// Starts one that reaches this machine without a proxy, and nothing else, and logs what it does.
pub(crate) async fn chromium_for_bench(folder: &Path, options: &Options) -> WebDriver {
    // Nobody listens there.
    let line = ["--proxy-bypass-list=127.0.0.1", "--proxy-server=http://127.0.0.1:9"];
    chromium_over(&line, &["browser", "performance"], folder, options).await
}

async fn chromium_over(
    line: &[&str],
    logs: &[&str],
    folder: &Path,
    options: &Options,
) -> WebDriver {
    let mut wanted = ChromeCapabilities::new();
    let (width, height) = options.size;
    let size = format!("--window-size={width},{height}");
    let usual = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        // The same on every machine.
        "--font-render-hinting=none",
        "--disable-lcd-text",
        "--force-color-profile=srgb",
        "--lang=en",
        &size,
    ];
    for argument in usual.iter().chain(line) {
        wanted.add_arg(argument).unwrap();
    }
    let preferences = json!({
        "download.default_directory": folder,
        "intl.accept_languages": options.languages,
    });
    wanted.add_experimental_option("prefs", preferences).unwrap();
    let logs: HashMap<&str, &str> = logs.iter().map(|log| (*log, "ALL")).collect();
    wanted.set("goog:loggingPrefs", logs).unwrap();
    WebDriver::new(Driver::chrome().url(), wanted).await.unwrap()
}

/// Gives the current tab of a Chromium its size and preferences, which each tab has for itself.
pub(crate) async fn dress_chromium(driver: &WebDriver, options: &Options) {
    let (width, height) = options.size;
    let media: Vec<Value> = options
        .media()
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    let cdp = driver.cdp();
    let send = async |method: &str, parameters: Value| {
        cdp.send_raw(method, parameters).await.unwrap();
    };
    let size = json!({
        "width": width, "height": height, "deviceScaleFactor": options.scale, "mobile": false,
    });
    send("Emulation.setDeviceMetricsOverride", size).await;
    send("Emulation.setEmulatedMedia", json!({ "features": media })).await;
    send("Emulation.setScriptExecutionDisabled", json!({ "value": !options.scripts })).await;
    if options.signal {
        send("Network.enable", json!({})).await;
        send("Network.setExtraHTTPHeaders", json!({ "headers": { "Sec-GPC": "1" } })).await;
        send("Page.addScriptToEvaluateOnNewDocument", json!({ "source": SIGNAL })).await;
    }
}

/// Starts a Firefox with a driver of its own. Its console is written to the lines.
pub(crate) async fn firefox(
    proxy: SocketAddr,
    folder: &Path,
    options: &Options,
) -> (WebDriver, Driver, Lines) {
    let (width, height) = options.size;
    let mut wanted = FirefoxCapabilities::new();
    let debian = Path::new("/usr/bin/firefox-esr");
    let mut settings = json!({
        "args": ["-headless", "--width", width.to_string(), "--height", height.to_string()],
        "prefs": preferences(folder, options),
    });
    if debian.exists() {
        settings["binary"] = json!(debian);
    }
    wanted.set("moz:firefoxOptions", settings).unwrap();
    let proxy = json!({ "proxyType": "manual", "httpProxy": proxy, "sslProxy": proxy });
    wanted.set("proxy", proxy).unwrap();
    wanted.enable_bidi().unwrap();

    let gecko = Driver::gecko(folder);
    let driver = WebDriver::new(gecko.url(), wanted).await.unwrap();
    let bidi = driver.bidi().await.unwrap();
    let context = bidi.browsing_context().top_level().await.unwrap();
    let viewport = SetViewport {
        context,
        viewport: Some(Viewport { width, height }),
        device_pixel_ratio: Some(options.scale),
    };
    bidi.send(viewport).await.unwrap();
    if options.scripts {
        bidi.script().add_preload_script(TELL_VIOLATIONS).await.unwrap();
    }
    let lines = Lines::default();
    let (mut entries, kept) = (bidi.subscribe::<LogEntryAdded>().await.unwrap(), lines.clone());
    tokio::spawn(async move {
        while let Some(entry) = entries.next().await {
            kept.lock().unwrap().extend(entry.text);
        }
    });
    (driver, gecko, lines)
}

/// Firefox has a preference for everything. The driver itself turns off most of what Firefox sends
/// of its own.
fn preferences(folder: &Path, options: &Options) -> Value {
    json!({
        "network.proxy.allow_hijacking_localhost": true,
        "network.captive-portal-service.enabled": false,
        "network.connectivity-service.enabled": false,
        "browser.download.folderList": 2,
        "browser.download.dir": folder,
        "browser.helperApps.neverAsk.saveToDisk": "application/jose,application/octet-stream",
        "intl.accept_languages": options.languages,
        "javascript.enabled": options.scripts,
        "privacy.globalprivacycontrol.enabled": options.signal,
        "privacy.globalprivacycontrol.functionality.enabled": options.signal,
        "layout.css.prefers-color-scheme.content-override": i32::from(!options.dark),
        "ui.prefersReducedMotion": i32::from(options.reduced_motion),
        "browser.display.document_color_use": if options.forced_colors { 2 } else { 1 },
    })
}
