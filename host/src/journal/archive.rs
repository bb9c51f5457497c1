//! The archive: a folder for segments that the host does not need any more, if the operator keeps the whole history.
//!
//! Invariant: a segment leaves the data directory only when an identical copy of it is durable in the archive, and no
//! file of the archive is ever changed. If the archive cannot be written, segments stay in the data directory, and
//! commits go on.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::disk::{Disk, DiskFile};
use super::frame::{JournalId, SEGMENT_HEADER_BYTES};
use super::pieces::{PIECE_BYTES, pieces};
use super::recovery::Segment;
use super::shared::Shared;
use crate::names::CommitSeq;

/// The time between attempts after the archive could not be written.
const RETRY: Duration = Duration::from_secs(5);

/// Why a segment was not archived. It stays in the data directory.
#[derive(Debug, thiserror::Error)]
enum ArchiveError {
    #[error("cannot copy {} to {}", from.display(), to.display())]
    Copy { from: PathBuf, to: PathBuf, source: io::Error },
    #[error(
        "{} already exists and differs from {}: another host, or an older copy of this one, archived it; choose \
         another archive folder for one of them", to.display(), from.display()
    )]
    Differs { from: PathBuf, to: PathBuf },
}

/// A folder of segments on some disk.
#[derive(Debug)]
pub(crate) struct Archive {
    disk: Arc<dyn Disk>,
    /// Each journal has a separate folder, so that numbers of two histories never mix.
    folder: String,
}

impl Archive {
    pub(crate) fn new(disk: Arc<dyn Disk>, journal: JournalId) -> Self {
        Self { disk, folder: journal.to_string() }
    }

    /// Makes a copy of `segment`, which is on `from`, durable in the archive. The segment is complete: nothing will be
    /// added.
    fn keep(&self, from: &dyn Disk, segment: &Segment) -> Result<(), ArchiveError> {
        let to = Segment::in_folder(&self.folder, segment.first);
        let place = || (from.full(&segment.path), self.disk.full(&to.path));
        let failed = |source| {
            let (from, to) = place();
            ArchiveError::Copy { from, to, source }
        };
        let original = from.open(&segment.path).map_err(failed)?;
        let copy = match self.disk.open(&to.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.copy(&*original, &to.path),
            // An earlier attempt may have ended before the name was durable.
            opened => opened.and_then(|copy| copy.sync().map(|()| copy)),
        };
        let copy = copy.and_then(|copy| self.disk.sync_folder(&self.folder).map(|()| copy)).map_err(failed)?;
        match is_equal(&*original, &*copy).map_err(failed)? {
            true => Ok(()),
            false => {
                let (from, to) = place();
                Err(ArchiveError::Differs { from, to })
            }
        }
    }

    fn copy(&self, original: &dyn DiskFile, path: &str) -> io::Result<Arc<dyn DiskFile>> {
        let part = format!("{path}.part");
        let copy = self.disk.create(&part)?;
        let done = pieces(original, |offset, piece| copy.write_at(offset, piece).map(|()| true));
        if let Err(error) = done.and_then(|_| copy.sync()) {
            // An unfinished file would occupy room that others need.
            let _gone = self.disk.remove(&part);
            return Err(error);
        }
        self.disk.rename(&part, path)?;
        Ok(copy)
    }
}

fn is_equal(one: &dyn DiskFile, other: &dyn DiskFile) -> io::Result<bool> {
    if one.bytes()? != other.bytes()? {
        return Ok(false);
    }
    let mut copied = vec![0; PIECE_BYTES];
    pieces(one, |offset, piece| {
        let copied = copied.get_mut(..piece.len()).unwrap_or_default();
        other.read_at(offset, copied)?;
        Ok(copied == piece)
    })
}

/// The thread that moves segments to the archive, and its instructions.
#[derive(Debug)]
pub(super) struct Archiver {
    archive: Archive,
    shared: Arc<Shared>,
    orders: Mutex<Orders>,
    ordered: Condvar,
}

#[derive(Debug, Default)]
struct Orders {
    /// Segments without a record after this number may be moved.
    through: CommitSeq,
    end: Option<End>,
}

/// How the journal was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// All segments are complete, including the last one.
    InOrder,
    /// The last segment may end with records that were never durable: the next start cuts them off.
    Broken,
}

impl Archiver {
    pub(super) fn new(archive: Archive, shared: Arc<Shared>) -> Self {
        Self { archive, shared, orders: Mutex::default(), ordered: Condvar::new() }
    }

    /// Allows segments without a record after `number` to be moved to the archive.
    pub(super) fn through(&self, number: CommitSeq) {
        self.lock().through = number;
        self.ordered.notify_all();
    }

    /// Ends the thread. The journal is already closed, in the way that `end` describes.
    pub(super) fn close(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.ordered.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs until it is closed. After an orderly end the archive has everything: it also gets copies of the remaining
    /// segments.
    pub(super) fn run(&self) {
        let mut failed = false;
        while let Some(segment) = self.next(failed) {
            failed = !self.keep(&segment);
            if !failed {
                self.shared.lock().segments.retain(|known| *known != segment);
                if let Err(error) = self.shared.disk.remove(&segment.path) {
                    // The next start finds the file, and finds that it is archived.
                    tracing::warn!(%error, path = %self.shared.disk.full(&segment.path).display(), "cannot delete \
                        an archived journal segment; the next start tries again");
                }
            }
        }
        if self.lock().end != Some(End::InOrder) {
            return;
        }
        let left: Vec<_> = self.shared.lock().segments.iter().cloned().collect();
        for segment in left {
            let bytes = self.shared.disk.open(&segment.path).and_then(|file| file.bytes());
            // A segment without records will be replaced by one with the same name.
            if bytes.is_ok_and(|bytes| bytes > SEGMENT_HEADER_BYTES as u64) && !self.keep(&segment) {
                break;
            }
        }
    }

    /// Waits for the next segment that may be moved; after a failure it waits first. `None` when the archiver is
    /// closed.
    fn next(&self, failed: bool) -> Option<Segment> {
        let mut orders = self.lock();
        if failed {
            let wait = self.ordered.wait_timeout_while(orders, RETRY, |orders| orders.end.is_none());
            orders = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        loop {
            if orders.end.is_some() {
                return None;
            }
            if let Some(segment) = self.shared.oldest_through(orders.through) {
                return Some(segment);
            }
            orders = self.ordered.wait(orders).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn keep(&self, segment: &Segment) -> bool {
        match self.archive.keep(&*self.shared.disk, segment) {
            Ok(()) => {
                self.shared.metrics.archived_segments.increment(1);
                true
            }
            Err(error) => {
                self.shared.metrics.archive_failures.increment(1);
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "a journal segment could not be archived; it stays in the data \
                    directory, and the host tries again");
                false
            }
        }
    }
}
