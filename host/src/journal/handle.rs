//! The open journal: appends records, and reports when they are durable.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::append_error::AppendError;
use super::archive::{self, Archive, Archiver};
use super::disk::Disk;
use super::durable::{DurabilityWatermark, Stopped};
use super::frame::JournalId;
use super::recovery::{self, Found, OpenError, Tail};
use super::shared::{Shared, SpareState, State};
use super::staging::{self, Staged};
use super::stream::Position;
use super::stream_writer::StreamWriter;
use super::{spares, writer};
use crate::clock;
use crate::fail_point::fail_point;
use crate::names::CommitSeq;
use crate::observe::LogLimit;
use crate::observe::journal::JournalMetrics;
use crate::tasks::{Outages, Panicked, Thread, restarting_thread, thread};

/// How long a caller waits for a stream that acknowledges nothing. Its call may have its effect nonetheless.
const STREAM_WAIT_MAX: Duration = Duration::from_secs(10);

/// The settings of the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JournalSettings {
    pub(crate) segment_bytes: u64,
    pub(crate) batch_commits_max: usize,
    /// What this node has of the stream of its cluster; `None`: the segments alone are the journal.
    pub(crate) stream: Option<StreamSettings>,
}

/// The settings of a journal that is a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamSettings {
    pub(crate) position: Position,
    /// How long a leader without commits waits before it sends a message.
    pub(crate) heartbeat: Duration,
    /// Whether a leader without a valid lease shows nobody anything.
    pub(crate) is_gated: bool,
}

/// The open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    shared: Arc<Shared>,
    writer: Mutex<Option<Thread<io::Result<()>>>>,
    preparer: Mutex<Option<Thread<()>>>,
    archiver: Option<Arc<Archiver>>,
    archiving: Mutex<Option<Thread<()>>>,
    /// Held while segments are deleted.
    discarding: Mutex<LogLimit>,
    outages: Outages,
}

impl Journal {
    /// Continues at `tail`; cuts off a torn end there, and removes left-over files.
    ///
    /// Segments that are not needed any more go to `archive`, if there is one. `room` is notified when an append that
    /// was refused for lack of room may now succeed.
    pub(crate) fn start(
        disk: Arc<dyn Disk>,
        settings: JournalSettings,
        journal: JournalId,
        found: Found,
        tail: &Tail,
        archive: Option<Archive>,
        room: Arc<Notify>,
    ) -> Result<Self, OpenError> {
        let at_file = |path: &str| {
            let path = disk.full(path);
            |source| OpenError::File { path, source }
        };
        for spare in &found.spares {
            disk.remove(spare).map_err(at_file(spare))?;
        }
        if let Some(seal) = &tail.seal {
            recovery::seal(&*disk, journal, seal).map_err(at_file(&seal.segment.path))?;
        }
        let shared = Arc::new(Shared {
            journal,
            segment_bytes: settings.segment_bytes,
            batch_commits_max: settings.batch_commits_max,
            watermark: DurabilityWatermark::new(CommitSeq(tail.next.0 - 1)),
            pieces: DurabilityWatermark::default(),
            lease: OnceLock::new(),
            node: OnceLock::new(),
            is_gated: settings.stream.is_some_and(|stream| stream.is_gated),
            in_segments: settings.stream.map(|_| DurabilityWatermark::new(CommitSeq(tail.next.0 - 1))),
            state: Mutex::new(State {
                next: tail.next,
                // A start never continues an old segment: the first record begins a new one.
                taken: settings.segment_bytes,
                queue: VecDeque::new(),
                segment: 0,
                stagings: 0,
                pieces: CommitSeq::default(),
                piece_waits: false,
                wanted: CommitSeq::default(),
                waiting: 0,
                writer_waits: false,
                spare: SpareState::Wanted,
                segments: found.segments.into(),
                closing: false,
                stopped: None,
                leads: false,
                lead: None,
                outcomes: Vec::new(),
                wanted_in_segments: CommitSeq::default(),
                published: CommitSeq::default(),
                acknowledged: None,
                unavailable: None,
            }),
            work: Condvar::new(),
            want: Condvar::new(),
            room,
            #[cfg(any(test, feature = "fail-points"))]
            lockstep: std::sync::atomic::AtomicBool::new(false),
            metrics: JournalMetrics::new(),
            disk,
        });
        let writes = writes(&shared, settings.stream);
        let (stops, preparer) = (Arc::clone(&shared), Arc::clone(&shared));
        let archiver = archive.map(|archive| Arc::new(Archiver::new(archive, Arc::clone(&shared))));
        let (outages, mut count) = (Outages::default(), 0);
        let journal = Self {
            shared,
            writer: Mutex::default(),
            preparer: Mutex::default(),
            archiver,
            archiving: Mutex::default(),
            discarding: Mutex::default(),
            outages,
        };
        let failed = |source| OpenError::Thread { source };
        // How much of the last batch reached the disk is unknown: only a start that reads the segment can tell.
        let stop = move |panicked: &Panicked| stops.stop(&format!("the thread {panicked}; restart the host"));
        *lock(&journal.writer) = Some(thread("journal", writes, stop).map_err(failed)?);
        let prepare = move || spares::prepare_spares(&preparer, &mut count);
        let preparer = restarting_thread("journal-spare", &journal.outages, prepare);
        *lock(&journal.preparer) = Some(preparer.map_err(failed)?);
        if let Some(archiver) = journal.archiver.clone() {
            let archiving = restarting_thread("journal-archive", &journal.outages, move || archiver.run());
            *lock(&journal.archiving) = Some(archiving.map_err(failed)?);
        }
        Ok(journal)
    }

