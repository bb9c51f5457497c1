//! Writes frames to the end of the last segment, and begins the next one.
//!
//! Invariant: a segment begins only when everything before it is on the disk.

use std::io;
use std::sync::Arc;

use super::disk::{DiskFile, JOURNAL_FOLDER};
use super::frame::{Body, SegmentHeader, put_frame};
use super::history::head_at;
use super::recovery::{Segment, spare_path};
use super::shared::{Shared, Spare};
use super::stream::Position;
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
        let head = SegmentHeader { journal: self.shared.journal, first }.encode();
        self.begin_with(spare, first, &head)
    }

    /// The same for a segment whose records follow `position` in the stream of a cluster. It has that from its first moment:
    /// a start that finds no position does not know where the stream continues, nor that the journal is part of one.
    pub(super) fn begin_at(&mut self, spare: Spare, first: CommitSeq, position: Position) -> io::Result<()> {
        let head = head_at(self.shared.journal, first, position);
        self.begin_with(spare, first, &head)
    }

    fn begin_with(&mut self, spare: Spare, first: CommitSeq, head: &[u8]) -> io::Result<()> {
        self.finish()?;
        self.open = Some(self.add(spare, first, head)?);
        Ok(())
    }

    /// Makes `file` the segment that begins with `first`, and has `head` at its beginning.
    fn add(&self, file: Spare, first: CommitSeq, head: &[u8]) -> io::Result<Open> {
        let shared = &self.shared;
        file.file.write_at(0, head)?;
        file.file.sync()?;
        fail_point("journal.before-segment");
        let segment = Segment::new(first);
        shared.disk.rename(&file.path, &segment.path)?;
        fail_point("journal.mid-segment");
        shared.disk.sync_folder(JOURNAL_FOLDER)?;
        let mut state = shared.lock();
        // An empty segment of an earlier start had the same name and was replaced.
        state.segments.retain(|known| *known != segment);
        state.segments.push_back(segment);
        shared.metrics.segments.set(state.segments.len() as f64);
        Ok(Open { file: file.file, offset: head.len() as u64 })
    }

    /// Cuts the open segment after its last frame. A segment that is closed in order has no preallocated room.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let Some(full) = self.open.take() else { return Ok(()) };
        full.file.cut(full.offset)?;
        full.file.sync()
    }

    /// Like [`SegmentWriter::finish`], and adds a segment without records that begins with `next`. The next start reads that
    /// one whole, and no segment before it whose records are in all indexes.
    pub(super) fn close(&mut self, next: CommitSeq) -> io::Result<()> {
        if self.open.is_none() {
            return Ok(());
        }
        self.finish()?;
        let path = spare_path(u64::MAX);
        let head = SegmentHeader { journal: self.shared.journal, first: next }.encode();
        let added =
            self.shared.disk.create(&path).and_then(|file| self.add(Spare { file, path: path.clone() }, next, &head));
        if let Err(error) = added {
            tracing::warn!(%error, "the next segment of the journal could not be prepared: the next start reads the last one whole");
            // If it remains, the next start removes it.
            let _left = self.shared.disk.remove(&path);
        }
        Ok(())
    }
}
