//! Where a restore reads and writes: folders of the machine, checked before anything is written.

use std::fs::{self, File, TryLockError};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::course::{Course, Progress};
use super::document::{BACKUP_FOLDERS, Document};
use super::error::RestoreError;
use super::replay::Until;
use super::restore::{self, Restored};
use crate::journal::{Directory, Disk, Folder, History, JOURNAL_FOLDER, open_lock_file};
use crate::store::LOCK_FILE;

/// What to restore, from where, and up to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The folder of the backup.
    pub backup: PathBuf,
    /// The data directory to be: it is empty, or not there.
    pub data: PathBuf,
    /// The folder that the host archived its journal in.
    pub archive: Option<PathBuf>,
    /// The data directory that the backup was made of, for the commits that had not been archived.
    pub old_data: Option<PathBuf>,
    pub until: Until,
}

/// Restores a backup into a data directory that is empty or not there. Tells `tell` how far it is; that may break it off.
///
/// Blocks for as long as it takes.
///
/// # Errors
///
/// [`RestoreError`]. Nothing that was there before is changed. What was written into the data directory by then stays,
/// and no host starts on it.
pub fn restore(order: &Order, tell: &mut dyn FnMut(&Progress) -> ControlFlow<()>) -> Result<Restored, RestoreError> {
    let source = Directory::to_read(&order.backup);
    let document = Document::read(&source)?;
    // Whoever still writes there would be behind what is restored.
    let _old = order.old_data.as_deref().map(lock_there).transpose()?;
    let archive_folder = document.journal().to_string();
    let mut folders: Vec<Folder<'_>> = Vec::new();
    if let Some(archive) = &order.archive {
        let read = |source| RestoreError::Read { path: archive.clone(), source };
        // An archive that nothing of this journal has come to yet has no folder for it.
        if fs::read_dir(archive)
            .map_err(read)?
            .any(|entry| entry.is_ok_and(|entry| *entry.file_name() == *archive_folder))
        {
            folders.push((Arc::new(Directory::to_read(archive)), &archive_folder));
        }
    }
    if let Some(old) = &order.old_data {
        folders.push((Arc::new(Directory::to_read(old)), JOURNAL_FOLDER));
    }
    let history = History::gather(&folders, Some(document.journal()))?;
    let (target, _lock) = target(&order.data)?;
    restore::run(&source, &document, &target, &history, order.until, &mut Course::new(tell))
}

/// Makes the data directory `data`, and locks it.
fn target(data: &Path) -> Result<(Arc<dyn Disk>, File), RestoreError> {
    let write = |source| RestoreError::Write { path: data.to_owned(), source };
    match fs::read_dir(data) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(write(error)),
        Ok(entries) => {
            if data.join(LOCK_FILE).exists() {
                drop(lock_there(data)?);
            }
            for entry in entries {
                if *entry.map_err(write)?.file_name() != *LOCK_FILE {
                    return Err(RestoreError::NotEmpty { path: data.to_owned() });
                }
            }
        }
    }
    let folders: Vec<_> = BACKUP_FOLDERS.into_iter().chain([JOURNAL_FOLDER]).collect();
    let directory = Directory::make(data, &folders).map_err(write)?;
    let lock = open_lock_file(&data.join(LOCK_FILE)).map_err(write)?;
    locked(&lock, data)?;
    Ok((Arc::new(directory), lock))
}

/// Locks a data directory that is there.
fn lock_there(data: &Path) -> Result<File, RestoreError> {
    let path = data.join(LOCK_FILE);
    let lock = File::open(&path).map_err(|source| RestoreError::Read { path, source })?;
    locked(&lock, data)?;
    Ok(lock)
}

fn locked(lock: &File, data: &Path) -> Result<(), RestoreError> {
    match lock.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(RestoreError::Locked { path: data.to_owned() }),
        Err(TryLockError::Error(source)) => Err(RestoreError::Read { path: data.join(LOCK_FILE), source }),
    }
}
