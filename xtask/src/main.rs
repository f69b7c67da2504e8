//! Builds, tests and shows the project. Run as `cargo xtask`.
//!
//! Only reads the command line here; each command is a module.

mod size;
mod widget;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Builds, tests and shows the project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds what browsers download, into `dist/`.
    Widget,
    /// Measures what browsers download, compressed, and fails when it is over budget.
    Size,
}

fn main() -> Result<()> {
    let progress = |step: &str| eprintln!("{step}");
    match Arguments::parse().command {
        Command::Widget => {
            widget::build(progress)?;
            println!("{}", size::Sizes::of(&widget::dist())?);
            Ok(())
        }
        Command::Size => {
            widget::build(progress)?;
            size::Sizes::of(&widget::dist())?.report()
        }
    }
}
