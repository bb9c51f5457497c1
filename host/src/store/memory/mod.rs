//! Reads a store: an index, and over it the commits in memory that the index does not contain yet.

pub(super) mod empty;
pub(super) mod pinned_snapshot;
pub(super) mod scan;
pub(super) mod shares;
pub(super) mod snapshot;
