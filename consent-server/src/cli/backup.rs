//! `consent backup` and `consent restore`: a copy of a store while it is in use, and the way back.
//! Both verify what they wrote against its log.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use clap::Args;
use consent_core::{Receipt, RegionId};
use consent_server::ambient::System;
use consent_server::keys::Keys;
use consent_server::log::{Stored, audit};
use consent_server::settings::{RegionSettings, StoreSettings};
use consent_server::store;

use super::progress::Progress;
use super::{Config, region};

#[derive(Debug, Args)]
pub(super) struct Backup {
    #[command(flatten)]
    config: Config,
    /// The region. Not needed if only one is held here.
    #[arg(long)]
    region: Option<RegionId>,
    /// The file to write. It must not exist.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    #[command(flatten)]
    config: Config,
    /// The region. Not needed if only one is held here.
    #[arg(long)]
    region: Option<RegionId>,
    /// The copy.
    file: PathBuf,
}

impl Backup {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.config.read()?;
        let region = region(&settings, self.region.as_ref())?;
        let path = sqlite(region)?;
        ensure!(!self.file.exists(), "{}: is there already; name a new file", self.file.display());
        copy(path, &self.file).await?;
        println!("{}: {}", self.file.display(), verified(region, &self.file).await?);
        println!("the keys are not in it: keep a copy of them in another place");
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.config.read()?;
        let region = region(&settings, self.region.as_ref())?;
        let path = sqlite(region)?;
        ensure!(
            !path.exists(),
            "{}: is there already. Stop the server and move it, and the files beside it that begin \
             with its name, to another place; nothing is overwritten",
            path.display()
        );
        // Under another name until it is known to be in order.
        let beside = path.with_extension("restored");
        ensure!(
            !beside.exists(),
            "{}: an earlier restore broke off and left this; remove it",
            beside.display()
        );
        copy(&self.file, &beside).await?;
        let told = verified(region, &beside).await;
        if told.is_err() {
            fs::remove_file(&beside).ok();
        }
        let told = told?;
        fs::rename(&beside, path).with_context(|| path.display().to_string())?;
        println!("{}: {told}", path.display());
        Ok(ExitCode::SUCCESS)
    }
}

/// The file of a region that is kept in one.
fn sqlite(region: &RegionSettings) -> anyhow::Result<&Path> {
    match &region.store {
        StoreSettings::Sqlite(path) => Ok(path),
        StoreSettings::Postgres(_) => bail!(
            "region '{}' is kept in PostgreSQL: use pg_dump and pg_restore, or its continuous \
             archiving (docs/operations.md), and consent log verify afterwards",
            region.id
        ),
    }
}

/// Copies a store while others write it.
async fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let copied = tokio::task::spawn_blocking(move || {
        let bar = Progress::new("pages");
        let copied = store::copy_sqlite(&from, &to, |done, all| bar.at(done, all));
        bar.done();
        copied
    });
    Ok(copied.await??)
}

/// Verifies a copy against the log in it.
async fn verified(region: &RegionSettings, file: &Path) -> anyhow::Result<String> {
    let keys = Keys::open(region, false, &System)?;
    let copy = store::open_sqlite(file, false).await?;
    let (source, verifiers) = (Stored(Arc::clone(&copy)), keys.log_verifiers());
    let bar = Progress::new("leaves");
    let checked = async {
        let log = audit::log(&source, &verifiers, None, |done, all| bar.at(done, all)).await?;
        let receipts = keys.receipt_verifier();
        let genuine = |jws: &str| Receipt::verify(jws, &receipts);
        let records = audit::records(&*copy, &source, log.size, genuine, |_| ()).await?;
        anyhow::Ok((log, records))
    };
    let checked = checked.await;
    bar.done();
    copy.close().await;
    let (log, records) = checked.context("the copy is not in order")?;
    Ok(format!(
        "in order: {} receipts and {} events, {} waiting, in a log of {} leaves",
        records.receipts, records.events, records.waiting, log.size
    ))
}
