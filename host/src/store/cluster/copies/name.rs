//! The names of copies, and of their objects.

use crate::journal::stream::{Epoch, Position, StreamSeq};

/// The beginning of the names of all objects of copies.
pub(in crate::store::cluster) const PREFIX: &str = "copies/";

/// Bytes of a piece of a file: one object, which is in memory while it is sent. With smaller ones a large copy has many
/// objects to list.
pub(in crate::store::cluster) const PIECE_BYTES: usize = 8 << 20;

/// The name of a copy. Its order is that of the copies.
///
/// Two leaders never write the same copy: their epochs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store::cluster) struct CopyName {
    /// The last message that it stands for.
    pub(in crate::store::cluster) sequence: StreamSeq,
    /// The epoch of its leader.
    pub(in crate::store::cluster) epoch: Epoch,
}

impl CopyName {
    pub(in crate::store::cluster) fn of(position: &Position) -> Self {
        Self { sequence: position.sequence, epoch: position.epoch }
    }

    pub(in crate::store::cluster) fn parse(text: &str) -> Option<Self> {
        let (sequence, epoch) = text.split_once('-')?;
        let name = Self { sequence: StreamSeq(sequence.parse().ok()?), epoch: Epoch(epoch.parse().ok()?) };
        (name.to_string() == text).then_some(name)
    }

    /// The object of the document.
    pub(in crate::store::cluster) fn document(&self) -> String {
        format!("{PREFIX}{self}/copy.json")
    }

    /// The object of a piece of the file `path`.
    pub(in crate::store::cluster) fn piece(&self, path: &str, index: u64) -> String {
        format!("{PREFIX}{self}/{path}/{index:08}")
    }
}

impl std::fmt::Display for CopyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:020}-{:010}", self.sequence.0, self.epoch.0)
    }
}
