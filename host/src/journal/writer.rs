//! The thread that writes: when somebody waits for a record it takes all that was appended, writes it at the end of
//! the segment, syncs, and lets out who waited. While it does, the next batch gathers.
//!
//! Invariant: a segment is begun only when all before it is durable, and a batch is written only when the one before
//! it is.

use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use super::disk::{Disk, DiskFile, JOURNAL_FOLDER};
use super::frame::{SEGMENT_HEADER_BYTES, SegmentHeader, put_frame};
use super::recovery::Segment;
use super::shared::{Queued, Shared, Spare, State};
use crate::clock;
#[cfg(feature = "fail-points")]
use crate::fail_point;
use crate::fail_point::{fail_point, fail_point_after};
use crate::limits::COMMIT_BYTES_MAX;
use crate::names::CommitSeq;
use crate::observe::LogLimit;

/// Bytes of records that one batch gathers before it is written: bounds its buffer.
const BATCH_BYTES: usize = 2 * COMMIT_BYTES_MAX;

/// Calls that wait for one batch before the next one gathers: fewer clients would only wait longer, each for itself.
const GATHER_WAITING: usize = 4;

/// A batch that gathers is written when nothing came to it for so long: all who could come then wait already.
const GATHER_STEP: Duration = Duration::from_micros(100);

/// Longest time that a batch gathers: a sync costs as much CPU as several calls, so that under load one in this time
/// is right, however fast the disk is.
const GATHER_STEPS_MAX: usize = 10;

pub(super) struct Writer {
    shared: Arc<Shared>,
    open: Option<Open>,
    buffer: Vec<u8>,
    /// The number of the last record in `buffer`.
    last: CommitSeq,
    /// Calls that waited for the batch before.
    waited: usize,
}

/// The segment that is written.
struct Open {
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let last = shared.gate.durable();
        Self { shared, open: None, buffer: Vec::new(), last, waited: 0 }
    }

    /// Runs until the journal is closed and all is written, or a write fails: then nothing is written any more.
    pub(super) fn run(mut self) -> io::Result<()> {
        let done = self.write_all();
        if let Err(error) = &done {
            let why = format!("writing the journal failed ({error}); restart the host when the disk is well");
            tracing::error!(%error, "the journal stops: no commit can be made durable");
            self.shared.stop(&why);
        }
        done
    }

    fn write_all(&mut self) -> io::Result<()> {
        while let Some(batch) = self.take_batch() {
            self.shared.metrics.batch_commits.record(batch.len() as f64);
            for queued in batch {
                let number = CommitSeq(self.last.0 + 1);
                if let Some(spare) = queued.opens {
                    self.flush()?;
                    self.begin_segment(spare, number)?;
                }
                put_frame(&mut self.buffer, self.shared.journal, number, self.shared.gate.durable(), &queued.body);
                self.last = number;
            }
            self.flush()?;
        }
        // What is closed in order holds no preallocated room, and is read quickly at the next start.
        if let Some(open) = &self.open {
            open.file.cut(open.offset)?;
            open.file.sync()?;
        }
        Ok(())
    }

    /// Waits until somebody waits for a record, or a batch is full; none when the journal is closed and all were taken.
    fn take_batch(&mut self) -> Option<Vec<Queued>> {
        let shared = Arc::clone(&self.shared);
        let (mut state, durable) = (shared.lock(), self.last);
        while !shared.is_full(&state) && (state.wanted <= durable || state.queue.is_empty()) {
            if state.closing {
                if state.queue.is_empty() {
                    return None;
                }
                break;
            }
            state.writer_waits = true;
            state = shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writer_waits = false;
        if self.waited.max(state.waiting) >= GATHER_WAITING {
            state = gather(&shared, state);
        }
        self.waited = std::mem::take(&mut state.waiting);
        let mut bytes = 0;
        let count = state.queue.iter().take(shared.batch_commits_max.max(1)).take_while(|queued| {
            let fits = bytes < BATCH_BYTES;
            bytes += queued.body.bytes();
            fits
        });
        let count = count.count();
        Some(state.queue.drain(..count).collect())
    }

    fn flush(&mut self) -> io::Result<()> {
        let Some(open) = self.open.as_mut().filter(|_| !self.buffer.is_empty()) else { return Ok(()) };
        #[cfg(feature = "fail-points")]
        if fail_point::broken() == Some(fail_point::Sabotage::AnswerBeforeSync) {
            self.shared.gate.advance(self.last);
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
        self.shared.gate.advance(self.last);
        Ok(())
    }

    /// Makes the prepared file the segment that begins with `first`. The one before it is durable.
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
        // An empty segment of an earlier start had the same name, and is replaced.
        state.segments.retain(|known| *known != segment);
        state.segments.push_back(segment);
        shared.metrics.segments.set(state.segments.len() as f64);
        self.open = Some(Open { file: spare.file, offset: SEGMENT_HEADER_BYTES as u64 });
        Ok(())
    }
}

/// Lets the batch grow for as long as commits come to it, up to a bound.
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

/// Prepares one file ahead, so that a full disk is noticed before a commit needs the room. `count` files were begun
/// before: no name is used twice, as the writer may still have the earlier file.
pub(super) fn prepare_spares(shared: &Shared, count: &mut u64) {
    let refused = LogLimit::default();
    while shared.wait_for_want() {
        let path = super::recovery::spare_path(*count);
        *count += 1;
        let made = make_spare(&*shared.disk, &path, shared.segment_bytes);
        if let Err(error) = &made {
            if refused.allows() {
                let path = shared.disk.full(&path);
                tracing::warn!(%error, path = %path.display(), "no room for the journal's next segment");
            }
            // Half of a file would keep the room that others wait for. It may not even be there.
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
