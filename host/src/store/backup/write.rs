//! Writing a backup: the snapshots of one moment become new index files, and each file is read back.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::document::{BackupDocument, BackupFile};
use super::error::BackupError;
use super::files::{self, Failed};
use super::progress::ProgressReport;
use crate::clock;
use crate::journal::{Disk, JournalId};
use crate::names::{CommitSeq, ServiceName};
use crate::store::Stores;
use crate::store::index::disk_space::DiskSpace;
use crate::store::index::{self, Index};
use crate::store::memory::scan;
use crate::store::memory::snapshot::{Frozen, Layer, Snapshot};

/// Bytes of entries per write.
const BATCH_BYTES: usize = 8 << 20;

/// The page cache of an index that is written once, in order.
const CACHE_BYTES: usize = 16 << 20;

/// All stores at one moment. While it exists, the space of entries that are overwritten or deleted later is not reused.
#[derive(Debug)]
pub(crate) struct StoresSnapshot {
    journal: JournalId,
    /// The last commit in it.
    number: CommitSeq,
    unix_micros: u64,
    stores: Vec<(ServiceName, Arc<Snapshot>)>,
}

impl Stores {
    /// Takes the current state of all stores, also of those that no service uses. Blocks until all of it is durable, so
    /// that a crash cannot undo it.
    ///
    /// # Errors
    ///
    /// [`BackupError::Stopped`] when no commits become durable any more.
    pub(crate) fn consistent_snapshot(&self) -> Result<StoresSnapshot, BackupError> {
        let services = &self.inner.services;
        let changes = services.changes();
        let members = services.members();
        let (snapshots, number) = services.pipeline.snapshots(members.iter().map(|member| member.store.state()));
        drop(changes);
        let unix_micros = clock::unix_micros();
        let stores = members.iter().zip(snapshots);
        let stores = stores.filter_map(|(member, snapshot)| Some((member.store.name().clone(), snapshot?))).collect();
        services.pipeline.journal.wait_durable_blocking(number)?;
        Ok(StoresSnapshot { journal: services.journal, number, unix_micros, stores })
    }
}

/// A backup that is being written.
#[derive(Debug)]
pub(crate) struct BackupWriter<'a, 'c> {
    disk: &'a dyn Disk,
    progress: &'a mut ProgressReport<'c>,
    files: Vec<BackupFile>,
}

impl<'a, 'c> BackupWriter<'a, 'c> {
    /// Begins a backup on `disk`, which contains only its empty folders.
    pub(crate) fn new(disk: &'a dyn Disk, progress: &'a mut ProgressReport<'c>) -> Self {
        Self { disk, progress, files: Vec::new() }
    }

    /// Adds the file `path`, which is already written: makes it durable, and reads it.
    pub(crate) fn add(&mut self, path: &str) -> Result<(), BackupError> {
        let synced = self.disk.open(path).and_then(|file| file.sync());
        synced.map_err(self.at(path))?;
        let read = files::read(self.disk, path, self.progress, |_, _| Ok(()));
        let file = read.map_err(|failed| match failed {
            Failed::Io(source) => self.at(path)(source),
            Failed::Cancelled(cancelled) => cancelled.into(),
        })?;
        self.files.push(file);
        Ok(())
    }

    /// Writes and adds the file `path` with `bytes`.
    pub(crate) fn put(&mut self, path: &str, bytes: &[u8]) -> Result<(), BackupError> {
        let written = self.disk.create(path).and_then(|file| file.write_at(0, bytes));
        written.map_err(self.at(path))?;
        self.add(path)?;
        match self.files.last() {
            Some(file) if file.digest == crate::names::Digest::of(bytes) => Ok(()),
            _ => Err(BackupError::NotAsWritten { path: self.disk.full(path) }),
        }
    }

    /// Writes the stores, and then the document that completes the backup of `snapshot`.
    pub(crate) fn finish(mut self, snapshot: StoresSnapshot, folders: &[&str]) -> Result<BackupDocument, BackupError> {
        let StoresSnapshot { journal, number, unix_micros, stores } = snapshot;
        for (service, snapshot) in stores {
            self.store(&service, &snapshot, journal, number)?;
        }
        for folder in folders {
            self.disk.sync_folder(folder).map_err(self.at(folder))?;
        }
        self.disk.sync_folder("").map_err(self.at(""))?;
        let document = BackupDocument::new(journal, number, unix_micros, std::mem::take(&mut self.files));
        document.write(self.disk).map_err(self.at(super::document::DOCUMENT))?;
        Ok(document)
    }

