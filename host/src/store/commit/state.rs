//! The state of one store that its commits, its checkpoints and its readers share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use super::commit_log::CommitLog;
use super::turnstile::Turnstile;
use crate::clock;
use crate::limits::JOURNAL_QUEUE_BYTES_MAX;
use crate::names::{CommitSeq, ServiceName};
use crate::observe::journal::StoreMetrics;
use crate::store::memory::pinned_snapshot::Pins;
use crate::store::memory::snapshot::Snapshot;

/// Commits of one store in the journal's queue, oldest first.
#[derive(Debug, Default)]
pub(in crate::store) struct Queued {
    commits: VecDeque<(CommitSeq, usize)>,
    bytes: usize,
}

impl Queued {
    /// Removes the durable commits. Returns the commit to wait for when the queue is full.
    pub(in crate::store) fn in_the_way(&mut self, durable: CommitSeq) -> Option<CommitSeq> {
        while let Some((_, bytes)) = self.commits.pop_front_if(|(number, _)| *number <= durable) {
            self.bytes -= bytes;
        }
        if self.bytes < JOURNAL_QUEUE_BYTES_MAX { None } else { self.commits.front().map(|(number, _)| *number) }
    }

    pub(in crate::store) fn push(&mut self, number: CommitSeq, bytes: usize) {
        self.commits.push_back((number, bytes));
        self.bytes += bytes;
    }
}

/// One store in the pipeline.
#[derive(Debug)]
pub(in crate::store) struct StoreState {
    pub(in crate::store) name: ServiceName,
    pub(in crate::store) snapshot: ArcSwap<Snapshot>,
    /// The recent commits, for validation.
    pub(in crate::store) log: CommitLog,
    pub(in crate::store) metrics: StoreMetrics,
    pub(in crate::store) pins: Pins,
    /// The commits that wait.
    pub(in crate::store) turnstile: Turnstile,
    /// Locked while a large record is staged: one per store at a time.
    pub(in crate::store) staging: tokio::sync::Mutex<()>,
    /// The commits in the journal's queue that are not durable yet. Changed under the sequencer's lock.
    queued: Mutex<Queued>,
    /// The time of the oldest commit in the memtable. Changed under the sequencer's lock.
    dirty_since: Mutex<Option<Instant>>,
    /// Notified of each commit that emitted an event.
    pub(in crate::store) emitted: Notify,
    bytes_max: AtomicU64,
    /// The number of the record that dropped the store; 0 if it was not dropped. Changed under the sequencer's lock.
    dropped: AtomicU64,
}

impl StoreState {
    pub(in crate::store) fn new(name: ServiceName, bytes_max: u64, snapshot: Snapshot) -> Self {
        let metrics = StoreMetrics::new(&name);
        metrics.stored_bytes.set(snapshot.totals.component_bytes() as f64);
        let dirty_since = (snapshot.memtable_bytes > 0).then(clock::now);
        Self {
            name,
            log: CommitLog::new(snapshot.number),
            snapshot: ArcSwap::from_pointee(snapshot),
            metrics,
            pins: Pins::default(),
            turnstile: Turnstile::default(),
            staging: tokio::sync::Mutex::default(),
            queued: Mutex::default(),
            dirty_since: Mutex::new(dirty_since),
            emitted: Notify::new(),
            bytes_max: AtomicU64::new(bytes_max),
            dropped: AtomicU64::new(0),
        }
    }

    pub(in crate::store) fn bytes_max(&self) -> u64 {
        self.bytes_max.load(Ordering::Relaxed)
    }

    pub(in crate::store) fn set_bytes_max(&self, bytes_max: u64) {
        self.bytes_max.store(bytes_max, Ordering::Relaxed);
    }

    pub(in crate::store) fn queued(&self) -> MutexGuard<'_, Queued> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::store) fn queue(&self, number: CommitSeq, bytes: usize) {
        self.queued().push(number, bytes);
    }

    pub(in crate::store) fn dirty_since(&self) -> Option<Instant> {
        *self.dirty_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::store) fn set_dirty_since(&self, since: Option<Instant>) {
        *self.dirty_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    pub(in crate::store) fn dropped(&self) -> Option<CommitSeq> {
        Some(CommitSeq(self.dropped.load(Ordering::Acquire))).filter(|number| number.0 > 0)
    }

    pub(in crate::store) fn drop_store(&self, number: CommitSeq) {
        self.dropped.store(number.0, Ordering::Release);
        self.metrics.stored_bytes.set(0.0);
    }
}
