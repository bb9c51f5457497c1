//! Commands about stored data: backups, restores, the journal and the stores.

pub(super) mod backup;
pub(super) mod entries;
pub(super) mod journal;
pub(super) mod restore;
pub(super) mod state;
pub(super) mod stores;
