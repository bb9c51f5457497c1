//! The memory that each store may use for commits that its index does not contain yet.
//!
//! One half of the overlay is divided into equal shares, one per store. The other half is free for any store that needs
//! more. So a store within its share never waits because another one writes a lot.

use super::snapshot::Snapshot;

#[derive(Debug)]
pub(in crate::store) struct Shares {
    overlay_bytes_max: usize,
    share_bytes: usize,
    /// The memory of all stores beyond their shares.
    beyond_bytes: usize,
}

impl Shares {
    pub(in crate::store) fn new(overlay_bytes_max: usize) -> Self {
        Self { overlay_bytes_max, share_bytes: overlay_bytes_max / 2, beyond_bytes: 0 }
    }

    /// Divides the overlay again, among stores with these amounts of memory.
    pub(in crate::store) fn divide(&mut self, taken: impl Iterator<Item = usize>) {
        let taken: Vec<_> = taken.collect();
        self.share_bytes = self.overlay_bytes_max / 2 / taken.len().max(1);
        self.beyond_bytes = taken.iter().map(|bytes| bytes.saturating_sub(self.share_bytes)).sum();
    }

    /// Records that a store's memory changed from `before` to `after`.
    pub(in crate::store) fn moved(&mut self, before: usize, after: usize) {
        let beyond = |bytes: usize| bytes.saturating_sub(self.share_bytes);
        self.beyond_bytes = (self.beyond_bytes + beyond(after)).saturating_sub(beyond(before));
    }

    /// Whether a store that uses `taken` may use more.
    pub(in crate::store) fn have_room(&self, taken: usize) -> bool {
        taken < self.share_bytes || self.beyond_bytes < self.overlay_bytes_max / 2
    }

    /// Whether the memtable of the store uses half of its allowance. The other half is for commits during the
    /// checkpoint.
    pub(in crate::store) fn is_due(&self, snapshot: &Snapshot) -> bool {
        let own = snapshot.memory_bytes().saturating_sub(self.share_bytes);
        let others = self.beyond_bytes.saturating_sub(own);
        let may_take = self.share_bytes + (self.overlay_bytes_max / 2).saturating_sub(others);
        snapshot.memtable_bytes >= may_take.div_ceil(2)
    }
}
