//! The sequencer: decides for one commit after another whether it is valid, and gives each valid commit its number and
//! its time.
//!
//! Invariant: snapshots are published in the order of the journal. A commit is valid exactly if no earlier commit
//! changed anything that it read. Nothing reads or writes a disk under the lock.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::part::{Part, Prepared};
use super::state::StoreState;
use super::writes_after::RecentWrites;
use crate::clock;
use crate::journal::{AppendError, Journal};
use crate::names::{CallId, CommitSeq, Generation};
use crate::store::checkpoint::due::Due;
use crate::store::error::{CommitError, DropError};
use crate::store::index::disk_space::DiskSpace;
use crate::store::index::reader::IndexReader;
use crate::store::memory::empty;
use crate::store::memory::shares::Shares;
use crate::store::memory::snapshot::{Frozen, Snapshot, Totals};

/// The state that all stores of a host share.
#[derive(Debug)]
pub(in crate::store) struct Pipeline {
    pub(in crate::store) journal: Journal,
    /// The work of the checkpoints.
    pub(in crate::store) due: Due,
    sequencer: Mutex<Sequencer>,
    /// Notified when a waiting commit may have room.
    room: Arc<Notify>,
    space: Arc<DiskSpace>,
    overlay_bytes_max: usize,
    /// The time of the last commit.
    time_unix_micros: AtomicU64,
}

#[derive(Debug)]
pub(super) struct Sequencer {
    pub(super) shares: Shares,
}

enum Refused {
    Wait(Box<Prepared>, WaitFor),
    Error(CommitError),
}

/// The reason why a commit waits.
#[derive(Debug, Clone, Copy)]
enum WaitFor {
    /// Room in the overlay, or the next segment of the journal.
    Room,
    /// Fewer commits of its store in the journal's queue.
    Durable(CommitSeq),
    /// Staging its pieces again: a segment has ended since they were staged.
    Staging,
}

impl From<CommitError> for Refused {
    fn from(error: CommitError) -> Self {
        Self::Error(error)
    }
}

