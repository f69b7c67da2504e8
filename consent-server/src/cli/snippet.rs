//! `consent snippet`

use std::process::ExitCode;

use clap::Args;
use consent_core::SiteId;
use consent_server::assets::Snippet;

use super::{Config, open, pick, print_json};

#[derive(Debug, Args)]
pub(super) struct SnippetCommand {
    #[command(flatten)]
    config: Config,
    /// The site. Not needed if there is only one.
    #[arg(long)]
    site: Option<SiteId>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

impl SnippetCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.config.read()?;
        let site = pick(&settings, self.site.as_ref())?;
        let region = open(&settings, site, true).await?;
        let history = region.policies(&site.id, &site.policy).await;
        region.store.close().await;
        let origin = &settings.server.public_url;
        let snippet = Snippet::new(origin, site, &history?)?;
        if self.json {
            print_json(&serde_json::json!({
                "site": site.id,
                "policy": site.policy.number,
                "html": snippet.html(),
                "hash": snippet.hash(),
            }))?;
        } else {
            println!("{}", snippet.html());
            eprintln!(
                "\nPut the line above into <head>, before every other script. It holds policy {} of \
                 '{}': print it\nagain when another policy is published. A Content-Security-Policy \
                 needs:\n  script-src {} {origin} 'wasm-unsafe-eval'; connect-src {origin}",
                site.policy.number,
                site.id,
                snippet.hash(),
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
