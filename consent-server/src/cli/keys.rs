//! `consent keys`: what a region's secrets are, told without them, and changes to them.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use consent_core::receipt::Algorithm;
use consent_core::{RegionId, Timestamp};
use consent_server::ambient::{Ambient, System};
use consent_server::keys::{self, KeyFacts, Keys, Listed};
use consent_server::settings::{RegionSettings, Settings};

use super::{Config, print_json};

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// List keys and what they are for, with the public halves that others verify with. No secret
    /// is shown.
    #[command(after_help = "Example:\n  consent keys list --region eu")]
    List(List),
    /// Add a key that takes over, after a time in which every server reads it.
    ///
    /// What was signed before still verifies. Running servers read the file every two seconds, and
    /// at once on SIGHUP. A server that reads it late does not know the new key until then: wait
    /// longer where the file is copied to several machines, and at least ten minutes where others
    /// verify receipts by jwks.json, which they may keep for five.
    #[command(
        after_help = "Examples:\n  consent keys rotate --region eu --kind receipt\n  consent keys rotate --region eu --kind receipt --algorithm Ed25519 --in 10m"
    )]
    Rotate(Rotate),
    /// Let a key only verify from now on, or remove its secret.
    #[command(
        after_help = "Examples:\n  consent keys retire --region eu --kid 5f0c2ab91d3e\n  consent keys retire --region eu --kid 5f0c2ab91d3e --destroy"
    )]
    Retire(Retire),
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    at: At,
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    at: At,
    /// What the key is for.
    #[arg(long, value_enum)]
    kind: KeyKind,
    /// HS256 or Ed25519, for receipts only; the same as now if not given. Anybody can verify what
    /// an Ed25519 key signs, without being able to sign.
    #[arg(long, value_name = "ALGORITHM")]
    algorithm: Option<Algorithm>,
    /// When it takes over, in s, m, h or d from now.
    #[arg(long = "in", value_name = "TIME", default_value = "2m", value_parser = delay)]
    delay: Duration,
}

#[derive(Debug, Args)]
pub(super) struct Retire {
    #[command(flatten)]
    at: At,
    /// The key's identifier, as `consent keys list` tells it.
    #[arg(long)]
    kid: String,
    /// What the key is for, where several have that identifier.
    #[arg(long, value_enum)]
    kind: Option<KeyKind>,
    /// Remove the secret from the file, for ever. Of an Ed25519 key the public half stays.
    #[arg(long)]
    destroy: bool,
}

/// Which keys are meant.
#[derive(Debug, Args)]
struct At {
    #[command(flatten)]
    config: Config,
    /// The region. Not needed if only one is held here.
    #[arg(long)]
    region: Option<RegionId>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeyKind {
    /// Signs receipts.
    Receipt,
    /// Signs the links sent by mail.
    Link,
    /// Signs the checkpoints of the log.
    Log,
}

impl From<KeyKind> for keys::KeyKind {
    fn from(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Receipt => Self::Receipt,
            KeyKind::Link => Self::Link,
            KeyKind::Log => Self::Log,
        }
    }
}

/// The longest time in which a key can be announced: a year.
const MAX_DELAY: u64 = 366 * 86_400;

fn delay(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a number and s, m, h or d, as in 2m; a year at most".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    let number = number.parse::<u64>().ok().filter(|_| digits).ok_or_else(wrong)?;
    let delay = number.checked_mul(seconds).filter(|delay| *delay <= MAX_DELAY);
    Ok(Duration::from_secs(delay.ok_or_else(wrong)?))
}

impl KeysCommand {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run(),
            Self::Rotate(rotate) => rotate.run(),
            Self::Retire(retire) => retire.run(),
        }
    }
}

impl At {
    /// The regions meant: the one named, or all.
    fn all(&self) -> anyhow::Result<Vec<RegionSettings>> {
        let settings = self.config.read()?;
        match &self.region {
            Some(id) => Ok(vec![named(settings, id)?]),
            None => Ok(settings.regions),
        }
    }

    /// The region meant: the one named, or the only one.
    fn one(&self) -> anyhow::Result<RegionSettings> {
        let mut settings = self.config.read()?;
        match &self.region {
            Some(id) => named(settings, id),
            None if settings.regions.len() == 1 => {
                settings.regions.pop().context("the configuration has no region")
            }
            None => Err(anyhow!("--region: say which region is meant: {}", ids(&settings))),
        }
    }
}

fn named(settings: Settings, id: &RegionId) -> anyhow::Result<RegionSettings> {
    let known = ids(&settings);
    let mut regions = settings.regions.into_iter();
    regions
        .find(|region| region.id == *id)
        .ok_or_else(|| anyhow!("--region: no region '{id}' is held here; there are {known}"))
}

fn ids(settings: &Settings) -> String {
    settings.regions.iter().map(|region| region.id.as_str()).collect::<Vec<_>>().join(", ")
}

