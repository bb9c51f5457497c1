//! The arguments of the commands that change releases.

use std::path::PathBuf;
use std::time::Duration;

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
    /// Make it a candidate for this share of the callers
    #[arg(long, value_name = "PERCENT")]
    pub(in crate::cli) weight: Option<Percent>,
    /// Make it a candidate that repeats this share of the calls; its results are compared and discarded
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, default_missing_value = "100")]
    pub(in crate::cli) shadow: Option<Percent>,
    /// Make it a candidate for calls with this header
    #[arg(long, value_name = "NAME=VALUE")]
    pub(in crate::cli) header: Option<Header>,
    /// Make it a candidate whose share grows while it does as well as the live release
    #[arg(long, value_name = "PERCENT,…", value_delimiter = ',', conflicts_with = "weight")]
    pub(in crate::cli) steps: Vec<Percent>,
    /// How long each step lasts: 30s, 2m, 1h
    #[arg(long, value_name = "PERIOD", requires = "steps")]
    pub(in crate::cli) every: Option<Period>,
    /// Grant a permission that the verdict lists as needed
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) grant: Vec<String>,
    /// The reason, for the history
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
    /// Accept a signature with a lower number than an earlier one
    #[arg(long)]
    pub(in crate::cli) allow_old_signature: bool,
    /// Copy the data to it through the state interface of the contract, then swap. With --shadow, it repeats calls on the copy
    /// first, and any difference gives the handover up. With --header, calls that only read can try the copy
    #[arg(long, conflicts_with_all = ["set", "weight", "steps", "data_compatible"])]
    pub(in crate::cli) handover: bool,
    /// How long to wait for the end of the handover [default: 10m]
    #[arg(long, value_name = "PERIOD", requires = "handover", conflicts_with = "trial_wait")]
    pub(in crate::cli) wait_handover: Option<Period>,
    /// Deploy it although its data format is not that of the data: you vouch that it reads the data
    #[arg(long)]
    pub(in crate::cli) data_compatible: bool,
    /// End the trial of another candidate, if one runs
    #[arg(long)]
    pub(in crate::cli) replace: bool,
    /// Wait until the trial or the handover ends, at most this long [default: without a limit]; the exit code says how it ended
    #[arg(
        long = "wait", value_name = "PERIOD", num_args = 0..=1, require_equals = true, default_missing_value = "0",
        value_parser = trial_wait, conflicts_with_all = ["set", "dry_run"],
    )]
    pub(in crate::cli) trial_wait: Option<TrialWait>,
    /// Deploy it although it has lost what the live release answers to recent calls
    #[arg(long)]
    pub(in crate::cli) answers_may_differ: bool,
    /// Print the verdict, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    #[command(flatten)]
    pub(in crate::cli) wait: Wait,
    /// The signature of the component [default: FILE.sig, if it exists]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) signature: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

/// How long a deploy waits for the end of its trial; `None`: without a limit.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct TrialWait(pub(in crate::cli) Option<Duration>);

fn trial_wait(text: &str) -> Result<TrialWait, String> {
    match text {
        "0" => Ok(TrialWait(None)),
        text => text.parse::<Period>().map(|period| TrialWait(Some(period.duration()))),
    }
}

/// How long a change waits before it begins.
#[derive(Debug, Args)]
pub(in crate::cli) struct Wait {
    /// First wait for unfinished calls that may reach the service, at most this long [default: 30s]
    #[arg(long, value_name = "PERIOD", num_args = 0..=1, require_equals = true, default_missing_value = "30s")]
    pub(in crate::cli) after_intents: Option<Period>,
}

/// A change to the existing releases of a service.
#[derive(Debug, Args)]
pub(in crate::cli) struct Change {
    pub(in crate::cli) service: String,
    /// The reason, for the history
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Weight {
    pub(in crate::cli) service: String,
    /// The share of the callers
    #[arg(value_name = "PERCENT")]
    pub(in crate::cli) weight: Percent,
    /// The reason, for the history
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Promote {
    #[command(flatten)]
    pub(in crate::cli) wait: Wait,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Rollback {
    /// The kept release to return to: its digest, or a unique prefix [default: the last one]
    #[arg(long, value_name = "DIGEST")]
    pub(in crate::cli) to: Option<String>,
    /// Return even if the release may not be able to read the migrated data
    #[arg(long)]
    pub(in crate::cli) force: bool,
    #[command(flatten)]
    pub(in crate::cli) wait: Wait,
    #[command(flatten)]
    pub(in crate::cli) change: Change,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct History {
    /// One service [default: all services, and the host]
    pub(in crate::cli) service: Option<String>,
    /// How many of the newest entries
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) limit: u64,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}