    /// The part of it that only a journal in a stream has.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Assigns the next number to the record and adds it to the open batch. Does not wait.
    ///
    /// # Errors
    ///
    /// [`AppendError`], and the record is returned.
    pub(crate) fn append(&self, record: Staged) -> Result<CommitSeq, Box<(AppendError, Staged)>> {
        #[cfg(any(test, feature = "fail-points"))]
        self.shared.wait_for_spare_in_lockstep();
        let mut state = self.shared.lock();
        if self.shared.in_segments.is_some() && !state.leads {
            let stopped = Stopped { why: "this node does not lead the cluster".into() };
            return Err(Box::new((stopped.into(), record)));
        }
        fail_point("journal.before-append");
        let number = add(&self.shared, &mut state, record)?;
        fail_point("journal.after-append");
        if self.shared.is_full(&state) {
            self.shared.wake_writer(state);
        }
        Ok(number)
    }

    /// Writes the pieces of `staged`, like [`staging::stage`].
    pub(crate) async fn stage(&self, staged: &mut Staged) -> Result<(), AppendError> {
        if self.shared.in_segments.is_some() {
            // In a stream, a large record spans messages of its own.
            staged.keep_whole();
            return Ok(());
        }
        staging::stage(&self.shared, staged).await
    }

    /// Why no commit has room: the next segment cannot be prepared.
    pub(crate) fn no_room(&self) -> Option<Arc<io::Error>> {
        match &self.shared.lock().spare {
            SpareState::Refused(source) => Some(Arc::clone(source)),
            SpareState::Wanted | SpareState::Ready(_) => None,
        }
    }

    pub(crate) fn durable(&self) -> CommitSeq {
        self.shared.watermark.durable()
    }

    /// The number up to which the segments of this node will still be there after a power loss. Without a stream, it is
    /// the same as [`Journal::durable`].
    pub(crate) fn durable_in_segments(&self) -> CommitSeq {
        self.shared.in_segments.as_ref().unwrap_or(&self.shared.watermark).durable()
    }

    /// The number of the last appended record.
    pub(crate) fn last(&self) -> CommitSeq {
        CommitSeq(self.shared.lock().next.0 - 1)
    }

    /// Resolves when everything up to `number` is durable, and, in a cluster, while this node may speak for it: a call
    /// that has read something shows it to nobody before.
    ///
    /// Records that no caller waits for stay in memory until the next batch. So a call that commits in many services
    /// and waits at its end waits for the disk once. A checkpoint waits too, which limits this time.
    pub(crate) async fn wait_durable(&self, number: CommitSeq) -> Result<(), Stopped> {
        if self.shared.in_segments.is_none() {
            return self.wait_written(number).await;
        }
        let waits = async {
            self.wait_written(number).await?;
            match self.shared.lease.get().filter(|_| self.shared.is_gated) {
                Some(lease) if !lease.is_valid(clock::now()) && !lease.valid().await => {
                    Err(self.stopped().unwrap_or_else(|| Stopped { why: "this node does not lead the cluster".into() }))
                }
                _ => Ok(()),
            }
        };
        // What is there already resolves at the first poll, and no timer starts.
        tokio::time::timeout(STREAM_WAIT_MAX, waits).await.unwrap_or_else(|_late| {
            let why = "the stream of the cluster does not answer: whether the commit is kept is not known yet";
            Err(Stopped { why: why.into() })
        })
    }

    async fn wait_written(&self, number: CommitSeq) -> Result<(), Stopped> {
        if self.shared.watermark.durable() < number {
            self.shared.want_durable(number);
            #[cfg(any(test, feature = "fail-points"))]
            if self.shared.is_in_lockstep() {
                return self.shared.watermark.wait_blocking(number);
            }
            self.shared.watermark.wait(number).await?;
        }
        Ok(())
    }

