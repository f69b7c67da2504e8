//! The demo, running for one test, with files of its own and a browser before it.

use consent_core::{Claims, Digest, Receipt, SiteId};
use consent_examples::{Addresses, Demo};
use consent_server::ambient::{Ambient, System};
use consent_server::app::Region;
use consent_server::settings::Settings;
use consent_server::store::{AuditEvent, Token};
use serde_json::Value;

use crate::browser::Browser;
use crate::network::{Network, Seen};
use crate::options::{Kind, Options};
use crate::pages::{Answer, Pages};
use crate::wait_for;

/// What is set on a stage.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The browser.
    pub browser: Options,
    /// The site's configuration, as TOML.
    pub config: String,
    /// The site's policy, as TOML.
    pub policy: String,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            browser: Options::default(),
            config: consent_examples::CONFIG.into(),
            policy: consent_examples::POLICY.into(),
        }
    }
}

/// A demo and a browser. Ends with the test.
pub struct Stage {
    /// The browser.
    pub browser: Browser,
    /// What it sent.
    pub network: Network,
    /// Where the parts of the demo are reached.
    pub at: Addresses,
    /// Pages of the test's own, on an origin that the site lists.
    pub pages: Pages,
    /// Somebody else, whom pages embed.
    pub third: Pages,
    _demo: Demo,
    settings: Settings,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// The reference site, in Chromium.
    pub async fn set() -> Self {
        Self::set_with(Setting::default()).await
    }

    /// The reference site, in that browser.
    pub async fn set_in(kind: Kind) -> Self {
        Self::set_with(Setting { browser: Options::of(kind), ..Setting::default() }).await
    }

    /// Starts everything on free ports, over an empty folder.
    pub async fn set_with(setting: Setting) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("consent.toml");
        std::fs::write(&config, setting.config).unwrap();
        std::fs::write(folder.path().join("policy.toml"), setting.policy).unwrap();
        let settings = Settings::read(&config).unwrap();
        let pages = Pages::start("pages.localhost").await;
        let third = Pages::start("third.localhost").await;
        let mut options = consent_examples::Options::on_free_ports(config);
        options.origins.push(pages.origin().to_owned());
        let demo = consent_examples::start(options).await.unwrap();
        let network = Network::start().await;
        let browser = Browser::start(&network, setting.browser).await;
        let at = demo.addresses.clone();
        Self { browser, network, at, pages, third, _demo: demo, settings, _folder: folder }
    }

    /// Opens the reference site.
    pub async fn visit(&self) {
        self.browser.open(&format!("{}/", self.at.consent)).await;
    }

    /// Opens a page of the test's own in that language, which embeds the banner and holds little
    /// else.
    pub async fn visit_in(&self, language: &str) {
        let page = format!(
            "<!doctype html><html lang=\"{language}\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>Page</title>\
             <script src=\"{}/v1/sites/cloud-pbs/consent.js\"></script>\
             <main><h1>Page</h1><button type=\"button\" data-consent-open>Choices</button></main>",
            self.at.consent
        );
        let address = self.pages.set(&format!("/{language}"), Answer::html(page));
        self.browser.open(&address).await;
    }

    /// What reached the collector, as the network saw it.
    pub fn collected(&self) -> Vec<Seen> {
        self.network.to(&self.at.collector)
    }

    /// Waits until so many messages have reached the collector.
    pub async fn collects(&self, count: usize) {
        wait_for("messages at the collector", async || {
            let messages = self.collected().iter().filter(|seen| seen.method == "POST").count();
            (messages >= count).then_some(())
        })
        .await;
    }

    /// Waits until so many decisions are answered, and returns what was asked in the last of them.
    pub async fn decided(&self, count: usize) -> Value {
        let last = wait_for("a decision", async || {
            let seen = self.network.to(&self.at.consent).into_iter();
            let answered = |seen: &Seen| {
                seen.path.ends_with("/decisions") && seen.method == "POST" && seen.status.is_some()
            };
            seen.filter(answered).nth(count - 1)
        })
        .await;
        assert_eq!(last.status, Some(201), "{last:?}");
        serde_json::from_str(&last.body).unwrap()
    }

    /// The receipt that the page holds, verified with the server's keys.
    pub async fn receipt(&self) -> Claims {
        let jws = wait_for("a receipt", async || {
            self.browser.run("return window.consent.receipt()").await.as_str().map(str::to_owned)
        })
        .await;
        self.verify(&jws).await.claims().clone()
    }

    /// Verifies a receipt with the server's keys.
    pub async fn verify(&self, jws: &str) -> Receipt {
        Receipt::verify(jws, &self.region().await.keys.receipt_verifier()).unwrap()
    }

    /// Asks the server over HTTP, as marketing does.
    pub async fn check(&self, subject: &str, purpose: &str) -> (bool, String) {
        let (region, site) = (self.region().await, "cloud-pbs".parse::<SiteId>().unwrap());
        let token = format!("ct_{}", System.now().as_nanosecond());
        let kept = Token { site, scopes: vec!["check".into()] };
        let made = AuditEvent::new(&System, None, "token.made", &Value::Null);
        region.store.add_token(Digest::of(token.as_bytes()), &kept, made).await.unwrap();
        region.store.close().await;
        let url = format!(
            "{}/v1/sites/cloud-pbs/check?subject={subject}&purpose={purpose}",
            self.at.consent
        );
        let answer = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        (answer["allowed"].as_bool().unwrap(), answer["state"].as_str().unwrap().to_owned())
    }

    async fn region(&self) -> Region {
        Region::open(&self.settings.regions[0], false, &System).await.unwrap()
    }
}
