//! The sequencer: decides, one commit after the other, who wins, and gives the winner its number.
//!
//! Invariant: the order of the journal is the order of the views that are published, and a commit is valid exactly if
//! nothing that it read was changed by a commit before it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::backend::Full;
use super::empty;
use super::error::{CommitError, DropError, StoreError};
use super::index::IndexView;
use super::overlay::{Frozen, Totals, View, Written, entry_bytes};
use super::reads::Reads;
use super::replay::RECORD_BYTES;
use super::service::{ServiceState, Store};
use super::system::outbox_rows;
use crate::clock;
use crate::journal::{AppendError, Body, Event, Journal, RecordWriter, SectionWriter};
use crate::names::{CallId, CommitSeq, Key};

/// What all stores of a host share.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) journal: Journal,
    sequencer: Mutex<Sequencer>,
    /// For the thread of the indexes: there is something to apply, or the overlay is full, or the end has come.
    due: Condvar,
    /// Told when a commit that had no room may have it now.
    room: Arc<Notify>,
    full: Arc<Full>,
    overlay_bytes_max: usize,
}

#[derive(Debug)]
struct Sequencer {
    /// Journal bytes of all commits that no index has yet: the sum of what the views say.
    pending_bytes: usize,
    closing: bool,
}

/// A commit of one or several stores at its end: all is done that needs no lock.
#[derive(Debug)]
pub(super) struct Prepared {
    /// In the order of the names of the stores, each store once.
    parts: Vec<Part>,
    time_unix_micros: u64,
    body: Body,
}

/// What a commit does to one store.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) store: Store,
    /// What it read: held until it is decided, so that the layers to validate it by are kept.
    pub(super) snapshot: Arc<View>,
    pub(super) reads: Reads,
    pub(super) writes: Vec<Write>,
    pub(super) events: Vec<Event>,
    /// What the version of the data is to be, if it changes.
    pub(super) data_version: Option<u64>,
    /// The store ends with this commit, which says nothing else of it.
    pub(super) drops: bool,
}

/// One write of a commit, with the bytes that count for the quota before (as the snapshot has it) and after it.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) key: Key,
    pub(super) value: Option<Bytes>,
    pub(super) before: u64,
    pub(super) after: u64,
}

/// A part that was found valid: the view that it goes over, and what the store comes to without what it emits.
type Valid = (Arc<View>, Totals);

enum Refused {
    /// There may be room soon: wait for it.
    Wait(Box<Prepared>),
    Error(CommitError),
}

impl From<CommitError> for Refused {
    fn from(error: CommitError) -> Self {
        Self::Error(error)
    }
}

impl Pipeline {
    /// `pending_bytes` is what the views of all services have that their indexes do not have yet.
    pub(super) fn new(
        journal: Journal,
        pending_bytes: usize,
        room: Arc<Notify>,
        full: Arc<Full>,
        overlay_bytes_max: usize,
    ) -> Self {
        let sequencer = Mutex::new(Sequencer { pending_bytes, closing: false });
        Self { journal, sequencer, due: Condvar::new(), room, full, overlay_bytes_max }
    }

    fn lock(&self) -> MutexGuard<'_, Sequencer> {
        self.sequencer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits, and waits while there is no room. See [`super::Transaction::commit`].
    pub(super) async fn commit(&self, prepared: Prepared) -> Result<CommitSeq, CommitError> {
        let mut refused = match self.try_commit(prepared) {
            Ok(number) => return Ok(number),
            Err(refused) => refused,
        };
        loop {
            let prepared = match refused {
                Refused::Wait(prepared) => prepared,
                Refused::Error(error) => return Err(error),
            };
            // Listen first, look again, then wait: room that comes in between is not missed.
            let mut room = std::pin::pin!(self.room.notified());
            room.as_mut().enable();
            refused = match self.try_commit(*prepared) {
                Ok(number) => return Ok(number),
                Err(refused) => refused,
            };
            if matches!(refused, Refused::Wait(_)) {
                room.await;
            }
        }
    }

    /// Validates every part, numbers the commit once, and publishes every part, all under the lock.
    fn try_commit(&self, prepared: Prepared) -> Result<CommitSeq, Refused> {
        let mut sequencer = self.lock();
        let valid = prepared.parts.iter().map(Part::validate).collect::<Result<Vec<_>, _>>()?;
        let grows = prepared.parts.iter().any(|part| !part.drops);
        if grows && sequencer.pending_bytes >= self.overlay_bytes_max {
            return Err(match self.journal.stopped() {
                Some(stopped) => CommitError::Stopped(stopped).into(),
                None if self.full.waits() => CommitError::NoRoom { source: None }.into(),
                None => Refused::Wait(Box::new(prepared)),
            });
        }
        let Prepared { parts, time_unix_micros, body } = prepared;
        let number = match self.journal.append(body) {
            Ok(number) => number,
            Err((AppendError::NotReady, body)) => {
                return Err(Refused::Wait(Box::new(Prepared { parts, time_unix_micros, body })));
            }
            Err((AppendError::NoRoom { source }, _)) => {
                return Err(CommitError::NoRoom { source: Some(source) }.into());
            }
            Err((AppendError::TooLarge { bytes, bytes_max }, _)) => {
                return Err(CommitError::TooLarge { bytes, bytes_max }.into());
            }
            Err((AppendError::Stopped(stopped), _)) => return Err(CommitError::Stopped(stopped).into()),
        };
        let before = sequencer.pending_bytes;
        let mut done = Vec::with_capacity(parts.len());
        for (part, valid) in parts.into_iter().zip(valid) {
            done.push(sequencer.publish(part, valid, (number, time_unix_micros)));
        }
        let half = self.overlay_bytes_max / 2;
        let due = (before == 0 && sequencer.pending_bytes > 0) || (before < half && sequencer.pending_bytes >= half);
        drop(sequencer);
        if due {
            self.due.notify_all();
        }
        for published in done {
            if published.drops {
                published.store.state().snapshots.let_go_before(number);
                self.room.notify_waiters();
            }
            published.tell();
        }
        Ok(number)
    }

