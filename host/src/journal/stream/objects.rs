//! Objects of a cluster: files that are too large for messages of its stream, on the same servers.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;

use super::error::StreamError;

/// The object store of a cluster. Its calls block. Every node sees an object as soon as the call that stored it returns.
pub(crate) trait Objects: fmt::Debug + Send + Sync {
    /// Stores `bytes` as the object `name`, in place of an earlier one. After the return the object is durable; after an
    /// error there is the earlier one, the new one or none, but never a part of one.
    fn put(&self, name: &str, bytes: &Bytes) -> Result<(), StreamError>;

    fn has(&self, name: &str) -> Result<bool, StreamError>;

    /// The object `name`; `None` if there is none.
    fn get(&self, name: &str) -> Result<Option<Bytes>, StreamError>;

    /// The names of all objects that begin with `prefix`.
    fn names(&self, prefix: &str) -> Result<BTreeSet<String>, StreamError>;

    /// Deletes the object `name`, if there is one.
    fn delete(&self, name: &str) -> Result<(), StreamError>;

    /// Deletes what failed calls of [`Objects::put`] left, also those of processes that are gone.
    fn sweep(&self) -> Result<(), StreamError>;
}
