//! The demo: the Cloud-PBS site with its consent server, a second site on another origin, and the
//! collector that both would send their audience measurement to.
//!
//! Three origins, as in real life, on one machine:
//!
//! - the **site** and the consent server, `http://127.0.0.1:8787`
//! - the **embedding** site, `http://embed.localhost:8788`
//! - the **collector**, `http://collector.localhost:8789`
//!
//! Browsers resolve names under `localhost` to this machine by themselves. Here stand starting and
//! stopping; the pages are in [`pages`], the mailbox in [`mailbox`], the collector in
//! [`collector`]. Rules of consent do not live here.

pub mod collector;
pub mod mailbox;
pub mod pages;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use consent_server::settings::Transport;

/// The annotated configuration of the reference site.
pub const CONFIG: &str = include_str!("../cloud-pbs/consent.toml");
/// The policy of the reference site.
pub const POLICY: &str = include_str!("../cloud-pbs/policy.toml");

/// How long the servers may take to finish what they were answering when they are stopped.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the demo runs. Port 0 takes a free port.
#[derive(Debug, Clone)]
pub struct Options {
    /// The `consent.toml` to serve.
    pub config: PathBuf,
    /// Where the site and the consent server listen, instead of what the configuration says.
    pub listen: Option<SocketAddr>,
    /// Where the embedding site listens.
    pub embed: SocketAddr,
    /// Where the collector listens.
    pub collector: SocketAddr,
    /// Further origins that may embed the banner.
    pub origins: Vec<String>,
}

impl Options {
    /// Free ports for everything, for tests.
    pub fn on_free_ports(config: impl Into<PathBuf>) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            config: config.into(),
            listen: Some(free),
            embed: free,
            collector: free,
            origins: Vec::new(),
        }
    }
}

/// The origins of the three parts, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The site, and the consent server with it.
    pub consent: String,
    /// The embedding site.
    pub embed: String,
    /// The collector.
    pub collector: String,
}

/// The running demo. Dropping it ends it at once; [`Demo::stop`] lets it finish what it answers.
#[derive(Debug)]
pub struct Demo {
    /// Where the parts are reached.
    pub addresses: Addresses,
    /// The folder that mails are written to, if the configuration names one.
    pub mail: Option<PathBuf>,
    stop: watch::Sender<bool>,
    servers: JoinSet<anyhow::Result<()>>,
}

/// Starts all three. When this returns, each of them accepts connections.
pub async fn start(options: Options) -> anyhow::Result<Demo> {
    let mut settings = consent_server::Settings::read(&options.config)
        .with_context(|| format!("cannot use the configuration {}", options.config.display()))?;
    let mail = match &settings.mail.transport {
        Transport::Folder(folder) => Some(folder.clone()),
        Transport::Smtp(_) => None,
    };

    let listen = options.listen.unwrap_or(settings.server.listen);
    let consent = bind(listen, "--listen").await?;
    let embed = bind(options.embed, "--embed").await?;
    let collector = bind(options.collector, "--collector").await?;
    let addresses = Addresses {
        consent: format!("http://127.0.0.1:{}", consent.local_addr()?.port()),
        embed: format!("http://embed.localhost:{}", embed.local_addr()?.port()),
        collector: format!("http://collector.localhost:{}", collector.local_addr()?.port()),
    };

    settings.server.public_url = addresses.consent.clone();
    for site in &mut settings.sites {
        site.origins = vec![addresses.consent.clone(), addresses.embed.clone()];
        site.origins.extend(options.origins.iter().cloned());
    }
    let app = consent_server::App::open(settings).await.context("cannot open the server")?;
    let site = app.router().merge(pages::site(&addresses, mail.clone()));

    let (stop, stopped) = watch::channel(false);
    let mut servers = JoinSet::new();
    let end = until(stopped.clone());
    servers.spawn(async move { Ok(consent_server::serve(app, consent, site, end).await?) });
    servers.spawn(serve(embed, pages::embed(&addresses), stopped.clone()));
    servers.spawn(serve(collector, collector::router(&addresses), stopped));
    Ok(Demo { addresses, mail, stop, servers })
}

