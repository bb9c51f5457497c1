//! Backups of a running host: its stores at one number of the journal, with its releases, tokens and history, and the
//! files of these releases, all from one moment.
//!
//! Changes of releases wait only for that moment. Files that the backup needs are not deleted until it is finished.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::super::loading::files::{FileError, FileKind};
use super::super::records::record::ReleaseRecord;
use super::super::records::state::State;
use super::super::releases::{Inner, Releases};
use crate::journal::{Directory, Disk};
use crate::names::Digest;
use crate::store::backup::{BACKUP_FOLDERS, BackupWriter, DOCUMENT_NEW, ProgressReport, StoresSnapshot};
use crate::store::{BackupDocument, BackupError as StoreBackupError, Progress};

/// Why a backup was not written. The host is unchanged, and the written part of the backup is deleted again.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("another backup is running: try again when it has ended")]
    Busy,
    #[error("{} is no absolute path: the host has a working directory of its own", path.display())]
    NotAbsolute { path: PathBuf },
    #[error("{} is in the data directory: what takes that away takes the backup too", path.display())]
    InData { path: PathBuf },
    #[error("{} is not inside a folder in `host.backup_folders`: choose one that is, or add its parent to the \
        manifest", path.display())]
    NotPermitted { path: PathBuf },
    #[error("{} is not empty: choose a new folder for the backup", path.display())]
    NotEmpty { path: PathBuf },
    #[error("{} cannot be used", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] StoreBackupError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("a task ended early")]
    Interrupted(#[from] tokio::task::JoinError),
    #[error("the host stops")]
    Stopping(#[from] oneshot::error::RecvError),
}

/// Ends the turn of a backup when it is dropped.
struct Turn(Arc<Inner>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.backup_runs.store(false, Ordering::Release);
    }
}

/// The parts of a backup.
struct Parts {
    snapshot: StoresSnapshot,
    /// The state whose records are in it.
    state: Arc<State>,
}

impl Releases {
    /// Writes a backup into `folder`, which must be empty or not exist, inside an existing folder. It reports progress
    /// to `tell`, which may cancel it.
    ///
    /// Calls go on meanwhile; a change of releases waits only for the beginning of the backup.
    ///
    /// # Errors
    ///
    /// [`BackupError`]; the folder is unchanged.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not end the backup; only `tell` can.
    pub async fn backup(
        &self,
        folder: PathBuf,
        mut tell: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static,
    ) -> Result<BackupDocument, BackupError> {
        let inner = Arc::clone(&self.inner);
        let (send, done) = oneshot::channel();
        self.inner.tasks.spawn("backup", async move {
            let (handle, stop) = (Handle::current(), inner.tasks.stop());
            let made = tokio::task::spawn_blocking(move || {
                let mut tell =
                    |progress: &Progress| if stop.is_set() { ControlFlow::Break(()) } else { tell(progress) };
                inner.backup(&folder, &handle, &mut ProgressReport::new(&mut tell))
            });
            let _unheard = send.send(made.await.map_err(BackupError::from).flatten());
        });
        done.await?
    }

    /// Writes a backup onto `disk`, which is empty, in this thread and at once. For the simulator.
    ///
    /// # Errors
    ///
    /// [`BackupError`]: busy while a change is made.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn back_up_on(&self, disk: &dyn Disk) -> Result<BackupDocument, BackupError> {
        let Ok(_changing) = self.inner.changing.try_lock() else { return Err(BackupError::Busy) };
        let (parts, _turn) = self.inner.parts()?;
        let mut tell = |_: &Progress| ControlFlow::Continue(());
        self.inner.write_backup(disk, parts, &mut ProgressReport::new(&mut tell))
    }
}