impl List {
    fn run(self) -> anyhow::Result<ExitCode> {
        let (now, mut all) = (System.now(), Vec::new());
        for region in self.at.all()? {
            let keys = Keys::open(&region, false, &System)?;
            all.extend(keys.list(now).into_iter().map(|key| (region.id.clone(), key)));
        }
        if self.at.json {
            let all = all.into_iter().map(|(region, key)| {
                let mut key = serde_json::to_value(key)?;
                key["region"] = region.as_str().into();
                Ok(key)
            });
            print_json(&all.collect::<Result<Vec<_>, serde_json::Error>>()?)?;
        } else {
            for (region, key) in &all {
                println!("{region}  {}", line(key, now));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A key in one line.
fn line(key: &Listed, now: Timestamp) -> String {
    let Listed { facts, signs, public } = key;
    let does = match (signs, facts.destroyed) {
        (true, _) => "signs",
        (false, None) if facts.from > Some(now) && facts.retired.is_none() => "will sign",
        (false, None) => "verifies",
        (false, Some(_)) => "is gone",
    };
    let KeyFacts { kind, kid, algorithm, from, retired, destroyed, .. } = facts;
    let (kind, algorithm) = (kind.as_str(), algorithm.as_str());
    let times = [("from", from), ("retired", retired), ("destroyed", destroyed)];
    let times = times.iter().filter_map(|(name, at)| Some(format!("{name} {}", at.as_ref()?)));
    [format!("{kind:<7}"), kid.clone(), format!("{algorithm:<7}"), does.into()]
        .into_iter()
        .chain(times)
        .chain(public.clone())
        .collect::<Vec<_>>()
        .join("  ")
}

impl Rotate {
    fn run(self) -> anyhow::Result<ExitCode> {
        let region = self.at.one()?;
        let (kind, algorithm) = (self.kind.into(), self.algorithm);
        let done = keys::rotate(&region, kind, algorithm, self.delay, &System)?;
        if self.at.json {
            print_json(&done)?;
            return Ok(ExitCode::SUCCESS);
        }
        let KeyFacts { kid, from, .. } = &done.added;
        let from = from.map(|from| from.to_string()).unwrap_or_default();
        println!("key '{kid}' signs {} from {from} on", kind.signed());
        if let Some(old) = done.replaces {
            println!("key '{old}' signs until then, and verifies after");
        }
        if kind == keys::KeyKind::Log {
            println!("give whoever verifies the log the new key as well: consent keys list");
        }
        println!("keep a copy of the keys");
        Ok(ExitCode::SUCCESS)
    }
}

impl Retire {
    fn run(self) -> anyhow::Result<ExitCode> {
        let region = self.at.one()?;
        let kind = self.kind.map(Into::into);
        let done = keys::retire(&region, &self.kid, kind, self.destroy, System.now())?;
        if self.at.json {
            print_json(&done)?;
            return Ok(ExitCode::SUCCESS);
        }
        println!("key '{}' only verifies from now on; key '{}' signs", self.kid, done.signs);
        println!("{}", follows(&done.retired));
        Ok(ExitCode::SUCCESS)
    }
}

/// What follows from a key's being retired, or destroyed.
fn follows(key: &KeyFacts) -> &'static str {
    use keys::KeyKind as K;
    let public = key.algorithm == Algorithm::Ed25519;
    match (key.kind, key.secret) {
        (K::Receipt, true) if public => {
            "receipts that it signed still verify; --destroy removes the secret and leaves the \
             public half, with which they verify all the same"
        }
        (K::Receipt, true) => {
            "receipts that it signed still verify as long as the key stays in the file, and whoever \
             has it can forge such receipts; --destroy removes it, and then they verify by the log \
             only"
        }
        (K::Receipt, false) if public => {
            "its secret is removed; receipts that it signed still verify by the public half"
        }
        (K::Receipt, false) => {
            "its secret is removed; receipts that it signed verify by the log only, and no longer \
             prove here whose decision they are; older copies of the file still hold it"
        }
        (K::Link, true) => "links sent before still work as long as the key stays in the file",
        (K::Link, false) => "its secret is removed; links that it signed no longer work",
        (K::Log, true) => "checkpoints that it signed still verify by its public half",
        (K::Log, false) => {
            "its secret is removed; checkpoints that it signed still verify by the public half"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_a_number_and_a_unit() {
        for (text, seconds) in
            [("0s", 0), ("90s", 90), ("2m", 120), ("3h", 10_800), ("366d", MAX_DELAY)]
        {
            assert_eq!(delay(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "m",
            "2",
            "2 m",
            "-2m",
            "+2m",
            "2.5m",
            "2é",
            "2w",
            "367d",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert!(delay(text).is_err(), "{text}");
        }
    }
}
