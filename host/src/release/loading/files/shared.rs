//! The files in the object store of a cluster: every node gets those that it lacks from there.
//!
//! Invariant: the object store has each file that a record names. The leader stores a file before it commits a record that
//! names it, and deletes one only when no record names it any more.

use std::collections::BTreeSet;

use bytes::Bytes;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{FileError, FileKind, Files};
use crate::contract::Sources;
use crate::journal::stream::{Objects, StreamError};
use crate::names::Digest;

impl FileKind {
    /// Whether `bytes` are the file `digest`.
    fn is_file(self, digest: &Digest, bytes: &[u8]) -> bool {
        match self {
            Self::Component => Digest::of(bytes) == *digest,
            // Contracts have the digest of their texts.
            Self::Contracts => serde_json::from_slice(bytes).is_ok_and(|texts: Sources| texts.digest() == *digest),
        }
    }

    /// The beginning of the names of its objects.
    fn objects(self) -> String {
        format!("{}/", self.names().0)
    }
}

impl Files {
    /// Stores the file `digest`, which is here, in the object store too.
    pub(in crate::release) fn share(&self, digest: &Digest) -> Result<(), FileError> {
        match &self.objects {
            Some(_) => self.share_bytes(digest, &self.get(digest)?),
            None => Ok(()),
        }
    }

    pub(super) fn share_bytes(&self, digest: &Digest, bytes: &[u8]) -> Result<(), FileError> {
        let Some(objects) = &self.objects else { return Ok(()) };
        let object = self.kind.path(digest);
        let put = || match objects.has(&object)? {
            true => Ok(()),
            false => objects.put(&object, &Bytes::copy_from_slice(bytes)),
        };
        waiting(put).map_err(|source| FileError::Share { object, source })
    }

    /// Gets the file `digest` from the object store, and stores it here.
    pub(super) fn fetch(&self, digest: &Digest) -> Result<Vec<u8>, FileError> {
        let (object, path) = (self.kind.path(digest), self.folder.disk.full(&self.kind.path(digest)));
        let found = self.objects.as_ref().map(|objects| waiting(|| objects.get(&object)));
        let found = found.transpose().map_err(|source| FileError::Fetch { object: object.clone(), source })?;
        let Some(bytes) = found.flatten() else { return Err(FileError::Nowhere { path, object }) };
        if !self.kind.is_file(digest, &bytes) {
            return Err(FileError::DamagedObject { path, object });
        }
        self.store_here(digest, &bytes)?;
        tracing::info!(object, bytes = bytes.len(), "a file came from the object store of the cluster");
        Ok(bytes.into())
    }

    /// Gets those of the files `needed` that are missing here. A failure is only logged: whoever needs the file tries
    /// again, and reports it.
    pub(in crate::release) fn fetch_missing(&self, needed: &BTreeSet<Digest>) {
        if self.objects.is_none() {
            return;
        }
        for digest in needed.iter().filter(|digest| !self.has(digest)) {
            if let Err(error) = self.fetch(digest) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a file of a release did not come from the object store of the cluster"
                );
            }
        }
    }

    /// Makes the object store have exactly the files `needed`. Only the leader may do so. A failure is only logged: the next
    /// change of releases tries again.
    pub(in crate::release) fn keep_shared(&self, needed: &BTreeSet<Digest>) {
        let Some(objects) = &self.objects else { return };
        if let Err(error) = waiting(|| self.shared_are(needed, &**objects)) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the object store of the cluster may have too few or too many files; the host tries again"
            );
        }
    }

    fn shared_are(&self, needed: &BTreeSet<Digest>, objects: &dyn Objects) -> Result<(), StreamError> {
        let needed: Vec<_> = needed.iter().map(|digest| (digest, self.kind.path(digest))).collect();
        let there = objects.names(&self.kind.objects())?;
        // Files from before the cluster, and those that a leader deleted while it did not know yet that it was replaced.
        for (digest, object) in needed.iter().filter(|(digest, object)| !there.contains(object) && self.has(digest)) {
            match self.get(digest) {
                Ok(bytes) if self.kind.is_file(digest, &bytes) => objects.put(object, &Bytes::from(bytes))?,
                _ => tracing::warn!(object, "a file of a release is damaged here, and the cluster does not have it"),
            }
        }
        let unneeded = there.iter().filter(|name| needed.iter().all(|(_, object)| object != *name));
        unneeded.into_iter().try_for_each(|name| objects.delete(name))
    }
}

/// Waits for the servers of the cluster, while other threads take over what this one would do.
fn waiting<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests;
