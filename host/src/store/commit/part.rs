//! A finished commit, split by store. All work that needs no lock is already done.

use std::sync::Arc;

use bytes::Bytes;

use super::logged_commit::{LoggedCommit, LoggedWrite, compared};
use super::read_set::ReadSet;
use super::state::StoreState;
use crate::journal::{Body, Event, RecordWriter, Section, SectionWriter, Staged};
use crate::names::{CallId, CommitSeq, Generation, Key};
use crate::observe::traces::ParentSpan;
use crate::store::error::CommitError;
use crate::store::index::error::IndexError;
use crate::store::memory::snapshot::{COMMIT_MEMORY_BYTES, Snapshot, Totals, Written, entry_bytes, entry_memory_bytes};
use crate::store::system::{outbox_rows, outbox_value};

/// A commit to one or several stores.
#[derive(Debug)]
pub(in crate::store) struct Prepared {
    /// Sorted by store name, each store once.
    pub(in crate::store) parts: Vec<Part>,
    pub(in crate::store) record: Staged,
    /// The span that the deliveries of its events are linked to.
    pub(in crate::store) span: ParentSpan,
}

/// The changes of a commit in one store.
#[derive(Debug)]
pub(in crate::store) struct Part {
    pub(in crate::store) state: Arc<StoreState>,
    /// The version of the data that it read.
    read_version: u64,
    reads: ReadSet,
    /// Sorted by key.
    writes: Vec<Write>,
    logged: Box<[LoggedWrite]>,
    events: Vec<Event>,
    /// The rows of the events.
    emitted: Vec<Bytes>,
    /// The new version of the data, if it changes.
    data_version: Option<u64>,
    /// The commit drops the store and changes nothing else in it.
    pub(in crate::store) drops: bool,
    /// The memory that it takes until an index contains it.
    pub(in crate::store) memory_bytes: usize,
}

/// One write of a commit, with the bytes that count for a budget before it, if known, and after it.
#[derive(Debug)]
pub(in crate::store) struct Write {
    pub(in crate::store) key: Key,
    pub(in crate::store) value: Option<Bytes>,
    pub(in crate::store) before: u64,
    pub(in crate::store) after: u64,
}

/// The reads and writes of a transaction.
#[derive(Debug)]
pub(in crate::store) struct Changes {
    pub(in crate::store) read_version: u64,
    pub(in crate::store) reads: ReadSet,
    pub(in crate::store) writes: Vec<Write>,
    pub(in crate::store) events: Vec<Event>,
    pub(in crate::store) data_version: Option<u64>,
}

impl Prepared {
    /// Encodes the commit of `parts`, each of another store.
    pub(in crate::store) fn new(call: CallId, mut parts: Vec<Part>) -> Self {
        parts.sort_by(|one, other| one.state.name.cmp(&other.state.name));
        let mut record = RecordWriter::new(call, parts.iter().map(|part| part.memory_bytes).sum());
        for part in parts.iter().filter(|part| part.changes_anything()) {
            record.section(&part.state.name, |section| part.encode(section));
        }
        Self { parts, record: Staged::new(Body::new(record.finish())), span: ParentSpan::none() }
    }
}

impl Part {
    pub(in crate::store) fn new(state: Arc<StoreState>, changes: Changes) -> Self {
        let Changes { read_version, reads, writes, events, data_version } = changes;
        let memory = |write: &Write| entry_memory_bytes(&write.key, write.value.as_ref().map_or(0, Bytes::len));
        let emitted: Vec<_> = events.iter().map(outbox_value).collect();
        let rows = emitted.iter().map(|row| entry_memory_bytes(&Key::of_row(0, &[]), row.len()));
        let memory_bytes = COMMIT_MEMORY_BYTES + writes.iter().map(memory).sum::<usize>() + rows.sum::<usize>();
        let logged = writes.iter().map(|write| LoggedWrite { key: write.key.clone(), bytes: write.after }).collect();
        let reads = reads.finish();
        let drops = false;
        Self { state, read_version, reads, writes, logged, events, emitted, data_version, drops, memory_bytes }
    }

    /// The changes of a section that another node committed.
    ///
    /// # Errors
    ///
    /// When the index cannot be read.
    pub(in crate::store) fn received(state: Arc<StoreState>, section: Section) -> Result<Self, IndexError> {
        if section.dropped {
            return Ok(Self::dropping(state));
        }
        let snapshot = state.snapshot.load_full();
        let write = |(key, value): (Key, Option<Bytes>)| {
            let before = snapshot.entry_bytes(&key)?;
            let after = entry_bytes(&key, value.as_ref().map(Bytes::len));
            Ok(Write { key, value, before, after })
        };
        let writes = section.writes.into_iter().map(write).collect::<Result<_, IndexError>>()?;
        let (reads, read_version) = (ReadSet::new(snapshot.number), snapshot.totals.data_version);
        let (events, data_version) = (section.events, section.data_version);
        Ok(Self::new(state, Changes { read_version, reads, writes, events, data_version }))
    }

