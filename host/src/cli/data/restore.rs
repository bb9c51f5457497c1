//! `switchyard restore`: creates a data directory from a backup, without a host.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::arguments::{Point, Restore};
use crate::cli::host::config::load;
use crate::cli::output::failure::{Failure, Kind, Outcome};
use crate::cli::output::format::{bytes, counted, utc};
use crate::cli::output::progress::Progress;
use crate::clock;
use crate::config::{Flags, Manifest};
use crate::names::CommitSeq;
use crate::release;
use crate::store::{RestoreOrder, Restored, Until};

pub(in crate::cli) fn run(command: &Restore) -> Outcome {
    let order = order(command)?;
    let progress = Progress::work();
    let restored = release::restore(&order, &mut |step| {
        progress.at(&step.what, step.bytes, step.bytes_total);
        ControlFlow::Continue(())
    });
    progress.end();
    let restored = restored.map_err(|error| Failure::new(Kind::Refused, error))?;
    if command.json { Ok(document(&restored, &order.data).to_string()) } else { Ok(render(&restored, &order.data)) }
}

fn order(command: &Restore) -> Result<RestoreOrder, Failure> {
    let manifest = manifest_there(&command.manifest.manifest)?;
    let data = command.data.clone().or_else(|| manifest.as_ref().map(|manifest| manifest.host.data.clone()));
    let until = match command.at {
        None => Until::Backup,
        Some(Point::Number(number)) => Until::CommitSeq(CommitSeq(number)),
        Some(Point::Time(unix_micros)) => Until::Time(unix_micros),
        Some(Point::End) => Until::End,
    };
    let archive = command.archive.clone().or_else(|| manifest.and_then(|manifest| manifest.journal.archive));
    Ok(RestoreOrder {
        backup: command.backup.clone(),
        data: data.unwrap_or_else(|| PathBuf::from("data")),
        archive: archive.filter(|_| until != Until::Backup),
        old_data: command.old_data.clone(),
        until,
    })
}

/// The manifest, if there is one.
pub(in crate::cli) fn manifest_there(path: &Path) -> Result<Option<Manifest>, Failure> {
    match path.try_exists() {
        Ok(true) => Ok(Some(load(path, Flags::default())?.manifest)),
        Ok(false) | Err(_) => Ok(None),
    }
}

fn document(restored: &Restored, data: &Path) -> serde_json::Value {
    json!({
        "data": data,
        "number": restored.number.0,
        "at": restored.unix_micros.map(clock::rfc_3339),
        "replayed": restored.replayed,
        "bytes": restored.bytes,
    })
}

fn render(restored: &Restored, data: &Path) -> String {
    let Restored { number, unix_micros, replayed, .. } = restored;
    let at = unix_micros.map(|at| format!(" ({} UTC)", utc(&clock::rfc_3339(at)))).unwrap_or_default();
    let size = bytes(restored.bytes);
    let of = format!("{size} of the backup and {} after it", counted(*replayed, "commit"));
    format!(
        "{} has all up to commit {}{at}: {of}, written and read back\n\
         Start it with `switchyard up --data {}`, and make a new backup: its journal begins anew.",
        data.display(),
        number.0,
        data.display()
    )
}