    /// Waits until the indexes are to be written: `period` after there is something to write, at once when the overlay
    /// is half full. False when this is the last time.
    pub(super) fn wait_due(&self, period: std::time::Duration) -> bool {
        let sequencer = self.lock();
        let idle = self.due.wait_while(sequencer, |s| s.pending_bytes == 0 && !s.closing);
        let sequencer = idle.unwrap_or_else(PoisonError::into_inner);
        let half = self.overlay_bytes_max / 2;
        let waited = self.due.wait_timeout_while(sequencer, period, |s| s.pending_bytes < half && !s.closing);
        !waited.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    /// Waits until the pipeline closes.
    pub(super) fn wait_closing(&self) {
        let waited = self.due.wait_while(self.lock(), |sequencer| !sequencer.closing);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    #[cfg(test)]
    pub(super) fn pending_bytes(&self) -> usize {
        self.lock().pending_bytes
    }

    /// Takes no more commits; those that were taken are still made durable.
    pub(super) fn stop_commits(&self, why: &str) {
        self.journal.stop_appends(why);
        self.room.notify_waiters();
    }

    /// Tells the thread of the indexes to write them a last time and end.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.due.notify_all();
    }

    /// Sets the young layers of `services` aside to be applied. Gives them in the order of the services, and the last
    /// number that was given out: with them, each of their indexes has the state of that number.
    pub(super) fn freeze<'a>(
        &self,
        services: impl Iterator<Item = &'a ServiceState>,
    ) -> (Vec<Option<Frozen>>, CommitSeq) {
        let sequencer = self.lock();
        let freeze = |service: &ServiceState| {
            let view = service.view.load();
            // A commit of a memo alone leaves nothing in the view, but the index has to pass it.
            if view.young_bytes == 0 {
                return None;
            }
            let (frozen, view) = view.freeze();
            service.view.store(Arc::new(view));
            Some(frozen)
        };
        let frozen = services.map(freeze).collect();
        let last = self.journal.last();
        drop(sequencer);
        (frozen, last)
    }

    /// The views of `services` at one instant, and the number of the last commit then; none of a store that has ended.
    pub(super) fn views<'a>(
        &self,
        services: impl Iterator<Item = &'a ServiceState>,
    ) -> (Vec<Option<Arc<View>>>, CommitSeq) {
        let sequencer = self.lock();
        let view = |service: &ServiceState| service.dropped().is_none().then(|| service.view.load_full());
        let views = services.map(view).collect();
        let last = self.journal.last();
        drop(sequencer);
        (views, last)
    }

    /// Puts the index that has `frozen` in the place of the layer.
    pub(super) fn applied(&self, service: &ServiceState, frozen: &Frozen, index: IndexView) {
        let mut sequencer = self.lock();
        if service.dropped().is_some() {
            return;
        }
        let view = service.view.load();
        sequencer.pending_bytes -= view.old_bytes;
        let applied = view.applied(index, frozen.through, self.overlay_bytes_max);
        let horizon = applied.horizon;
        service.view.store(Arc::new(applied));
        drop(sequencer);
        service.snapshots.let_go_before(horizon);
        self.room.notify_waiters();
    }

    /// Drops `store` with a record: from then on it holds nothing and takes no commits. Gives the record's number; once
    /// more, it is the same. Blocks while the journal prepares a segment.
    pub(super) fn drop_store(&self, store: &Store) -> Result<CommitSeq, DropError> {
        if let Some(number) = store.state().dropped() {
            return Ok(number);
        }
        let prepared = Prepared::new(CallId([0; 16]), vec![Part::dropping(store.clone())]);
        match futures::executor::block_on(self.commit(prepared)) {
            Ok(number) => Ok(number),
            Err(CommitError::NoRoom { source: Some(source) }) => Err(DropError::NoRoom { source }),
            Err(CommitError::Stopped(stopped)) => Err(stopped.into()),
            // Somebody else was first.
            Err(_) => store.state().dropped().ok_or_else(|| DropError::Unknown { service: store.name().clone() }),
        }
    }
}

