//! `consent verify`

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use consent_core::receipt::{Failure, MAX_RECEIPT};
use consent_core::{Claims, Receipt};
use consent_server::ambient::System;
use consent_server::keys::Keys;
use serde::Serialize;

use super::{Config, print_json};

#[derive(Debug, Args)]
pub(super) struct Verify {
    #[command(flatten)]
    config: Config,
    /// The file with the receipt, or `-` for standard input.
    receipt: PathBuf,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<&'a Claims>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<&'static str>,
}

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let text = self.read()?;
        let settings = self.config.read()?;
        let mut result = Err(Failure::Key);
        for region in &settings.regions {
            let keys = Keys::open(&region.keys, false, &System)?;
            result = verify(&text, &keys);
            if result != Err(Failure::Key) {
                break;
            }
        }
        if self.json {
            let (claims, failed) =
                (result.as_ref().ok().map(Receipt::claims), result.as_ref().err());
            print_json(&Answer {
                valid: claims.is_some(),
                claims,
                failed: failed.map(|f| f.check()),
            })?;
        } else {
            match &result {
                Ok(receipt) => println!("genuine\n\n{}", receipt.claims()),
                Err(failure) => println!("not genuine: {failure}"),
            }
        }
        Ok(ExitCode::from(u8::from(result.is_err())))
    }

    /// The receipt, or as much of a larger file as shows that it is none.
    fn read(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = MAX_RECEIPT as u64 + 2;
        let read = if self.receipt.as_os_str() == "-" {
            io::stdin().take(limit).read_to_end(&mut bytes)
        } else {
            File::open(&self.receipt).and_then(|file| file.take(limit).read_to_end(&mut bytes))
        };
        read.with_context(|| self.receipt.display().to_string())?;
        Ok(bytes)
    }
}

fn verify(bytes: &[u8], keys: &Keys) -> Result<Receipt, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| Failure::Format)?;
    Receipt::verify(text, &keys.receipts)
}
