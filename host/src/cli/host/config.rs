//! `switchyard config`: the effective configuration, or all defaults.

use std::path::Path;

use crate::cli::arguments::Config;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::config::{self, Configuration, DEFAULTS, Flags};

pub(in crate::cli) fn run(command: &Config) -> Outcome {
    if command.defaults {
        return Ok(DEFAULTS.into());
    }
    let configuration = load(&command.manifest.manifest, Flags::default())?;
    config::print(&configuration).map_err(|error| Failure::new(Kind::Usage, error))
}

/// Loads the manifest at `path` and applies this process's environment.
pub(in crate::cli) fn load(path: &Path, flags: Flags) -> Result<Configuration, Failure> {
    config::load(path, &config::environment(), flags).map_err(|error| {
        let next = match &error {
            config::ConfigError::Read { .. } => "Name the manifest with --manifest FILE, or change to its folder.",
            _ => "`switchyard config --defaults` shows every key with its unit and its default.",
        };
        Failure::new(Kind::Usage, error).next(next)
    })
}
