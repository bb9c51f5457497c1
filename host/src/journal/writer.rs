//! The writer thread: when a caller waits for a record, it takes all appended records, writes them at the end of the
//! segment, syncs, and wakes the callers. Meanwhile the next batch gathers.
//!
//! Invariant: a segment begins only when everything before it is durable, and a batch is written only when the one
//! before it is durable.

use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use super::disk::{Disk, DiskFile, JOURNAL_FOLDER};
use super::frame::{Body, FRAME_HEADER_BYTES, FrameKind, SEGMENT_HEADER_BYTES, SegmentHeader, put_frame};
use super::recovery::Segment;
use super::shared::{Queued, Shared, Spare, State};
use crate::clock;
#[cfg(feature = "fail-points")]
use crate::fail_point;
use crate::fail_point::{fail_point, fail_point_after};
use crate::limits::COMMIT_BYTES_MAX;
use crate::names::CommitSeq;
use crate::observe::LogLimit;

/// Bytes of records that one batch gathers before it is written, which bounds its buffer.
const BATCH_BYTES: usize = 2 * COMMIT_BYTES_MAX;

/// If at least this many calls waited for the last batch, the next batch gathers. With fewer clients, gathering would
/// only add delay.
const GATHER_WAITING: usize = 4;

/// A gathering batch is written when nothing was added for this long: all clients then already wait.
const GATHER_STEP: Duration = Duration::from_micros(100);

/// The maximum of gathering steps. A sync costs as much CPU as several calls, so under load one sync in this time is
/// right, however fast the disk is.
const GATHER_STEPS_MAX: usize = 10;

/// The idle time before a mark records that everything is durable. More marks would cause useless syncs.
const MARK_AFTER: Duration = Duration::from_secs(1);

const MARK_BYTES: u64 = FRAME_HEADER_BYTES as u64;

pub(super) struct Writer {
    shared: Arc<Shared>,
    open: Option<Open>,
    buffer: Vec<u8>,
    /// The number of the last record in `buffer`.
    last: CommitSeq,
    /// The number of pieces of large records up to the end of `buffer`.
    pieces: CommitSeq,
    /// A mark records that everything up to this number is durable.
    marked: CommitSeq,
    /// The number of calls that waited for the previous batch.
    waited: usize,
}

/// The next work of the writer.
enum Work {
    Batch(Vec<Queued>),
    Mark,
    End,
}

