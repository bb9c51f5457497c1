//! Checkpoints: write the durable commits of the journal into the indexes, each store separately and in large batches,
//! and delete the segments that no index needs any more.
//!
//! A few threads share the work, so that a store with many writes does not delay the others.

pub(super) mod due;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::commit::sequencer::Pipeline;
use super::error::CloseError;
use super::scrub::Scrubber;
use super::services::{Member, Services};
use crate::clock;
use crate::fail_point::fail_point;
use crate::journal::Stopped;
use crate::tasks::{Panicked, restarting_thread, thread};

/// Threads that write indexes. Each spends most of its time waiting for the disk.
const WORKERS: usize = 3;

#[derive(Clone)]
pub(super) struct Checkpoints {
    pipeline: Arc<Pipeline>,
    services: Arc<Services>,
    period: Duration,
    /// Why no index is written any more.
    failed: Arc<Mutex<Option<CloseError>>>,
}

/// Why an index is not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error(transparent)]
    Close(#[from] CloseError),
}

impl Checkpoints {
    pub(super) fn new(services: Arc<Services>, period: Duration) -> Self {
        Self { pipeline: Arc::clone(&services.pipeline), services, period, failed: Arc::default() }
    }

    /// Runs until the pipeline closes. Then it writes all indexes once more and closes them.
    ///
    /// When an index cannot be written, the host refuses commits. The journal is safe, and the next start replays it
    /// into the indexes.
    pub(super) fn run(self) -> Result<(), CloseError> {
        let spawn = |_| {
            let (worker, pipeline) = (self.clone(), Arc::clone(&self.pipeline));
            let stop = move |panicked: &Panicked| pipeline.stop_commits(&format!("{panicked}; restart the host"));
            thread("index writer", move || worker.work(), stop)
        };
        // If fewer threads start, they do the same work.
        let workers: Vec<_> = (0..WORKERS).filter_map(|worker| spawn(worker).ok()).collect();
        let services = Arc::clone(&self.services);
        let scrub = move || Scrubber::new(Arc::clone(&services)).run();
        // Without this thread nothing is scrubbed, but every read is still checked.
        let scrubber = restarting_thread("index scrubber", self.pipeline.journal.outages(), scrub).ok();
        if workers.is_empty() {
            self.work();
        }
        let ended = workers.into_iter().map(|worker| worker.join().map_err(CloseError::from));
        // Waits for every worker, also after an error of another one.
        let ended = ended.collect::<Vec<_>>().into_iter().collect::<Result<(), _>>();
        if let Some(scrubber) = scrubber {
            let _reported = scrubber.join();
        }
        if !self.has_failed() {
            self.guarded(|| self.round());
        }
        for member in self.services.take() {
            // No other reference is left: changes of the stores end before the stores are closed.
            let Some(index) = Arc::into_inner(member.index) else { continue };
            let service = index.service.clone();
            let closed = index.close().map_err(|source| CloseError::Index { service, source });
            if !self.has_failed() {
                closed?;
            }
        }
        match self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(failed) => Err(failed),
            None => ended,
        }
    }

    fn has_failed(&self) -> bool {
        self.pipeline.due.look().failed
    }

    /// One worker: writes due indexes until the end.
    fn work(&self) {
        loop {
            let look = self.pipeline.due.look();
            if look.closing {
                return;
            }
            let next = if look.failed { None } else { self.next() };
            match next {
                Some((member, due)) if due <= clock::now() => self.claim_and_write(&member),
                Some((_, due)) => self.pipeline.due.wait(&look, Some(due.saturating_duration_since(clock::now()))),
                None => self.pipeline.due.wait(&look, None),
            }
        }
    }

    fn claim_and_write(&self, member: &Member) {
        if let Some(_claim) = self.pipeline.due.claim(member.store.name()) {
            self.guarded(|| self.write(member).map(|()| self.discard()));
        }
    }

    /// Runs `work`; if it fails, stops the commits of all stores.
    fn guarded(&self, work: impl FnOnce() -> Result<(), CheckpointError>) {
        // After an error or a panic no index is written any more. This is set before another worker can claim the
        // store.
        let failure = self.pipeline.due.failure();
        match work() {
            Ok(()) => failure.defuse(),
            // The journal itself says why it stopped.
            Err(CheckpointError::Stopped(_)) => {}
            Err(CheckpointError::Close(error)) => {
                let why = format!("writing an index failed ({error}): repair the disk, then restart the host");
                tracing::error!(?error, "the host accepts no more commits until a restart");
                self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                self.pipeline.stop_commits(&why);
            }
        }
    }

    /// The store that is due first, and when. Stores that other workers have claimed are left out.
    fn next(&self) -> Option<(Member, Instant)> {
        let now = clock::now();
        let needed = self.pipeline.journal.oldest_segment_end();
        let mut next: Option<(Member, Instant)> = None;
        for member in self.services.members() {
            let state = member.store.state();
            if state.dropped().is_some() || self.pipeline.due.is_claimed(&state.name) {
                continue;
            }
            let snapshot = state.snapshot.load();
            let due = match state.dirty_since() {
                Some(_) if self.pipeline.is_due(&snapshot) => now,
                Some(since) => since + self.period,
                // The journal keeps segments only for this store.
                None if needed.is_some_and(|needed| member.index.number() < needed) => now,
                None => continue,
            };
            if next.as_ref().is_none_or(|(_, first)| due < *first) {
                next = Some((member, due));
            }
        }
        next
    }

    /// Brings the index of one store to the last commit. The index of a dropped store stays before the record of the
    /// drop, so that a start can tell it from a later store of the same name.
    fn write(&self, member: &Member) -> Result<(), CheckpointError> {
        // The caller has claimed the store, and a failure is recorded before the claim ends. The part that failed is
        // still set aside: writing later commits would skip it.
        if self.has_failed() {
            return Ok(());
        }
        let state = member.store.state();
        let (frozen, number) = self.pipeline.freeze(state);
        if frozen.is_none() && member.index.number() >= number {
            return Ok(());
        }
        // An index never contains a commit that the journal could lose.
        self.pipeline.journal.wait_durable_blocking(number)?;
        if state.dropped().is_some() {
            return Ok(());
        }
        let failed = |source| CloseError::Index { service: member.index.service.clone(), source };
        let Some(frozen) = frozen else {
            fail_point("index.before-pass");
            return Ok(member.index.pass(number).map_err(failed)?);
        };
        fail_point("index.before-write");
        member.index.write(&frozen, number).map_err(failed)?;
        fail_point("index.after-write");
        let reader = member.index.reader().map_err(failed)?;
        self.pipeline.applied(state, &frozen, reader);
        Ok(())
    }

    /// Brings every index to the last commit, except those that other threads write.
    pub(super) fn round(&self) -> Result<(), CheckpointError> {
        for member in self.services.members() {
            if let Some(_claim) = self.pipeline.due.claim(member.store.name()) {
                let failure = self.pipeline.due.failure();
                self.write(&member)?;
                failure.defuse();
            }
        }
        self.discard();
        Ok(())
    }

    fn discard(&self) {
        if let Some(number) = self.services.passed() {
            self.pipeline.journal.discard_through(number);
        }
    }
}
