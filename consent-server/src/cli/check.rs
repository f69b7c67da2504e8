//! `consent check`

use std::process::ExitCode;

use clap::Args;
use consent_core::{PurposeId, SiteId};
use consent_server::ambient::{Ambient, System};
use consent_server::service::check;

use super::{Config, open, pick, print_json};

#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    config: Config,
    /// The site that asked. Not needed if there is only one.
    #[arg(long)]
    site: Option<SiteId>,
    /// The purpose.
    #[arg(long)]
    purpose: PurposeId,
    /// `email:` and an address, `phone:` and a number in international form, or `browser:` and its key.
    subject: String,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.config.read()?;
        let site = pick(&settings, self.site.as_ref())?;
        let region = open(&settings, site, false).await?;
        let now = System.now();
        let history = region.policies(&site.id, &site.policy).await?;
        let answer = check(&region, &site.id, &history, &self.subject, &self.purpose, now).await;
        region.store.close().await;
        let answer = answer?;
        if self.json {
            print_json(&answer)?;
        } else {
            let word = if answer.allowed { "allowed" } else { "not allowed" };
            println!("{word}: {}", answer.reason);
        }
        Ok(ExitCode::from(u8::from(!answer.allowed)))
    }
}