impl Sequencer {
    /// Makes a valid part of the commit what later transactions of its store read.
    fn publish(
        &mut self,
        part: Part,
        (view, mut totals): Valid,
        (number, time_unix_micros): (CommitSeq, u64),
    ) -> Published {
        let journal_bytes = part.journal_bytes();
        let Part { store, writes, events, data_version, drops, .. } = part;
        let service = store.state();
        if drops {
            service.drop_store(number);
            let view = service.view.swap(Arc::new(empty::view(number)));
            self.pending_bytes -= view.young_bytes + view.old_bytes;
            return Published { store, emitted: false, drops, bytes: 0 };
        }
        let mut young = view.young.clone();
        for Write { key, value, .. } in writes {
            young.insert(key, Arc::new(Written { number, value }));
        }
        for (key, value) in outbox_rows(number, time_unix_micros, &events) {
            totals = totals.with(&key, 0, entry_bytes(&key, Some(value.len())));
            young.insert(key, Arc::new(Written { number, value: Some(value) }));
        }
        let young_bytes = view.young_bytes + journal_bytes;
        totals.data_version = data_version.unwrap_or(totals.data_version);
        service.view.store(Arc::new(View { number, totals, young, young_bytes, ..View::clone(&view) }));
        self.pending_bytes += journal_bytes;
        Published { store, emitted: !events.is_empty(), drops, bytes: totals.bytes }
    }
}

/// A part of a commit once later transactions read it.
struct Published {
    store: Store,
    emitted: bool,
    drops: bool,
    /// Bytes of the component's keys and values in the store.
    bytes: u64,
}

impl Published {
    fn tell(&self) {
        let service = self.store.state();
        if self.emitted {
            service.emitted.notify_waiters();
        }
        service.metrics.commits.increment(1);
        service.metrics.stored_bytes.set(self.bytes as f64);
    }
}

impl Prepared {
    /// Encodes the commit of `parts`, of which each is of another store.
    pub(super) fn new(call: CallId, mut parts: Vec<Part>) -> Self {
        parts.sort_by(|one, other| one.store.name().cmp(other.store.name()));
        let time_unix_micros = clock::unix_micros();
        let mut record = RecordWriter::new(call, parts.iter().map(Part::journal_bytes).sum());
        for part in parts.iter().filter(|part| part.changes_anything()) {
            record.section(part.store.name(), |section| part.encode(section));
        }
        let mut body = Body::new(record.finish());
        body.stamp(time_unix_micros);
        Self { parts, time_unix_micros, body }
    }
}

impl Part {
    /// Ends `store`.
    pub(super) fn dropping(store: Store) -> Self {
        let snapshot = store.view();
        let (reads, writes, events) = (Reads::new(snapshot.number), Vec::new(), Vec::new());
        Self { store, snapshot, reads, writes, events, data_version: None, drops: true }
    }

    pub(super) fn changes_anything(&self) -> bool {
        self.drops || !self.writes.is_empty() || !self.events.is_empty() || self.data_version.is_some()
    }

    /// About what its section takes in the journal.
    fn journal_bytes(&self) -> usize {
        let write = |write: &Write| write.key.as_bytes().len() + write.value.as_ref().map_or(0, Bytes::len) + 8;
        let event = |event: &Event| event.interface.len() + event.function.len() + event.payload.len() + 12;
        let section = self.store.name().as_str().len() + RECORD_BYTES;
        section + self.writes.iter().map(write).sum::<usize>() + self.events.iter().map(event).sum::<usize>()
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

    /// Whether nothing that it read has changed, and the store has room for it.
    fn validate(&self) -> Result<Valid, CommitError> {
        let service = self.store.state();
        if service.dropped().is_some() {
            return Err(CommitError::Dropped { service: service.name.clone() });
        }
        let view = service.view.load_full();
        if self.drops {
            return Ok((view, Totals::default()));
        }
        // What a call makes of the data depends on its version: each call reads it.
        if view.totals.data_version != self.snapshot.totals.data_version || !view.is_unchanged(&self.reads) {
            service.metrics.conflicts.increment(1);
            return Err(CommitError::Conflict);
        }
        let totals = totals_after(service, &view, self)?;
        Ok((view, totals))
    }
}

/// What the store comes to after the commit, without what it emits.
fn totals_after(service: &ServiceState, view: &View, part: &Part) -> Result<Totals, CommitError> {
    let since = part.reads.number();
    let mut totals = view.totals;
    for write in &part.writes {
        let key = &write.key;
        let before = if since >= view.number {
            write.before
        } else if since >= view.floor() {
            // What was written since the snapshot is in the view's layers.
            let later = view.written(key).filter(|written| written.number > since);
            later.map_or(write.before, |written| entry_bytes(key, written.value.as_ref().map(Bytes::len)))
        } else {
            view.entry_bytes(key).map_err(StoreError::Index)?
        };
        totals = totals.with(&write.key, before, write.after);
    }
    let bytes_max = service.bytes_max();
    if totals.bytes > view.totals.bytes && totals.bytes > bytes_max {
        return Err(CommitError::Quota { service: service.name.clone(), bytes_max });
    }
    Ok(totals)
}
