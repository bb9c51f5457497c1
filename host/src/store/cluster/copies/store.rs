//! The leader stores copies, and deletes the messages and the copies that no node needs any more.
//!
//! Each step leaves a usable state: pieces come before their document, a message is deleted only after two later copies are
//! complete, and an older copy only after the messages.

use std::sync::Arc;

use super::error::CopyError;
use super::list::{Listed, continues};
use super::name::CopyName;
use super::settings::CopySettings;
use super::upload::{Stored, Upload};
use crate::journal::Disk;
use crate::journal::stream::{Message, Objects, Position, Stream, StreamInfo};
use crate::observe::LogLimit;
use crate::observe::cluster::StreamMetrics;
use crate::store::Stores;

/// Stores the copies of a cluster while this node leads it.
#[derive(Debug)]
pub(crate) struct Copies {
    stores: Stores,
    stream: Arc<dyn Stream>,
    objects: Arc<dyn Objects>,
    settings: CopySettings,
    upload: Upload,
    metrics: StreamMetrics,
    log: LogLimit,
}

impl Copies {
    /// `None` if the stores are of no cluster.
    pub(crate) fn new(stores: &Stores, scratch: Arc<dyn Disk>, settings: CopySettings) -> Option<Self> {
        let stream = stores.stream()?;
        let (stores, objects) = (stores.clone(), stream.objects());
        let (metrics, log) = (StreamMetrics::new(settings.stream_bytes_max), LogLimit::default());
        let upload = Upload::new(Arc::clone(&objects), scratch);
        Some(Self { stores, stream, objects, settings, upload, metrics, log })
    }

    /// Does the next part of the work: about a piece, or the writing of all stores. Blocks. `is_stopped` ends it early.
    ///
    /// # Errors
    ///
    /// [`CopyError`]; the next step tries again.
    pub(crate) fn step(&mut self, is_stopped: &dyn Fn() -> bool) -> Result<Stored, CopyError> {
        let leads = self.stores.leads();
        if self.upload.has_begun() && !self.stores.was_replaced() {
            // Without a valid lease it waits: it may have one again.
            let stored = if leads { self.upload.send()? } else { Stored::Nothing };
            if stored == Stored::Copy {
                // The copy is complete whatever becomes of this, and the next one does it again.
                if let Err(error) = self.objects.sweep() {
                    tracing::warn!(%error, "what failed uploads left in the object store of the cluster was not deleted");
                }
            }
            return Ok(stored);
        }
        self.upload.clear()?;
        if !leads {
            return Ok(Stored::Nothing);
        }
        let mut info = self.stream.info()?;
        self.watch(&info);
        let listed = Listed::read(&*self.objects)?;
        let mut complete = listed.complete(&*self.objects)?;
        // Without one of a stream that somebody began to write again, and then did not.
        complete.retain(|(name, _)| name.sequence <= info.last);
        let (complete, mut documents): (Vec<_>, Vec<_>) = complete.into_iter().unzip();
        if self.delete_unneeded(&info, &listed, &complete)? {
            info = self.stream.info()?;
        }
        match self.stores.acknowledged() {
            Some(position) if self.is_due(&info, &complete, &position)? => {
                // A node that was away while the stream was written again learns of it from every later copy.
                let history =
                    documents.first_mut().map(|newest| std::mem::take(&mut newest.history)).unwrap_or_default();
                let (number, bytes) = self.upload.begin(&self.stores, position, history, is_stopped)?;
                tracing::info!(number = number.0, bytes, "a copy for the cluster is being stored");
                Ok(Stored::Bytes(0))
            }
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
        listed.0.keys().filter(|name| *name < oldest).try_for_each(|name| listed.delete(&*self.objects, name))?;
        Ok(is_needed)
    }
}
