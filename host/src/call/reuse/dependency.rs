//! One thing that a cached answer depends on: what one run read in the store of its service, and the release that ran.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::REUSE_COMMITS_MAX;
use crate::names::{Generation, ServiceName};
use crate::store::{ReadSet, Store, Validity};

/// A number that nothing else has had since the process began: it tells two loaded releases apart even if they have the
/// same component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::call) struct SerialNumber(u64);

impl SerialNumber {
    pub(in crate::call) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Which component ran, with which configuration and limits, and on which data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::call) struct BackendId {
    /// The service with its limits.
    pub(in crate::call) service: SerialNumber,
    /// The component with its configuration.
    pub(in crate::call) release: SerialNumber,
    pub(in crate::call) generation: Generation,
}

/// What one run read.
#[derive(Debug)]
pub(in crate::call) struct Dependency {
    pub(in crate::call) service: ServiceName,
    pub(in crate::call) backend: BackendId,
    /// The version of the data. Everything that a run reads depends on it.
    pub(in crate::call) data_version: u64,
    pub(in crate::call) reads: ReadSet,
}

impl Dependency {
    /// Whether a run that begins now on `store` would read the same.
    pub(in crate::call) fn validity(&self, store: &Store) -> Validity {
        store.validity(&self.reads, self.data_version, REUSE_COMMITS_MAX)
    }
}
