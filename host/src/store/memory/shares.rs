//! How much memory each store may take for what its index does not have yet.
//!
//! One half of the overlay belongs to the stores, in equal shares. The other half is for whoever needs more. So a store
//! within its share never waits because another one writes a lot.

use super::snapshot::Snapshot;

#[derive(Debug)]
pub(in crate::store) struct Shares {
    overlay_bytes_max: usize,
    share_bytes: usize,
    /// What stores take beyond their shares.
    beyond_bytes: usize,
}

impl Shares {
    pub(in crate::store) fn new(overlay_bytes_max: usize) -> Self {
        Self { overlay_bytes_max, share_bytes: overlay_bytes_max / 2, beyond_bytes: 0 }
    }

    /// Divides it anew, among stores of which each takes so many bytes.
    pub(in crate::store) fn divide(&mut self, taken: impl Iterator<Item = usize>) {
        let taken: Vec<_> = taken.collect();
        self.share_bytes = self.overlay_bytes_max / 2 / taken.len().max(1);
        self.beyond_bytes = taken.iter().map(|bytes| bytes.saturating_sub(self.share_bytes)).sum();
    }

    /// A store took `before`, and takes `after` now.
    pub(in crate::store) fn moved(&mut self, before: usize, after: usize) {
        let beyond = |bytes: usize| bytes.saturating_sub(self.share_bytes);
        self.beyond_bytes = (self.beyond_bytes + beyond(after)).saturating_sub(beyond(before));
    }

    /// Whether a store that takes `taken` may take more.
    pub(in crate::store) fn have_room(&self, taken: usize) -> bool {
        taken < self.share_bytes || self.beyond_bytes < self.overlay_bytes_max / 2
    }

    /// Whether the memtable of the store is half of all that it may take: the other half is for the time that writing
    /// it takes.
    pub(in crate::store) fn is_due(&self, snapshot: &Snapshot) -> bool {
        let own = snapshot.memory_bytes().saturating_sub(self.share_bytes);
        let others = self.beyond_bytes.saturating_sub(own);
        let may_take = self.share_bytes + (self.overlay_bytes_max / 2).saturating_sub(others);
        snapshot.memtable_bytes >= may_take.div_ceil(2)
    }
}
