//! The thread of the indexes: brings what is durable in the journal into them, in large batches, and deletes the
//! segments that all of them have passed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::error::CloseError;
use super::index::Index;
use super::sequencer::Pipeline;
use crate::journal::Stopped;
use crate::names::Number;

pub(super) struct Checkpoints {
    pipeline: Arc<Pipeline>,
    /// In the order of the pipeline's services.
    indexes: Vec<Index>,
    period: Duration,
}

/// Why the indexes are not written.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error(transparent)]
    Close(#[from] CloseError),
}

impl Checkpoints {
    pub(super) fn new(pipeline: Arc<Pipeline>, indexes: Vec<Index>, period: Duration) -> Self {
        Self { pipeline, indexes, period }
    }

    /// Runs until the pipeline closes; then writes all indexes once more and closes them.
    ///
    /// When an index cannot be written, no more commits are taken: what the journal has is safe, and the next start
    /// brings it into the indexes.
    pub(super) fn run(mut self) -> Result<(), CloseError> {
        let mut failed = None;
        loop {
            let last = !self.pipeline.wait_due(self.period);
            if failed.is_none() {
                failed = self.round(last).err();
                if let Some(RoundError::Close(error)) = &failed {
                    let why = format!("writing an index failed ({error}); restart the host when the disk is well");
                    tracing::error!(?error, "no commits are taken any more");
                    self.pipeline.stop_commits(&why);
                }
            }
            if last {
                break;
            }
            if failed.is_some() {
                self.pipeline.wait_closing();
                break;
            }
        }
        for index in self.indexes {
            let service = index.service.clone();
            let closed = index.close().map_err(|source| CloseError::Index { service, source });
            if failed.is_none() {
                closed?;
            }
        }
        match failed {
            Some(RoundError::Close(error)) => Err(error),
            // The journal itself says why it stopped.
            Some(RoundError::Stopped(_)) | None => Ok(()),
        }
    }

    /// Writes every index that has commits to write, and in the `last` round all.
    fn round(&mut self, last: bool) -> Result<(), RoundError> {
        let (frozen, number) = self.pipeline.freeze();
        // An index never has what the journal could lose.
        self.pipeline.journal.wait_durable_blocking(number)?;
        for ((index, service), frozen) in self.indexes.iter_mut().zip(&self.pipeline.services).zip(frozen) {
            let Some(frozen) = frozen else { continue };
            let failed = |source| CloseError::Index { service: service.name.clone(), source };
            index.write(&frozen.layer, number, frozen.bytes).map_err(failed)?;
            let view = index.view().map_err(failed)?;
            self.pipeline.applied(service, &frozen, view);
        }
        self.pass(if last { Some(number) } else { self.pipeline.journal.oldest_segment_end() }, number)?;
        self.discard().map_err(|source| CloseError::Discard { source })?;
        Ok(())
    }

    /// Brings the indexes that have no commits to write to `number`, if they are not at `needed` yet.
    fn pass(&mut self, needed: Option<Number>, number: Number) -> Result<(), CloseError> {
        let Some(needed) = needed else { return Ok(()) };
        for index in self.indexes.iter_mut().filter(|index| index.number < needed) {
            let bytes = index.bytes;
            index
                .write(&super::overlay::Layer::new(), number, bytes)
                .map_err(|source| CloseError::Index { service: index.service.clone(), source })?;
        }
        Ok(())
    }

    fn discard(&self) -> io::Result<()> {
        let passed = self.indexes.iter().map(|index| index.number).min();
        passed.map_or(Ok(()), |number| self.pipeline.journal.discard_through(number))
    }
}
