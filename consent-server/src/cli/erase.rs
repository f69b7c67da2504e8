//! `consent erase`: everything about a subject goes; the log keeps its proofs of everything else.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::ensure;
use clap::Args;
use consent_core::SiteId;
use consent_server::ambient::System;
use consent_server::service::erase;

use super::{Config, open, pick, print_json};

#[derive(Debug, Args)]
pub(super) struct Erase {
    #[command(flatten)]
    config: Config,
    /// The site. Not needed if there is only one.
    #[arg(long)]
    site: Option<SiteId>,
    /// `email:` and an address, `phone:` and a number in international form, or `browser:` and its key.
    subject: String,
    /// Really do it. Without this, what would be erased is only told.
    #[arg(long)]
    yes: bool,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

impl Erase {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.config.read()?;
        let site = pick(&settings, self.site.as_ref())?;
        let region = open(&settings, site, false).await?;
        let subject = region.subject(&site.id, &self.subject);
        let done = match subject {
            Ok(subject) if self.yes => {
                erase(&region, &site.id, &subject, &(Arc::new(System) as _)).await?
            }
            Ok(subject) => {
                let known = region.store.history(&site.id, &subject).await?;
                let receipts = region.store.receipts(&site.id, &subject, u32::MAX).await?.len();
                region.store.close().await;
                ensure!(known.version > 0, "nothing is known of this subject at '{}'", site.id);
                println!(
                    "would erase {receipts} receipts and all that is known; add --yes to do it"
                );
                return Ok(ExitCode::from(1));
            }
            Err(error) => return Err(error.into()),
        };
        region.store.close().await;
        if self.json {
            print_json(&serde_json::json!({
                "receipts": done.receipts, "subjects": done.subjects,
            }))?;
        } else if done.subjects == 0 {
            println!(
                "nothing was known of this subject; the audit trail says that it was asked for"
            );
        } else {
            println!(
                "erased {} receipts and all that was known; the audit trail says so",
                done.receipts
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