    /// Says that the new store exists, and changes nothing in it.
    pub(in crate::store) fn founding(state: Arc<StoreState>) -> Self {
        let reads = ReadSet::new(state.snapshot.load().number);
        let changes = Changes { read_version: 0, reads, writes: Vec::new(), events: Vec::new(), data_version: Some(0) };
        Self::new(state, changes)
    }

    /// Drops the store.
    pub(in crate::store) fn dropping(state: Arc<StoreState>) -> Self {
        let snapshot = state.snapshot.load();
        let (reads, read_version) = (ReadSet::new(snapshot.number), snapshot.totals.data_version);
        let changes = Changes { read_version, reads, writes: Vec::new(), events: Vec::new(), data_version: None };
        Self { drops: true, memory_bytes: 0, ..Self::new(Arc::clone(&state), changes) }
    }

    pub(in crate::store) fn changes_anything(&self) -> bool {
        self.drops || !self.writes.is_empty() || !self.events.is_empty() || self.data_version.is_some()
    }

    fn encode(&self, section: &mut SectionWriter<'_>) {
        if !self.writes.is_empty() {
            let writes = self.writes.iter().map(|write| (&write.key, write.value.as_ref()));
            section.writes(self.writes.len(), writes);
        }
        if !self.events.is_empty() {
            section.events(&self.events);
        }
        if let Some(version) = self.data_version {
            section.data_version(version);
        }
        if self.drops {
            section.dropped();
        }
    }

    /// Validates it against the commits since the last call. The caller does this once without the lock, and once under
    /// the lock for the commits in between.
    pub(in crate::store) fn catch_up(&mut self) -> Result<(), CommitError> {
        let Self { state, reads, writes, .. } = self;
        if state.dropped().is_some() {
            return Err(CommitError::Dropped { service: state.name.clone() });
        }
        if self.drops {
            return Ok(());
        }
        let mut valid = state.log.validate(reads, |commit| sizes_before(writes, commit));
        // Everything that a call reads depends on the version of the data, so every call reads the version.
        if valid.is_ok() && state.snapshot.load().totals.data_version != self.read_version {
            valid = Err(CommitError::Conflict { read: None });
        }
        if valid.is_err() {
            state.metrics.conflicts.increment(1);
        }
        valid
    }

    /// The totals of the store after the commit, whatever its quota is.
    pub(in crate::store) fn totals(&self, before: &Totals) -> Totals {
        let with = |totals: Totals, write: &Write| totals.with(&write.key, write.before, write.after);
        self.writes.iter().fold(*before, with)
    }

    /// The totals of the store after the commit. It is already validated against all earlier commits.
    pub(in crate::store) fn totals_after(&self, before: &Totals) -> Result<Totals, CommitError> {
        let totals = self.totals(before);
        let bytes_max = self.state.bytes_max();
        let exceeds = |generation| {
            let (before, after) = (before.of_generation(generation), totals.of_generation(generation));
            after > before && after > bytes_max
        };
        if exceeds(Generation::First) || exceeds(Generation::Second) {
            return Err(CommitError::Quota { service: self.state.name.clone(), bytes_max });
        }
        Ok(totals)
    }

    /// The state after this commit with the number `number` and the time `time_unix_micros`, and its entry in the log.
    pub(in crate::store) fn after(
        self,
        before: &Snapshot,
        mut totals: Totals,
        (number, time_unix_micros): (CommitSeq, u64),
    ) -> (Snapshot, LoggedCommit) {
        let writes_entries = self.writes.iter().any(|write| write.key.generation().is_some());
        let is_copied = before.is_copied && !writes_entries;
        let mut memtable = before.memtable.clone();
        for Write { key, value, .. } in self.writes {
            memtable.insert(key, Arc::new(Written { number, value }));
        }
        for (key, value) in outbox_rows(number, time_unix_micros, self.emitted) {
            totals = totals.with(&key, 0, entry_bytes(&key, Some(value.len())));
            memtable.insert(key, Arc::new(Written { number, value: Some(value) }));
        }
        totals.data_version = self.data_version.unwrap_or(totals.data_version);
        totals.time_unix_micros = time_unix_micros;
        let memtable_bytes = before.memtable_bytes + self.memory_bytes;
        let after = Snapshot { number, totals, memtable, memtable_bytes, is_copied, ..before.clone() };
        (after, LoggedCommit::new(number, self.logged))
    }

    pub(in crate::store) fn emits(&self) -> bool {
        !self.events.is_empty()
    }
}

/// Records the sizes of entries that `commit` wrote and this commit writes again. Both are sorted by key.
fn sizes_before(writes: &mut [Write], commit: &LoggedCommit) {
    if writes.len() <= commit.writes().len() {
        for write in writes {
            if let Some(logged) = commit.write_of(&write.key) {
                write.before = logged.bytes;
            }
        }
        return;
    }
    for logged in commit.writes() {
        let mut at = None;
        compared(|| {
            at = writes.binary_search_by(|write| write.key.cmp(&logged.key)).ok();
            at.is_some()
        });
        if let Some(write) = at.and_then(|at| writes.get_mut(at)) {
            write.before = logged.bytes;
        }
    }
}