impl Inner {
    fn backup(
        self: Arc<Self>,
        folder: &Path,
        handle: &Handle,
        progress: &mut ProgressReport<'_>,
    ) -> Result<BackupDocument, BackupError> {
        let folder = self.folder_for(folder)?;
        let (parts, _turn) = self.take_parts(handle)?;
        let made_folder = !folder.exists();
        let at = |source| BackupError::Folder { path: folder.clone(), source };
        let disk = Directory::make(&folder, &BACKUP_FOLDERS).map_err(at);
        let written = disk.and_then(|disk| self.write_backup(&disk, parts, progress));
        match &written {
            Ok(document) => {
                tracing::info!(folder = %folder.display(), number = document.number().0, "a backup was made");
            }
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "no backup was made");
                clear(&folder, made_folder);
            }
        }
        written
    }

    /// The absolute path of `folder`, checked: it is empty, and not one of the host's own folders.
    fn folder_for(&self, folder: &Path) -> Result<PathBuf, BackupError> {
        let at = |source| BackupError::Folder { path: folder.to_owned(), source };
        if !folder.is_absolute() {
            return Err(BackupError::NotAbsolute { path: folder.to_owned() });
        }
        let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
            return Err(BackupError::NotEmpty { path: folder.to_owned() });
        };
        let folder = parent.canonicalize().map_err(at)?.join(name);
        let data = self.data.canonicalize().map_err(at)?;
        match fs::read_dir(&folder).map(|mut entries| entries.next().is_some()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(BackupError::Folder { path: folder, source }),
            Ok(true) => return Err(BackupError::NotEmpty { path: folder }),
            Ok(false) => {}
        }
        // An empty folder may be a link to any place.
        let there = folder.canonicalize().unwrap_or_else(|_| folder.clone());
        if there.starts_with(&data) {
            return Err(BackupError::InData { path: folder });
        }
        let manifest = self.manifest();
        let mut permitted = manifest.host.backup_folders.iter().filter_map(|named| named.canonicalize().ok());
        if !permitted.any(|named| there != named && there.starts_with(named)) {
            return Err(BackupError::NotPermitted { path: folder });
        }
        Ok(folder)
    }

    /// The parts of the backup, all from one moment: no change of releases is half in it.
    fn take_parts(self: &Arc<Self>, handle: &Handle) -> Result<(Parts, Turn), BackupError> {
        let _changing = handle.block_on(self.changing.lock());
        self.parts()
    }

    /// The same, while the caller holds `changing`.
    fn parts(self: &Arc<Self>) -> Result<(Parts, Turn), BackupError> {
        if self.backup_runs.swap(true, Ordering::AcqRel) {
            return Err(BackupError::Busy);
        }
        let turn = Turn(Arc::clone(self));
        let snapshot = self.stores.consistent_snapshot()?;
        Ok((Parts { snapshot, state: self.state.load_full() }, turn))
    }

    fn write_backup(
        &self,
        disk: &dyn Disk,
        Parts { snapshot, state }: Parts,
        progress: &mut ProgressReport<'_>,
    ) -> Result<BackupDocument, BackupError> {
        let releases: Vec<&ReleaseRecord> = state.records().flat_map(|(_, record)| record.releases()).collect();
        let components = sorted(releases.iter().map(|release| release.digest));
        let applied = state.contracts.map(|applied| applied.digest);
        let contracts = sorted(releases.iter().filter_map(|release| release.contracts).chain(applied));
        let sizes = components.iter().map(|digest| self.loader.components.bytes(digest));
        progress.expect(snapshot.work_bytes().saturating_add(sizes.sum()));
        progress.begin("components".into()).map_err(StoreBackupError::from)?;
        let mut writer = BackupWriter::new(disk, progress);
        for digest in &components {
            let component = self.loader.components.get_checked(digest)?;
            writer.put(&FileKind::Component.path(digest), &component)?;
        }
        for digest in &contracts {
            let texts = self.loader.contracts.get(digest)?;
            writer.put(&FileKind::Contracts.path(digest), &texts)?;
        }
        Ok(writer.finish(snapshot, &BACKUP_FOLDERS)?)
    }
}

fn sorted(digests: impl Iterator<Item = Digest>) -> Vec<Digest> {
    let mut digests: Vec<_> = digests.collect();
    digests.sort();
    digests.dedup();
    digests
}

/// Deletes the files that were written into `folder`, and the folder itself if the backup created it.
fn clear(folder: &Path, made_folder: bool) {
    let parts = BACKUP_FOLDERS.iter().map(|name| folder.join(name)).filter(|path| path.is_dir());
    let removed = parts.map(fs::remove_dir_all).chain([fs::remove_file(folder.join(DOCUMENT_NEW))]);
    // A folder without backup.json is visibly not a backup.
    let _stays: Vec<io::Result<()>> = removed.collect();
    if made_folder {
        let _stays = fs::remove_dir(folder);
    }
}
