//! Where the lives of a seed take place: on one machine, or on the nodes of a cluster, of which any may lead the next life.

use switchyard::platform::simulated::{Random, SimulatedCluster, SimulatedDisk};

use super::host::Life;
use super::world::World;

/// The nodes of a cluster. One that never led has an empty disk.
const NODES: u64 = 3;

pub(crate) struct Machines {
    cluster: Option<SimulatedCluster>,
    disks: Vec<SimulatedDisk>,
    /// The one on which the current life takes place.
    used: usize,
}

impl Machines {
    pub(crate) fn new(is_cluster: bool, seed: u64) -> anyhow::Result<Self> {
        let cluster = if is_cluster { Some(SimulatedCluster::new(seed)) } else { None };
        let cluster = cluster.transpose().map_err(anyhow::Error::from_boxed)?;
        let count = if is_cluster { NODES } else { 1 };
        let disks = (0..count).map(|node| SimulatedDisk::new(seed.wrapping_add(node))).collect();
        Ok(Self { cluster, disks, used: 0 })
    }

    /// Starts a host on one of the machines.
    pub(crate) fn begin(
        &mut self,
        world: &World,
        random: &mut Random,
        unix_micros: u64,
        seed: u64,
    ) -> anyhow::Result<Life> {
        if let Some(cluster) = &self.cluster {
            cluster.set_faulty(false);
            self.used = usize::try_from(random.below(NODES))?;
        }
        let life = Life::begin(world, self.cluster.as_ref(), self.disk(), unix_micros, seed)?;
        if let Some(cluster) = &self.cluster {
            cluster.set_faulty(true);
        }
        Ok(life)
    }

    pub(crate) fn disk(&self) -> &SimulatedDisk {
        &self.disks[self.used]
    }

    /// Changes what is on the disk of the current life.
    pub(crate) fn replace(&mut self, disk: SimulatedDisk) {
        self.disks[self.used] = disk;
    }

    /// A cluster is restored as a new one, which is not a part of the simulation.
    pub(crate) fn can_restore(&self) -> bool {
        self.cluster.is_none()
    }

    /// Checks that every node of the cluster has what the stream has.
    pub(crate) fn check(&self, world: &World) -> anyhow::Result<()> {
        let Some(cluster) = &self.cluster else { return Ok(()) };
        cluster.set_faulty(false);
        let of = |disk| cluster.contents(disk, world.store_settings()).map_err(anyhow::Error::from_boxed);
        let mut contents = self.disks.iter().map(of).collect::<anyhow::Result<Vec<_>>>()?.into_iter();
        let first = contents.next();
        anyhow::ensure!(contents.all(|other| Some(other) == first), "the nodes have different data");
        Ok(())
    }
}
