//! The sequencer: decides, one commit after the other, who wins, and gives the winner its number.
//!
//! Invariant: the order of the journal is the order of the views that are published, and a commit is valid exactly if
//! nothing that it read was changed by a commit before it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::Notify;

use super::backend::Full;
use super::error::{CommitError, StoreError};
use super::index::IndexView;
use super::overlay::{Layer, View, Written, entry_bytes};
use super::reads::Reads;
use crate::journal::{AppendError, Body, Journal};
use crate::names::{Key, Number, ServiceName};
use crate::observe::journal::StoreMetrics;

/// About what a record takes beside its key and value.
const RECORD_BYTES: usize = 64;

/// What all stores of a host share.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) journal: Journal,
    pub(super) services: Vec<Arc<ServiceState>>,
    sequencer: Mutex<Sequencer>,
    /// For the thread of the indexes: there is something to apply, or the overlay is full, or the end has come.
    due: Condvar,
    /// Told when a commit that had no room may have it now.
    room: Arc<Notify>,
    full: Arc<Full>,
    overlay_bytes_max: usize,
}

/// One service as the pipeline has it.
#[derive(Debug)]
pub(super) struct ServiceState {
    pub(super) name: ServiceName,
    position: usize,
    bytes_max: u64,
    pub(super) view: ArcSwap<View>,
    metrics: StoreMetrics,
}

impl ServiceState {
    pub(super) fn new(name: ServiceName, position: usize, bytes_max: u64, view: View) -> Self {
        let metrics = StoreMetrics::new(&name);
        metrics.stored_bytes.set(view.bytes as f64);
        Self { name, position, bytes_max, view: ArcSwap::from_pointee(view), metrics }
    }
}

#[derive(Debug)]
struct Sequencer {
    /// By service: journal bytes of the commits in the view's young layer.
    young_bytes: Vec<usize>,
    /// Journal bytes of all commits that no index has yet.
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
    pub(super) body: Body,
}

/// One write of a commit, with the bytes that count for the quota before (as the snapshot has it) and after it.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) key: Key,
    pub(super) value: Option<Bytes>,
    pub(super) before: u64,
    pub(super) after: u64,
}

/// A layer on its way into the index.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) layer: Layer,
    /// The number of the last commit in it.
    pub(super) through: Number,
    /// Bytes of the store with it.
    pub(super) bytes: u64,
    journal_bytes: usize,
}

enum Refused {
    /// There may be room soon: wait for it.
    Wait(Prepared),
    Error(CommitError),
}

impl From<CommitError> for Refused {
    fn from(error: CommitError) -> Self {
        Self::Error(error)
    }
}

impl Pipeline {
    pub(super) fn new(
        journal: Journal,
        services: Vec<Arc<ServiceState>>,
        room: Arc<Notify>,
        full: Arc<Full>,
        overlay_bytes_max: usize,
    ) -> Self {
        let young_bytes: Vec<_> = services.iter().map(|service| replayed_bytes(&service.view.load())).collect();
        let pending_bytes = young_bytes.iter().sum();
        let sequencer = Mutex::new(Sequencer { young_bytes, pending_bytes, closing: false });
        Self { journal, services, sequencer, due: Condvar::new(), room, full, overlay_bytes_max }
    }

