//! The state that the threads of the journal share: the queue of records, and the file prepared for the next segment.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::append_error::AppendError;
use super::disk::{Disk, DiskFile};
use super::durable::{DurabilityWatermark, Stopped};
use super::frame::{Body, FRAME_HEADER_BYTES, JournalId, SEGMENT_HEADER_BYTES, frame_bytes};
use super::recovery::Segment;
use super::stream::{Leader, Lease, Outcome, POSITION_BYTES, Position, Publisher};
use crate::names::CommitSeq;
use crate::observe::journal::JournalMetrics;

/// Bytes of a mark with a position in the stream.
pub(super) const POSITION_FRAME_BYTES: u64 = (FRAME_HEADER_BYTES + POSITION_BYTES) as u64;

/// The time until the preparation of a segment is retried after a full disk.
const SPARE_RETRY: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) journal: JournalId,
    pub(super) segment_bytes: u64,
    pub(super) batch_commits_max: usize,
    pub(super) watermark: DurabilityWatermark,
    /// The durability of the pieces of large records, by the count of all pieces.
    pub(super) pieces: DurabilityWatermark,
    /// What is durable in the segments of this node, if the journal is a stream: later than on the servers of the stream.
    pub(super) in_segments: Option<DurabilityWatermark>,
    /// The lease of the leader of a cluster; `None` while this node does not lead.
    pub(super) lease: OnceLock<Arc<Lease>>,
    /// What the leader of a cluster says of itself.
    pub(super) node: OnceLock<Leader>,
    /// Whether a leader without a valid lease shows nobody anything.
    pub(super) is_gated: bool,
    pub(super) state: Mutex<State>,
    /// Wakes the writer: a caller waits for a queued record, the queue is long, or the journal is closed.
    pub(super) work: Condvar,
    /// Wakes the thread that prepares segments: one is wanted, or the journal is closed.
    pub(super) want: Condvar,
    /// Notified when an append that was refused for lack of room may now succeed.
    pub(super) room: Arc<Notify>,
    #[cfg(any(test, feature = "fail-points"))]
    pub(super) lockstep: std::sync::atomic::AtomicBool,
    pub(super) metrics: JournalMetrics,
}

#[derive(Debug)]
pub(super) struct State {
    /// The number of the next record.
    pub(super) next: CommitSeq,
    /// Bytes of the last segment that are used once all of `queue` is written.
    pub(super) taken: u64,
    pub(super) queue: VecDeque<Queued>,
    /// The number of segments begun by records that are or were in the queue. It shows whether pieces are in the last
    /// segment.
    pub(super) segment: u64,
    /// The number of large records that were staged.
    pub(super) stagings: u64,
    pub(super) pieces: CommitSeq,
    /// Whether a caller waits for a piece.
    pub(super) piece_waits: bool,
    /// The highest number that a caller waits for. Records up to it are written at once, together with the later ones.
    pub(super) wanted: CommitSeq,
    /// The number of callers that wait for the next batch.
    pub(super) waiting: usize,
    pub(super) writer_waits: bool,
    pub(super) spare: SpareState,
    pub(super) segments: VecDeque<Segment>,
    pub(super) closing: bool,
    pub(super) stopped: Option<Stopped>,
    /// Whether commits are accepted although the journal is a stream.
    pub(super) leads: bool,
    /// The leader's side of the stream, on its way to the writer.
    pub(super) lead: Option<Publisher<Vec<Queued>>>,
    /// What became of messages that were sent to the stream.
    pub(super) outcomes: Vec<Outcome>,
    /// The highest number that must be durable in the segments.
    pub(super) wanted_in_segments: CommitSeq,
    /// The last record that the leader has sent to the stream. Other nodes may have it although it is not acknowledged.
    pub(super) published: CommitSeq,
    /// The position after the last message that the stream has acknowledged to this leader, and that completes a record.
    pub(super) acknowledged: Option<Position>,
    /// Why the servers of the stream acknowledge nothing at the moment.
    pub(super) unavailable: Option<Arc<str>>,
}

#[derive(Debug)]
pub(super) struct Queued {
    pub(super) body: Body,
    /// The file that becomes a segment. This record is its first.
    pub(super) opens: Option<Spare>,
}

/// A file that is prepared to become a segment.
#[derive(Debug)]
pub(super) struct Spare {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) path: String,
}

#[derive(Debug)]
pub(super) enum SpareState {
    Wanted,
    Ready(Spare),
    /// It could not be created; retried every [`SPARE_RETRY`].
    Refused(Arc<io::Error>),
}

impl State {
    pub(super) fn next_staging(&mut self) -> u64 {
        self.stagings += 1;
        self.stagings
    }
}

