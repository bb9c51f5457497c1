//! The leader stores copies, and deletes the messages and the copies that no node needs any more.
//!
//! Each step leaves a usable state: pieces come before their document, a message is deleted only after two later copies are
//! complete, and an older copy only after the messages.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use super::document::{CopyDocument, pieces};
use super::error::CopyError;
use super::list::{Listed, continues};
use super::name::{CopyName, PIECE_BYTES};
use super::settings::CopySettings;
use crate::journal::stream::{Message, Objects, Position, Stream, StreamInfo};
use crate::journal::{Disk, SERVICES_FOLDER};
use crate::observe::LogLimit;
use crate::observe::cluster::StreamMetrics;
use crate::store::backup::{BackupWriter, DOCUMENT, DOCUMENT_NEW, ProgressReport};
use crate::store::{BackupDocument, Stores};

/// Stores the copies of a cluster while this node leads it.
#[derive(Debug)]
pub(crate) struct Copies {
    stores: Stores,
    stream: Arc<dyn Stream>,
    objects: Arc<dyn Objects>,
    /// Where a copy is written before it is sent. It has a folder for stores.
    scratch: Arc<dyn Disk>,
    settings: CopySettings,
    sending: Option<Sending>,
    /// Whether the scratch disk is empty. A host that was killed leaves a copy there.
    is_clean: bool,
    metrics: StreamMetrics,
    log: LogLimit,
}

/// A copy that is on the scratch disk, and of which a part is in the object store.
#[derive(Debug)]
struct Sending {
    position: Position,
    backup: BackupDocument,
    /// The file to send next, and the piece of it.
    file: usize,
    piece: u64,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// There is nothing to do for now.
    Nothing,
    /// So many bytes; there is more to do.
    Bytes(u64),
    /// The document, which completes a copy.
    Copy,
}

impl Copies {
    /// `None` if the stores are of no cluster.
    pub(crate) fn new(stores: &Stores, scratch: Arc<dyn Disk>, settings: CopySettings) -> Option<Self> {
        let stream = stores.stream()?;
        let (stores, objects) = (stores.clone(), stream.objects());
        let (metrics, log) = (StreamMetrics::new(settings.stream_bytes_max), LogLimit::default());
        Some(Self { stores, stream, objects, scratch, settings, sending: None, is_clean: false, metrics, log })
    }

    /// Does the next part of the work: about a piece, or the writing of all stores. Blocks. `is_stopped` ends it early.
    ///
    /// # Errors
    ///
    /// [`CopyError`]; the next step tries again.
    pub(crate) fn step(&mut self, is_stopped: &dyn Fn() -> bool) -> Result<Stored, CopyError> {
        let leads = self.stores.leads();
        if self.sending.is_some() && !self.stores.is_replaced() {
            // Without a valid lease it waits: it may have one again.
            return if leads { self.send() } else { Ok(Stored::Nothing) };
        }
        self.sending = None;
        self.clear()?;
        if !leads {
            return Ok(Stored::Nothing);
        }
        let mut info = self.stream.info()?;
        self.watch(&info);
        let listed = Listed::read(&*self.objects)?;
        let complete = listed.complete(&*self.objects)?;
        let complete: Vec<_> = complete.into_iter().map(|(name, _)| name).collect();
        if self.delete_unneeded(&info, &listed, &complete)? {
            info = self.stream.info()?;
        }
        match self.stores.acknowledged() {
            Some(position) if self.is_due(&info, &complete, &position)? => self.write(position, is_stopped),
            _ => Ok(Stored::Nothing),
        }
    }

    /// Reports the size of the stream, and warns before it is full.
    fn watch(&mut self, info: &StreamInfo) {
        self.metrics.stream_bytes.set(info.bytes as f64);
        if self.settings.is_nearly_full(info.bytes) && self.log.allows() {
            let (bytes, bytes_max) = (info.bytes, self.settings.stream_bytes_max);
            tracing::warn!(
                bytes,
                bytes_max,
                "the stream of the cluster is nearly full, and then no commit is made: look in the log why no copy is \
                 stored, or raise `cluster.stream_bytes_max`"
            );
        }
    }

    fn is_due(&self, info: &StreamInfo, complete: &[CopyName], position: &Position) -> Result<bool, CopyError> {
        let usable: Vec<_> = complete.iter().filter(|name| continues(name, info)).collect();
        if usable.iter().any(|name| name.sequence >= position.sequence) {
            // Nothing has changed since.
            return Ok(false);
        }
        // Without a copy, a new node needs the whole stream from the first commit on.
        let is_needed = usable.is_empty() && !self.has_first_commit(info)?;
        Ok(is_needed || self.settings.is_due(info.bytes, usable.len()))
    }

