//! Follows a stream message by message, and checks that it is the one that this node has followed so far.
//!
//! Invariant: the records that it gives are those of one chain, each once, whole, and in order.

use bytes::Bytes;

use super::message::{Content, Leader, Message, MessageError};
use super::position::{Epoch, Position, StreamSeq};
use crate::journal::frame::JournalId;
use crate::names::CommitSeq;

/// Follows one stream.
#[derive(Debug)]
pub struct StreamReader {
    journal: JournalId,
    position: Position,
    /// The last message that was read.
    last: StreamSeq,
    /// The pieces of a record whose last piece has not come.
    pieces: Vec<Bytes>,
    leader: Option<Leader>,
    stepped_down: bool,
}

/// What a message brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The records that are complete with it.
    pub records: Vec<(CommitSeq, Bytes)>,
    /// Whether it began an epoch.
    pub begins_epoch: bool,
}

/// Why a message does not continue what this node has. Nothing of it is applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamDamage {
    #[error("message {} cannot be read", sequence.0)]
    Message { sequence: StreamSeq, source: MessageError },
    #[error("message {} is missing: the stream goes on with message {}", due.0, found.0)]
    Gap { due: StreamSeq, found: StreamSeq },
    #[error("message {} is of the journal {found}, and this node has the journal {expected}: it is of another cluster", sequence.0)]
    OtherJournal { sequence: StreamSeq, found: JournalId, expected: JournalId },
    #[error("message {} is of epoch {}, after one of epoch {}", sequence.0, found.0, before.0)]
    Epoch { sequence: StreamSeq, found: Epoch, before: Epoch },
    #[error("message {} begins with commit {}, and this node has the commits up to {}", sequence.0, found.0, last.0)]
    Number { sequence: StreamSeq, found: CommitSeq, last: CommitSeq },
    #[error("message {} follows another commit {} than this node has", sequence.0, last.0)]
    OtherHistory { sequence: StreamSeq, last: CommitSeq },
    #[error("message {} is a piece of a commit whose other pieces are not before it", sequence.0)]
    Piece { sequence: StreamSeq },
}

impl StreamReader {
    /// Goes on after `position` in the stream of `journal`.
    #[must_use]
    pub fn new(journal: JournalId, position: Position) -> Self {
        Self { journal, position, last: position.sequence, pieces: Vec::new(), leader: None, stepped_down: false }
    }

    /// What was read so far. Pieces of an incomplete record do not count: it is read again from its first piece.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The number of the next message.
    #[must_use]
    pub fn next(&self) -> StreamSeq {
        StreamSeq(self.last.0.saturating_add(1))
    }

    /// Who leads, if that was read.
    #[must_use]
    pub fn leader(&self) -> Option<&Leader> {
        self.leader.as_ref()
    }

    /// Whether the last leader has said that it leads no more.
    #[must_use]
    pub fn has_stepped_down(&self) -> bool {
        self.stepped_down
    }

    /// Reads the next message.
    ///
    /// # Errors
    ///
    /// [`StreamDamage`]; the reader is unchanged.
    pub fn read(&mut self, sequence: StreamSeq, bytes: &Bytes) -> Result<Read, StreamDamage> {
        if sequence != self.next() {
            return Err(StreamDamage::Gap { due: self.next(), found: sequence });
        }
        let message = Message::decode(bytes).map_err(|source| StreamDamage::Message { sequence, source })?;
        if message.journal == self.journal && message.epoch < self.position.epoch {
            // A straggler, which its leader never counted.
            self.last = sequence;
            return Ok(Read::default());
        }
        self.check(sequence, &message)?;
        self.last = sequence;
        let (epoch, number) = (message.epoch, message.number);
        let records = match message.content {
            Content::Epoch { leader, .. } => {
                // The leader before it died within a large record, which was never acknowledged.
                self.pieces.clear();
                (self.leader, self.stepped_down) = (Some(leader), false);
                self.position = Position { sequence, epoch, ..self.position };
                return Ok(Read { records: Vec::new(), begins_epoch: true });
            }
            Content::Heartbeat(leader) => {
                // A node that begins to read within an epoch learns from it who leads.
                self.leader = Some(leader);
                Vec::new()
            }
            Content::StepDown => {
                self.stepped_down = true;
                Vec::new()
            }
            Content::Records(records) => records,
            Content::Piece { count, bytes, .. } => {
                self.pieces.push(bytes);
                if self.pieces.len() < usize::try_from(count).unwrap_or(usize::MAX) {
                    return Ok(Read::default());
                }
                vec![Bytes::from(std::mem::take(&mut self.pieces).concat())]
            }
        };
        let numbered = (number.0..).map(CommitSeq).zip(records).collect::<Vec<_>>();
        for (number, record) in &numbered {
            self.position.hash = self.position.hash.with(epoch, *number, record);
            self.position.number = *number;
        }
        self.position.sequence = sequence;
        Ok(Read { records: numbered, begins_epoch: false })
    }

    /// Checks that `message` continues what was read.
    fn check(&self, sequence: StreamSeq, message: &Message) -> Result<(), StreamDamage> {
        let Position { epoch, number, hash, .. } = self.position;
        if message.journal != self.journal {
            let (found, expected) = (message.journal, self.journal);
            return Err(StreamDamage::OtherJournal { sequence, found, expected });
        }
        let begins = matches!(message.content, Content::Epoch { .. });
        if message.epoch.0.checked_sub(epoch.0) != Some(u64::from(begins)) {
            return Err(StreamDamage::Epoch { sequence, found: message.epoch, before: epoch });
        }
        if message.number.0.checked_sub(number.0) != Some(1) {
            return Err(StreamDamage::Number { sequence, found: message.number, last: number });
        }
        if message.previous != hash {
            return Err(StreamDamage::OtherHistory { sequence, last: number });
        }
        let (index, is_piece) = match message.content {
            Content::Piece { index, .. } => (usize::try_from(index).unwrap_or(usize::MAX), true),
            _ => (0, false),
        };
        if (is_piece && index != self.pieces.len()) || (!is_piece && !begins && !self.pieces.is_empty()) {
            return Err(StreamDamage::Piece { sequence });
        }
        Ok(())
    }
}