/// The segment that is being written.
struct Open {
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let last = shared.watermark.durable();
        let pieces = CommitSeq::default();
        Self { shared, open: None, buffer: Vec::new(), last, pieces, marked: last, waited: 0 }
    }

    /// Runs until the journal is closed and everything is written, or a write fails: then nothing is written any more.
    pub(super) fn run(mut self) -> io::Result<()> {
        let done = self.write_all();
        if let Err(error) = &done {
            let why = format!("writing the journal failed ({error}): repair the disk, then restart the host");
            tracing::error!(%error, "the journal has stopped: repair the disk, then restart the host");
            self.shared.stop(&why);
        }
        done
    }

    fn write_all(&mut self) -> io::Result<()> {
        loop {
            match self.next_work() {
                Work::Batch(batch) => self.write_batch(batch)?,
                Work::Mark => self.mark()?,
                Work::End => break,
            }
        }
        let room = self.open.as_ref().is_some_and(|open| open.offset + MARK_BYTES <= self.shared.segment_bytes);
        if room && self.marked < self.last {
            self.mark()?;
        }
        // A segment that is closed in order has no preallocated room, and the next start reads it quickly.
        if let Some(open) = &self.open {
            open.file.cut(open.offset)?;
            open.file.sync()?;
        }
        Ok(())
    }

    fn write_batch(&mut self, batch: Vec<Queued>) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let mut commits = 0;
        for Queued { body, opens } in batch {
            let number = CommitSeq(self.last.0 + 1);
            if let Some(spare) = opens {
                self.flush()?;
                self.begin_segment(spare, number)?;
            }
            put_frame(&mut self.buffer, shared.journal, number, shared.watermark.durable(), &body);
            if body.kind().is_record() {
                self.last = number;
                commits += 1;
            } else {
                self.pieces.0 += 1;
            }
        }
        shared.metrics.batch_commits.record(f64::from(commits));
        self.flush()
    }

    /// Records in the journal that all of it is durable. Unreadable bytes before the mark then count as damaged, not as
    /// torn.
    fn mark(&mut self) -> io::Result<()> {
        let number = CommitSeq(self.last.0 + 1);
        let mark = Body::of_kind(FrameKind::Mark, Vec::new());
        put_frame(&mut self.buffer, self.shared.journal, number, self.last, &mark);
        self.marked = self.last;
        self.flush()
    }

    /// Waits until a caller waits for a record or a piece, or a batch is full; or until the journal was idle for a
    /// while.
    fn next_work(&mut self) -> Work {
        let shared = Arc::clone(&self.shared);
        let (mut state, durable) = (shared.lock(), self.last);
        while !shared.is_full(&state) && !state.piece_waits && (state.wanted <= durable || state.queue.is_empty()) {
            if state.closing {
                if state.queue.is_empty() {
                    return Work::End;
                }
                break;
            }
            state.writer_waits = true;
            if self.marked == self.last || self.open.is_none() || shared.is_in_lockstep() {
                state = shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = shared.work.wait_timeout(state, MARK_AFTER).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            // When the queue is empty, the last segment is the open one.
            if waited.1.timed_out() && state.queue.is_empty() && !state.closing {
                match state.taken + MARK_BYTES <= shared.segment_bytes {
                    true => {
                        state.writer_waits = false;
                        state.taken += MARK_BYTES;
                        return Work::Mark;
                    }
                    false => self.marked = self.last,
                }
            }
        }
        state.writer_waits = false;
        if self.waited.max(state.waiting) >= GATHER_WAITING {
            state = gather(&shared, state);
        }
        self.waited = std::mem::take(&mut state.waiting);
        state.piece_waits = false;
        let mut bytes = 0;
        let count = state.queue.iter().take(shared.batch_commits_max.max(1)).take_while(|queued| {
            let fits = bytes < BATCH_BYTES;
            bytes += queued.body.bytes();
            fits
        });
        let count = count.count();
        Work::Batch(state.queue.drain(..count).collect())
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(open) = self.open.as_mut().filter(|_| !self.buffer.is_empty()) else { return Ok(()) };
        #[cfg(feature = "fail-points")]
        if fail_point::broken() == Some(fail_point::Sabotage::AnswerBeforeSync) {
            self.shared.watermark.advance(self.last);
            std::thread::park_timeout(fail_point::WINDOW);
        }
        fail_point("journal.before-write");
        let half = self.buffer.get(..self.buffer.len() / 2).unwrap_or_default();
        fail_point_after("journal.mid-write", || drop(open.file.write_at(open.offset, half)));
        open.file.write_at(open.offset, &self.buffer)?;
        fail_point("journal.before-sync");
        let started = clock::now();
        open.file.sync()?;
        fail_point("journal.after-sync");
        self.shared.metrics.sync_seconds.record(clock::now().duration_since(started).as_secs_f64());
        self.shared.metrics.written_bytes.increment(self.buffer.len() as u64);
        open.offset += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(BATCH_BYTES / 16);
        self.shared.watermark.advance(self.last);
        self.shared.pieces.advance(self.pieces);
        Ok(())
    }

    /// Makes the prepared file the segment that begins with `first`. The segment before it is durable.
    fn begin_segment(&mut self, spare: Spare, first: CommitSeq) -> io::Result<()> {
        let shared = &self.shared;
        if let Some(full) = self.open.take() {
            full.file.cut(full.offset)?;
            full.file.sync()?;
        }
        let header = SegmentHeader { journal: shared.journal, first };
        spare.file.write_at(0, &header.encode())?;
        spare.file.sync()?;
        fail_point("journal.before-segment");
        let segment = Segment::new(first);
        shared.disk.rename(&spare.path, &segment.path)?;
        fail_point("journal.mid-segment");
        shared.disk.sync_folder(JOURNAL_FOLDER)?;
        let mut state = shared.lock();
        // An empty segment of an earlier start had the same name and was replaced.
        state.segments.retain(|known| *known != segment);
        state.segments.push_back(segment);
        shared.metrics.segments.set(state.segments.len() as f64);
        self.open = Some(Open { file: spare.file, offset: SEGMENT_HEADER_BYTES as u64 });
        Ok(())
    }
}

/// Lets the batch grow while commits arrive, up to a bound.
fn gather<'a>(shared: &'a Shared, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    for _ in 0..GATHER_STEPS_MAX {
        let queued = state.queue.len();
        if state.closing || shared.is_full(&state) {
            break;
        }
        // Only the end of the journal wakes it earlier.
        state = shared.work.wait_timeout(state, GATHER_STEP).unwrap_or_else(PoisonError::into_inner).0;
        if state.queue.len() == queued {
            break;
        }
    }
    state
}

/// Prepares one file ahead, so that a full disk is noticed before a commit needs the room. `count` is the number of
/// files begun before: no name is used twice, because the writer may still use the earlier file.
pub(super) fn prepare_spares(shared: &Shared, count: &mut u64) {
    let refused = LogLimit::default();
    while shared.wait_for_want() {
        let path = super::recovery::spare_path(*count);
        *count += 1;
        let made = make_spare(&*shared.disk, &path, shared.segment_bytes);
        if let Err(error) = &made {
            if refused.allows() {
                let path = shared.disk.full(&path);
                tracing::warn!(%error, path = %path.display(), "the disk is full: the journal has no room for its \
                    next segment");
            }
            // An unfinished file would occupy room that others wait for. It may not even exist.
            let _gone = shared.disk.remove(&path);
        }
        shared.put_spare(made.map(|file| Spare { file, path }));
    }
}

fn make_spare(disk: &dyn Disk, path: &str, bytes: u64) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.create(path)?;
    file.allocate(bytes)?;
    file.sync()?;
    Ok(file)
}
