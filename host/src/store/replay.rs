//! Replays the journal over the indexes at a start: each store comes from its number to the last commit, or to the
//! record that dropped it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::error::OpenError;
use super::index::disk_space::DiskSpace;
use super::index::error::IndexError;
use super::index::{self, Index};
use super::memory::snapshot::{COMMIT_MEMORY_BYTES, Snapshot, Written, entry_bytes, entry_memory_bytes};
use super::system::{outbox_rows, outbox_value};
use crate::journal::{self, Disk, Found, JOURNAL_FOLDER, JournalId, Record, Section, Tail};
use crate::names::{CommitSeq, ServiceName};

/// The state on the disk while the journal is replayed over it.
pub(super) struct Replay<'a> {
    disk: &'a dyn Disk,
    pub(super) stores: BTreeMap<ServiceName, Replayed>,
    /// Stores that the journal drops although their files still exist.
    pub(super) dropped: BTreeSet<ServiceName>,
    /// Services with commits but without an index. That is valid if a later record drops their store.
    missing: BTreeSet<ServiceName>,
}

/// One index, and the state after the replay.
pub(super) struct Replayed {
    pub(super) index: Index,
    pub(super) snapshot: Snapshot,
}

impl<'a> Replay<'a> {
    /// Opens all indexes on `disk`.
    pub(super) fn open(
        disk: &'a dyn Disk,
        index_cache_bytes: usize,
        space: &Arc<DiskSpace>,
    ) -> Result<Self, OpenError> {
        let at_folder = |source| OpenError::Folder { path: disk.full(journal::SERVICES_FOLDER), source };
        // A killed host may have left a file name that is not durable yet; the next steps rely on it.
        disk.sync_folder(journal::SERVICES_FOLDER).map_err(at_folder)?;
        let mut stores = BTreeMap::new();
        for service in index::services(disk).map_err(at_folder)? {
            let (index, snapshot) = Index::open(disk, &service, index_cache_bytes, space)?;
            stores.insert(service, Replayed { index, snapshot });
        }
        Ok(Self { disk, stores, dropped: BTreeSet::new(), missing: BTreeSet::new() })
    }

    /// The journal that all files belong to; `None` when there are none.
    pub(super) fn journal(&self, found: &Found) -> Result<Option<JournalId>, OpenError> {
        let mut id = found.journal;
        for (service, Replayed { index, .. }) in &self.stores {
            if *id.get_or_insert(index.journal) != index.journal {
                return Err(OpenError::OtherJournal { path: self.disk.full(&index::path(service)) });
            }
        }
        Ok(id)
    }

    /// Replays the journal in `found`, and returns where it continues.
    pub(super) fn run(&mut self, found: &Found) -> Result<Tail, OpenError> {
        let from = self.stores.values().map(|replayed| replayed.index.number()).min();
        // Without an index, no commit is needed: the journal only shows where to continue.
        let all = || {
            found.segments.first().map_or(CommitSeq::default(), |segment| CommitSeq(segment.first.0.saturating_sub(1)))
        };
        let from = from.unwrap_or_else(all);
        let disk = self.disk;
        let tail = journal::replay(disk, &found.segments, from, |number, record| self.record(number, record))?;
        if let Some(service) = self.missing.first() {
            return Err(self.index_missing(service));
        }
        let last = CommitSeq(tail.next.0 - 1);
        match self.stores.iter().find(|(_, replayed)| replayed.index.number() > last) {
            None => Ok(tail),
            Some((service, Replayed { index, .. })) => Err(OpenError::JournalBehind {
                path: disk.full(&index::path(service)),
                folder: disk.full(JOURNAL_FOLDER),
                index: index.number().0,
                journal: last.0,
            }),
        }
    }

    fn index_missing(&self, service: &ServiceName) -> OpenError {
        OpenError::IndexMissing { service: service.clone(), path: self.disk.full(&index::path(service)) }
    }

    fn record(&mut self, number: CommitSeq, record: Record) -> Result<(), OpenError> {
        for section in record.sections {
            self.section((number, record.time_unix_micros), section)?;
        }
        Ok(())
    }

    fn section(&mut self, at: (CommitSeq, u64), section: Section) -> Result<(), OpenError> {
        let service = section.service.clone();
        match self.stores.get_mut(&service) {
            Some(Replayed { index, .. }) if at.0 <= index.number() => {}
            Some(_) if section.dropped => {
                self.stores.remove(&service);
                self.dropped.insert(service);
            }
            Some(Replayed { snapshot, .. }) => {
                let path = || self.disk.full(&index::path(&service));
                replay(snapshot, at, section).map_err(|source| OpenError::Read { path: path(), source })?;
            }
            None if section.dropped => {
                self.missing.remove(&service);
            }
            None => {
                self.missing.insert(service);
            }
        }
        Ok(())
    }
}

/// Applies one section of the commit `number` with the time `time_unix_micros` to `snapshot`.
pub(super) fn replay(
    snapshot: &mut Snapshot,
    (number, time_unix_micros): (CommitSeq, u64),
    section: Section,
) -> Result<(), IndexError> {
    snapshot.number = number;
    snapshot.totals.data_version = section.data_version.unwrap_or(snapshot.totals.data_version);
    snapshot.totals.time_unix_micros = time_unix_micros;
    snapshot.memtable_bytes += COMMIT_MEMORY_BYTES;
    let emitted = outbox_rows(number, time_unix_micros, section.events.iter().map(outbox_value));
    for (key, value) in section.writes.into_iter().chain(emitted.map(|(key, value)| (key, Some(value)))) {
        let before = snapshot.entry_bytes(&key)?;
        let value_bytes = value.as_ref().map(Bytes::len);
        snapshot.totals = snapshot.totals.with(&key, before, entry_bytes(&key, value_bytes));
        snapshot.memtable_bytes += entry_memory_bytes(&key, value_bytes.unwrap_or(0));
        snapshot.memtable.insert(key, Arc::new(Written { number, value }));
    }
    Ok(())
}