impl Demo {
    /// Waits until one of the servers ends by itself, which only an error makes it do.
    pub async fn failed(&mut self) -> anyhow::Error {
        match self.servers.join_next().await {
            Some(Ok(Err(error))) => error,
            Some(Err(error)) => error.into(),
            Some(Ok(Ok(()))) | None => anyhow!("a server ended without being asked to"),
        }
    }

    /// Stops all three: no new connections, and those in progress are answered first.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        let all = async {
            while let Some(ended) = self.servers.join_next().await {
                ended??;
            }
            anyhow::Ok(())
        };
        // A browser that keeps a connection open must not keep the demo from ending.
        match tokio::time::timeout(PATIENCE, all).await {
            Ok(result) => result,
            Err(_) => Ok(()),
        }
    }
}

/// Writes the reference site's configuration and policy into `folder`, so that a test has a store,
/// keys and mailbox of its own. Returns the path of the `consent.toml`.
pub fn write_config(folder: &Path) -> std::io::Result<PathBuf> {
    let config = folder.join("consent.toml");
    std::fs::write(&config, CONFIG)?;
    std::fs::write(folder.join("policy.toml"), POLICY)?;
    Ok(config)
}

async fn bind(address: SocketAddr, option: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        anyhow!(
            "cannot listen on {address}: {error}. Stop the program that uses this port, or take a \
             free one with {option} 127.0.0.1:0"
        )
    })
}

async fn serve(
    listener: TcpListener,
    router: Router,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(until(stopped)).await?;
    Ok(())
}

/// Ends when the demo is stopped, or dropped.
async fn until(mut stopped: watch::Receiver<bool>) {
    // An error says that the sender is gone, which is a stop as well.
    let _ = stopped.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_valid_in_both_languages() {
        let policy = consent_core::Policy::from_toml(POLICY).unwrap();
        assert_eq!((policy.number, policy.name.as_str()), (1, "Cloud-PBS"));
        assert_eq!(policy.languages, ["en", "fr"]);
        let asked: Vec<_> = policy.consent_purposes().map(|p| p.id.as_str()).collect();
        assert_eq!(asked, ["analytics", "communications", "email.open_tracking"]);
        assert_eq!(policy.rights, consent_core::policy::Right::ALL);
        // No text was left in English.
        for purpose in &policy.purposes {
            for text in [&purpose.title, &purpose.description, &purpose.retention] {
                assert_ne!(text["en"], text["fr"], "{}", purpose.id);
            }
        }
    }

    #[test]
    fn the_policy_holds_every_fact_of_the_reference_site() {
        let policy = consent_core::Policy::from_toml(POLICY).unwrap();
        let has = |name: &str, country: &str| {
            policy.sub_processors.iter().any(|p| p.name == name && p.country == country)
        };
        for (name, country) in
            [("Stripe", "IE"), ("OVHcloud", "FR"), ("Hetzner", "DE"), ("Equinix", "FR")]
        {
            assert!(has(name, country), "{name}");
        }
        assert!(has("AuthSMTP", "GB"));
        for fact in [
            "PCI DSS",
            "client-side encryption",
            "on your instructions",
            "within one month",
            "within 72 hours",
            "without undue delay",
            "before the change takes effect",
            "only in the EU",
            "United States",
            "TSA 80715",
        ] {
            assert!(POLICY.contains(fact), "{fact}");
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let config = write_config(folder.path()).unwrap();
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let options = Options { listen: Some(address), ..Options::on_free_ports(config) };
        let message = start(options).await.unwrap_err().to_string();
        assert!(message.contains(&address.to_string()), "{message}");
        assert!(message.contains("--listen 127.0.0.1:0"), "{message}");
    }

    #[tokio::test]
    async fn it_starts_on_free_ports_and_stops() {
        let folder = tempfile::tempdir().unwrap();
        let config = write_config(folder.path()).unwrap();
        let demo = start(Options::on_free_ports(config)).await.unwrap();
        assert_eq!(demo.mail.as_deref(), Some(folder.path().join("data/mail").as_path()));
        let port = demo.addresses.consent.rsplit(':').next().unwrap().to_owned();
        assert!(tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.is_ok());
        demo.stop().await.unwrap();
        assert!(tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.is_err());
    }
}
