//! What writing a stream again would keep and lose.

use super::examine::Examined;
use super::local_history::LocalHistory;
use crate::clock;
use crate::journal::JournalId;
use crate::journal::stream::{Epoch, Position, StreamInfo, StreamSeq};

/// The plan of a node that would write the stream again.
#[derive(Debug)]
pub struct ReseedPlan {
    pub(super) local: LocalHistory,
    pub(super) examined: Examined,
    /// The host that leads, if one does: its name, if the stream tells.
    pub(super) leader: Option<String>,
}

/// The messages of a stream, and the last commit in it.
#[derive(Debug, Clone, Copy)]
pub struct StreamState {
    pub first: u64,
    pub last: u64,
    pub bytes: u64,
    /// The last commit and its epoch, if its last message can be read.
    pub commit: Option<(u64, u64)>,
    /// The journal of that message.
    pub journal: Option<JournalId>,
}

impl ReseedPlan {
    /// The journal of this node.
    #[must_use]
    pub fn journal(&self) -> JournalId {
        self.local.journal
    }

    /// The last commit of this node, with its epoch and hash as far as the segments tell, and the last message that it has.
    #[must_use]
    pub fn local(&self) -> Position {
        Position { sequence: self.local.position.sequence, ..self.local.end }
    }

    /// The stream as it is; `None` if it does not exist.
    #[must_use]
    pub fn stream(&self) -> Option<StreamState> {
        let StreamInfo { first, last, bytes } = self.examined.info?;
        let commit = self.examined.last.map(|last| (last.number.0, last.epoch.0));
        Some(StreamState { first: first.0, last: last.0, bytes, commit, journal: self.examined.journal })
    }

    /// The complete copies in the object store, the newest first: name and last commit.
    pub fn copies(&self) -> impl Iterator<Item = (String, u64)> {
        self.examined.copies.iter().map(|(name, number)| (name.to_string(), number.0))
    }

    /// What is wrong with the stream; `None`: every node can follow it.
    #[must_use]
    pub fn problem(&self) -> Option<&str> {
        self.examined.problem.as_deref()
    }

    /// What others have, and would be lost.
    #[must_use]
    pub fn losses(&self) -> &[String] {
        &self.examined.losses
    }

    /// The host that writes to the stream at the moment.
    #[must_use]
    pub fn leader(&self) -> Option<&str> {
        self.leader.as_deref()
    }

    /// The position before the first message of the new stream.
    ///
    /// No node may take an old message for a new one. The stream may be gone, and with it the number of its last message. But it
    /// had fewer messages than there were microseconds since 1970, also if it began with the number of an earlier one.
    pub(super) fn base(&self) -> Position {
        let Self { local, examined, .. } = self;
        let copies = examined.copies.iter().map(|(name, _)| (name.sequence, name.epoch));
        let stream = examined.last.map(|last| (last.sequence, last.epoch));
        let known = copies.chain(stream).chain([(local.position.sequence, local.end.epoch)]);
        let (sequence, epoch) =
            known.fold((0, 0), |(sequence, epoch), (known, of_epoch)| (known.0.max(sequence), of_epoch.0.max(epoch)));
        let sequence = sequence.max(examined.info.map_or(0, |info| info.last.0)).saturating_add(1);
        Position {
            sequence: StreamSeq(sequence.max(clock::unix_micros())),
            epoch: Epoch(epoch.saturating_add(1)),
            number: local.end.number,
            hash: local.end.hash,
        }
    }

    /// A plan for a node with the commits up to 43.
    #[cfg(test)]
    pub(crate) fn of_test(problem: Option<&str>, losses: &[&str], leader: Option<&str>) -> Self {
        use crate::names::CommitSeq;
        let end = Position { sequence: StreamSeq(90), epoch: Epoch(3), number: CommitSeq(43), ..Position::default() };
        let local = LocalHistory { journal: JournalId([0xab; 16]), position: end, end, history: Vec::new() };
        let examined = Examined {
            info: Some(StreamInfo { first: StreamSeq(1), last: StreamSeq(70), bytes: 1500 }),
            last: Some(Position { epoch: Epoch(2), number: CommitSeq(40), ..Position::default() }),
            journal: Some(local.journal),
            problem: problem.map(str::to_owned),
            losses: losses.iter().map(|loss| (*loss).to_owned()).collect(),
            ..Examined::default()
        };
        Self { local, examined, leader: leader.map(str::to_owned) }
    }
}
