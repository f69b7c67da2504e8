//! `consent verify`

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use consent_core::export::Export;
use consent_core::log::{self, Bundle, MAX_BUNDLE, VerifierKey};
use consent_core::receipt::MAX_RECEIPT;
use consent_core::{Claims, Digest, Policy, Receipt};
use consent_server::ambient::System;
use consent_server::keys::Keys;
use consent_server::service::{Verification, stated, verify};
use consent_server::settings::{RegionSettings, Settings};

use serde_json::json;

use super::{Config, open, pick, print_json};

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    config: Config,
    /// The file with the receipt, or with the bundle, or `-` for standard input.
    receipt: PathBuf,
    /// Verify a bundle (`consent bundle`) by the log's public key, without anything else: exit code
    /// 0 if the log holds it, 1 if not, 2 for an error.
    #[arg(long, requires = "keys", conflicts_with = "form")]
    offline: bool,
    /// The log's public key, as `consent keys list` tells it, from somebody you trust. May be given
    /// several times.
    #[arg(long = "key", value_name = "KEY", requires = "offline")]
    keys: Vec<VerifierKey>,
    /// Tell a genuine receipt in this form, together with the policy that it names.
    #[arg(long = "as", value_enum, value_name = "FORM", conflicts_with = "json")]
    form: Option<Form>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For the person whom it is about, in the language in which they were asked.
    Text,
    /// ISO/IEC TS 27560 in JSON-LD, in the terms of the Data Privacy Vocabulary 2.3.
    Dpv,
    /// Kantara Consent Receipt 1.1 in JSON; there is none if nothing was agreed to.
    Kantara,
}

impl Verify {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        if self.offline {
            return self.offline();
        }
        let text = read(&self.receipt, MAX_RECEIPT)?;
        let settings = self.config.read()?;
        let open = |region: &RegionSettings| Keys::open(region, false, &System);
        let keys = settings.regions.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let result = verify(&text, keys.iter().map(Keys::receipt_verifier));
        if self.json {
            print_json(&Verification::from(&result))?;
        } else {
            match (&result, self.form) {
                (Ok(receipt), None) => println!("genuine\n\n{}", receipt.claims()),
                (Ok(receipt), Some(form)) => {
                    let policy = named_policy(&settings, receipt.claims()).await?;
                    println!("{}", told(receipt, &policy, form)?);
                }
                (Err(failure), _) => println!("not genuine: {failure}"),
            }
        }
        Ok(ExitCode::from(u8::from(result.is_err())))
    }

    /// A bundle is verified with the log's public key alone: no configuration, store or network.
    fn offline(&self) -> anyhow::Result<ExitCode> {
        let bytes = read(&self.receipt, MAX_BUNDLE)?;
        let read = str::from_utf8(&bytes).map_err(|_| log::Failure::Format);
        let bundle = read.and_then(str::parse::<Bundle>);
        let checked = bundle.and_then(|bundle| Ok((bundle.verify(&self.keys)?, bundle)));
        let (checkpoint, bundle) = match checked {
            Ok(checked) => checked,
            Err(failure) => {
                if self.json {
                    print_json(&json!({ "valid": false, "failed": failure.check() }))?;
                } else {
                    println!("not proven: {failure}");
                }
                return Ok(ExitCode::from(1));
            }
        };
        let record = String::from_utf8_lossy(bundle.record()).into_owned();
        let claims = stated(&record);
        let (origin, head) = (checkpoint.origin(), checkpoint.head());
        if self.json {
            print_json(&json!({
                "valid": true, "kind": bundle.kind().as_str(), "origin": origin,
                "index": bundle.proof().index(), "size": head.size(), "record": record,
                "claims": claims,
            }))?;
        } else {
            println!(
                "proven: the log {origin} holds this {} as number {} of {} leaves\n",
                bundle.kind().as_str(),
                bundle.proof().index(),
                head.size()
            );
            match claims {
                Some(claims) => println!("{claims}"),
                None => print!("{record}"),
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What a file holds, or as much of a larger one as shows that it is none of these.
pub(super) fn read(path: &Path, most: usize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = most as u64 + 2;
    let read = if path.as_os_str() == "-" {
        io::stdin().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    read.with_context(|| path.display().to_string())?;
    Ok(bytes)
}

/// The policy that a receipt names, as it was published.
async fn named_policy(settings: &Settings, claims: &Claims) -> anyhow::Result<Policy> {
    let site = pick(settings, Some(&claims.site))?;
    let region = open(settings, site, false).await?;
    let published = region.store.policies(&site.id).await?;
    region.store.close().await;
    let mut documents = published.iter().map(|(_, document)| document);
    let named = |document: &&Vec<u8>| Digest::of(document) == claims.policy.digest;
    let document = documents.find(named).ok_or_else(|| {
        anyhow!("policy {} of site '{}' was not published here", claims.policy.number, site.id)
    })?;
    Ok(Policy::from_canonical_json(document)?)
}

fn told(receipt: &Receipt, policy: &Policy, form: Form) -> anyhow::Result<String> {
    let export = Export::new(receipt, policy)?;
    Ok(match form {
        Form::Text => export.text().trim_end().to_owned(),
        Form::Dpv => serde_json::to_string_pretty(&export.dpv())?,
        Form::Kantara => serde_json::to_string_pretty(&export.kantara()?)?,
    })
}
