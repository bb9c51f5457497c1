//! The mirrors that run, by service.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::handle::MirrorHandle;
use crate::names::ServiceName;

/// The mirrors that run, by service.
#[derive(Debug, Default)]
pub(in crate::release) struct Mirrors(Mutex<BTreeMap<ServiceName, Arc<MirrorHandle>>>);

impl Mirrors {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<ServiceName, Arc<MirrorHandle>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::release) fn get(&self, service: &ServiceName) -> Option<Arc<MirrorHandle>> {
        self.lock().get(service).cloned()
    }

    pub(in crate::release) fn set(&self, service: &ServiceName, handle: Option<Arc<MirrorHandle>>) {
        let mut mirrors = self.lock();
        match handle {
            Some(handle) => drop(mirrors.insert(service.clone(), handle)),
            None => drop(mirrors.remove(service)),
        }
    }
}
