//! The writer thread: when a caller waits for a record, it takes all appended records, writes them at the end of the
//! segment, syncs, and wakes the callers. Meanwhile the next batch gathers.
//!
//! Invariant: a batch is written only when the one before it is durable.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::batch::Gathering;
use super::frame::{Body, FRAME_HEADER_BYTES, FrameKind};
use super::segment_writer::SegmentWriter;
use super::shared::{Queued, Shared};
#[cfg(feature = "fail-points")]
use crate::fail_point;
use crate::limits::COMMIT_BYTES_MAX;
use crate::names::CommitSeq;

/// Bytes of records that one batch gathers before it is written, which bounds its buffer.
const BATCH_BYTES: usize = 2 * COMMIT_BYTES_MAX;

/// The idle time before a mark records that everything is durable. More marks would cause useless syncs.
const MARK_AFTER: Duration = Duration::from_secs(1);

const MARK_BYTES: u64 = FRAME_HEADER_BYTES as u64;

pub(super) struct Writer {
    shared: Arc<Shared>,
    segments: SegmentWriter,
    /// The number of the last record that was given to `segments`.
    last: CommitSeq,
    /// The number of pieces of large records that were given to `segments`.
    pieces: CommitSeq,
    /// A mark records that everything up to this number is durable.
    marked: CommitSeq,
    gathering: Gathering,
}

/// The next work of the writer.
enum Work {
    Batch(Vec<Queued>),
    Mark,
    End,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let last = shared.watermark.durable();
        let segments = SegmentWriter::new(Arc::clone(&shared));
        Self { shared, segments, last, pieces: CommitSeq::default(), marked: last, gathering: Gathering::default() }
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
        if self.marked < self.last && self.segments.has_room(MARK_BYTES) {
            self.mark()?;
        }
        self.segments.close(CommitSeq(self.last.0 + 1))
    }

    fn write_batch(&mut self, batch: Vec<Queued>) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let mut commits = 0;
        for Queued { body, opens } in batch {
            let number = CommitSeq(self.last.0 + 1);
            if let Some(spare) = opens {
                self.flush()?;
                self.segments.begin(spare, number)?;
            }
            self.segments.put(number, shared.watermark.durable(), &body);
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
        self.segments.put(number, self.last, &mark);
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
            if self.marked == self.last || !self.segments.is_open() || shared.is_in_lockstep() {
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
        state = self.gathering.gather(&shared, state);
        state.piece_waits = false;
        Work::Batch(state.take_batch(shared.batch_commits_max, BATCH_BYTES))
    }

    fn flush(&mut self) -> io::Result<()> {
        #[cfg(feature = "fail-points")]
        if fail_point::broken() == Some(fail_point::Sabotage::AnswerBeforeSync) && self.segments.has_unwritten() {
            self.shared.watermark.advance(self.last);
            std::thread::park_timeout(fail_point::WINDOW);
        }
        if self.segments.write()? {
            self.segments.sync()?;
            self.shared.watermark.advance(self.last);
            self.shared.pieces.advance(self.pieces);
        }
        Ok(())
    }
}
