//! Where a restore reads and writes: folders of the machine, checked before anything is written.

use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::document::{BACKUP_FOLDERS, BackupDocument};
use super::error::RestoreError;
use super::named::{FilesOf, NamedFiles};
use super::progress::{Progress, ProgressReport};
use super::replay::{Restored, Until};
use super::restore::{self, UNFINISHED};
use crate::journal::{Directory, Disk, Folder, History, JOURNAL_FOLDER};
use crate::store::lock::{LOCK_FILE, LockError, lock, lock_to_read};

/// A request for a restore: the folders to read, and the point to stop at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreOrder {
    /// The folder of the backup.
    pub backup: PathBuf,
    /// The new data directory: it must be empty or not exist.
    pub data: PathBuf,
    /// The folder that the host archived its journal in.
    pub archive: Option<PathBuf>,
    /// The data directory that was backed up, for commits that were not archived.
    pub old_data: Option<PathBuf>,
    pub until: Until,
}

/// Restores a backup into a data directory that is empty or does not exist. It reports progress to `tell`, which may
/// cancel it.
///
/// Blocks until it ends.
///
/// # Errors
///
/// [`RestoreError`]. No file that existed before is changed, and the files that were written are deleted. If that
/// fails, or after a crash, the remaining files are marked as unfinished, and no host starts on them.
pub(crate) fn restore(
    order: &RestoreOrder,
    files_of: FilesOf<'_>,
    tell: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Restored, RestoreError> {
    let source = Directory::to_read(&order.backup);
    let document = BackupDocument::read(&source)?;
    order.until.check(&document)?;
    let made = is_new(&order.data)?;
    // A host that still runs there would commit more than is restored.
    let _old = order.old_data.as_deref().map(lock_there).transpose()?;
    let archive_folder = document.journal().to_string();
    let (mut folders, mut places): (Vec<Folder<'_>>, Vec<_>) = Default::default();
    if let Some(archive) = order.archive.as_deref().filter(|_| order.until != Until::Backup) {
        let read = |source| RestoreError::Read { path: archive.to_owned(), source };
        let found = fs::read_dir(archive).map_err(read)?.find(|entry| is_named(entry, &archive_folder));
        // An archive without segments of this journal has no folder for it.
        if found.is_some() {
            let archive: Arc<dyn Disk> = Arc::new(Directory::to_read(archive));
            places.push((Arc::clone(&archive), format!("{archive_folder}/")));
            folders.push((archive, &archive_folder));
        }
    }
    if let Some(old) = &order.old_data {
        let old: Arc<dyn Disk> = Arc::new(Directory::to_read(old));
        places.push((Arc::clone(&old), String::new()));
        folders.push((old, JOURNAL_FOLDER));
    }
    let history = History::gather(&folders, Some(document.journal()))?;
    let (target, lock) = make(&order.data)?;
    let restored = restore::run(
        &source,
        &document,
        &target,
        &history,
        order.until,
        &NamedFiles { files_of, places },
        &mut ProgressReport::new(tell),
    );
    if restored.is_err() {
        clear(&order.data, made);
    }
    drop(lock);
    restored
}

/// As [`restore`], of the backup on the disk `source` into the empty disk `target`. `old` are data directories that have
/// the commits after the backup, those that count first.
#[cfg(any(test, feature = "fail-points"))]
pub(crate) fn restore_between(
    source: &dyn Disk,
    target: &Arc<dyn Disk>,
    old: &[Arc<dyn Disk>],
    until: Until,
    files_of: FilesOf<'_>,
) -> Result<Restored, RestoreError> {
    let document = BackupDocument::read(source)?;
    until.check(&document)?;
    let folders: Vec<Folder<'_>> = old.iter().map(|disk| (Arc::clone(disk), JOURNAL_FOLDER)).collect();
    let history = History::gather(&folders, Some(document.journal()))?;
    let places = old.iter().map(|disk| (Arc::clone(disk), String::new())).collect();
    let mut tell = |_: &Progress| ControlFlow::Continue(());
    let (files, mut progress) = (NamedFiles { files_of, places }, ProgressReport::new(&mut tell));
    restore::run(source, &document, target, &history, until, &files, &mut progress)
}

/// Whether the data directory `data` must be created; otherwise it exists and is empty.
fn is_new(data: &Path) -> Result<bool, RestoreError> {
    let write = |source| RestoreError::Write { path: data.to_owned(), source };
    let entries = match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        entries => entries.map_err(write)?,
    };
    if data.join(LOCK_FILE).exists() {
        drop(lock_there(data)?);
    }
    for entry in entries {
        if *entry.map_err(write)?.file_name() != *LOCK_FILE {
            return Err(RestoreError::NotEmpty { path: data.to_owned() });
        }
    }
    Ok(false)
}

/// Creates the folders of the data directory `data`, and locks it.
fn make(data: &Path) -> Result<(Arc<dyn Disk>, File), RestoreError> {
    let write = |source| RestoreError::Write { path: data.to_owned(), source };
    let folders: Vec<_> = BACKUP_FOLDERS.into_iter().chain([JOURNAL_FOLDER]).collect();
    let directory = Directory::make(data, &folders).map_err(write)?;
    let lock = lock(data).map_err(|error| refused(error, data))?;
    Ok((Arc::new(directory), lock))
}

/// Deletes the files that a restore wrote into `data`, and `data` itself if the restore created it.
fn clear(data: &Path, made: bool) {
    let cleared = || {
        for folder in BACKUP_FOLDERS.into_iter().chain([JOURNAL_FOLDER]) {
            fs::remove_dir_all(data.join(folder))?;
        }
        // The mark of an unfinished restore goes last.
        match fs::remove_file(data.join(UNFINISHED)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        if made {
            fs::remove_file(data.join(LOCK_FILE))?;
            fs::remove_dir(data)?;
        }
        Ok(())
    };
    if let Err(error) = cleared() {
        tracing::warn!(%error, data = %data.display(), "the unfinished restore was not removed: delete the data \
            directory");
    }
}

fn is_named(entry: &io::Result<fs::DirEntry>, name: &str) -> bool {
    entry.as_ref().is_ok_and(|entry| *entry.file_name() == *name)
}

/// Locks an existing data directory.
fn lock_there(data: &Path) -> Result<File, RestoreError> {
    lock_to_read(data).map_err(|error| refused(error, data))
}

fn refused(error: LockError, data: &Path) -> RestoreError {
    match error {
        LockError::Held(holder) => RestoreError::Locked { path: data.to_owned(), holder },
        LockError::Io(source) => RestoreError::Read { path: data.join(LOCK_FILE), source },
    }
}
