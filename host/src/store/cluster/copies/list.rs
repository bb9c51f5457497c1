//! The copies that the object store has.

use std::collections::{BTreeMap, BTreeSet};

use super::document::CopyDocument;
use super::name::{CopyName, PREFIX};
use crate::journal::stream::{Objects, StreamError, StreamInfo};

/// The objects of all copies.
#[derive(Debug, Default)]
pub(in crate::store::cluster) struct Listed(pub(in crate::store::cluster) BTreeMap<CopyName, BTreeSet<String>>);

impl Listed {
    pub(in crate::store::cluster) fn read(objects: &dyn Objects) -> Result<Self, StreamError> {
        let mut listed = Self::default();
        for object in objects.names(PREFIX)? {
            let name = object.strip_prefix(PREFIX).and_then(|rest| rest.split('/').next()).and_then(CopyName::parse);
            if let Some(name) = name {
                listed.0.entry(name).or_default().insert(object);
            }
        }
        Ok(listed)
    }

    /// Deletes what there is of the copy `name`.
    pub(in crate::store::cluster) fn delete(&self, objects: &dyn Objects, name: &CopyName) -> Result<(), StreamError> {
        let Some(there) = self.0.get(name) else { return Ok(()) };
        // First the document: from then on it is no copy.
        let document = name.document();
        let pieces = there.iter().filter(|object| **object != document);
        there.get(&document).into_iter().chain(pieces).try_for_each(|object| objects.delete(object))
    }

    /// The complete copies, the newest first. A copy that cannot be read is none.
    pub(in crate::store::cluster) fn complete(
        &self,
        objects: &dyn Objects,
    ) -> Result<Vec<(CopyName, CopyDocument)>, StreamError> {
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
pub(in crate::store::cluster) fn continues(name: &CopyName, info: &StreamInfo) -> bool {
    info.first.0 <= name.sequence.0.saturating_add(1) && name.sequence <= info.last
}
