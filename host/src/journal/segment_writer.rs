//! Writes frames to the end of the last segment, and begins the next one.
//!
//! Invariant: a segment begins only when everything before it is on the disk.

use std::io;
use std::sync::Arc;

use super::disk::{DiskFile, JOURNAL_FOLDER};
use super::frame::{Body, SEGMENT_HEADER_BYTES, SegmentHeader, put_frame};
use super::recovery::Segment;
use super::shared::{Shared, Spare};
use crate::clock;
use crate::fail_point::{fail_point, fail_point_after};
use crate::limits::COMMIT_BYTES_MAX;
use crate::names::CommitSeq;

/// Bytes of the buffer that stay allocated between two writes.
const BUFFER_KEPT_BYTES: usize = COMMIT_BYTES_MAX / 8;

pub(super) struct SegmentWriter {
    shared: Arc<Shared>,
    open: Option<Open>,
    buffer: Vec<u8>,
}

/// The segment that is being written.
struct Open {
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl SegmentWriter {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, open: None, buffer: Vec::new() }
    }

    /// Whether a segment was begun since the start.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether there are frames for the next write.
    #[cfg(feature = "fail-points")]
    pub(super) fn has_unwritten(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Whether the open segment has room for `bytes` after what is written.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.open.as_ref().is_some_and(|open| open.offset + bytes <= self.shared.segment_bytes)
    }

    /// Adds a frame to what the next [`SegmentWriter::write`] writes.
    pub(super) fn put(&mut self, number: CommitSeq, durable: CommitSeq, body: &Body) {
        put_frame(&mut self.buffer, self.shared.journal, number, durable, body);
    }

    /// Writes the frames that were put since the last time. Returns whether there were any.
    pub(super) fn write(&mut self) -> io::Result<bool> {
        let Some(open) = self.open.as_mut().filter(|_| !self.buffer.is_empty()) else { return Ok(false) };
        fail_point("journal.before-write");
        let half = self.buffer.get(..self.buffer.len() / 2).unwrap_or_default();
        fail_point_after("journal.mid-write", || drop(open.file.write_at(open.offset, half)));
        open.file.write_at(open.offset, &self.buffer)?;
        self.shared.metrics.written_bytes.increment(self.buffer.len() as u64);
        open.offset += self.buffer.len() as u64;
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT_BYTES);
        Ok(true)
    }

    /// Makes durable what was written.
    pub(super) fn sync(&self) -> io::Result<()> {
        let Some(open) = &self.open else { return Ok(()) };
        fail_point("journal.before-sync");
        let started = clock::now();
        open.file.sync()?;
        fail_point("journal.after-sync");
        self.shared.metrics.sync_seconds.record(clock::elapsed(started).as_secs_f64());
        Ok(())
    }

    /// Makes the prepared file the segment that begins with `first`. Everything that was put is durable.
    pub(super) fn begin(&mut self, spare: Spare, first: CommitSeq) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        self.finish()?;
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

    /// Cuts the open segment after its last frame. A segment that is closed in order has no preallocated room, and the
    /// next start reads it quickly.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let Some(full) = self.open.take() else { return Ok(()) };
        full.file.cut(full.offset)?;
        full.file.sync()
    }
}
