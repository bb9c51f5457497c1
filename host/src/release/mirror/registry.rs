//! The mirrors that run, by service, and their threads.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::MirrorError;
use super::handle::MirrorHandle;
use crate::names::ServiceName;
use crate::tasks::LowPriorityThreads;

/// The mirrors that run, by service.
#[derive(Debug)]
pub(in crate::release) struct Mirrors {
    running: Mutex<BTreeMap<ServiceName, Arc<MirrorHandle>>>,
    /// A step is several calls of components in a row: in the threads of requests, it would delay them.
    threads: LowPriorityThreads,
}

impl Mirrors {
    /// # Errors
    ///
    /// When the system cannot start more threads.
    pub(in crate::release) fn start() -> io::Result<Self> {
        Ok(Self { running: Mutex::default(), threads: LowPriorityThreads::start("mirrors ")? })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ServiceName, Arc<MirrorHandle>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Does a little of the next work of a mirror. Returns whether its copy is complete for now.
    pub(in crate::release) async fn step(&self, mirror: &Arc<MirrorHandle>) -> Result<bool, MirrorError> {
        let mirror = Arc::clone(mirror);
        self.threads.run(Box::pin(async move { mirror.step().await })).await
    }
}
