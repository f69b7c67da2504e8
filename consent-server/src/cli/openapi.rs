//! `consent openapi`

use std::process::ExitCode;

pub(super) fn run() -> ExitCode {
    print!("{}", consent_server::document());
    ExitCode::SUCCESS
}
