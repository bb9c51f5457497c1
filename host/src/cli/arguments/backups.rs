//! What can be said to the commands that keep data: backups, restores, and the journal.

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
    /// Print what the host answers
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) host: Host,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Restore {
    /// The folder of the backup
    #[arg(value_hint = ValueHint::DirPath)]
    pub(in crate::cli) backup: PathBuf,
    /// How far to go beyond the backup: a time, the number of a commit, or `end` for all that there is [default: not]
    #[arg(long, value_name = "TIME|NUMBER|end")]
    pub(in crate::cli) at: Option<Point>,
    /// The folder that the host archived its journal in [default: as the manifest in this folder says]
    #[arg(long, value_name = "FOLDER", requires = "at", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) archive: Option<PathBuf>,
    /// The data directory that the host had: the end of its journal may not be in the archive yet
    #[arg(long, value_name = "FOLDER", requires = "at", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) old_data: Option<PathBuf>,
    /// The data directory to make [default: as the manifest in this folder says]
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) data: Option<PathBuf>,
    /// Print what was done as JSON
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
    /// Show the commits: which keys they wrote, and how much; values may be secrets and are left out
    Show(Show),
}

/// Which journal is read.
#[derive(Debug, Args)]
pub(in crate::cli) struct Place {
    /// Segment files, or a folder of them [default: those of the data directory]
    #[arg(conflicts_with = "data", value_hint = ValueHint::AnyPath)]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// The data directory [default: as the manifest in this folder says]
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
    pub(in crate::cli) place: Place,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    pub(in crate::cli) place: Place,
    /// The first commit to show
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) from: Option<u64>,
    /// The last commit to show
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) to: Option<u64>,
    /// Only the commits of one service
    #[arg(long, value_parser = ServiceName::parse)]
    pub(in crate::cli) service: Option<ServiceName>,
    /// Show values and the parameters of events too
    #[arg(long)]
    pub(in crate::cli) values: bool,
}
