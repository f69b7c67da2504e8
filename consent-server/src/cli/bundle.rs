//! `consent bundle`: a receipt with its proof, for whoever is to verify it without this server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Args;
use consent_server::ambient::System;
use consent_server::keys::Keys;
use consent_server::log;
use consent_server::service::verify;

use super::Config;
use super::log::open_store;
use super::verify::read;

#[derive(Debug, Args)]
pub(super) struct BundleCommand {
    #[command(flatten)]
    config: Config,
    /// The file with the receipt, or `-` for standard input.
    receipt: PathBuf,
}

impl BundleCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let bytes = read(&self.receipt, consent_core::receipt::MAX_RECEIPT)?;
        let settings = self.config.read()?;
        let regions = settings.regions.iter();
        let keys = regions.map(|region| Keys::open(region, false, &System));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let receipt = verify(&bytes, keys.iter().map(Keys::receipt_verifier))
            .map_err(|failure| anyhow!("the receipt is not genuine: {failure}"))?;
        let region = &receipt.claims().region;
        let held = settings.regions.iter().find(|held| held.id == *region);
        let held = held.with_context(|| format!("region '{region}' is not held here"))?;
        let store = open_store(held).await?;
        let bundle = log::bundle(&store, &receipt).await;
        store.close().await;
        print!("{}", bundle?);
        Ok(ExitCode::SUCCESS)
    }
}
