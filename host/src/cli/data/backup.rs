//! `switchyard backup`: asks the host to write a backup, and shows its progress.

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::arguments::Backup;
use crate::cli::client::request::Request;
use crate::cli::client::target::Target;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::{bytes, counted, utc};
use crate::cli::output::progress::Progress;

/// One line of the host's answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    Progress(Step),
    Backup(Value),
    Error(String),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    what: String,
    bytes: u64,
    bytes_total: u64,
}

/// A finished backup.
#[derive(Debug, Deserialize)]
struct BackupSummary {
    folder: PathBuf,
    number: u64,
    at: String,
    files: Vec<File>,
}

#[derive(Debug, Deserialize)]
struct File {
    bytes: u64,
}

pub(in crate::cli) fn run(target: &Target, command: &Backup) -> Outcome {
    // The host has another working directory.
    let folder = std::path::absolute(&command.folder).map_err(|error| Failure::new(Kind::Usage, error))?;
    let request = Request::post(&["backup"]).json(&json!({ "folder": folder }));
    let progress = Progress::work();
    let mut made = None;
    let answered = request.follow(target, |line| {
        match serde_json::from_str(line).map_err(|error| Failure::new(Kind::Unreachable, error))? {
            Line::Progress(step) => progress.at(&step.what, step.bytes, step.bytes_total),
            Line::Backup(backup) => made = Some(backup),
            Line::Error(error) => return Err(Failure::text(Kind::Refused, error)),
        }
        Ok(())
    });
    progress.end();
    if let Some(refusal) = answered? {
        return refusal.accepted(command.host.json).map(|answer| answer.text());
    }
    let Some(made) = made else {
        return Err(Failure::text(Kind::Unreachable, "the host stopped before the backup was complete"));
    };
    if command.host.json { Ok(made.to_string()) } else { render(made) }
}

fn render(made: Value) -> Outcome {
    let made: BackupSummary = serde_json::from_value(made).map_err(|error| Failure::new(Kind::Unreachable, error))?;
    let sum = made.files.iter().map(|file| file.bytes).sum();
    let (at, files) = (utc(&made.at), counted(made.files.len() as u64, "file"));
    let folder = made.folder.display();
    Ok(format!(
        "{folder} has all up to commit {} ({at} UTC): {files}, {}, written and read back",
        made.number,
        bytes(sum)
    ))
}
