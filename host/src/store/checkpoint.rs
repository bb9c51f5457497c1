//! The thread of the indexes: brings what is durable in the journal into them, in large batches, and deletes the
//! segments that all of them have passed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::error::CloseError;
use super::sequencer::Pipeline;
use super::services::{Member, Services};
use crate::fail_point::fail_point;
use crate::journal::Stopped;
use crate::names::CommitSeq;

pub(super) struct Checkpoints {
    pipeline: Arc<Pipeline>,
    services: Arc<Services>,
    period: Duration,
}

/// Why the indexes are not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoundError {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error(transparent)]
    Close(#[from] CloseError),
}

impl Checkpoints {
    pub(super) fn new(services: Arc<Services>, period: Duration) -> Self {
        Self { pipeline: Arc::clone(&services.pipeline), services, period }
    }

    /// Runs until the pipeline closes; then writes all indexes once more and closes them.
    ///
    /// When an index cannot be written, no more commits are taken: what the journal has is safe, and the next start
    /// brings it into the indexes.
    pub(super) fn run(self) -> Result<(), CloseError> {
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
        for member in self.services.take() {
            // Nobody else has it: a change of the stores ends before they are closed.
            let Some(index) = Arc::into_inner(member.index) else { continue };
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
    pub(super) fn round(&self, last: bool) -> Result<(), RoundError> {
        let members = self.services.members();
        let (frozen, number) = self.pipeline.freeze(members.iter().map(|member| member.store.state()));
        // An index never has what the journal could lose.
        self.pipeline.journal.wait_durable_blocking(number)?;
        for (member, frozen) in members.iter().zip(frozen) {
            let Some(frozen) = frozen.filter(|_| !is_dropped(member)) else { continue };
            let failed = |source| CloseError::Index { service: member.index.service.clone(), source };
            fail_point("index.before-write");
            member.index.write(&frozen, number).map_err(failed)?;
            fail_point("index.after-write");
            let view = member.index.view().map_err(failed)?;
            self.pipeline.applied(member.store.state(), &frozen, view);
        }
        pass(&members, if last { Some(number) } else { self.pipeline.journal.oldest_segment_end() }, number)?;
        self.discard().map_err(|source| CloseError::Discard { source })?;
        Ok(())
    }

    fn discard(&self) -> io::Result<()> {
        self.services.passed().map_or(Ok(()), |number| self.pipeline.journal.discard_through(number))
    }
}

/// Brings the indexes that have no commits to write to `number`, if they are not at `needed` yet.
fn pass(members: &[Member], needed: Option<CommitSeq>, number: CommitSeq) -> Result<(), CloseError> {
    let Some(needed) = needed else { return Ok(()) };
    for Member { index, .. } in members.iter().filter(|member| member.index.number() < needed && !is_dropped(member)) {
        fail_point("index.before-pass");
        index.pass(number).map_err(|source| CloseError::Index { service: index.service.clone(), source })?;
    }
    Ok(())
}

/// Whether the store has ended: then its index stays before the record that says so, as a start tells by that what is
/// left of it from a later store of the same name.
fn is_dropped(member: &Member) -> bool {
    member.store.state().dropped().is_some()
}
