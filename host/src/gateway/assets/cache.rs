//! Files cached in memory, each with the time of its last check on disk.
//!
//! Invariant: the entries and bytes of the cache are bounded; the entry that was checked longest ago is evicted first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::find::Asset;
use super::path::AssetPath;
use crate::clock;
use crate::limits::{ASSET_CACHE_BYTES_MAX, ASSET_CACHE_ENTRIES_MAX, ASSET_FRESH_MS_MAX};

#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    assets: HashMap<AssetPath, Entry>,
}

#[derive(Debug)]
struct Entry {
    asset: Arc<Asset>,
    looked_at: Instant,
}

/// The state of a path in the cache.
#[derive(Debug)]
pub(super) enum CacheEntry {
    Fresh(Arc<Asset>),
    /// It must be checked on disk again.
    Stale(Arc<Asset>),
    Nothing,
}

impl Cache {
    pub(super) fn get(&self, path: &AssetPath) -> CacheEntry {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match held.assets.get(path) {
            None => CacheEntry::Nothing,
            Some(entry) => {
                let age = clock::now().duration_since(entry.looked_at);
                // A large file is opened for every answer, so it must be the file that was checked.
                if age < Duration::from_millis(ASSET_FRESH_MS_MAX) && entry.asset.is_in_memory() {
                    CacheEntry::Fresh(Arc::clone(&entry.asset))
                } else {
                    CacheEntry::Stale(Arc::clone(&entry.asset))
                }
            }
        }
    }

    pub(super) fn put(&self, path: AssetPath, asset: &Arc<Asset>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&path);
        while held.assets.len() >= ASSET_CACHE_ENTRIES_MAX
            || held.bytes.saturating_add(asset.bytes_held()) > ASSET_CACHE_BYTES_MAX
        {
            let oldest = held.assets.iter().min_by_key(|(_, entry)| entry.looked_at).map(|(path, _)| path.clone());
            match oldest {
                Some(oldest) => held.remove(&oldest),
                None => return,
            }
        }
        held.bytes += asset.bytes_held();
        held.assets.insert(path, Entry { asset: Arc::clone(asset), looked_at: clock::now() });
    }

    pub(super) fn remove(&self, path: &AssetPath) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(path);
    }
}

impl Held {
    fn remove(&mut self, path: &AssetPath) {
        if let Some(entry) = self.assets.remove(path) {
            self.bytes -= entry.asset.bytes_held();
        }
    }
}