impl Pipeline {
    /// `time_unix_micros` is the time of the last commit in the journal.
    pub(in crate::store) fn new(
        journal: Journal,
        room: Arc<Notify>,
        space: Arc<DiskSpace>,
        overlay_bytes_max: usize,
        time_unix_micros: u64,
    ) -> Self {
        let sequencer = Mutex::new(Sequencer { shares: Shares::new(overlay_bytes_max) });
        let time_unix_micros = AtomicU64::new(time_unix_micros);
        Self { journal, due: Due::default(), sequencer, room, space, overlay_bytes_max, time_unix_micros }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Sequencer> {
        self.sequencer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notified when a waiting commit may have room.
    pub(super) fn room(&self) -> &Notify {
        &self.room
    }

    /// Sets the time of the last commit.
    pub(super) fn set_time(&self, time_unix_micros: u64) {
        self.time_unix_micros.store(time_unix_micros, Ordering::Release);
    }

    /// The journal's time: the machine's time, but never before the last commit.
    pub(in crate::store) fn time_unix_micros(&self) -> u64 {
        self.time_unix_micros.load(Ordering::Acquire).max(clock::unix_micros())
    }

    #[cfg(test)]
    pub(in crate::store) fn set_time_unix_micros(&self, time_unix_micros: u64) {
        self.time_unix_micros.store(time_unix_micros, Ordering::Release);
    }

    /// Divides the overlay among `states`, which must be all stores.
    pub(in crate::store) fn share_among<'a>(&self, states: impl Iterator<Item = &'a StoreState>) {
        let mut sequencer = self.lock();
        sequencer.shares.divide(states.map(|state| state.snapshot.load().memory_bytes()));
        drop(sequencer);
        self.room.notify_waiters();
    }

    /// Commits. While there is no room, it waits behind earlier waiters of its store. See
    /// [`crate::store::Transaction::commit`].
    pub(in crate::store) async fn commit(&self, mut prepared: Prepared) -> Result<CommitSeq, CommitError> {
        let Some(state) = prepared.parts.first().map(|part| Arc::clone(&part.state)) else {
            return Ok(CommitSeq::default());
        };
        let mut turn = None;
        loop {
            if prepared.record.is_due() {
                let _one_at_a_time = state.staging.lock().await;
                self.journal.stage(&mut prepared.record).await?;
            }
            if turn.is_none() && state.turnstile.has_waiters() {
                turn = Some(state.turnstile.take().await);
            }
            // Listen first, then look again, then wait: otherwise room that appears in between would be missed.
            let mut room = pin!(self.room.notified());
            room.as_mut().enable();
            let wait_for;
            (prepared, wait_for) = match self.try_commit(prepared) {
                Ok(number) => return Ok(number),
                Err(Refused::Error(error)) => return Err(error),
                Err(Refused::Wait(prepared, wait_for)) => (*prepared, wait_for),
            };
            match wait_for {
                WaitFor::Staging => {}
                _ if turn.is_none() => turn = Some(state.turnstile.take().await),
                WaitFor::Room => room.await,
                WaitFor::Durable(number) => self.journal.wait_durable(number).await?,
            }
        }
    }

    /// Validates every part, numbers the commit once, and publishes every part.
    fn try_commit(&self, mut prepared: Prepared) -> Result<CommitSeq, Refused> {
        prepared.parts.iter_mut().try_for_each(Part::catch_up)?;
        let mut sequencer = self.lock();
        let mut valid = Vec::with_capacity(prepared.parts.len());
        for part in &mut prepared.parts {
            part.catch_up()?;
            let before = part.state.snapshot.load_full();
            valid.push((part.totals_after(&before.totals)?, before));
        }
        if let Some(wait_for) = self.in_the_way(&sequencer, &prepared)? {
            return Err(Refused::Wait(Box::new(prepared), wait_for));
        }
        let Prepared { parts, mut record, span } = prepared;
        let time = (self.time_unix_micros.load(Ordering::Relaxed) + 1).max(clock::unix_micros());
        record.stamp(time);
        let bytes = record.append_bytes();
        let number = match self.journal.append(record) {
            Ok(number) => number,
            Err(refused) => {
                let (error, record) = *refused;
                let wait_for = match error {
                    AppendError::NotReady => WaitFor::Room,
                    AppendError::Moved => WaitFor::Staging,
                    error => return Err(CommitError::from(error).into()),
                };
                return Err(Refused::Wait(Box::new(Prepared { parts, record, span }), wait_for));
            }
        };
        self.set_time(time);
        if span.is_some() && parts.iter().any(Part::emits) {
            // Before the events are published, so that each of their deliveries finds the span.
            span.emits(number);
        }
        let mut published = Vec::with_capacity(parts.len());
        for (at, (part, (totals, before))) in parts.into_iter().zip(valid).enumerate() {
            // The first store counts for the whole record in the journal's queue.
            part.state.queue(number, if at == 0 { bytes } else { 0 });
            published.push(self.publish(&mut sequencer, part, &before, totals, (number, time)));
        }
        drop(sequencer);
        published.iter().for_each(|published| self.tell(published, number));
        Ok(number)
    }

    /// The condition that a valid commit must wait for, if any.
    fn in_the_way(&self, sequencer: &Sequencer, prepared: &Prepared) -> Result<Option<WaitFor>, CommitError> {
        let durable = self.journal.durable();
        for part in prepared.parts.iter().filter(|part| !part.drops) {
            if !sequencer.shares.have_room(part.state.snapshot.load().memory_bytes()) {
                return match self.journal.stopped() {
                    Some(stopped) => Err(CommitError::Stopped(stopped)),
                    None if self.space.is_full() => Err(CommitError::NoRoom { source: None }),
                    None => Ok(Some(WaitFor::Room)),
                };
            }
        }
        let first = prepared.parts.first().filter(|part| !part.drops);
        Ok(first.and_then(|part| part.state.queued().in_the_way(durable)).map(WaitFor::Durable))
    }

    /// Publishes a valid part of the commit: later transactions of its store read it.
    pub(super) fn publish(
        &self,
        sequencer: &mut Sequencer,
        part: Part,
        before: &Snapshot,
        totals: Totals,
        at: (CommitSeq, u64),
    ) -> Published {
        let state = Arc::clone(&part.state);
        if part.drops {
            state.drop_store(at.0);
            state.snapshot.store(Arc::new(empty::snapshot(at.0)));
            sequencer.shares.moved(before.memory_bytes(), 0);
            return Published { state, emits: false, drops: true, bytes: 0, is_due: false };
        }
        let emits = part.emits();
        let (after, logged) = part.after(before, totals, at);
        let was_due = sequencer.shares.is_due(before);
        sequencer.shares.moved(before.memory_bytes(), after.memory_bytes());
        let is_due = before.memtable_bytes == 0 || (sequencer.shares.is_due(&after) && !was_due);
        if before.memtable_bytes == 0 {
            state.set_dirty_since(Some(clock::now()));
        }
        let bytes = after.totals.component_bytes();
        state.log.push(logged);
        state.snapshot.store(Arc::new(after));
        Published { state, emits, drops: false, bytes, is_due }
    }

    pub(super) fn tell(&self, published: &Published, number: CommitSeq) {
        let state = &published.state;
        if published.drops {
            state.pins.let_go_before(number);
            self.room.notify_waiters();
        }
        if published.is_due {
            self.due.look_again();
        }
        if published.emits {
            state.emitted.notify_waiters();
        }
        state.metrics.commits.increment(1);
        state.metrics.stored_bytes.set(published.bytes as f64);
    }

    /// Whether the store has filled its part of the overlay, so that it must be written early.
    pub(in crate::store) fn is_due(&self, snapshot: &Snapshot) -> bool {
        self.lock().shares.is_due(snapshot)
    }

    /// Refuses new commits. Commits that were accepted still become durable.
    pub(in crate::store) fn stop_commits(&self, why: &str) {
        self.journal.stop_appends(why);
        self.room.notify_waiters();
    }

    /// Sets the memtable of a store aside to be written, if there is one. Returns it with the last number that was
    /// assigned: after the write, the index has the state of that number.
    pub(in crate::store) fn freeze(&self, state: &StoreState) -> (Option<Frozen>, CommitSeq) {
        let sequencer = self.lock();
        let snapshot = state.snapshot.load();
        let mut frozen = None;
        if snapshot.memtable_bytes > 0 && state.dropped().is_none() {
            let (set_aside, after) = snapshot.freeze();
            state.snapshot.store(Arc::new(after));
            state.set_dirty_since(None);
            frozen = Some(set_aside);
        }
        let last = self.journal.last();
        drop(sequencer);
        (frozen, last)
    }

    /// The snapshots of `states` at one moment, and the number of the last commit then. Dropped stores have no
    /// snapshot.
    pub(in crate::store) fn snapshots<'a>(
        &self,
        states: impl Iterator<Item = &'a StoreState>,
    ) -> (Vec<Option<Arc<Snapshot>>>, CommitSeq) {
        let sequencer = self.lock();
        let snapshot = |state: &StoreState| state.dropped().is_none().then(|| state.snapshot.load_full());
        let snapshots = states.map(snapshot).collect();
        let last = self.journal.last();
        drop(sequencer);
        (snapshots, last)
    }

