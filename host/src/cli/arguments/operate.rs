//! The arguments of the commands that operate a host: tokens, signatures, apply, stores, intents.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::host::{Host, ManifestFile};
use crate::names::ServiceName;

#[derive(Debug, Args)]
pub(in crate::cli) struct Sign {
    /// The component; its signature is written to FILE.sig
    #[arg(required_unless_present = "new_key", requires = "key", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) file: Option<PathBuf>,
    /// The secret key: ed25519, as a PEM file
    #[arg(long, value_name = "FILE", requires = "file", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) key: Option<PathBuf>,
    /// The service that the component is for
    #[arg(long, value_parser = ServiceName::parse, required_unless_present = "new_key")]
    pub(in crate::cli) service: Option<ServiceName>,
    /// The contract with its version, or wasi:http [default: that of the service, from the manifest in this folder]
    #[arg(long, value_name = "WORLD")]
    pub(in crate::cli) contract: Option<String>,
    /// The number of the signature: hosts refuse one that is lower than an earlier one of the service [default: the time]
    #[arg(long)]
    pub(in crate::cli) number: Option<u64>,
    /// Create a key in this new file, and print its public half for the manifest
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "key"], value_hint = ValueHint::FilePath)]
    pub(in crate::cli) new_key: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) manifest: ManifestFile,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Token {
    #[command(subcommand)]
    pub(in crate::cli) action: TokenAction,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenAction {
    /// Create a token; it is shown once
    Add {
        /// The name of its owner, for the history
        name: String,
        #[arg(long)]
        role: Role,
        /// A service that a deployer may change [default: all]
        #[arg(long, value_name = "SERVICE")]
        service: Vec<String>,
    },
    /// List the tokens
    List,
    /// Revoke a token at once
    Revoke { name: String },
}

/// The permissions of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Role {
    /// Read everything
    Viewer,
    /// Also deploy and roll back its services
    Deployer,
    /// Everything
    Admin,
}

impl Role {
    /// The name that the operator API uses.
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Deployer => "deployer",
            Self::Admin => "admin",
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Apply {
    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(in crate::cli) dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
    /// Also replace releases that were deployed after the last apply
    #[arg(long)]
    pub(in crate::cli) reset_releases: bool,
    /// The reason, for the history
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

/// The change of one service.
#[derive(Debug, Args)]
pub(in crate::cli) struct OneService {
    pub(in crate::cli) service: String,
    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(in crate::cli) dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
    /// The reason, for the history
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Logs {
    /// One service [default: everything that the token may see]
    pub(in crate::cli) service: Option<String>,
    /// Show new lines until ctrl-c
    #[arg(long, short)]
    pub(in crate::cli) follow: bool,
    /// Only lines about the request with this id
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) request: Option<String>,
    /// How many of the newest lines
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(in crate::cli) limit: u64,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Version {
    /// Also ask the running host
    #[arg(long)]
    pub(in crate::cli) of_host: bool,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Drop {
    /// The removed service
    pub(in crate::cli) service: String,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Stores {
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Intents {
    #[command(subcommand)]
    pub(in crate::cli) action: Option<IntentAction>,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum IntentAction {
    /// Run one again at once
    Retry {
        /// The id, or a prefix that is unique
        id: String,
        /// Use the live releases from now on, not those that the call began with
        #[arg(long)]
        live: bool,
    },
    /// Give one up: it does not run again, and its effects stay
    GiveUp {
        /// The id, or a prefix that is unique
        id: String,
        /// The reason, for the history
        #[arg(long)]
        reason: String,
        /// Do not ask for confirmation
        #[arg(long, short)]
        yes: bool,
    },
}
