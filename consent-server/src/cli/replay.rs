//! `consent replay`: what somebody was shown when they decided.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Args;
use consent_core::receipt::MAX_RECEIPT;
use consent_server::ambient::System;
use consent_server::app::Region;
use consent_server::keys::Keys;
use consent_server::service::{replay, shown, verify};

use super::verify::read;
use super::{Config, print_json};

#[derive(Debug, Args)]
pub(super) struct ReplayCommand {
    #[command(flatten)]
    config: Config,
    /// The file with the receipt, or `-` for standard input.
    receipt: PathBuf,
    /// Write the page into this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Answer as JSON: the text, how it looked, and since when.
    #[arg(long, conflicts_with = "out")]
    json: bool,
}

impl ReplayCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = read(&self.receipt, MAX_RECEIPT)?;
        let settings = self.config.read()?;
        let keys = settings.regions.iter().map(|region| Keys::open(region, false, &System));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let receipt = verify(&bytes, keys.iter().map(Keys::receipt_verifier))
            .map_err(|failure| anyhow!("the receipt is not genuine: {failure}"))?;
        let claims = receipt.claims();
        let held = settings.regions.iter().find(|held| held.id == claims.region);
        let held = held.with_context(|| format!("region '{}' is not held here", claims.region))?;
        let region = Region::open(held, false, &System).await?;
        let shown = shown(&region, claims).await;
        region.store.close().await;
        let shown = shown?;
        if self.json {
            print_json(&shown)?;
            return Ok(ExitCode::SUCCESS);
        }
        let page = replay(claims, shown).await;
        match &self.out {
            Some(path) => {
                fs::write(path, page).with_context(|| format!("--out: {}", path.display()))?;
                eprintln!("wrote {}: open it in a browser", path.display());
            }
            None => print!("{page}"),
        }
        Ok(ExitCode::SUCCESS)
    }
}
