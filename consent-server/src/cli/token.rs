//! `consent token`

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use consent_core::{Digest, SiteId};
use consent_server::ambient::{Ambient, System};
use consent_server::store;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use super::{Config, open, pick, print_json};

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Make a token and print it. It is shown this once: only its digest is kept.
    #[command(after_help = "Example:\n  consent token new --site cloud-pbs --scope check")]
    New(New),
}

#[derive(Debug, Args)]
pub(super) struct New {
    #[command(flatten)]
    config: Config,
    /// The site it is good for. Not needed if there is only one.
    #[arg(long)]
    site: Option<SiteId>,
    /// What it allows. May be given several times.
    #[arg(long = "scope", value_enum, required = true)]
    scopes: Vec<Scope>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// Ask whether a purpose may be served for a subject.
    Check,
    /// Record that a subject took consent back.
    Withdraw,
}

impl Token {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        let Self::New(new) = self;
        let settings = new.config.read()?;
        let site = pick(&settings, new.site.as_ref())?;
        let region = open(&settings, site, true).await?;
        let secret: [u8; 32] = (&System as &dyn Ambient).random();
        let text = format!("ct_{}", BASE64URL_NOPAD.encode(&secret));
        let scopes = new.scopes.iter().filter_map(ValueEnum::to_possible_value);
        let scopes: Vec<_> = scopes.map(|scope| scope.get_name().to_owned()).collect();
        let token = store::Token { site: site.id.clone(), scopes };
        let digest = Digest::of(text.as_bytes());
        let name = HEXLOWER.encode(&digest.as_bytes()[..16]);
        let told = serde_json::json!({ "token": name, "scopes": token.scopes });
        let event = store::AuditEvent::new(&System, Some(&site.id), "token.made", &told);
        region.store.add_token(digest, &token, event).await?;
        region.store.close().await;
        if new.json {
            print_json(
                &serde_json::json!({ "token": text, "site": token.site, "scopes": token.scopes }),
            )?;
        } else {
            println!("{text}");
        }
        Ok(ExitCode::SUCCESS)
    }
}