    fn has_first_commit(&self, info: &StreamInfo) -> Result<bool, CopyError> {
        if info.first.0 > 1 {
            return Ok(false);
        }
        let first = self.stream.get(info.first)?;
        // A message that cannot be read is reported by each node that needs it.
        Ok(first.and_then(|bytes| Message::decode(&bytes).ok()).is_none_or(|message| message.number.0 <= 1))
    }

    /// Deletes the messages that the copy before the newest one covers, and then the copies before that one. Returns whether
    /// there were such messages.
    fn delete_unneeded(&self, info: &StreamInfo, listed: &Listed, complete: &[CopyName]) -> Result<bool, CopyError> {
        let Some(oldest) = complete.get(1) else { return Ok(false) };
        let is_needed = info.first <= oldest.sequence && continues(oldest, info);
        if is_needed {
            self.stream.purge_through(oldest.sequence)?;
            tracing::info!(through = oldest.sequence.0, "messages of the stream that two copies cover were deleted");
        }
        // Also what remains of copies that were never completed. One that a new leader stores now is newer than these.
        for (name, there) in listed.0.range(..oldest) {
            // First the document: from then on it is no copy.
            let document = name.document();
            let pieces = there.iter().filter(|object| **object != document);
            there.get(&document).into_iter().chain(pieces).try_for_each(|object| self.objects.delete(object))?;
        }
        Ok(is_needed)
    }

    /// Writes a copy of all stores to the scratch disk. They have at least what is before `position`.
    fn write(&mut self, position: Position, is_stopped: &dyn Fn() -> bool) -> Result<Stored, CopyError> {
        let snapshot = self.stores.consistent_snapshot()?;
        self.is_clean = false;
        let mut tell = |_: &_| if is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let mut progress = ProgressReport::new(&mut tell);
        let backup = BackupWriter::new(&*self.scratch, &mut progress).finish(snapshot, &[SERVICES_FOLDER])?;
        tracing::info!(number = backup.number().0, bytes = backup.bytes(), "a copy for the cluster is being stored");
        self.sending = Some(Sending { position, backup, file: 0, piece: 0 });
        Ok(Stored::Bytes(0))
    }

    /// Sends the next piece, and after the last one the document.
    fn send(&mut self) -> Result<Stored, CopyError> {
        let Some(sending) = &mut self.sending else { return Ok(Stored::Nothing) };
        let name = CopyName::of(&sending.position);
        while let Some(file) = sending.backup.files().get(sending.file) {
            if sending.piece < pieces(file) {
                let offset = sending.piece.saturating_mul(PIECE_BYTES as u64);
                let bytes = read(&*self.scratch, &file.path, offset, file.bytes)?;
                let count = bytes.len() as u64;
                self.objects.put(&name.piece(&file.path, sending.piece), &bytes)?;
                sending.piece += 1;
                return Ok(Stored::Bytes(count));
            }
            (sending.file, sending.piece) = (sending.file + 1, 0);
        }
        let document = CopyDocument { position: sending.position, backup: sending.backup.clone() };
        self.objects.put(&name.document(), &document.encode().into())?;
        tracing::info!(copy = %name, "a copy of the cluster is complete");
        self.sending = None;
        self.clear()?;
        Ok(Stored::Copy)
    }

    /// Removes what an earlier copy left on the scratch disk.
    fn clear(&mut self) -> Result<(), CopyError> {
        if self.is_clean {
            return Ok(());
        }
        let at = |path: &str| {
            let path = self.scratch.full(path);
            move |source| CopyError::File { path, source }
        };
        for name in self.scratch.names(SERVICES_FOLDER).map_err(at(SERVICES_FOLDER))? {
            let path = format!("{SERVICES_FOLDER}/{name}");
            self.scratch.remove(&path).map_err(at(&path))?;
        }
        for path in [DOCUMENT, DOCUMENT_NEW] {
            match self.scratch.remove(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                removed => removed.map_err(at(path))?,
            }
        }
        self.is_clean = true;
        Ok(())
    }
}

/// The piece at `offset` of the file `path`, which has `bytes` bytes.
fn read(disk: &dyn Disk, path: &str, offset: u64, bytes: u64) -> Result<Bytes, CopyError> {
    let count = usize::try_from(bytes.saturating_sub(offset)).unwrap_or(usize::MAX).min(PIECE_BYTES);
    let mut piece = vec![0; count];
    let read = disk.open(path).and_then(|file| file.read_at(offset, &mut piece));
    read.map_err(|source| CopyError::File { path: disk.full(path), source })?;
    Ok(piece.into())
}
