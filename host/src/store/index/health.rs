//! What is known of damage in the index of one store. All who read or write the index share it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::error::IndexError;
use crate::names::{Key, ServiceName};
use crate::observe::journal::IndexMetrics;
use crate::tasks::Panicked;

/// Most damaged keys that are remembered: scrubbing finds the others again.
const DAMAGED_KEYS_MAX: usize = 1000;

#[derive(Debug)]
pub(in crate::store) struct IndexHealth {
    pub(in crate::store) path: PathBuf,
    pub(in crate::store) metrics: IndexMetrics,
    damaged: Mutex<BTreeSet<Key>>,
    /// The panic of redb, if it had one. Its locks may be poisoned: it is called no more.
    panicked: OnceLock<Panicked>,
}

impl IndexHealth {
    pub(in crate::store) fn new(path: PathBuf, service: &ServiceName) -> Self {
        Self { path, metrics: IndexMetrics::new(service), damaged: Mutex::default(), panicked: OnceLock::new() }
    }

    /// Calls redb. A panic of it is an error, and every later call is the same error.
    pub(super) fn guard<T>(&self, call: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        // After a panic nothing of it is used again.
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
            let source = self.panicked.get_or_init(|| Panicked::report("an index", &*payload)).clone();
            Err(IndexError::Panicked { path: self.path.clone(), source })
        })
    }

    /// Why the index cannot be used any more, if so.
    pub(in crate::store) fn failure(&self) -> Option<IndexError> {
        let source = self.panicked.get()?.clone();
        Some(IndexError::Panicked { path: self.path.clone(), source })
    }

    /// Takes note of the damaged entry under `key`, and gives the error of whoever read it.
    pub(super) fn is_damaged(&self, key: &[u8]) -> IndexError {
        let shown = match Key::stored(key) {
            Ok(key) => {
                let shown = key.to_string();
                let mut damaged = self.damaged();
                if damaged.len() < DAMAGED_KEYS_MAX && damaged.insert(key) {
                    self.metrics.damaged.set(damaged.len() as f64);
                }
                shown
            }
            Err(unreadable) => unreadable.to_string(),
        };
        IndexError::Damaged { key: shown, path: self.path.clone() }
    }

    fn damaged(&self) -> MutexGuard<'_, BTreeSet<Key>> {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::store) fn damaged_keys(&self) -> BTreeSet<Key> {
        self.damaged().clone()
    }

    /// The entries under all other keys are whole again, or gone.
    pub(in crate::store) fn forget_all_but(&self, still_damaged: &BTreeSet<Key>) {
        let mut damaged = self.damaged();
        damaged.clone_from(still_damaged);
        self.metrics.damaged.set(damaged.len() as f64);
    }
}