    /// From now on a wait for the journal blocks its whole thread.
    #[cfg(any(test, feature = "fail-points"))]
    pub(crate) fn write_in_lockstep(&self) {
        self.shared.lockstep.store(true, std::sync::atomic::Ordering::Relaxed);
        self.shared.wait_for_spare_in_lockstep();
    }

    /// Like [`Journal::wait_durable`], for a thread. In a stream, everything up to `number` is then also durable on this
    /// node.
    pub(crate) fn wait_durable_blocking(&self, number: CommitSeq) -> Result<(), Stopped> {
        self.shared.want_durable(number);
        self.shared.watermark.wait_blocking(number)?;
        match &self.shared.in_segments {
            Some(in_segments) => {
                self.shared.want_in_segments(number);
                in_segments.wait_blocking(number)
            }
            None => Ok(()),
        }
    }

    /// Why it accepts no more records, if so.
    pub(crate) fn stopped(&self) -> Option<Stopped> {
        self.shared.lock().stopped.clone()
    }

    /// Refuses new records; appended ones are still written.
    pub(crate) fn stop_appends(&self, why: &str) {
        self.shared.lock().stopped.get_or_insert_with(|| Stopped { why: why.into() });
    }

    /// The last number of the oldest segment, if there are later segments. The segment can go when no reader needs that
    /// number.
    pub(crate) fn oldest_segment_end(&self) -> Option<CommitSeq> {
        self.shared.lock().segments.get(1).map(|second| CommitSeq(second.first.0 - 1))
    }

    /// Deletes the segments without a record after `number`, or hands them to the archiver. The last one stays.
    ///
    /// The caller passes the lowest number that any reader of the journal still needs. No other code deletes segments.
    /// A segment that cannot be deleted only takes room; the next call tries again.
    pub(crate) fn discard_through(&self, number: CommitSeq) {
        if let Some(archiver) = &self.archiver {
            return archiver.through(number);
        }
        // In order: a start refuses a journal with a gap.
        let refused = self.discarding.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(segment) = self.shared.oldest_through(number) {
            fail_point("segment.before-removal");
            if let Err(error) = self.shared.disk.remove(&segment.path) {
                if refused.allows() {
                    let path = self.shared.disk.full(&segment.path);
                    tracing::warn!(%error, path = %path.display(), "cannot delete a journal segment that is not needed \
                        any more: the host tries again");
                }
                return;
            }
            self.shared.lock().segments.retain(|known| *known != segment);
            fail_point("segment.after-removal");
        }
    }

    /// Writes the appended records and ends the threads. Waiters for a number that is not durable then get an error.
    pub(crate) fn close(&self) -> io::Result<()> {
        self.shared.close();
        let writer = lock(&self.writer).take();
        let done =
            writer.map_or(Ok(()), |writer| writer.join().unwrap_or_else(|panicked| Err(io::Error::other(panicked))));
        join(&self.preparer);
        // Only now is the last segment complete.
        if let Some(archiver) = &self.archiver {
            archiver.close(if done.is_ok() { archive::End::InOrder } else { archive::End::Broken });
        }
        join(&self.archiving);
        self.shared.watermark.stop("the host has shut down");
        if let Some(in_segments) = &self.shared.in_segments {
            in_segments.stop("the host has shut down");
        }
        done
    }

    /// The threads that are down.
    pub(crate) fn outages(&self) -> &Outages {
        &self.outages
    }
}

/// Adds `record` to the queue under the next number.
pub(super) fn add(
    shared: &Shared,
    state: &mut State,
    mut record: Staged,
) -> Result<CommitSeq, Box<(AppendError, Staged)>> {
    let (body, segment) = record.take_body();
    if let Err((error, body)) = shared.push(state, body, segment) {
        record.put_back(body, segment, &error);
        return Err(Box::new((error, record)));
    }
    let number = state.next;
    state.next.0 += 1;
    Ok(number)
}

/// The work of the thread that writes.
fn writes(shared: &Arc<Shared>, stream: Option<StreamSettings>) -> Box<dyn FnOnce() -> io::Result<()> + Send> {
    match stream {
        None => {
            let writer = writer::Writer::new(Arc::clone(shared));
            Box::new(|| writer.run())
        }
        Some(StreamSettings { position, heartbeat, .. }) => {
            let writer = StreamWriter::new(Arc::clone(shared), position, heartbeat);
            Box::new(|| writer.run())
        }
    }
}

fn lock<T>(thread: &Mutex<Option<Thread<T>>>) -> MutexGuard<'_, Option<Thread<T>>> {
    thread.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a thread that is restarted after a panic. The supervisor has already reported its panics.
fn join(thread: &Mutex<Option<Thread<()>>>) {
    if let Some(thread) = lock(thread).take() {
        let _reported = thread.join();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(archiver) = &self.archiver {
            archiver.close(archive::End::Broken);
        }
    }
}