    fn at(&self, path: &str) -> impl FnOnce(io::Error) -> BackupError + use<> {
        let path = self.disk.full(path);
        |source| BackupError::Write { path, source }
    }

    /// Writes `snapshot` as a separate index, reads that back, and adds it.
    fn store(
        &mut self,
        service: &ServiceName,
        snapshot: &Snapshot,
        journal: JournalId,
        number: CommitSeq,
    ) -> Result<(), BackupError> {
        self.progress.begin(format!("the store of {service}"))?;
        let path = index::path(service);
        let space = Arc::new(DiskSpace::refused());
        let (index, made) = Index::create(self.disk, service, journal, number, CACHE_BYTES, &space)?;
        drop(made);
        let content = self.fill(&index, snapshot, &path)?;
        let (frozen, _) = snapshot.freeze();
        let failed = |source| BackupError::Index { path: self.disk.full(&path), source };
        // The entries are already written; this writes the rest of the state.
        index.write(&Frozen { layer: Layer::new(), ..frozen }, number).map_err(failed)?;
        index.close().map_err(failed)?;
        self.check(service, snapshot, number, content, &space)?;
        self.add(&path)
    }

    /// Writes every entry of `snapshot`, and returns their digest.
    fn fill(&mut self, index: &Index, snapshot: &Snapshot, path: &str) -> Result<[u8; 32], BackupError> {
        let path: PathBuf = self.disk.full(path);
        let mut content = Content::default();
        let mut batch: Vec<(Vec<u8>, Bytes)> = Vec::new();
        let mut bytes = 0;
        let mut write = |batch: &mut Vec<(Vec<u8>, Bytes)>, bytes: &mut usize| {
            let failed = |source| BackupError::Index { path: path.clone(), source };
            index.put(batch).map_err(failed)?;
            batch.clear();
            Ok::<_, BackupError>(self.progress.done(std::mem::take(bytes) as u64)?)
        };
        scan::each(snapshot, |key, value| {
            content.add(key, &value);
            bytes += key.len() + value.len();
            batch.push((key.to_owned(), value));
            if bytes >= BATCH_BYTES { write(&mut batch, &mut bytes) } else { Ok(()) }
        })?;
        write(&mut batch, &mut bytes)?;
        Ok(content.finish())
    }

    /// Opens the written index, and reads all of it.
    fn check(
        &mut self,
        service: &ServiceName,
        snapshot: &Snapshot,
        number: CommitSeq,
        content: [u8; 32],
        space: &Arc<DiskSpace>,
    ) -> Result<(), BackupError> {
        let path = index::path(service);
        let (index, written) = Index::open(self.disk, service, CACHE_BYTES, space)?;
        let mut found = Content::default();
        scan::each(&written, |key, value| {
            found.add(key, &value);
            Ok::<_, BackupError>(self.progress.done((key.len() + value.len()) as u64)?)
        })?;
        let same = index.number() == number && written.totals == snapshot.totals && found.finish() == content;
        drop(written);
        index.close().map_err(|source| BackupError::Index { path: self.disk.full(&path), source })?;
        if same { Ok(()) } else { Err(BackupError::NotAsWritten { path: self.disk.full(&path) }) }
    }
}

impl StoresSnapshot {
    /// The estimated bytes of work to write and check it.
    pub(crate) fn work_bytes(&self) -> u64 {
        // Each entry is written, read as an entry, and read as part of a file, which is a little larger.
        let bytes =
            |snapshot: &Snapshot| snapshot.totals.component_bytes().saturating_add(snapshot.totals.system_bytes());
        self.stores.iter().fold(0, |sum, (_, snapshot)| sum.saturating_add(bytes(snapshot).saturating_mul(3)))
    }
}

/// The digest of entries in their order.
#[derive(Default)]
struct Content(Sha256);

impl Content {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        for part in [key, value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
