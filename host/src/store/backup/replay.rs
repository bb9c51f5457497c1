//! Replays the commits after a backup, up to a point that the operator chooses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::document::BackupDocument;
use super::error::RestoreError;
use super::progress::ProgressReport;
use crate::clock;
use crate::journal::{Disk, History, JournalId, Record, Section};
use crate::names::{CommitSeq, ServiceName};
use crate::store::index::disk_space::DiskSpace;
use crate::store::index::{self, Index};
use crate::store::memory::snapshot::Snapshot;
use crate::store::replay::{self, Replayed};
use crate::store::{IndexError, Transaction};

/// Bytes of one store's commits that are collected in memory before they are written to its index.
const LAYER_BYTES: usize = 16 << 20;

/// The page cache of each index.
const CACHE_BYTES: usize = 16 << 20;

/// The point that a restore goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The backup itself.
    Backup,
    /// The commit with this number, and no later one.
    CommitSeq(CommitSeq),
    /// The last commit that is not later than this time, in microseconds since the Unix epoch.
    Time(u64),
    /// The last commit that there is.
    End,
}

/// The result of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The stores contain exactly the commits up to this one.
    pub number: CommitSeq,
    /// The time of the last replayed commit, in microseconds since the Unix epoch; `None` if none was replayed.
    pub unix_micros: Option<u64>,
    /// Commits that were replayed after the backup.
    pub replayed: u64,
    /// Bytes of the backup.
    pub bytes: u64,
}

impl Until {
    /// Refuses a point before the backup.
    pub(in crate::store) fn check(self, backup: &BackupDocument) -> Result<(), RestoreError> {
        match self {
            Self::CommitSeq(number) if number < backup.number() => {
                Err(RestoreError::BeforeBackup { backup: backup.number().0 })
            }
            Self::Time(unix_micros) if unix_micros < backup.unix_micros() => {
                Err(RestoreError::TimeBeforeBackup { backup: clock::rfc_3339(backup.unix_micros()) })
            }
            _ => Ok(()),
        }
    }
}

/// The stores of a backup while commits are replayed over them.
pub(in crate::store) struct Stage<'a> {
    disk: &'a dyn Disk,
    /// The journal that they will belong to.
    journal: JournalId,
    space: Arc<DiskSpace>,
    stores: BTreeMap<ServiceName, Replayed>,
    restored: Restored,
}

impl<'a> Stage<'a> {
    /// Opens the stores of `document`, which were copied to `target`.
    pub(in crate::store) fn open(
        target: &'a Arc<dyn Disk>,
        document: &BackupDocument,
        journal: JournalId,
    ) -> Result<Self, RestoreError> {
        let disk = &**target;
        let space = Arc::new(DiskSpace::refused());
        let mut stores = BTreeMap::new();
        for service in &document.services() {
            let (index, snapshot) = Index::open(disk, service, CACHE_BYTES, &space)?;
            if index.journal != document.journal() || index.number() != document.number() {
                return Err(RestoreError::Damaged { path: disk.full(&index::path(service)) });
            }
            stores.insert(service.clone(), Replayed { index, snapshot });
        }
        let restored = Restored { number: document.number(), unix_micros: None, replayed: 0, bytes: 0 };
        Ok(Self { disk, journal, space, stores, restored })
    }

    /// Replays the commits of `history` after the backup, up to `until`.
    pub(super) fn replay(
        &mut self,
        history: &History,
        until: Until,
        progress: &mut ProgressReport<'_>,
    ) -> Result<(), RestoreError> {
        let begin = self.restored.number;
        let until = match until {
            Until::Time(unix_micros) => Until::CommitSeq(last_by(history, begin, unix_micros)?),
            until => until,
        };
        if until != Until::Backup && until != Until::CommitSeq(begin) {
            history.each(begin, |number, record| {
                let unix_micros = Some(record.time_unix_micros);
                if number.0 % 1024 == 0 {
                    progress.begin(format!("replaying commit {}", number.0))?;
                }
                self.record(number, record)?;
                self.restored = Restored { number, unix_micros, replayed: number.0 - begin.0, ..self.restored.clone() };
                // Later commits are not needed: they may be missing.
                Ok::<_, RestoreError>(until != Until::CommitSeq(number))
            })?;
        }
        match until {
            Until::CommitSeq(number) if number != self.restored.number => {
                Err(RestoreError::NotReached { last: self.restored.number.0 })
            }
            _ => Ok(()),
        }
    }

    fn record(&mut self, number: CommitSeq, record: Record) -> Result<(), RestoreError> {
        for section in record.sections {
            self.section((number, record.time_unix_micros), section)?;
        }
        Ok(())
    }

