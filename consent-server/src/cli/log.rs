//! `consent log`: the transparency log, verified as a whole, and written out for others.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, Subcommand};
use consent_core::RegionId;
use consent_core::log::{Tile, TreeHead, VerifierKey};
use consent_core::receipt::{Failure, Verifier};
use consent_core::{Receipt, log as core};
use consent_server::ambient::System;
use consent_server::keys::Keys;
use consent_server::log::audit::{self, ExportCheck, Exported, LogReport, RecordReport};
use consent_server::log::{Folder, Http, Source, Stored};
use consent_server::settings::RegionSettings;
use consent_server::store::{self, SharedStore};

use super::progress::Progress;
use super::{Config, print_json, region};

#[derive(Debug, Subcommand)]
pub(super) enum LogCommand {
    /// Verify a whole log: that it is what its signed checkpoint says, that it has only grown since
    /// a checkpoint that was kept, and that every record is in it: exit code 0 if all is in order, 1
    /// if something was changed, 2 for an error.
    #[command(after_help = "Examples:
  consent log verify --keep checkpoint.txt
  consent log verify --since checkpoint.txt
  consent log verify --backup eu-2026-11-25.db
  consent log verify --url https://consent.example.org/v1/log/eu --key 'consent.example.org/eu+1b2c3d4e+AX…'
  consent log verify --export receipts.ndjson --folder log/ --key 'consent.example.org/eu+1b2c3d4e+AX…'")]
    Verify(Verify),
    /// Write the log into a folder, as files that any web server can serve and anybody can verify.
    #[command(after_help = "Example:\n  consent log export --region eu log/")]
    Export(Export),
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    config: Config,
    /// The region. Not needed if only one is held here.
    #[arg(long)]
    region: Option<RegionId>,
    /// Verify the log of a server at this address, without a configuration.
    #[arg(long, value_name = "URL", requires = "keys", conflicts_with_all = ["folder", "backup", "region"])]
    url: Option<String>,
    /// Verify a log that was written into this folder, without a configuration.
    #[arg(long, value_name = "FOLDER", requires = "keys", conflicts_with_all = ["backup", "region"])]
    folder: Option<PathBuf>,
    /// Verify this copy of the store instead of the store.
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
    /// Hold these exported receipts against the log.
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,
    /// The log's public key, as `consent keys list` tells it. May be given several times.
    #[arg(long = "key", value_name = "KEY")]
    keys: Vec<VerifierKey>,
    /// A checkpoint that was kept: the log must have grown from it.
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// Keep the checkpoint that was verified in this file. It may be that of --since.
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    #[command(flatten)]
    config: Config,
    /// The region. Not needed if only one is held here.
    #[arg(long)]
    region: Option<RegionId>,
    /// The folder. What an earlier export left there is completed.
    folder: PathBuf,
}

/// What a log is verified from, and with.
struct Subject {
    source: Box<dyn Source>,
    keys: Vec<VerifierKey>,
    store: Option<SharedStore>,
    receipts: Option<Arc<Verifier>>,
}

#[derive(serde::Serialize)]
struct Report {
    #[serde(flatten)]
    log: LogReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<RecordReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<RecordReport>,
}

impl LogCommand {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Verify(verify) => verify.run().await,
            Self::Export(export) => export.run().await,
        }
    }
}

