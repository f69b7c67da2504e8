//! `consent verify`

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use consent_core::receipt::MAX_RECEIPT;
use consent_server::ambient::System;
use consent_server::keys::Keys;
use consent_server::service::{Verification, verify};
use consent_server::settings::RegionSettings;

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

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let text = self.read()?;
        let settings = self.config.read()?;
        let open = |region: &RegionSettings| Keys::open(&region.keys, false, &System);
        let keys = settings.regions.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let result = verify(&text, keys.iter().map(|keys| &keys.receipts));
        if self.json {
            print_json(&Verification::from(&result))?;
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
