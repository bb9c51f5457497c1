//! Large records, in pieces: so that small commits of other services never wait for the whole of one.
//!
//! The pieces go into the journal before the commit has its number, each behind what was there when it came. Then the
//! commit itself is a small record. What was staged for a commit that never came is passed over by readers.

use std::pin::pin;

use super::append_error::AppendError;
use super::frame::{Body, HEAD_BYTES};
use super::shared::Shared;
use crate::names::CommitSeq;

/// Larger records are staged.
const WHOLE_BYTES_MAX: usize = 256 * 1024;

/// Bytes of one piece: about as much as a batch of small commits.
const PIECE_BYTES: usize = 256 * 1024;

/// How often a record is staged that has to be in one segment and met the end of one. Then it is appended as a whole.
const ATTEMPTS_MAX: u32 = 3;

/// A record on its way into the journal.
#[derive(Debug)]
pub(crate) struct Staged {
    whole: Body,
    attempts: u32,
    /// What stands for the record when its pieces are in the journal, and the segment that they are in.
    in_pieces: Option<(Body, u64)>,
}

impl Staged {
    pub(crate) fn new(whole: Body) -> Self {
        Self { whole, attempts: 0, in_pieces: None }
    }

    /// Bytes that appending it puts into the queue.
    pub(crate) fn append_bytes(&self) -> usize {
        self.in_pieces.as_ref().map_or(self.whole.bytes(), |(body, _)| body.bytes())
    }

    /// Whether it is to be staged before it is appended.
    pub(crate) fn is_due(&self) -> bool {
        self.in_pieces.is_none() && self.whole.bytes() > WHOLE_BYTES_MAX && self.attempts < ATTEMPTS_MAX
    }

    /// Makes `time_unix_micros` the time of the record, wherever that is written.
    pub(crate) fn stamp(&mut self, time_unix_micros: u64) {
        match &mut self.in_pieces {
            Some((body, _)) => body.stamp(time_unix_micros),
            None => self.whole.stamp(time_unix_micros),
        }
    }

    /// Takes out the bytes to append, and the segment that they have to be in.
    pub(super) fn take_body(&mut self) -> (Body, Option<u64>) {
        match self.in_pieces.take() {
            Some((body, segment)) => (body, Some(segment)),
            None => (std::mem::take(&mut self.whole), None),
        }
    }

    /// Puts back what was not appended. Pieces in an earlier segment are worth nothing.
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
/// [`AppendError`], but not [`AppendError::NotReady`]: it waits for the segment.
///
/// # Cancel safety
///
/// Dropped, pieces stay in the journal that mean nothing.
pub(super) async fn stage(shared: &Shared, staged: &mut Staged) -> Result<(), AppendError> {
    staged.attempts += 1;
    let id = shared.lock().next_staging();
    let (head, rest) = staged.whole.as_bytes().split_at_checked(HEAD_BYTES).unwrap_or_default();
    let (mut segment, mut count) = (None, 0);
    for bytes in rest.chunks(PIECE_BYTES) {
        let (piece, in_segment) = push_piece(shared, id, bytes).await?;
        // In another segment than the first one: it begins anew, with what is left of its attempts.
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

/// Appends one piece, once there is a segment for it; gives its place among all pieces, and its segment.
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
