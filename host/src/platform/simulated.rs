//! A host without listeners, for the simulator: on a simulated disk, in one thread, with the time of a `TimerClock`.

pub use crate::clock::simulated::TimerClock;
use crate::config::Manifest;
pub use crate::journal::simulated::{Fault, Random, SimulatedDisk};
use crate::names::CommitSeq;
use crate::runtime::Runtime;
use crate::store::Stores;
use crate::tasks::Tasks;

use super::{Calls, Events, Parts, Releases, StartError};

/// A host that runs in the thread that started it.
#[derive(Debug)]
pub struct SimulatedHost {
    pub stores: Stores,
    pub releases: Releases,
    pub calls: Calls,
    pub events: Events,
    pub tasks: Tasks,
}

impl SimulatedHost {
    /// Starts the host of `manifest` on `disk`. The seeds of its calls derive from `seed`. The thread must have a
    /// `TimerClock`, and must have entered its own tokio runtime.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start(manifest: &Manifest, disk: &SimulatedDisk, runtime: &Runtime, seed: u64) -> Result<Self, StartError> {
        let tasks = Tasks::default();
        let stores = Stores::open_on(&disk.as_disk(), &manifest.store, &[], None)?;
        stores.write_in_lockstep();
        let parts = Parts::over(manifest, stores, runtime.clone(), &tasks, &|_| {})?;
        parts.calls.draw_seeds_from(seed);
        parts.work(&tasks);
        let Parts { stores, releases, calls, events } = parts;
        Ok(Self { stores, releases, calls, events, tasks })
    }

    /// The number of the last commit, durable or not.
    #[must_use]
    pub fn last(&self) -> CommitSeq {
        self.stores.last()
    }

    /// Writes everything that is committed now to the indexes.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn checkpoint(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.stores.checkpoint()?)
    }
}
