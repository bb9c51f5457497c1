//! Staging: large records are written in pieces, so that small commits of other services never wait for a whole large
//! one.
//!
//! The pieces go into the journal before the commit has its number, each after the records queued before it. The commit
//! itself is then a small record. Readers skip the pieces of a commit that never came.

use std::pin::pin;

use super::append_error::AppendError;
use super::frame::{Body, HEAD_BYTES};
use super::shared::Shared;
use crate::names::CommitSeq;

/// Larger records are staged.
const WHOLE_BYTES_MAX: usize = 256 * 1024;

/// Bytes of one piece: about the size of a batch of small commits.
const PIECE_BYTES: usize = 256 * 1024;

/// The maximum of attempts to stage a record. All pieces must be in one segment, so an attempt fails at the end of a
/// segment. After that the record is appended as a whole.
const ATTEMPTS_MAX: u32 = 3;

/// A record on its way into the journal.
#[derive(Debug)]
pub(crate) struct Staged {
    whole: Body,
    attempts: u32,
    /// The short record that names the pieces, once they are in the journal, and their segment.
    in_pieces: Option<(Body, u64)>,
}

impl Staged {
    pub(crate) fn new(whole: Body) -> Self {
        Self { whole, attempts: 0, in_pieces: None }
    }

    /// Bytes that an append adds to the queue.
    pub(crate) fn append_bytes(&self) -> usize {
        self.in_pieces.as_ref().map_or(self.whole.bytes(), |(body, _)| body.bytes())
    }

    /// Whether it must be staged before it is appended.
    pub(crate) fn is_due(&self) -> bool {
        self.in_pieces.is_none() && self.whole.bytes() > WHOLE_BYTES_MAX && self.attempts < ATTEMPTS_MAX
    }

    /// From now on it is not staged.
    pub(super) fn keep_whole(&mut self) {
        self.attempts = ATTEMPTS_MAX;
    }

    /// Sets the time of the record, in whichever form it is written.
    pub(crate) fn stamp(&mut self, time_unix_micros: u64) {
        match &mut self.in_pieces {
            Some((body, _)) => body.stamp(time_unix_micros),
            None => self.whole.stamp(time_unix_micros),
        }
    }

    /// Takes out the bytes to append, and the segment that they must be in.
    pub(super) fn take_body(&mut self) -> (Body, Option<u64>) {
        match self.in_pieces.take() {
            Some((body, segment)) => (body, Some(segment)),
            None => (std::mem::take(&mut self.whole), None),
        }
    }

    /// Puts back a body that was not appended. Pieces in an earlier segment are useless.
    pub(super) fn put_back(&mut self, body: Body, segment: Option<u64>, error: &AppendError) {
        match segment {
            None => self.whole = body,
            Some(_) if matches!(error, AppendError::Moved) => {}
            Some(segment) => self.in_pieces = Some((body, segment)),
        }
    }
}

/// Writes the pieces of `staged`, one after the other.
///
/// # Errors
///
/// [`AppendError`], except [`AppendError::NotReady`]: it waits for the segment.
///
/// # Cancel safety
///
/// If the future is dropped, the pieces remain in the journal without effect.
pub(super) async fn stage(shared: &Shared, staged: &mut Staged) -> Result<(), AppendError> {
    staged.attempts += 1;
    let id = shared.lock().next_staging();
    let (head, rest) = staged.whole.as_bytes().split_at_checked(HEAD_BYTES).unwrap_or_default();
    let (mut segment, mut count) = (None, 0);
    for bytes in rest.chunks(PIECE_BYTES) {
        let (piece, in_segment) = push_piece(shared, id, bytes).await?;
        // A new segment has begun: start again, with the remaining attempts.
        if *segment.get_or_insert(in_segment) != in_segment {
            return Ok(());
        }
        count += 1;
        #[cfg(any(test, feature = "fail-points"))]
        if shared.is_in_lockstep() {
            shared.pieces.wait_blocking(piece)?;
        }
        shared.pieces.wait(piece).await?;
    }
    if let Some(segment) = segment {
        staged.in_pieces = Some((Body::in_pieces(id, head, count), segment));
    }
    Ok(())
}

/// Appends one piece once there is a segment for it; returns its number among all pieces, and its segment.
async fn push_piece(shared: &Shared, id: u64, bytes: &[u8]) -> Result<(CommitSeq, u64), AppendError> {
    let mut piece = Body::piece(id, bytes);
    loop {
        let mut room = pin!(shared.room.notified());
        room.as_mut().enable();
        match try_push_piece(shared, piece) {
            Ok(place) => return Ok(place),
            Err((AppendError::NotReady, body)) => piece = body,
            Err((error, _)) => return Err(error),
        }
        room.await;
    }
}

fn try_push_piece(shared: &Shared, piece: Body) -> Result<(CommitSeq, u64), (AppendError, Body)> {
    let mut state = shared.lock();
    let segment = shared.push(&mut state, piece, None)?;
    state.pieces.0 += 1;
    state.piece_waits = true;
    let place = state.pieces;
    shared.wake_writer(state);
    Ok((place, segment))
}