    /// Replaces the layer `frozen` by the index that now contains it.
    pub(in crate::store) fn applied(&self, state: &StoreState, frozen: &Frozen, index: IndexReader) {
        let mut sequencer = self.lock();
        if state.dropped().is_some() {
            return;
        }
        let before = state.snapshot.load();
        let after = before.applied(index);
        sequencer.shares.moved(before.memory_bytes(), after.memory_bytes());
        state.snapshot.store(Arc::new(after));
        drop(sequencer);
        state.pins.moved_on(frozen.through, frozen.bytes, self.overlay_bytes_max);
        self.room.notify_waiters();
    }

    /// Replaces the index reader by `index`, which has the same state.
    pub(in crate::store) fn renew(&self, state: &StoreState, index: IndexReader) {
        let sequencer = self.lock();
        if state.dropped().is_none() {
            let before = state.snapshot.load();
            state.snapshot.store(Arc::new(Snapshot { index: Arc::new(index), ..Snapshot::clone(&before) }));
        }
        drop(sequencer);
    }

    /// Notes in the current snapshot that both generations hold the same entities. The other one is a copy of `live` as of
    /// `number`, so this is true unless a later commit wrote `live`.
    pub(in crate::store) fn mark_copied(&self, state: &StoreState, live: Generation, number: CommitSeq) {
        if state.snapshot.load().is_copied {
            return;
        }
        // Under the lock, no commit comes between the look and the mark.
        let sequencer = self.lock();
        let is_current = RecentWrites::after(&state.log, number, live).is_some_and(|writes| writes.commits() == 0);
        if is_current && state.dropped().is_none() {
            let before = state.snapshot.load();
            state.snapshot.store(Arc::new(Snapshot { is_copied: true, ..Snapshot::clone(&before) }));
        }
        drop(sequencer);
    }

    /// Drops the store with a record: from then on it is empty and takes no commits. Returns the record's number; a
    /// repeated call returns the same number. Blocks while the journal prepares a segment.
    pub(in crate::store) fn drop_store(&self, state: &Arc<StoreState>) -> Result<CommitSeq, DropError> {
        if let Some(number) = state.dropped() {
            return Ok(number);
        }
        let prepared = Prepared::new(CallId([0; 16]), vec![Part::dropping(Arc::clone(state))]);
        match futures::executor::block_on(self.commit(prepared)) {
            Ok(number) => Ok(number),
            Err(CommitError::NoRoom { source: Some(source) }) => Err(DropError::NoRoom { source }),
            Err(CommitError::Stopped(stopped)) => Err(stopped.into()),
            // Another thread dropped it first.
            Err(_) => state.dropped().ok_or_else(|| DropError::Unknown { service: state.name.clone() }),
        }
    }
}

/// A part of a commit after its publication.
pub(super) struct Published {
    state: Arc<StoreState>,
    emits: bool,
    drops: bool,
    /// Bytes of the component's keys and values in the store.
    bytes: u64,
    /// Whether the checkpoints have new work.
    is_due: bool,
}
