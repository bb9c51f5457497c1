//! The arguments of commands about the state of a service.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::Host;

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    pub(in crate::cli) service: String,
    /// The file to write; `.gz` compresses it [default: standard output]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) out: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    pub(in crate::cli) service: String,
    /// An export, or lines such as {"key": "item/TEA-1", "value": …}; without a value, the entity is removed
    #[arg(value_hint = ValueHint::FilePath)]
    pub(in crate::cli) file: PathBuf,
    /// Report what would change, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Skip the lines before this one, after an import that failed
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(in crate::cli) from_line: u64,
    /// The reason, for the history
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}
