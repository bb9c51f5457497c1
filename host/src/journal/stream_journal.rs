//! What a journal has in addition when it is a stream: records that come from there, and the role of the leader.

use std::pin::pin;
use std::sync::Arc;

use super::append_error::AppendError;
use super::durable::Stopped;
use super::frame::{Body, FrameKind};
use super::handle::{Journal, add};
use super::shared::Shared;
use super::staging::Staged;
use super::stream::{Leader, Lease, Outcome, Position, Publisher, Report, Stream};
use crate::names::CommitSeq;

impl Journal {
    /// Takes over the next record, which is in the stream. Does not wait.
    ///
    /// # Errors
    ///
    /// [`AppendError`], and the record is returned.
    pub(crate) fn receive(&self, record: Staged) -> Result<CommitSeq, Box<(AppendError, Staged)>> {
        let shared = self.shared();
        let mut state = shared.lock();
        let number = add(shared, &mut state, record)?;
        shared.wake_writer(state);
        Ok(number)
    }

    /// Notes the position in the stream after the records that were received. Blocks while the next segment is prepared.
    ///
    /// # Errors
    ///
    /// [`AppendError`] when the journal has stopped.
    pub(crate) fn mark(&self, position: Position) -> Result<(), AppendError> {
        push(self.shared(), Body::of_kind(FrameKind::Mark, position.encode()))
    }

    /// Makes this node the leader of the epoch at `position`, the end of the stream, once everything before it is written:
    /// from then on it accepts commits. Blocks until then.
    pub(crate) fn lead(
        &self,
        stream: Arc<dyn Stream>,
        position: Position,
        node: &Leader,
        lease: Arc<Lease>,
    ) -> Result<(), Stopped> {
        let shared = Arc::clone(self.shared());
        let journal = shared.journal;
        let reported = Arc::downgrade(&shared);
        let report: Report = Arc::new(move |outcome: Outcome| {
            if let Some(shared) = reported.upgrade() {
                let mut state = shared.lock();
                state.outcomes.push(outcome);
                shared.wake_writer(state);
            }
        });
        // It leads once in its life.
        let _first = shared.lease.set(Arc::clone(&lease)).is_ok() && shared.node.set(node.clone()).is_ok();
        shared.lock().lead = Some(Publisher::new(stream, journal, position.epoch, position, lease, report));
        loop {
            let mut room = pin!(shared.room.notified());
            room.as_mut().enable();
            let state = shared.lock();
            if let Some(stopped) = &state.stopped {
                return Err(stopped.clone());
            }
            if state.leads {
                return Ok(());
            }
            shared.wake_writer(state);
            futures::executor::block_on(room);
        }
    }

    /// Whether this node leads its cluster; false without one.
    pub(crate) fn leads(&self) -> bool {
        self.shared().in_segments.is_some() && self.shared().lock().leads
    }

    /// Whether commits are made here: this host is alone, or leads its cluster.
    pub(crate) fn takes_commits(&self) -> bool {
        self.shared().in_segments.is_none() || self.leads()
    }

    /// The last commit that another node may have, if this one leads: the stream may have it before it acknowledges it.
    pub(crate) fn published(&self) -> CommitSeq {
        self.shared().lock().published
    }

    /// What the stream has acknowledged to this leader; `None` if it does not lead.
    pub(crate) fn acknowledged(&self) -> Option<Position> {
        self.shared().lock().acknowledged
    }

    /// Why no commit becomes durable at the moment: the servers of the stream do not answer.
    pub(crate) fn unavailable(&self) -> Option<Arc<str>> {
        self.shared().lock().unavailable.clone()
    }
}

/// Adds `body` to the queue once there is a segment for it.
fn push(shared: &Shared, mut body: Body) -> Result<(), AppendError> {
    loop {
        let mut room = pin!(shared.room.notified());
        room.as_mut().enable();
        let mut state = shared.lock();
        match shared.push(&mut state, body, None) {
            Ok(_) => {
                shared.wake_writer(state);
                return Ok(());
            }
            Err((AppendError::NotReady | AppendError::NoRoom { .. }, back)) if !state.closing => body = back,
            Err((AppendError::NotReady | AppendError::NoRoom { .. }, _)) => {
                return Err(Stopped { why: "the host shuts down".into() }.into());
            }
            Err((error, _)) => return Err(error),
        }
        shared.wake_writer(state);
        futures::executor::block_on(room);
    }
}