impl Verify {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let subject = self.subject().await?;
        let result = self.verify(&subject).await;
        if let Some(store) = &subject.store {
            store.close().await;
        }
        let report = match result {
            Ok(report) => report,
            Err(error) => return self.failed(&error),
        };
        if let Some(keep) = &self.keep {
            fs::write(keep, &report.log.checkpoint)
                .with_context(|| format!("--keep: {}", keep.display()))?;
        }
        if self.json {
            print_json(&report)?;
        } else {
            print!("{}", told(&report));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// What was changed is an answer; what could not be read is an error.
    fn failed(&self, error: &anyhow::Error) -> anyhow::Result<ExitCode> {
        use audit::AuditError as A;
        let wrong = error.downcast_ref::<A>();
        let Some(wrong) = wrong.filter(|wrong| !matches!(wrong, A::Store(_) | A::None)) else {
            bail!("{error:#}");
        };
        if let A::Source(
            consent_server::log::SourceError::Http { .. }
            | consent_server::log::SourceError::File { .. }
            | consent_server::log::SourceError::Store(_),
        ) = wrong
        {
            bail!("{error:#}");
        }
        if self.json {
            print_json(&serde_json::json!({ "failed": wrong.to_string() }))?;
        } else {
            println!("NOT in order: {wrong}");
        }
        Ok(ExitCode::from(1))
    }

    async fn subject(&self) -> anyhow::Result<Subject> {
        let bare = |source: Box<dyn Source>| Subject {
            source,
            keys: self.keys.clone(),
            store: None,
            receipts: None,
        };
        if let Some(url) = &self.url {
            return Ok(bare(Box::new(Http::new(url))));
        }
        if let Some(folder) = &self.folder {
            return Ok(bare(Box::new(Folder(folder.clone()))));
        }
        let settings = self.config.read()?;
        let region = region(&settings, self.region.as_ref())?;
        let keys = Keys::open(region, false, &System)?;
        let store = match &self.backup {
            Some(path) => store::open_sqlite(path, false).await?,
            None => open_store(region).await?,
        };
        let verifiers = if self.keys.is_empty() { keys.log_verifiers() } else { self.keys.clone() };
        Ok(Subject {
            source: Box::new(Stored(Arc::clone(&store))),
            keys: verifiers,
            store: Some(store),
            receipts: Some(keys.receipt_verifier()),
        })
    }

    async fn verify(&self, subject: &Subject) -> anyhow::Result<Report> {
        let since = match &self.since {
            Some(path) => Some(kept(path, &subject.keys)?),
            None => None,
        };
        let bar = Progress::new("leaves");
        let log = audit::log(&*subject.source, &subject.keys, since.as_ref(), |done, all| {
            bar.at(done, all);
        })
        .await?;
        bar.done();
        let genuine = |jws: &str| -> Result<Receipt, Failure> {
            subject.receipts.as_ref().map_or(Err(Failure::Key), |keys| Receipt::verify(jws, keys))
        };
        let records = match &subject.store {
            Some(store) => {
                let bar = Progress::new("records");
                let records =
                    audit::records(&**store, &*subject.source, log.size, genuine, |done| {
                        bar.at(done, log.size);
                    });
                let records = records.await?;
                bar.done();
                Some(records)
            }
            None => None,
        };
        let export = match &self.export {
            Some(path) => Some(self.exported(path, subject, log.size).await?),
            None => None,
        };
        Ok(Report { log, records, export })
    }

    /// Holds each line of an export against the log.
    async fn exported(
        &self,
        path: &Path,
        subject: &Subject,
        size: u64,
    ) -> anyhow::Result<RecordReport> {
        let file = fs::File::open(path).with_context(|| format!("--export: {}", path.display()))?;
        let bytes = file.metadata().map(|file| file.len()).unwrap_or_default();
        let bar = Progress::new("bytes");
        let mut check = ExportCheck::new(&*subject.source, size);
        let receipts = subject.receipts.clone();
        let genuine = move |jws: &str| -> Result<Receipt, Failure> {
            receipts.as_ref().map_or(Err(Failure::Key), |keys| Receipt::verify(jws, keys))
        };
        let mut done = 0;
        for (number, line) in (1_u64..).zip(BufReader::new(file).lines()) {
            let line = line.with_context(|| format!("--export: {}", path.display()))?;
            ensure!(line.len() <= MAX_LINE, "--export: line {number} is too long for a receipt");
            done += line.len() as u64 + 1;
            let line: Exported = serde_json::from_str(&line)
                .map_err(|error| anyhow!("--export: line {number}: {error}"))?;
            check.line(&line, Some(&genuine)).await?;
            bar.at(done, bytes);
        }
        bar.done();
        Ok(check.report)
    }
}

/// The longest line of an export, in bytes: a receipt, and a little around it.
const MAX_LINE: usize = 128 * 1024;

/// A region's store, which has to be there.
pub(super) async fn open_store(region: &RegionSettings) -> anyhow::Result<SharedStore> {
    Ok(store::open(&region.store, false).await?)
}

/// The head of a checkpoint that was kept.
fn kept(path: &Path, keys: &[VerifierKey]) -> anyhow::Result<TreeHead> {
    let text = fs::read_to_string(path).with_context(|| format!("--since: {}", path.display()))?;
    let checkpoint = audit::checkpoint(&text, keys)
        .map_err(|error| anyhow!("--since: {}: {error}", path.display()))?;
    Ok(*checkpoint.head())
}

fn told(report: &Report) -> String {
    let Report { log, records, export } = report;
    let mut lines = vec![format!(
        "in order: the log {} has {} leaves with the root {}",
        log.origin, log.size, log.root
    )];
    if let Some(since) = log.since {
        lines.push(format!("it has grown by {} leaves since there were {since}", log.size - since));
    }
    if let Some(records) = records {
        let RecordReport { receipts, without_key, events, waiting, erased, reported } = records;
        lines.push(format!("{receipts} receipts and {events} events are in it as they are stored"));
        if *waiting > 0 {
            lines.push(format!("{waiting} wait for their place"));
        }
        if *without_key > 0 {
            lines.push(format!("{without_key} receipts verify by the log only: their key is gone"));
        }
        if *erased > 0 || *reported > 0 {
            lines.push(format!(
                "{erased} leaves have no record any more; the audit trail tells of {reported} erased receipts"
            ));
        }
    }
    if let Some(RecordReport { receipts, waiting, .. }) = export {
        lines.push(format!("{receipts} exported receipts are in it as they were exported"));
        if *waiting > 0 {
            lines.push(format!("{waiting} exported receipts had no place in it yet"));
        }
    }
    lines.join("\n") + "\n"
}

impl Export {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let settings = self.config.read()?;
        let region = region(&settings, self.region.as_ref())?;
        let keys = Keys::open(region, false, &System)?.log_verifiers();
        let store = open_store(region).await?;
        let written = self.write(&Stored(Arc::clone(&store)), &keys).await;
        store.close().await;
        let (origin, size) = written?;
        println!("wrote the log {origin} with {size} leaves into {}", self.folder.display());
        Ok(ExitCode::SUCCESS)
    }

    /// Tiles first and the checkpoint last, so that what a reader finds is always whole.
    async fn write(&self, source: &Stored, keys: &[VerifierKey]) -> anyhow::Result<(String, u64)> {
        let text = source.checkpoint().await?;
        let checkpoint: core::Checkpoint = audit::checkpoint(&text, keys)?;
        let size = checkpoint.head().size();
        let bar = Progress::new("tiles");
        let count = Tile::between(0, size).count() as u64;
        for (done, tile) in (1..).zip(Tile::between(0, size)) {
            let path = self.folder.join(tile.to_string());
            // A tile of that name never changes.
            if !path.exists() {
                self.put(&path, &source.tile(tile).await?)?;
            }
            bar.at(done, count);
        }
        bar.done();
        self.put(&self.folder.join("checkpoint"), text.as_bytes())?;
        Ok((checkpoint.origin().to_owned(), size))
    }

    /// Written beside and then named, so that no half file is ever read.
    fn put(&self, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let write = || {
            let folder = path.parent().unwrap_or(&self.folder);
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            std::io::Write::write_all(&mut file, bytes)?;
            file.persist(path)?;
            std::io::Result::Ok(())
        };
        write().with_context(|| path.display().to_string())
    }
}