    fn section(&mut self, at: (CommitSeq, u64), section: Section) -> Result<(), RestoreError> {
        let (number, service) = (at.0, section.service.clone());
        if section.dropped {
            self.stores.remove(&service);
            return index::remove(self.disk, &service)
                .map_err(|source| RestoreError::Write { path: self.path(&service), source });
        }
        if !self.stores.contains_key(&service) {
            let before = CommitSeq(number.0 - 1);
            let created = Index::create(self.disk, &service, self.journal, before, CACHE_BYTES, &self.space);
            let (index, snapshot) = created?;
            self.stores.insert(service.clone(), Replayed { index, snapshot });
        }
        let path = self.path(&service);
        let Some(Replayed { index, snapshot }) = self.stores.get_mut(&service) else { return Ok(()) };
        replay::replay(snapshot, at, section)
            .map_err(|source| RestoreError::IndexWrite { path: path.clone(), source })?;
        if snapshot.memtable_bytes >= LAYER_BYTES { write(index, snapshot, number, path) } else { Ok(()) }
    }

    fn path(&self, service: &ServiceName) -> PathBuf {
        self.disk.full(&index::path(service))
    }

    /// A transaction that reads the current state of the platform's store.
    pub(super) fn platform(&self) -> Result<Transaction, RestoreError> {
        let platform = ServiceName::platform();
        let replayed = self.stores.get(&platform);
        let snapshot = replayed.map(|replayed| Arc::new(replayed.snapshot.clone()));
        snapshot.map(Transaction::rehearsal).ok_or_else(|| RestoreError::Damaged { path: self.path(&platform) })
    }

    pub(super) fn number(&self) -> CommitSeq {
        self.restored.number
    }

    /// Brings every store to the last commit and to the new journal, and reads it again. Returns the result.
    pub(in crate::store) fn finish(self, progress: &mut ProgressReport<'_>) -> Result<Restored, RestoreError> {
        let number = self.restored.number;
        for (service, Replayed { index, mut snapshot }) in self.stores {
            progress.begin(format!("checking the store of {service}"))?;
            let path = self.disk.full(&index::path(&service));
            if snapshot.memtable_bytes > 0 {
                write(&index, &mut snapshot, number, path.clone())?;
            }
            let failed = |source: IndexError| RestoreError::IndexWrite { path: path.clone(), source };
            index.adopt(self.journal, number).map_err(failed)?;
            let totals = snapshot.totals;
            drop(snapshot);
            index.close().map_err(failed)?;
            let (mut index, found) = Index::open(self.disk, &service, CACHE_BYTES, &self.space)?;
            let same = index.journal == self.journal && index.number() == number && found.totals == totals;
            drop(found);
            if !same || !index.is_sound().map_err(failed)? {
                return Err(RestoreError::NotAsWritten { path });
            }
            index.close().map_err(failed)?;
        }
        Ok(self.restored)
    }
}

/// The last commit of `history` that is not later than `unix_micros`; `begin` when all commits after it are later.
///
/// Journal times only grow. A commit at that time or later, or the end of the journal, proves that no commit up to that
/// time is missing.
fn last_by(history: &History, begin: CommitSeq, unix_micros: u64) -> Result<CommitSeq, RestoreError> {
    let (mut last, mut latest) = (begin, None);
    let read = history.each(begin, |number, record| {
        latest = latest.max(Some(record.time_unix_micros));
        if record.time_unix_micros <= unix_micros {
            last = number;
        }
        Ok::<_, RestoreError>(true)
    });
    match (read, latest) {
        // Commits after a later one may be missing.
        (_, Some(latest)) if latest >= unix_micros => Ok(last),
        (Err(error), _) => Err(error),
        (Ok(_), _) if history.reaches_end() => Ok(last),
        (Ok(_), latest) => Err(RestoreError::TimeNotReached { last: latest.map(clock::rfc_3339) }),
    }
}

/// Writes the commits of `snapshot` into `index`, and reads them again.
fn write(index: &Index, snapshot: &mut Snapshot, number: CommitSeq, path: PathBuf) -> Result<(), RestoreError> {
    let failed = |source| RestoreError::IndexWrite { path: path.clone(), source };
    let (frozen, set_aside) = snapshot.freeze();
    index.write(&frozen, number).map_err(failed)?;
    let written = index.reader().map_err(failed)?;
    for (key, entry) in &frozen.layer {
        if written.get(key).map_err(failed)? != entry.value {
            return Err(RestoreError::NotAsWritten { path });
        }
    }
    *snapshot = set_aside.applied(written);
    Ok(())
}
