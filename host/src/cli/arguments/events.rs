//! The arguments of the commands about events and schedules.

use clap::{Args, Subcommand};

use super::host::Host;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Events {
    #[command(subcommand)]
    pub(in crate::cli) action: Option<EventsAction>,
    /// One service, with its failed deliveries
    pub(in crate::cli) service: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum EventsAction {
    /// Deliver dead letters again
    Replay(DeadLetters),
    /// Delete dead letters for good
    Drop(DeadLetters),
}

/// The dead letters to change.
#[derive(Debug, Args)]
pub(in crate::cli) struct DeadLetters {
    /// The service that subscribes to the events
    pub(in crate::cli) service: String,
    /// The ids that `switchyard events SERVICE` shows
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(in crate::cli) ids: Vec<String>,
    /// All dead letters of the service
    #[arg(long, conflicts_with = "ids")]
    pub(in crate::cli) all: bool,
    /// The reason, for the history
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Schedules {
    /// One service [default: all of them]
    pub(in crate::cli) service: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}
