//! What can be said to the commands that keep a host: who may change it, what it consists of, what it stores.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::host::Host;

#[derive(Debug, Args)]
pub(in crate::cli) struct Sign {
    /// The component; its signature is written to FILE.sig
    #[arg(required_unless_present = "new_key", requires = "key", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) file: Option<PathBuf>,
    /// The secret key to sign with: ed25519, as a PEM file
    #[arg(long, value_name = "FILE", requires = "file", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) key: Option<PathBuf>,
    /// Make a key, write it to this new file, and print its public half for the manifest
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "key"], value_hint = ValueHint::FilePath)]
    pub(in crate::cli) new_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Token {
    #[command(subcommand)]
    pub(in crate::cli) action: TokenAction,
    /// Print what the host answers
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokenAction {
    /// Make a token; it is shown once
    Add {
        /// Whose it is: the name stands in the history
        name: String,
        #[arg(long)]
        role: Role,
        /// A service that a deployer may change [default: all]
        #[arg(long, value_name = "SERVICE")]
        service: Vec<String>,
    },
    /// Show whose tokens there are
    List,
    /// Take a token back, at once
    Revoke { name: String },
}

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Role {
    /// To look at everything
    Viewer,
    /// To move the releases of its services too
    Deployer,
    /// Everything
    Admin,
}

impl Role {
    /// As the host writes it.
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
    /// Do not ask
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
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
pub(in crate::cli) struct Drop {
    /// The service that was removed
    pub(in crate::cli) service: String,
    /// Do not ask
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Stores {
    /// Print what the host answers
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Intents {
    #[command(subcommand)]
    pub(in crate::cli) action: Option<IntentAction>,
    /// Print what the host answers
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum IntentAction {
    /// Have one made again at once
    Retry {
        /// The id, or as much of it as tells it from the others
        id: String,
        /// Go on with the live releases, this time and from now on, whatever the call began with
        #[arg(long)]
        live: bool,
    },
    /// Give one up: it is not made again, and what it did stays as it is
    GiveUp {
        /// The id, or as much of it as tells it from the others
        id: String,
        /// Why, for the history
        #[arg(long)]
        reason: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}
