//! Restoring: copies and checks the files of a backup, replays the commits after it, and starts a new journal with the
//! result.
//!
//! The journal gets a new id, although its numbers go on. The old host may have archived, or may still write, other
//! commits with the same numbers, and the two histories must never be mixed up.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::document::{BACKUP_FOLDERS, BackupDocument, BackupFile};
use super::error::RestoreError;
use super::files::{self, Failed};
use super::named::NamedFiles;
use super::progress::ProgressReport;
use super::replay::{Restored, Stage, Until};
use crate::journal::{Disk, History, JOURNAL_FOLDER, JournalId, begin_journal};
use crate::names::CommitSeq;

/// The file that marks a data directory while a backup is being restored into it. A host refuses to start on it.
pub(crate) const UNFINISHED: &str = "restore-unfinished";

/// Brings the backup `document` on `source` to `target`, which is empty, and then to `until`.
pub(in crate::store) fn run(
    source: &dyn Disk,
    document: &BackupDocument,
    target: &Arc<dyn Disk>,
    history: &History,
    until: Until,
    named: &NamedFiles<'_>,
    progress: &mut ProgressReport<'_>,
) -> Result<Restored, RestoreError> {
    progress.expect(document.bytes().saturating_mul(2));
    let disk = &**target;
    let marked = disk.create(UNFINISHED).and_then(|file| file.sync()).and_then(|()| disk.sync_folder(""));
    marked.map_err(written(disk, UNFINISHED))?;
    for file in document.files() {
        progress.begin(format!("copying {}", file.path))?;
        copy(source, disk, file, progress)?;
    }
    let journal = JournalId::random().map_err(|source| RestoreError::Random { source })?;
    let mut stage = Stage::open(target, document, journal)?;
    stage.replay(history, until, progress)?;
    for (source, path) in named.missing(&stage, disk)? {
        progress.begin(format!("copying {path}"))?;
        copy_named(&*source.0, &source.1, disk, &path, progress)?;
    }
    let restored = stage.finish(progress)?;
    begin_journal(disk, journal, CommitSeq(restored.number.0 + 1)).map_err(written(disk, JOURNAL_FOLDER))?;
    for folder in BACKUP_FOLDERS.into_iter().chain([JOURNAL_FOLDER, ""]) {
        disk.sync_folder(folder).map_err(written(disk, folder))?;
    }
    let done = disk.remove(UNFINISHED).and_then(|()| disk.sync_folder(""));
    done.map_err(written(disk, UNFINISHED))?;
    Ok(Restored { bytes: document.bytes(), ..restored })
}

/// Copies `file`, checks that it matches the backup's digest, and that the copy is the same.
fn copy(
    source: &dyn Disk,
    target: &dyn Disk,
    file: &BackupFile,
    progress: &mut ProgressReport<'_>,
) -> Result<(), RestoreError> {
    match copy_named(source, &file.path, target, &file.path, progress)? {
        copied if copied == *file => Ok(()),
        _ => Err(RestoreError::Damaged { path: source.full(&file.path) }),
    }
}

/// Copies the file `from` to `path`, and checks that the copy is the same.
fn copy_named(
    source: &dyn Disk,
    from: &str,
    target: &dyn Disk,
    path: &str,
    progress: &mut ProgressReport<'_>,
) -> Result<BackupFile, RestoreError> {
    let to = target.create(path).map_err(written(target, path))?;
    let mut failed = None;
    let read = files::read(source, from, progress, |offset, piece| {
        to.write_at(offset, piece).map_err(|error| {
            let kind = io::Error::from(error.kind());
            failed = Some(error);
            kind
        })
    });
    if let Some(error) = failed {
        return Err(written(target, path)(error));
    }
    let found = read.map_err(|failed| of_failed(failed, source.full(from)))?;
    to.sync().map_err(written(target, path))?;
    let copied = files::read(target, path, progress, |_, _| Ok(()));
    match copied.map_err(|failed| of_failed(failed, target.full(path)))? {
        copied if (copied.bytes, copied.digest) == (found.bytes, found.digest) => Ok(copied),
        _ => Err(RestoreError::NotAsWritten { path: target.full(path) }),
    }
}

fn of_failed(failed: Failed, path: PathBuf) -> RestoreError {
    match failed {
        Failed::Io(source) => RestoreError::Read { path, source },
        Failed::Cancelled(cancelled) => cancelled.into(),
    }
}

fn written(disk: &dyn Disk, path: &str) -> impl FnOnce(io::Error) -> RestoreError + use<> {
    let path = disk.full(path);
    |source| RestoreError::Write { path, source }
}
