//! The arguments that choose the host of a command, or whose files it reads.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::config::{ADMIN_VARIABLE, CA_VARIABLE, MANIFEST_VARIABLE, TOKEN_FILE_VARIABLE};

#[derive(Debug, Args)]
pub(in crate::cli) struct ManifestFile {
    /// The manifest
    #[arg(long, global = true, value_name = "FILE", env = MANIFEST_VARIABLE, default_value = "switchyard.toml", value_hint = ValueHint::FilePath)]
    pub(in crate::cli) manifest: PathBuf,
}

/// The host that a command talks to.
#[derive(Debug, Args)]
pub(in crate::cli) struct Host {
    /// URL of the operator API [default: from the manifest in this folder, else http://127.0.0.1:8081]
    #[arg(long, global = true, value_name = "URL", env = ADMIN_VARIABLE)]
    pub(in crate::cli) admin: Option<String>,
    /// PEM file of the certificates that an https URL is checked against [default: the system's]
    #[arg(long, global = true, value_name = "FILE", env = CA_VARIABLE, value_hint = ValueHint::FilePath)]
    pub(in crate::cli) ca: Option<PathBuf>,
    /// The host's data directory, which holds the admin token [default: from the manifest in this folder]
    #[arg(long, global = true, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) data: Option<PathBuf>,
    /// A file that has a token, such as one that `switchyard token add` created [default: admin-token in the data directory]
    #[arg(long, global = true, value_name = "FILE", env = TOKEN_FILE_VARIABLE, value_hint = ValueHint::FilePath)]
    pub(in crate::cli) token_file: Option<PathBuf>,
    /// Print the host's answer as JSON
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) manifest: ManifestFile,
}