impl Shared {
    /// Adds `body` to the queue, in a segment with room for it, and returns the segment. If `segment` is given, it must
    /// be in that one.
    pub(super) fn push(&self, state: &mut State, body: Body, segment: Option<u64>) -> Result<u64, (AppendError, Body)> {
        // In a stream, a mark with its position may follow each record, and one is at the beginning of each segment.
        let mark_bytes = if self.in_segments.is_some() { POSITION_FRAME_BYTES } else { 0 };
        let (bytes, header_bytes) =
            (frame_bytes(body.bytes()) as u64 + mark_bytes, SEGMENT_HEADER_BYTES as u64 + mark_bytes);
        if bytes + header_bytes > self.segment_bytes {
            let bytes_max = self.segment_bytes - header_bytes - mark_bytes;
            return Err((AppendError::TooLarge { bytes: bytes - mark_bytes, bytes_max }, body));
        }
        if let Some(stopped) = &state.stopped {
            return Err((stopped.clone().into(), body));
        }
        let is_full = state.taken + bytes > self.segment_bytes;
        if segment.is_some_and(|segment| is_full || segment != state.segment) {
            return Err((AppendError::Moved, body));
        }
        let mut opens = None;
        if is_full {
            match std::mem::replace(&mut state.spare, SpareState::Wanted) {
                SpareState::Ready(spare) => opens = Some(spare),
                SpareState::Wanted => return Err((AppendError::NotReady, body)),
                SpareState::Refused(source) => {
                    state.spare = SpareState::Refused(Arc::clone(&source));
                    return Err((AppendError::NoRoom { source }, body));
                }
            }
            state.taken = header_bytes;
            state.segment += 1;
            self.want.notify_one();
        }
        state.taken += bytes;
        state.queue.push_back(Queued { body, opens });
        Ok(state.segment)
    }

    #[cfg(any(test, feature = "fail-points"))]
    pub(super) fn is_in_lockstep(&self) -> bool {
        self.lockstep.load(std::sync::atomic::Ordering::Relaxed)
    }

    #[cfg(not(any(test, feature = "fail-points")))]
    #[expect(clippy::unused_self, reason = "the simulator alone writes in lockstep")]
    pub(super) fn is_in_lockstep(&self) -> bool {
        false
    }

    /// In lockstep the file of the next segment exists before a record is appended.
    #[cfg(any(test, feature = "fail-points"))]
    pub(super) fn wait_for_spare_in_lockstep(&self) {
        let is_wanted = || {
            let state = self.lock();
            matches!(state.spare, SpareState::Wanted) && !state.closing && state.stopped.is_none()
        };
        while self.is_in_lockstep() && is_wanted() {
            std::thread::yield_now();
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest segment, if there are later ones and it has no record after `number`.
    pub(super) fn oldest_through(&self, number: CommitSeq) -> Option<Segment> {
        let state = self.lock();
        let second = state.segments.get(1).filter(|second| second.first.0 - 1 <= number.0);
        second.and_then(|_| state.segments.front().cloned())
    }

    /// Records that a caller waits until `number` is durable.
    pub(super) fn want_durable(&self, number: CommitSeq) {
        let mut state = self.lock();
        state.waiting += 1;
        if number > state.wanted {
            state.wanted = number;
            self.wake_writer(state);
        }
    }

    /// Records that a thread waits until `number` is durable in the segments of this node.
    pub(super) fn want_in_segments(&self, number: CommitSeq) {
        let mut state = self.lock();
        state.wanted_in_segments = state.wanted_in_segments.max(number);
        self.wake_writer(state);
    }

    /// Whether a batch has reached its maximum.
    pub(super) fn is_full(&self, state: &State) -> bool {
        state.queue.len() >= self.batch_commits_max.max(1)
    }

    pub(super) fn wake_writer(&self, mut state: MutexGuard<'_, State>) {
        let waits = std::mem::take(&mut state.writer_waits);
        drop(state);
        if waits {
            self.work.notify_one();
        }
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closing = true;
        state.stopped.get_or_insert_with(|| Stopped { why: "the host shuts down".into() });
        drop(state);
        self.work.notify_all();
        self.want.notify_all();
        self.room.notify_waiters();
    }

    /// Stops all writing.
    pub(super) fn stop(&self, why: &str) {
        // First, so that whoever gets an error of this already finds that this node does not lead.
        if let Some(lease) = self.lease.get() {
            lease.end();
        }
        let mut state = self.lock();
        state.stopped = Some(Stopped { why: why.into() });
        state.queue.clear();
        drop(state);
        self.watermark.stop(why);
        self.pieces.stop(why);
        if let Some(in_segments) = &self.in_segments {
            in_segments.stop(why);
        }
        self.room.notify_waiters();
    }

    /// Waits until a spare is wanted; false when the journal is closed.
    pub(super) fn wait_for_want(&self) -> bool {
        let mut state = self.lock();
        loop {
            if state.closing {
                if let SpareState::Ready(spare) = std::mem::replace(&mut state.spare, SpareState::Wanted) {
                    // If it remains, the next start removes it.
                    let _left = self.disk.remove(&spare.path);
                }
                return false;
            }
            match state.spare {
                SpareState::Wanted => return true,
                SpareState::Ready(_) => state = self.want.wait(state).unwrap_or_else(PoisonError::into_inner),
                SpareState::Refused(_) => {
                    let waited = self.want.wait_timeout(state, SPARE_RETRY).unwrap_or_else(PoisonError::into_inner);
                    state = waited.0;
                    if waited.1.timed_out() {
                        return true;
                    }
                }
            }
        }
    }

    pub(super) fn put_spare(&self, made: io::Result<Spare>) {
        self.lock().spare = match made {
            Ok(spare) => SpareState::Ready(spare),
            Err(error) => SpareState::Refused(Arc::new(error)),
        };
        self.room.notify_waiters();
    }
}
