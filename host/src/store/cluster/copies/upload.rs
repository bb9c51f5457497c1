//! Writes a copy of stores to a scratch disk, and sends it to the object store piece by piece. Its document is last.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use super::document::{CopyDocument, pieces};
use super::error::CopyError;
use super::name::{CopyName, PIECE_BYTES};
use crate::journal::stream::{Objects, Position};
use crate::journal::{Disk, SERVICES_FOLDER};
use crate::names::CommitSeq;
use crate::store::Stores;
use crate::store::backup::{BackupWriter, DOCUMENT, DOCUMENT_NEW, ProgressReport};

/// Sends one copy after another.
#[derive(Debug)]
pub(in crate::store::cluster) struct Upload {
    objects: Arc<dyn Objects>,
    /// Where a copy is written before it is sent. It has a folder for stores.
    scratch: Arc<dyn Disk>,
    sending: Option<Sending>,
    /// Whether the scratch disk is empty. A process that was killed leaves a copy there.
    is_clean: bool,
}

/// A copy that is on the scratch disk, and of which a part is in the object store.
#[derive(Debug)]
struct Sending {
    document: CopyDocument,
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

impl Upload {
    pub(in crate::store::cluster) fn new(objects: Arc<dyn Objects>, scratch: Arc<dyn Disk>) -> Self {
        Self { objects, scratch, sending: None, is_clean: false }
    }

    pub(in crate::store::cluster) fn has_begun(&self) -> bool {
        self.sending.is_some()
    }

    /// Writes a copy of all stores to the scratch disk, which is empty. They have at least what is before `position`. Returns the
    /// last commit in it, and its size.
    pub(in crate::store::cluster) fn begin(
        &mut self,
        stores: &Stores,
        position: Position,
        history: Vec<Position>,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<(CommitSeq, u64), CopyError> {
        let snapshot = stores.consistent_snapshot()?;
        self.is_clean = false;
        let mut tell = |_: &_| if is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let mut progress = ProgressReport::new(&mut tell);
        let backup = BackupWriter::new(&*self.scratch, &mut progress).finish(snapshot, &[SERVICES_FOLDER])?;
        let written = (backup.number(), backup.bytes());
        self.sending = Some(Sending { document: CopyDocument { position, backup, history }, file: 0, piece: 0 });
        Ok(written)
    }

    /// Sends the next piece, and after the last one the document.
    pub(in crate::store::cluster) fn send(&mut self) -> Result<Stored, CopyError> {
        let Some(sending) = &mut self.sending else { return Ok(Stored::Nothing) };
        let name = CopyName::of(&sending.document.position);
        while let Some(file) = sending.document.backup.files().get(sending.file) {
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
        self.objects.put(&name.document(), &sending.document.encode().into())?;
        tracing::info!(copy = %name, "a copy of the cluster is complete");
        self.clear()?;
        Ok(Stored::Copy)
    }

    /// Gives up what was begun, and removes it and what an earlier process left from the scratch disk.
    pub(in crate::store::cluster) fn clear(&mut self) -> Result<(), CopyError> {
        self.sending = None;
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
