//! Whether the stream is the one that this node has followed so far.

use super::error::JoinError;
use crate::journal::stream::{Content, Message, Position, Stream, StreamDamage, StreamInfo, StreamSeq};
use crate::journal::{JournalId, Tail};
use crate::names::CommitSeq;

/// What a node has of the stream, by what a start found in its segments.
pub(in crate::store) fn position_of(tail: &Tail) -> Position {
    tail.position.unwrap_or_else(|| Position::before(CommitSeq(tail.next.0.saturating_sub(1))))
}

/// The last commit of a node, and its hash as far as its segments tell.
pub(in crate::store) fn end_of(tail: &Tail) -> Position {
    let number = CommitSeq(tail.next.0.saturating_sub(1));
    Position { number, ..tail.reached.unwrap_or_default() }
}

/// The journal of the cluster, which must be `own` if this node has one; `None` if neither has one yet.
///
/// # Errors
///
/// [`JoinError`] if the stream does not have exactly what this node has up to `position`.
pub(in crate::store) fn identify(
    stream: &dyn Stream,
    position: Position,
    own: Option<JournalId>,
) -> Result<Option<JournalId>, JoinError> {
    let (info, has) = (stream.info()?, position.sequence.0);
    if info.last < position.sequence {
        return Err(JoinError::Behind { last: info.last.0, has });
    }
    if info.last.0 == 0 {
        return Ok(own);
    }
    if info.first.0 > has.saturating_add(1) {
        return Err(JoinError::TooOld { first: info.first.0, has });
    }
    let Some(message) = known_message(stream, info, position)? else { return Ok(own) };
    match own {
        Some(own) if own != message.journal => Err(JoinError::OtherJournal { found: message.journal, own }),
        _ if position.sequence.0 > 0 && !ends_at(&message, &position) => Err(JoinError::OtherMessage { has }),
        _ if position.sequence.0 == 0 && message.number.0 != position.number.0.saturating_add(1) => {
            Err(JoinError::NeedsCopy { first: message.number.0, has: position.number.0 })
        }
        _ => Ok(Some(message.journal)),
    }
}

/// The last message that this node has; the first one of the stream if it has none.
fn known_message(stream: &dyn Stream, info: StreamInfo, position: Position) -> Result<Option<Message>, JoinError> {
    let sequence = position.sequence.max(StreamSeq(1));
    if sequence < info.first {
        // It was deleted, and the message after it shows whether it was the same.
        return Ok(None);
    }
    let Some(bytes) = stream.get(sequence)? else { return Ok(None) };
    let message = Message::decode(&bytes);
    Ok(Some(message.map_err(|source| StreamDamage::Message { sequence, source })?))
}

/// Whether everything up to `message` ends at `position`.
fn ends_at(message: &Message, position: &Position) -> bool {
    if message.epoch != position.epoch {
        return false;
    }
    let Content::Records(records) = &message.content else {
        // The last piece of a record alone does not give its hash. The next message shows whether it was the same.
        return matches!(message.content, Content::Piece { .. }) || message.previous == position.hash;
    };
    let (mut hash, mut number) = (message.previous, message.number);
    for record in records {
        hash = hash.with(message.epoch, number, record);
        number.0 = number.0.saturating_add(1);
    }
    hash == position.hash
}
