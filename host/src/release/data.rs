//! What a store says of its data: the version that it is of, and the release whose migration brought it there.
//!
//! The store keeps one number for its owner, changed in the commit of a migration: the release in its upper half, the
//! version in its lower one. By the release it is known after a crash whether a migration was done.

use super::record::ReleaseRecord;
use crate::store::Store;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct DataStamp {
    /// The low bits of the release's number.
    release: u32,
    pub(super) version: u32,
}

impl DataStamp {
    /// What the store says now.
    pub(super) fn of(store: &Store) -> Self {
        Self::from_bits(store.data_version())
    }

    /// What the store says once the migration of `release` to the version `version` is committed.
    pub(super) fn after(release: &ReleaseRecord, version: u32) -> Self {
        let low = release.number & u64::from(u32::MAX);
        Self { release: u32::try_from(low).unwrap_or_default(), version }
    }

    /// Whether the migration of `release` was committed, and none since.
    pub(super) fn is_by(self, release: &ReleaseRecord) -> bool {
        self.release == Self::after(release, 0).release
    }

    fn from_bits(bits: u64) -> Self {
        let half = |half: u64| u32::try_from(half & u64::from(u32::MAX)).unwrap_or_default();
        Self { release: half(bits >> 32), version: half(bits) }
    }

    pub(super) fn bits(self) -> u64 {
        u64::from(self.release) << 32 | u64::from(self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        for (release, version) in [(0, 0), (1, 2), (u32::MAX, u32::MAX)] {
            let stamp = DataStamp { release, version };
            assert_eq!(DataStamp::from_bits(stamp.bits()), stamp);
        }
        assert_eq!(DataStamp::from_bits(0), DataStamp::default());
    }
}
