//! `switchyard config`: the effective configuration, its check, or all defaults.

use std::path::Path;

use serde_json::json;

use crate::cli::arguments::Config;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::config::{self, Configuration, DEFAULTS, Flags};
use crate::platform;

pub(in crate::cli) fn run(command: &Config) -> Outcome {
    if command.defaults {
        return Ok(DEFAULTS.into());
    }
    let configuration = match load(&command.manifest.manifest, Flags::default()) {
        Ok(configuration) => configuration,
        Err(failure) if command.json => {
            let result = json!({"ok": false, "faults": failure.lines()}).to_string();
            return Err(failure.with_result(result));
        }
        Err(failure) => return Err(failure),
    };
    if command.check {
        return check(&configuration, command.json);
    }
    if command.json {
        let text = serde_json::to_string_pretty(&configuration.manifest);
        return text.map_err(|error| Failure::new(Kind::Usage, error));
    }
    config::print(&configuration).map_err(|error| Failure::new(Kind::Usage, error))
}

/// Checks the files that the manifest names, as a start would before it compiles anything.
fn check(configuration: &Configuration, json: bool) -> Outcome {
    let faults = platform::check_files(&configuration.manifest);
    let path = configuration.path().display();
    if json {
        let result = json!({"ok": faults.is_empty(), "faults": faults}).to_string();
        return match faults.is_empty() {
            true => Ok(result),
            false => Err(Failure::text(Kind::Usage, format!("{path} has faults")).with_result(result)),
        };
    }
    match faults.is_empty() {
        true => Ok(format!("{path} is good: its settings, contracts and components fit together")),
        false => Err(Failure::text(Kind::Usage, faults.join("\n"))),
    }
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
