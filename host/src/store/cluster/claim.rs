//! The attempt to lead: one message, which only one node can append.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::error::JoinError;
use crate::clock;
use crate::journal::JournalId;
use crate::journal::stream::{
    ClaimId, Epoch, Leader, Lease, Outcome, Position, Publisher, ResolveError, Stream, StreamError,
};

/// Attempts to find out what became of the message. Each waits for the servers as long as they may take.
const ATTEMPTS_MAX: u32 = 50;

/// The time between two attempts: the servers replicate what is in its place.
const ATTEMPT_PERIOD: Duration = Duration::from_millis(20);

/// Appends the message that begins the next epoch after `position`, and returns the position after it; `None` if another
/// node has appended something.
pub(super) fn claim(
    stream: &Arc<dyn Stream>,
    journal: JournalId,
    position: Position,
    node: &Leader,
    lease: &Arc<Lease>,
) -> Result<Option<Position>, JoinError> {
    let (reports, outcomes) = sync_channel::<Outcome>(1);
    // One message is in flight, so there is room for its outcome.
    let report = Arc::new(move |outcome| drop(reports.send(outcome)));
    let epoch = Epoch(position.epoch.0.saturating_add(1));
    let mut publisher = Publisher::<()>::new(Arc::clone(stream), journal, epoch, position, Arc::clone(lease), report);
    publisher.add_epoch(ClaimId::random().map_err(|source| JoinError::Random { source })?, node);
    let mut last = StreamError::unavailable("no acknowledgement");
    for _ in 0..ATTEMPTS_MAX {
        publisher.send(clock::now());
        if let Ok(outcome) = outcomes.recv() {
            publisher.settle(outcome);
        }
        if publisher.unresolved().is_some() {
            match publisher.resolve(clock::now()) {
                Ok(()) => {}
                Err(ResolveError::Fenced(_)) => return Ok(None),
                Err(ResolveError::Stream(error)) => {
                    last = error;
                    break;
                }
            }
        }
        if publisher.next_acknowledged().is_some() {
            return Ok(Some(publisher.end()));
        }
        std::thread::park_timeout(ATTEMPT_PERIOD);
    }
    Err(last.into())
}
