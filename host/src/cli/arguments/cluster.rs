//! The arguments of `switchyard cluster`.

use clap::{Args, Subcommand};

use super::host::Host;
use super::parse::Period;

#[derive(Debug, Args)]
pub(in crate::cli) struct Cluster {
    #[command(subcommand)]
    pub(in crate::cli) action: ClusterAction,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ClusterAction {
    /// Show the leader, its lease, and every host: role, last commit, lag, last report, version, address, problems
    Status {
        /// Refresh every so many seconds until ctrl-c
        #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2")]
        watch: Option<Period>,
    },
    /// Make the leader lead no more, and wait until another host leads
    StepDown,
    /// Take a lost host off the list; one that still runs is listed again
    Remove {
        /// The name of the host in the cluster
        node: String,
    },
    /// Write a stream that NATS has lost or damaged again from a host's data directory, after showing what it has
    #[command(after_help = super::examples::RESEED)]
    Reseed(Reseed),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Reseed {
    /// Only show what the stream and this host have, and what would be lost
    #[arg(long)]
    pub(in crate::cli) plan: bool,
    /// Do not ask for confirmation
    #[arg(long, conflicts_with = "plan")]
    pub(in crate::cli) yes: bool,
    /// Write the stream again although it or a copy has commits that this host does not have
    #[arg(long, conflicts_with = "plan")]
    pub(in crate::cli) lose_commits: bool,
}
