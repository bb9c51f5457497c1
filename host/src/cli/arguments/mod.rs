//! What can be said on the command line.

mod backups;
mod events;
mod examples;
mod host;
mod operate;
mod parse;
mod releases;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};

pub(super) use backups::{Backup, Journal, JournalAction, Place, Restore, Show, Verify};
pub(super) use events::{DeadLetters, Events, EventsAction, Schedules};
pub(super) use host::{Host, ManifestFile};
pub(super) use operate::{Apply, Drop, IntentAction, Intents, Role, Sign, Stores, Token, TokenAction};
pub(super) use parse::{Assignment, Percent, Period, Point};
pub(super) use releases::{Change, Deploy, History, Promote, Rollback};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused: by a service, by a contract, or by the host
  2  the command line or the configuration is wrong
  3  no host can be reached
  4  the host does not take the token, or not for this; or there is none";

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
    /// Show the services: what runs, calls, errors, latency, store size
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// Give a service a new release: judged first, then live at once, or a candidate
    #[command(after_help = examples::DEPLOY)]
    Deploy(Box<Deploy>),
    /// Make the candidate of a service its live release
    #[command(after_help = examples::PROMOTE)]
    Promote(Promote),
    /// Take the candidate of a service out
    #[command(after_help = examples::ABORT)]
    Abort(Change),
    /// Go back to a release that was live before
    #[command(after_help = examples::ROLLBACK)]
    Rollback(Rollback),
    /// Show what was changed, when, by whom and why
    #[command(after_help = examples::HISTORY)]
    History(History),
    /// Show who takes whose events, and how far; deliver dead letters again, or delete them
    #[command(after_help = examples::EVENTS)]
    Events(Events),
    /// Show what runs on time, when it last did, and what came of it
    #[command(after_help = examples::SCHEDULES)]
    Schedules(Schedules),
    /// Bring a running host to what the manifest says, after showing what changes
    #[command(after_help = examples::APPLY)]
    Apply(Apply),
    /// Show the stores, also those of services that were removed
    #[command(after_help = examples::STORES)]
    Stores(Stores),
    /// Delete the store of a service that was removed, for good
    #[command(after_help = examples::DROP)]
    Drop(Drop),
    /// Show the calls that were begun and have not ended; have one made again, or give it up
    #[command(after_help = examples::INTENTS)]
    Intents(Intents),
    /// Copy all stores, releases and the history of a running host to a folder, as of one instant
    #[command(after_help = examples::BACKUP)]
    Backup(Backup),
    /// Make a data directory of a backup, up to its own time or to a later one
    #[command(after_help = examples::RESTORE)]
    Restore(Restore),
    /// Check a journal, or show what is in it, without a host
    #[command(after_help = examples::JOURNAL)]
    Journal(Journal),
    /// Make, show and revoke the tokens of those who operate the host
    #[command(after_help = examples::TOKEN)]
    Token(Token),
    /// Sign a component, or make a key to sign with
    #[command(after_help = examples::SIGN)]
    Sign(Sign),
    /// Judge a component against a contract, without a host
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Call a function of a service as the operator
    #[command(after_help = examples::CALL)]
    Call(Call),
    /// Print the configuration that counts, with the origin of every line
    #[command(after_help = examples::CONFIG)]
    Config(Config),
    /// Print a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Args)]
pub(super) struct Up {
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
    /// Where customers reach the services
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<SocketAddr>,
    /// Where the operator reaches the host
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin: Option<SocketAddr>,
    /// The data directory
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(super) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Status {
    /// One service, with its releases and its bounds
    pub(super) service: Option<String>,
    /// Go on until ctrl-c, with a new reading every so many seconds: shares, rates, errors and latency of each release
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2")]
    pub(super) watch: Option<Period>,
    /// Print what the host answers
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) host: Host,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The component
    #[arg(value_hint = ValueHint::FilePath)]
    pub(super) file: PathBuf,
    /// The world that it has to keep, such as shop:cart/cart-service@1.0.0
    #[arg(long, value_name = "WORLD")]
    pub(super) contract: String,
    /// The folder of the contracts [default: as the manifest in this folder says, else wit]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(super) wit: Option<PathBuf>,
    /// Judge as if the operator had granted it outbound HTTP
    #[arg(long)]
    pub(super) outbound_http: bool,
    /// Print the verdict as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
}

#[derive(Debug, Args)]
pub(super) struct Call {
    pub(super) service: String,
    /// Its name, or interface.name where two interfaces have one of that name
    pub(super) function: String,
    /// An object of its parameters by their JSON names; `-` reads it from standard input
    #[arg(default_value = "{}")]
    pub(super) json: String,
    #[command(flatten)]
    pub(super) host: Host,
}

#[derive(Debug, Args)]
pub(super) struct Config {
    /// Print every setting with its default, unit and reason instead
    #[arg(long)]
    pub(super) defaults: bool,
    #[command(flatten)]
    pub(super) manifest: ManifestFile,
}
