//! The command line: every command and its flags.

mod backups;
mod cluster;
mod entries;
mod events;
mod examples;
mod host;
mod operate;
mod parse;
mod releases;
mod state;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

pub(super) use backups::{Backup, Journal, JournalAction, JournalSource, Restore, Show, Verify};
pub(super) use cluster::{Cluster, ClusterAction, Reseed};
pub(super) use entries::{
    DeleteEntry, EntryChange, EntryName, GetEntry, ScanEntries, SetEntry, Shown, Store, StoreAction, Written,
};
pub(super) use events::{DeadLetters, Events, EventsAction, Schedules};
pub(super) use host::{Host, ManifestFile};
pub(super) use operate::{
    Apply, Drop, IntentAction, Intents, Logs, OneService, Role, Sign, Stores, Token, TokenAction, Version,
};
pub(super) use parse::{Assignment, Percent, Period, Point};
pub(super) use releases::{Change, Deploy, History, Promote, Rollback, TrialWait, Weight};
pub(super) use state::{Export, Import};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused by a service, a contract or the host
  2  wrong command line or configuration
  3  no host can be reached
  4  no token, or the host does not accept it for this command
  5  deploy --wait: another change ended the trial, such as an abort
  6  deploy --wait: the trial has not ended in time
  7  cluster reseed: nothing is wrong with the stream";

/// Runs services as WebAssembly components over transactional stores.
#[derive(Debug, Parser)]
#[command(name = "switchyard", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start the host, and drain it on SIGTERM or ctrl-c
    #[command(after_help = examples::UP)]
    Up(Up),
    /// Show the services: releases, calls, errors, latency, store size
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// Deploy a new release of a service: it is judged, then live at once or a candidate
    #[command(after_help = examples::DEPLOY)]
    Deploy(Box<Deploy>),
    /// Make the candidate of a service its live release
    #[command(after_help = examples::PROMOTE)]
    Promote(Promote),
    /// Keep the share of a candidate as it is; the host still removes a bad one
    #[command(after_help = examples::PAUSE)]
    Pause(Change),
    /// Begin the current step of a paused candidate again
    #[command(after_help = examples::RESUME)]
    Resume(Change),
    /// Give a candidate another share of the callers; its larger steps follow
    #[command(after_help = examples::WEIGHT)]
    Weight(Weight),
    /// Remove the candidate of a service
    #[command(after_help = examples::ABORT)]
    Abort(Change),
    /// End a handover: delete the earlier implementation's data, or give the handover up before its swap
    #[command(after_help = examples::SETTLE)]
    Settle(Change),
    /// Return to a release that was live before
    #[command(after_help = examples::ROLLBACK)]
    Rollback(Rollback),
    /// Show every change: what, when, by whom and why
    #[command(after_help = examples::HISTORY)]
    History(History),
    /// Show subscriptions and failed deliveries; replay or delete dead letters
    #[command(after_help = examples::EVENTS)]
    Events(Events),
    /// Show scheduled functions, their last run and their next one
    #[command(after_help = examples::SCHEDULES)]
    Schedules(Schedules),
    /// Change a running host to match the manifest, after it shows the plan
    #[command(after_help = examples::APPLY)]
    Apply(Apply),
    /// Add one service of the manifest to a running host, or change it to what its section says
    #[command(after_help = examples::ADD)]
    Add(OneService),
    /// Remove one service from a running host; its store and its releases are kept
    #[command(after_help = examples::REMOVE)]
    Remove(OneService),
    /// Show what components and the host logged
    #[command(after_help = examples::LOGS)]
    Logs(Logs),
    /// Show all stores, including those of removed services
    #[command(after_help = examples::STORES)]
    Stores(Stores),
    /// Delete the store of a removed service for good
    #[command(after_help = examples::DROP)]
    Drop(Drop),
    /// Show unfinished calls that had effects elsewhere; retry one, or give it up
    #[command(after_help = examples::INTENTS)]
    Intents(Intents),
    /// Copy all stores, releases and history of a running host to a folder, as of one instant
    #[command(after_help = examples::BACKUP)]
    Backup(Backup),
    /// Create a data directory from a backup, up to its own time or a later one
    #[command(after_help = examples::RESTORE)]
    Restore(Restore),
    /// Write the state of a service as lines of JSON, in the types of its contract
    #[command(after_help = examples::EXPORT)]
    Export(Export),
    /// Set and remove entities of a service from lines of JSON
    #[command(after_help = examples::IMPORT)]
    Import(Import),
    /// Look at single entries of a service's store, and repair them by hand
    #[command(after_help = examples::STORE)]
    Store(Store),
    /// Check a journal, or show its commits, without a host
    #[command(after_help = examples::JOURNAL)]
    Journal(Journal),
    /// Show the hosts of a cluster, make another one lead, take a lost one off the list, or restore a lost stream
    #[command(after_help = examples::CLUSTER)]
    Cluster(Cluster),
    /// Create, list and revoke operator tokens
    #[command(after_help = examples::TOKEN)]
    Token(Token),
    /// Sign a component, or create a signing key
    #[command(after_help = examples::SIGN)]
    Sign(Sign),
    /// Judge a component against a contract, without a host
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Write a contract and all that it uses as WIT that the toolchains of components read
    #[command(after_help = examples::WIT)]
    Wit(Wit),
    /// Call a function of a service as the operator
    #[command(after_help = examples::CALL)]
    Call(Call),
    /// Print the effective configuration, with the origin of every line
    #[command(after_help = examples::CONFIG)]
    Config(Config),
    /// Print the version, the commit, and the formats of journal, backup and state
    #[command(after_help = examples::VERSION)]
    Version(Version),
    /// Print a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions { shell: clap_complete::Shell },
    /// Print the names of the services, a line each, for completions
    #[command(hide = true, after_help = examples::SERVICES)]
    Services(Stores),
}

