//! The command line: one file for each command. Results go to standard output, everything else to
//! standard error. An error is exit code 2, so that 0 and 1 can be answers.

mod backup;
mod bundle;
mod check;
mod erase;
mod export;
mod keys;
mod log;
mod openapi;
mod policy;
mod progress;
mod replay;
mod serve;
mod snippet;
mod token;
mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{Args, Parser, Subcommand};
use consent_core::{RegionId, SiteId};
use consent_server::ambient::System;
use consent_server::app::Region;
use consent_server::settings::{RegionSettings, Settings, SiteSettings};

/// Records consent, proves it, and answers whether it is there.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server.
    #[command(after_help = "Example:\n  consent serve --config consent.toml --listen 0.0.0.0:8787")]
    Serve(serve::Serve),
    /// Ask whether a purpose may be served for a subject: exit code 0 for yes, 1 for no, 2 for an error.
    #[command(
        after_help = "Example:\n  consent check --site cloud-pbs --purpose communications email:someone@example.org"
    )]
    Check(check::Check),
    /// Say whether a receipt is genuine, and what it states: exit code 0 for genuine, 1 for not, 2 for an error.
    #[command(
        after_help = "Examples:\n  consent verify receipt.jws\n  consent verify receipt.jws --as text\n  consent verify --offline receipt.bundle --key 'consent.example.org/eu+1b2c3d4e+AX…'"
    )]
    Verify(verify::Verify),
    /// Check a policy before it is published, and see whom a change asks again.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Print the line that embeds the banner without a request: the loader itself, for `<head>`, with
    /// the hash that a Content-Security-Policy needs.
    #[command(after_help = "Example:\n  consent snippet --site cloud-pbs > head.html")]
    Snippet(snippet::SnippetCommand),
    /// List a region's keys, add new ones, and retire old ones.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Verify the transparency log, or write it out.
    #[command(subcommand)]
    Log(log::LogCommand),
    /// Write every receipt of a site as a line of JSON: `id`, `at`, `jws`, `salt`, and `index`, its
    /// place in the log.
    #[command(
        after_help = "Examples:\n  consent export --site cloud-pbs --out receipts.ndjson\n  consent export --site cloud-pbs | gzip > receipts.ndjson.gz"
    )]
    Export(export::Export),
    /// Print a receipt with its proof from the log: all that a stranger needs to verify it with the
    /// log's public key alone.
    #[command(
        after_help = "Example:\n  consent bundle receipt.jws > receipt.bundle\n  consent verify --offline receipt.bundle --key 'consent.example.org/eu+1b2c3d4e+AX…'"
    )]
    Bundle(bundle::BundleCommand),
    /// Show what somebody was shown when they decided: the exact text, in its language, as it looked.
    #[command(after_help = "Example:\n  consent replay receipt.jws --out shown.html")]
    Replay(replay::ReplayCommand),
    /// Erase everything about a subject.
    #[command(
        after_help = "Example:\n  consent erase --site cloud-pbs email:someone@example.org --yes"
    )]
    Erase(erase::Erase),
    /// Copy a region's store while the server runs, and verify the copy.
    #[command(after_help = "Example:\n  consent backup --region eu backups/eu-2026-11-25.db")]
    Backup(backup::Backup),
    /// Put a copy in the place of a store that is lost, and verify it.
    #[command(after_help = "Example:\n  consent restore --region eu backups/eu-2026-11-25.db")]
    Restore(backup::Restore),
    /// Print the document of the interface (OpenAPI 3.1), as the server has it at `/openapi.json`.
    #[command(after_help = "Example:\n  consent openapi > openapi.json")]
    Openapi,
    /// Manage the tokens with which programs ask.
    #[command(subcommand)]
    Token(token::Token),
}

/// Where the configuration is.
#[derive(Debug, Args)]
struct Config {
    /// The configuration file.
    #[arg(long, env = "CONSENT_CONFIG", default_value = "consent.toml", value_name = "FILE")]
    config: PathBuf,
}

impl Config {
    fn read(&self) -> anyhow::Result<Settings> {
        Settings::read(&self.config).map_err(|error| {
            if self.config.exists() { error.into() } else { missing(&self.config) }
        })
    }
}

fn missing(path: &Path) -> anyhow::Error {
    anyhow!(
        "{}: there is no such file; name the configuration with --config or CONSENT_CONFIG",
        path.display()
    )
}

/// The site meant: the one named, or the only one there is.
fn pick<'s>(settings: &'s Settings, wanted: Option<&SiteId>) -> anyhow::Result<&'s SiteSettings> {
    let known = || {
        let ids: Vec<_> = settings.sites.iter().map(|site| site.id.as_str()).collect();
        ids.join(", ")
    };
    match wanted {
        Some(id) => settings
            .sites
            .iter()
            .find(|site| site.id == *id)
            .ok_or_else(|| anyhow!("--site: there is no site '{id}'; there are {}", known())),
        None if settings.sites.len() == 1 => Ok(&settings.sites[0]),
        None => Err(anyhow!("--site: say which site is meant: {}", known())),
    }
}

/// The region meant: the one named, or the only one that is held here.
fn region<'s>(
    settings: &'s Settings,
    wanted: Option<&RegionId>,
) -> anyhow::Result<&'s RegionSettings> {
    let known: Vec<_> = settings.regions.iter().map(|region| region.id.as_str()).collect();
    let known = known.join(", ");
    match wanted {
        Some(id) => {
            settings.regions.iter().find(|region| region.id == *id).ok_or_else(|| {
                anyhow!("--region: no region '{id}' is held here; there are {known}")
            })
        }
        None if settings.regions.len() == 1 => Ok(&settings.regions[0]),
        None => Err(anyhow!("--region: say which region is meant: {known}")),
    }
}

/// Opens a site's region.
async fn open(settings: &Settings, site: &SiteSettings, create: bool) -> anyhow::Result<Region> {
    let region = settings.regions.iter().find(|region| region.id == site.region);
    let region = region.with_context(|| format!("region '{}' is held elsewhere", site.region))?;
    Ok(Region::open(region, create, &System).await?)
}

impl Cli {
    /// Runs the command.
    pub(crate) fn run(self) -> ExitCode {
        let runtime = match tokio::runtime::Runtime::new() {
            Ok(runtime) => runtime,
            Err(error) => return failed(&error.into()),
        };
        let result = runtime.block_on(async {
            match self.command {
                Command::Serve(serve) => serve.run().await,
                Command::Check(check) => check.run().await,
                Command::Verify(verify) => verify.run().await,
                Command::Policy(policy) => policy.run(),
                Command::Snippet(snippet) => snippet.run().await,
                Command::Keys(keys) => keys.run(),
                Command::Log(log) => log.run().await,
                Command::Export(export) => export.run().await,
                Command::Bundle(bundle) => bundle.run().await,
                Command::Replay(replay) => replay.run().await,
                Command::Erase(erase) => erase.run().await,
                Command::Backup(backup) => backup.run().await,
                Command::Restore(restore) => restore.run().await,
                Command::Openapi => Ok(openapi::run()),
                Command::Token(token) => token.run().await,
            }
        });
        result.unwrap_or_else(|error| failed(&error))
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(2)
}

/// Prints a value as one line of JSON.
fn print_json<T: serde::Serialize>(value: &T) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}
