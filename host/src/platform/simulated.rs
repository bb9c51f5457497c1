//! A host without listeners, for the simulator: on a simulated disk, in one thread, with the time of a `TimerClock`.

mod cluster;

pub use self::cluster::SimulatedCluster;
pub use crate::clock::simulated::TimerClock;
use crate::config::{Manifest, StoreSettings};
pub use crate::journal::simulated::{Fault, Random, SimulatedDisk};
use crate::names::CommitSeq;
use crate::release::restore_between;
use crate::runtime::Runtime;
pub use crate::store::Contents;
use crate::store::{Stores, Until};
use crate::tasks::Tasks;

use super::error::StartError;
use super::parts::Parts;
use crate::call::Calls;
use crate::events::Events;
use crate::release::Releases;

type Error = Box<dyn std::error::Error + Send + Sync>;

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
        Self::over(manifest, Stores::open_on(&disk.as_disk(), &manifest.store, &[], None)?, runtime, seed)
    }

    /// Like [`SimulatedHost::start`], as the leader of `cluster`, of which `disk` has the data of one node.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn lead(
        cluster: &SimulatedCluster,
        manifest: &Manifest,
        disk: &SimulatedDisk,
        runtime: &Runtime,
        seed: u64,
    ) -> Result<Self, StartError> {
        let host = Self::over(manifest, cluster.join(disk, &manifest.store)?, runtime, seed)?;
        let releases = host.releases.clone();
        host.tasks.spawn("files of the cluster", async move { releases.share_files().await });
        Ok(host)
    }

    fn over(manifest: &Manifest, stores: Stores, runtime: &Runtime, seed: u64) -> Result<Self, StartError> {
        let tasks = Tasks::default();
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
    pub fn checkpoint(&self) -> Result<(), Error> {
        Ok(self.stores.checkpoint()?)
    }

    /// Everything that is stored as of the last commit.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn contents(&self) -> Result<Contents, Error> {
        Ok(self.stores.contents()?)
    }

    /// Writes a backup onto `disk`, which is empty. Gives its number.
    ///
    /// # Errors
    ///
    /// When a change of releases is made just now, or a disk fails.
    pub fn back_up(&self, disk: &SimulatedDisk) -> Result<CommitSeq, Error> {
        Ok(self.releases.back_up_on(&*disk.as_disk())?.number())
    }
}

/// Restores the backup on the disk `backup` up to the commit `number`, with the commits and files that the disk `old` has
/// or had. Gives the new disk.
///
/// # Errors
///
/// When it cannot be restored.
pub fn restore(backup: &SimulatedDisk, old: &SimulatedDisk, number: CommitSeq) -> Result<SimulatedDisk, Error> {
    let target = SimulatedDisk::new(number.0);
    let old = [old.as_disk(), old.archive().as_disk()];
    restore_between(&*backup.as_disk(), &target.as_disk(), &old, Until::CommitSeq(number))?;
    Ok(target)
}

/// Everything that is stored on `disk`, on which no host runs, and the number of the last commit.
///
/// # Errors
///
/// When a host could not start on it.
pub fn contents(disk: &SimulatedDisk, settings: &StoreSettings) -> Result<(CommitSeq, Contents), Error> {
    let stores = Stores::open_on(&disk.as_disk(), settings, &[], None)?;
    let found = (stores.last(), stores.contents()?);
    stores.close()?;
    Ok(found)
}
