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
use super::service::ServiceState;
use super::system::outbox_rows;
use crate::journal::{AppendError, Body, Event, Journal, RecordWriter, Staged};
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

/// A transaction at its end: all is done that needs no lock.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What it read: held until it is decided, so that the layers to validate it by are kept.
    pub(super) snapshot: Arc<View>,
    pub(super) reads: Reads,
    pub(super) writes: Vec<Write>,
    /// What was emitted, and when it is committed.
    pub(super) events: Vec<Event>,
    pub(super) time_unix_micros: u64,
    /// What the version of the data is to be, if it changes.
    pub(super) data_version: Option<u64>,
    pub(super) body: Staged,
}

/// One write of a commit, with the bytes that count for the quota before (as the snapshot has it) and after it.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) key: Key,
    pub(super) value: Option<Bytes>,
    pub(super) before: u64,
    pub(super) after: u64,
}

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
    pub(super) async fn commit(&self, service: &ServiceState, prepared: Prepared) -> Result<CommitSeq, CommitError> {
        let mut refused = match self.try_commit(service, prepared) {
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
            refused = match self.try_commit(service, *prepared) {
                Ok(number) => return Ok(number),
                Err(refused) => refused,
            };
            if matches!(refused, Refused::Wait(_)) {
                room.await;
            }
        }
    }

    fn try_commit(&self, service: &ServiceState, prepared: Prepared) -> Result<CommitSeq, Refused> {
        let mut sequencer = self.lock();
        if service.dropped().is_some() {
            return Err(CommitError::Dropped { service: service.name.clone() }.into());
        }
        let view = service.view.load();
        // What a call makes of the data depends on its version: each call reads it.
        if view.totals.data_version != prepared.snapshot.totals.data_version || !view.is_unchanged(&prepared.reads) {
            service.metrics.conflicts.increment(1);
            return Err(CommitError::Conflict.into());
        }
        let mut totals = totals_after(service, &view, &prepared)?;
        if sequencer.pending_bytes >= self.overlay_bytes_max {
            return Err(match self.journal.stopped() {
                Some(stopped) => CommitError::Stopped(stopped).into(),
                None if self.full.waits() => CommitError::NoRoom { source: None }.into(),
                None => Refused::Wait(Box::new(prepared)),
            });
        }
        let Prepared { snapshot, reads, writes, events, time_unix_micros, data_version, body } = prepared;
        let journal_bytes = body.bytes();
        let number = match self.journal.append(body) {
            Ok(number) => number,
            Err((AppendError::NotReady | AppendError::Moved, body)) => {
                let prepared = Prepared { snapshot, reads, writes, events, time_unix_micros, data_version, body };
                return Err(Refused::Wait(Box::new(prepared)));
            }
            Err((AppendError::NoRoom { source }, _)) => {
                return Err(CommitError::NoRoom { source: Some(source) }.into());
            }
            Err((AppendError::TooLarge { bytes, bytes_max }, _)) => {
                return Err(CommitError::TooLarge { bytes, bytes_max }.into());
            }
            Err((AppendError::Stopped(stopped), _)) => return Err(CommitError::Stopped(stopped).into()),
        };
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
        let before = sequencer.pending_bytes;
        sequencer.pending_bytes += journal_bytes;
        let half = self.overlay_bytes_max / 2;
        let due = before == 0 || (before < half && sequencer.pending_bytes >= half);
        drop(sequencer);
        if due {
            self.due.notify_all();
        }
        if !events.is_empty() {
            service.emitted.notify_waiters();
        }
        service.metrics.commits.increment(1);
        service.metrics.stored_bytes.set(totals.bytes as f64);
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

    /// Ends the store of `service` with a record: from then on it holds nothing and takes no commits. Gives the
    /// record's number; once more, it is the same. Blocks while the journal prepares a segment.
    pub(super) fn drop_store(&self, service: &ServiceState) -> Result<CommitSeq, DropError> {
        futures::executor::block_on(async {
            loop {
                let mut room = std::pin::pin!(self.room.notified());
                room.as_mut().enable();
                match self.try_drop(service) {
                    Ok(number) => return Ok(number),
                    Err(AppendError::NotReady | AppendError::Moved) => room.await,
                    Err(AppendError::NoRoom { source }) => return Err(DropError::NoRoom { source }),
                    Err(AppendError::Stopped(stopped)) => return Err(stopped.into()),
                    Err(AppendError::TooLarge { .. }) => unreachable!("a name alone fits in every segment"),
                }
            }
        })
    }

    fn try_drop(&self, service: &ServiceState) -> Result<CommitSeq, AppendError> {
        let mut sequencer = self.lock();
        if let Some(number) = service.dropped() {
            return Ok(number);
        }
        let mut record = RecordWriter::new(&service.name, CallId([0; 16]), 0);
        record.drops();
        let number = self.journal.append(Staged::new(Body::new(record.finish()))).map_err(|(error, _)| error)?;
        service.drop_store(number);
        let view = service.view.swap(Arc::new(empty::view(number)));
        sequencer.pending_bytes -= view.young_bytes + view.old_bytes;
        drop(sequencer);
        service.snapshots.let_go_before(number);
        self.room.notify_waiters();
        Ok(number)
    }
}

/// What the store comes to after the commit, without what it emits.
fn totals_after(service: &ServiceState, view: &View, prepared: &Prepared) -> Result<Totals, CommitError> {
    let since = prepared.reads.number();
    let mut totals = view.totals;
    for write in &prepared.writes {
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
