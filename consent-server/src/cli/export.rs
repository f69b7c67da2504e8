//! `consent export`: every receipt of a site, as lines of JSON.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use consent_core::SiteId;
use consent_server::log::audit::Exported;
use uuid::Uuid;

use super::{Config, open, pick};

/// How many receipts are read at a time.
const PAGE: u32 = 1_000;

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    config: Config,
    /// The site. Not needed if there is only one.
    #[arg(long)]
    site: Option<SiteId>,
    /// Only receipts after the one with this identifier: the last one of an earlier export.
    #[arg(long, value_name = "ID")]
    after: Option<Uuid>,
    /// Write into this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.config.read()?;
        let site = pick(&settings, self.site.as_ref())?;
        let region = open(&settings, site, false).await?;
        let out: Box<dyn Write> = match &self.out {
            Some(path) => {
                let file = fs::File::create(path);
                Box::new(file.with_context(|| format!("--out: {}", path.display()))?)
            }
            None => Box::new(io::stdout().lock()),
        };
        let mut out = BufWriter::new(out);
        let (mut after, mut count) = (self.after, 0_u64);
        loop {
            let page = region.store.receipts_after(Some(&site.id), after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for stored in &page {
                serde_json::to_writer(&mut out, &Exported::from(stored))?;
                out.write_all(b"\n")?;
            }
            count += page.len() as u64;
        }
        out.flush()?;
        region.store.close().await;
        eprintln!("exported {count} receipts of '{}'", site.id);
        Ok(ExitCode::SUCCESS)
    }
}
