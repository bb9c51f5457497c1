//! What can be said to the commands that move releases.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::host::Host;
use super::parse::{Assignment, Header, Percent, Period};

#[derive(Debug, Args)]
pub(in crate::cli) struct Deploy {
    /// The service that gets a new release
    #[arg(required_unless_present = "set")]
    pub(in crate::cli) service: Option<String>,
    /// The component
    #[arg(required_unless_present = "set", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) file: Option<PathBuf>,
    /// Swap several services as one: no call sees one of them without the others
    #[arg(
        long, num_args = 1.., value_name = "SERVICE=FILE",
        conflicts_with_all = ["service", "file", "weight", "shadow", "header", "steps", "dry_run", "signature", "after_intents"],
    )]
    pub(in crate::cli) set: Vec<Assignment>,
    /// Make it a candidate that gets this share of the calls, the same callers always
    #[arg(long, value_name = "PERCENT")]
    pub(in crate::cli) weight: Option<Percent>,
    /// Make it a candidate that repeats this share of the calls; its answers and writes are compared and thrown away
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, default_missing_value = "100")]
    pub(in crate::cli) shadow: Option<Percent>,
    /// Make it a candidate for the calls that bring this header
    #[arg(long, value_name = "NAME=VALUE")]
    pub(in crate::cli) header: Option<Header>,
    /// Make it a candidate whose share grows, as long as it does as well as the live release
    #[arg(long, value_name = "PERCENT,…", value_delimiter = ',', conflicts_with = "weight")]
    pub(in crate::cli) steps: Vec<Percent>,
    /// How long each step lasts: 30s, 2m, 1h
    #[arg(long, value_name = "PERIOD", requires = "steps")]
    pub(in crate::cli) every: Option<Period>,
    /// Grant something that the verdict says it asks for and the live release does not
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) grant: Vec<String>,
    /// Why, for the history
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
    /// Ask for the verdict alone
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Wait until no call that was begun and may come to the service is open any more, so long at most [default: 30s]
    #[arg(long, value_name = "PERIOD", num_args = 0..=1, require_equals = true, default_missing_value = "30s")]
    pub(in crate::cli) after_intents: Option<Period>,
    /// The signature of the component [default: FILE.sig, where there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) signature: Option<PathBuf>,
    /// Print what the host answers
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

/// A change to the releases that a service has.
#[derive(Debug, Args)]
pub(in crate::cli) struct Change {
    pub(in crate::cli) service: String,
    /// Why, for the history
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
    /// Print what the host answers
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Promote {
    /// Wait until no call that was begun and may come to the service is open any more, so long at most [default: 30s]
    #[arg(long, value_name = "PERIOD", num_args = 0..=1, require_equals = true, default_missing_value = "30s")]
    pub(in crate::cli) after_intents: Option<Period>,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Rollback {
    /// The kept release to go to: its digest, or as much of it as tells it from the others [default: the last one]
    #[arg(long, value_name = "DIGEST")]
    pub(in crate::cli) to: Option<String>,
    /// Go back even where the data has moved on, and the release may not be able to read it
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Wait until no call that was begun and may come to the service is open any more, so long at most [default: 30s]
    #[arg(long, value_name = "PERIOD", num_args = 0..=1, require_equals = true, default_missing_value = "30s")]
    pub(in crate::cli) after_intents: Option<Period>,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct History {
    /// One service [default: all of them, and the host itself]
    pub(in crate::cli) service: Option<String>,
    /// The newest entries, as many as this
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) limit: u64,
    /// Print what the host answers, as one page
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}
