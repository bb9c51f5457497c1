//! What the data directory of a node has of the stream, while its host is stopped.

use crate::journal::stream::Position;
use crate::journal::{Disk, JournalId, find, positions, replay};
use crate::names::CommitSeq;
use crate::store::cluster::copies::NeedsCopy;
use crate::store::cluster::identity::end_of;
use crate::store::cluster::reseed::error::ReseedError;

/// Positions that a copy carries, so that nodes which are behind know their history in it: a follower is a few messages behind,
/// and a document with so many is small.
const POSITIONS_MAX: usize = 1024;

/// What a node has.
#[derive(Debug, Clone)]
pub(super) struct LocalHistory {
    pub(super) journal: JournalId,
    /// The last message that it has marked.
    pub(super) position: Position,
    /// Its last commit, and the hash of that.
    pub(super) end: Position,
    /// The newest positions in its segments, in order.
    pub(super) history: Vec<Position>,
}

impl LocalHistory {
    /// Reads the segments on `disk`, and changes nothing; `None` if they are of no cluster.
    pub(super) fn read(disk: &dyn Disk) -> Result<Option<Self>, ReseedError> {
        let found = find(disk)?;
        let (Some(journal), Some(first)) = (found.journal, found.segments.first()) else { return Ok(None) };
        let before = CommitSeq(first.first.0.saturating_sub(1));
        let tail = replay::<ReseedError>(disk, &found.segments, before, |_, _| Ok(()))?;
        let Some(position) = tail.position else { return Ok(None) };
        let history = positions(disk, &found.segments, POSITIONS_MAX)?.into();
        Ok(Some(Self { journal, position, end: end_of(&tail), history }))
    }

    /// What it is if the stream has no more what it lacks.
    pub(super) fn needs_copy(&self) -> NeedsCopy {
        NeedsCopy { has: self.position.sequence, journal: Some(self.journal), end: self.end }
    }

    /// Whether this node has the commit at `position`, with everything before it.
    pub(super) fn has(&self, position: &Position) -> bool {
        let is_same = |known: &Position| (known.number, known.hash) == (position.number, position.hash);
        is_same(&self.end) || self.history.iter().any(is_same)
    }
}
