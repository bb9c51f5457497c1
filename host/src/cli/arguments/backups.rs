//! The arguments of the commands about backups, restores and the journal.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::host::{Host, ManifestFile};
use super::parse::Point;
use crate::names::ServiceName;

#[derive(Debug, Args)]
pub(in crate::cli) struct Backup {
    /// The folder of the backup, on the machine of the host
    #[arg(value_hint = ValueHint::DirPath)]
    pub(in crate::cli) folder: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Restore {
    /// The folder of the backup
    #[arg(value_hint = ValueHint::DirPath)]
    pub(in crate::cli) backup: PathBuf,
    /// Restore up to a time, a commit number, or `end` for everything [default: the backup's own time]
    #[arg(long, value_name = "TIME|NUMBER|end")]
    pub(in crate::cli) at: Option<Point>,
    /// The archive of the journal [default: from the manifest in this folder]
    #[arg(long, value_name = "FOLDER", requires = "at", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) archive: Option<PathBuf>,
    /// The old data directory: its last commits may not be in the archive yet
    #[arg(long, value_name = "FOLDER", requires = "at", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) old_data: Option<PathBuf>,
    /// The data directory to create [default: from the manifest in this folder]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) data: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) manifest: ManifestFile,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Journal {
    #[command(subcommand)]
    pub(in crate::cli) action: JournalAction,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum JournalAction {
    /// Check every record, and that none is missing
    Verify(Verify),
    /// Show the commits: the keys that each wrote, and their sizes; values may be secrets and are left out
    Show(Show),
}

/// The journal to read.
#[derive(Debug, Args)]
pub(in crate::cli) struct JournalSource {
    /// Segment files, or a folder of them [default: those of the data directory]
    #[arg(conflicts_with = "data", value_hint = ValueHint::AnyPath)]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// The data directory [default: from the manifest in this folder]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) data: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) manifest: ManifestFile,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    pub(in crate::cli) source: JournalSource,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    pub(in crate::cli) source: JournalSource,
    /// The first commit to show
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) from: Option<u64>,
    /// The last commit to show
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) to: Option<u64>,
    /// Only the commits of one service
    #[arg(long, value_parser = ServiceName::parse)]
    pub(in crate::cli) service: Option<ServiceName>,
    /// Also show values and the parameters of events
    #[arg(long)]
    pub(in crate::cli) values: bool,
}