    fn lock(&self) -> MutexGuard<'_, Sequencer> {
        self.sequencer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits, and waits while there is no room. See [`super::Transaction::commit`].
    pub(super) async fn commit(&self, service: &ServiceState, prepared: Prepared) -> Result<Number, CommitError> {
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
            refused = match self.try_commit(service, prepared) {
                Ok(number) => return Ok(number),
                Err(refused) => refused,
            };
            if matches!(refused, Refused::Wait(_)) {
                room.await;
            }
        }
    }

    fn try_commit(&self, service: &ServiceState, prepared: Prepared) -> Result<Number, Refused> {
        let mut sequencer = self.lock();
        let view = service.view.load();
        if !view.is_unchanged(&prepared.reads) {
            service.metrics.conflicts.increment(1);
            return Err(CommitError::Conflict.into());
        }
        let bytes = bytes_after(service, &view, &prepared)?;
        if sequencer.pending_bytes >= self.overlay_bytes_max {
            return Err(match self.journal.stopped() {
                Some(stopped) => CommitError::Stopped(stopped).into(),
                None if self.full.waits() => CommitError::NoRoom { source: None }.into(),
                None => Refused::Wait(prepared),
            });
        }
        let Prepared { snapshot, reads, writes, body } = prepared;
        let journal_bytes = body.bytes();
        let number = match self.journal.append(body) {
            Ok(number) => number,
            Err((AppendError::NotReady, body)) => {
                return Err(Refused::Wait(Prepared { snapshot, reads, writes, body }));
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
        service.view.store(Arc::new(View { number, bytes, young, ..View::clone(&view) }));
        let before = sequencer.pending_bytes;
        sequencer.pending_bytes += journal_bytes;
        if let Some(young_bytes) = sequencer.young_bytes.get_mut(service.position) {
            *young_bytes += journal_bytes;
        }
        let half = self.overlay_bytes_max / 2;
        let due = before == 0 || (before < half && sequencer.pending_bytes >= half);
        drop(sequencer);
        if due {
            self.due.notify_all();
        }
        service.metrics.commits.increment(1);
        service.metrics.stored_bytes.set(bytes as f64);
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

    /// Sets the young layers aside to be applied. Gives them by service, and the last number that was given out:
    /// with them, each index has the state of that number.
    pub(super) fn freeze(&self) -> (Vec<Option<Frozen>>, Number) {
        let mut sequencer = self.lock();
        let mut frozen = Vec::with_capacity(self.services.len());
        for (service, young_bytes) in self.services.iter().zip(&mut sequencer.young_bytes) {
            let view = service.view.load();
            // A commit of a memo alone leaves nothing in the view, but the index has to pass it.
            if *young_bytes == 0 {
                frozen.push(None);
                continue;
            }
            frozen.push(Some(Frozen {
                layer: view.young.clone(),
                through: view.number,
                bytes: view.bytes,
                journal_bytes: std::mem::take(young_bytes),
            }));
            let old = view.young.clone();
            service.view.store(Arc::new(View { young: Layer::new(), old, ..View::clone(&view) }));
        }
        (frozen, self.journal.last())
    }

    /// Puts the index that has `frozen` in the place of the layer.
    pub(super) fn applied(&self, service: &ServiceState, frozen: &Frozen, index: IndexView) {
        let mut sequencer = self.lock();
        let view = service.view.load();
        let applied = view.applied(index, frozen.through, frozen.journal_bytes, self.overlay_bytes_max);
        service.view.store(Arc::new(applied));
        sequencer.pending_bytes -= frozen.journal_bytes;
        drop(sequencer);
        self.room.notify_waiters();
    }
}

/// Bytes of the store after the commit.
fn bytes_after(service: &ServiceState, view: &View, prepared: &Prepared) -> Result<u64, CommitError> {
    let since = prepared.reads.number();
    let (mut before, mut after) = (0, 0);
    for write in &prepared.writes {
        let key = write.key.as_str();
        before += if since >= view.number {
            write.before
        } else if since >= view.floor() {
            // What was written since the snapshot is in the view's layers.
            let later = view.written(key).filter(|written| written.number > since);
            later.map_or(write.before, |written| entry_bytes(key, written.value.as_ref().map(Bytes::len)))
        } else {
            view.entry_bytes(key).map_err(StoreError::Index)?
        };
        after += write.after;
    }
    let bytes = (view.bytes + after).saturating_sub(before);
    if after > before && bytes > service.bytes_max {
        return Err(CommitError::Quota { service: service.name.clone(), bytes_max: service.bytes_max });
    }
    Ok(bytes)
}

/// What is to be applied of a view that was replayed at the start: about what its records took in the journal.
fn replayed_bytes(view: &View) -> usize {
    let value_bytes = |written: &Written| written.value.as_ref().map_or(0, Bytes::len);
    view.young.iter().map(|(key, written)| key.as_str().len() + value_bytes(written) + RECORD_BYTES).sum()
}
