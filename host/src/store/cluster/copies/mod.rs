//! Copies of a cluster's stores in its object store: with one, a node does not need the messages of the stream before it.
//!
//! A copy is a backup of all stores, in pieces, and the position in the stream at which it continues. The files of releases are
//! no part of it: the object store has those that the newest releases name.
//!
//! Invariant: the stream has all messages after the position of the copy before the newest one. A copy counts only when its
//! document is there, which is stored last, and all pieces that it names.

mod document;
mod error;
mod load;
mod settings;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::stream::{Epoch, Objects, Position, StreamError, StreamInfo, StreamSeq};
use document::CopyDocument;
pub use error::{CopyError, LoadError};
pub(in crate::store) use load::{NeedsCopy, is_loading, load};
pub(crate) use settings::CopySettings;
pub(crate) use store::{Copies, Stored};

/// The beginning of the names of all objects of copies.
const PREFIX: &str = "copies/";

/// Bytes of a piece of a file: one object, which is in memory while it is sent. With smaller ones a large copy has many
/// objects to list.
const PIECE_BYTES: usize = 8 << 20;

/// The name of a copy. Its order is that of the copies.
///
/// Two leaders never write the same copy: their epochs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct CopyName {
    /// The last message that it stands for.
    sequence: StreamSeq,
    /// The epoch of its leader.
    epoch: Epoch,
}

impl CopyName {
    fn of(position: &Position) -> Self {
        Self { sequence: position.sequence, epoch: position.epoch }
    }

    fn parse(text: &str) -> Option<Self> {
        let (sequence, epoch) = text.split_once('-')?;
        let name = Self { sequence: StreamSeq(sequence.parse().ok()?), epoch: Epoch(epoch.parse().ok()?) };
        (name.to_string() == text).then_some(name)
    }

    /// The object of the document.
    fn document(&self) -> String {
        format!("{PREFIX}{self}/copy.json")
    }

    /// The object of a piece of the file `path`.
    fn piece(&self, path: &str, index: u64) -> String {
        format!("{PREFIX}{self}/{path}/{index:08}")
    }
}

impl std::fmt::Display for CopyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:020}-{:010}", self.sequence.0, self.epoch.0)
    }
}

/// The objects of all copies.
#[derive(Debug, Default)]
struct Listed(BTreeMap<CopyName, BTreeSet<String>>);

impl Listed {
    fn read(objects: &dyn Objects) -> Result<Self, StreamError> {
        let mut listed = Self::default();
        for object in objects.names(PREFIX)? {
            let name = object.strip_prefix(PREFIX).and_then(|rest| rest.split('/').next()).and_then(CopyName::parse);
            if let Some(name) = name {
                listed.0.entry(name).or_default().insert(object);
            }
        }
        Ok(listed)
    }

    /// The complete copies, the newest first. A copy that cannot be read is none.
    fn complete(&self, objects: &dyn Objects) -> Result<Vec<(CopyName, CopyDocument)>, StreamError> {
        let mut complete = Vec::new();
        for (name, there) in self.0.iter().rev().filter(|(name, there)| there.contains(&name.document())) {
            let Some(text) = objects.get(&name.document())? else { continue };
            match CopyDocument::parse(&text) {
                Ok(document) if CopyName::of(&document.position) != *name => {
                    tracing::warn!(copy = %name, "a copy of the cluster is of another position: it is not used");
                }
                Ok(document) if document.pieces(name).all(|piece| there.contains(&piece)) => {
                    complete.push((*name, document));
                }
                Ok(_) => tracing::warn!(copy = %name, "pieces of a copy of the cluster are missing: it is not used"),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, copy = %name, "a copy of the cluster cannot be read: it is not used");
                }
            }
        }
        Ok(complete)
    }
}

/// Whether the stream has all messages after `name`.
fn continues(name: &CopyName, info: &StreamInfo) -> bool {
    info.first.0 <= name.sequence.0.saturating_add(1) && name.sequence <= info.last
}
