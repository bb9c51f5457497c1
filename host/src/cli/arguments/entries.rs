//! The arguments of `switchyard store`: single entries of a service's store.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::host::Host;

#[derive(Debug, Args)]
pub(in crate::cli) struct Store {
    #[command(subcommand)]
    pub(in crate::cli) action: StoreAction,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StoreAction {
    /// Show one entry
    Get(GetEntry),
    /// List entries in the order of their keys
    Scan(ScanEntries),
    /// Set one entry: a commit, and a line of the history without the value
    Set(SetEntry),
    /// Delete one entry: a commit, and a line of the history
    Delete(DeleteEntry),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct GetEntry {
    #[command(flatten)]
    pub(in crate::cli) entry: EntryName,
    /// How to show the value; `auto` takes the first of JSON, text and a dump of the bytes that it is
    #[arg(long = "as", value_name = "FORM", default_value = "auto")]
    pub(in crate::cli) form: Shown,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScanEntries {
    pub(in crate::cli) service: String,
    /// Only entries whose keys begin with this
    #[arg(default_value = "")]
    pub(in crate::cli) prefix: String,
    /// The most entries to show
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) limit: u32,
    /// Begin after this key
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) after: Option<String>,
    /// PREFIX and --after are in hexadecimal: for keys that a shell cannot type
    #[arg(long)]
    pub(in crate::cli) hex_key: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SetEntry {
    #[command(flatten)]
    pub(in crate::cli) entry: EntryName,
    /// The value; `-` reads it from standard input
    #[arg(required_unless_present = "file", conflicts_with = "file", allow_negative_numbers = true)]
    pub(in crate::cli) value: Option<String>,
    /// Read the value from this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) file: Option<PathBuf>,
    /// How the value is written: `json` is checked and stored as it is written
    #[arg(long = "as", value_name = "FORM", default_value = "text")]
    pub(in crate::cli) form: Written,
    #[command(flatten)]
    pub(in crate::cli) change: EntryChange,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DeleteEntry {
    #[command(flatten)]
    pub(in crate::cli) entry: EntryName,
    #[command(flatten)]
    pub(in crate::cli) change: EntryChange,
}

/// One entry of a store.
#[derive(Debug, Args)]
pub(in crate::cli) struct EntryName {
    pub(in crate::cli) service: String,
    pub(in crate::cli) key: String,
    /// KEY is in hexadecimal: for keys that a shell cannot type
    #[arg(long)]
    pub(in crate::cli) hex_key: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct EntryChange {
    /// Change it only if its value has this digest, which `get` shows, or if there is none [default: what was confirmed]
    #[arg(long, value_name = "sha256:… | none")]
    pub(in crate::cli) if_digest: Option<String>,
    /// The reason, for the history
    #[arg(long)]
    pub(in crate::cli) reason: Option<String>,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
}

/// How a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Shown {
    Auto,
    Text,
    Json,
    Hex,
    /// The bytes themselves, and nothing else
    Raw,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Written {
    Text,
    Json,
    /// Hexadecimal digits; white space is skipped
    Hex,
}