#[derive(Debug, Args)]
pub(super) struct Up {
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
    /// Address of the public API
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<SocketAddr>,
    /// Address of the operator API
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin: Option<SocketAddr>,
    /// The data directory
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(super) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// One service, with its releases and limits
    pub(super) service: Option<String>,
    /// Refresh every so many seconds until ctrl-c: share, rate, errors and latency of each release
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2")]
    pub(super) watch: Option<Period>,
    #[command(flatten)]
    pub(super) host: Host,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The component
    #[arg(value_hint = ValueHint::FilePath)]
    pub(super) file: PathBuf,
    /// The world that it must fit, such as shop:cart/cart-service; wasi:http for one that handles HTTP itself
    #[arg(long, value_name = "WORLD")]
    pub(super) contract: String,
    /// The folder of the contracts [default: as the manifest in this folder says, else wit]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(super) wit: Option<PathBuf>,
    /// Judge as if outbound HTTP were granted
    #[arg(long)]
    pub(super) outbound_http: bool,
    /// Print the verdict as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
}

#[derive(Debug, Args)]
pub(super) struct Wit {
    /// The world that the component implements, such as shop:cart/cart-service
    #[arg(long, value_name = "WORLD")]
    pub(super) contract: String,
    /// The folder to write into: packages into `deps`, and the world of the component into `world.wit` unless it exists
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(super) out: PathBuf,
    /// The folder of the contracts [default: as the manifest in this folder says, else wit]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(super) wit: Option<PathBuf>,
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
}

#[derive(Debug, Args)]
pub(super) struct Call {
    pub(super) service: String,
    /// The function's name, or interface.name if two interfaces have one of that name
    pub(super) function: String,
    /// A JSON object of the parameters; `-` reads it from standard input
    #[arg(value_name = "JSON", default_value = "{}")]
    pub(super) arguments: String,
    #[command(flatten)]
    pub(super) host: Host,
}

#[derive(Debug, Args)]
pub(super) struct Config {
    /// Print every setting with its default, unit and reason instead
    #[arg(long)]
    pub(super) defaults: bool,
    /// Check the manifest and every file that it names, and report all faults
    #[arg(long, conflicts_with = "defaults")]
    pub(super) check: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "defaults")]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
}
