//! Known damage in the index of one store, shared by all readers and writers of the index.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::error::IndexError;
use crate::names::{Key, ServiceName};
use crate::observe::LogLimits;
use crate::observe::journal::IndexMetrics;
use crate::tasks::Panicked;

/// The maximum of damaged keys that are remembered. Scrubbing finds the others again.
const DAMAGED_KEYS_MAX: usize = 1000;

#[derive(Debug)]
pub(in crate::store) struct IndexHealth {
    pub(in crate::store) path: PathBuf,
    pub(in crate::store) metrics: IndexMetrics,
    /// Of lines about its damage.
    pub(in crate::store) log_limits: LogLimits<&'static str>,
    damaged: Mutex<BTreeSet<Key>>,
    /// The panic of redb, if there was one. Its locks may be poisoned, so it is never called again.
    panicked: OnceLock<Panicked>,
}

impl IndexHealth {
    pub(in crate::store) fn new(path: PathBuf, service: &ServiceName) -> Self {
        let (metrics, log_limits) = (IndexMetrics::new(service), LogLimits::default());
        Self { path, metrics, log_limits, damaged: Mutex::default(), panicked: OnceLock::new() }
    }

    /// Calls redb. If it panics, this and every later call returns that error.
    pub(super) fn guard<T>(&self, call: impl FnOnce() -> Result<T, IndexError>) -> Result<T, IndexError> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        // After a panic none of its state is used again.
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|payload| {
            let source = self.panicked.get_or_init(|| Panicked::report("an index", &*payload)).clone();
            Err(IndexError::Panicked { path: self.path.clone(), source })
        })
    }

    /// The error that makes the index unusable, if any.
    pub(in crate::store) fn failure(&self) -> Option<IndexError> {
        let source = self.panicked.get()?.clone();
        Some(IndexError::Panicked { path: self.path.clone(), source })
    }

    /// Records the damaged entry under `key`, and returns the error for its reader.
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

    /// Forgets all other damaged keys: their entries are whole again, or gone.
    pub(in crate::store) fn forget_all_but(&self, still_damaged: &BTreeSet<Key>) {
        let mut damaged = self.damaged();
        damaged.clone_from(still_damaged);
        self.metrics.damaged.set(damaged.len() as f64);
    }
}
