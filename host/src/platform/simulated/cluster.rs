//! A cluster for the simulator: one stream, over a network that loses, repeats and reorders what is sent.

use crate::config::StoreSettings;
use crate::journal::simulated::SimulatedDisk;
use crate::journal::stream::StreamSeq;
use crate::journal::stream::simulated::{SimulatedStream, StreamFaults};
use crate::names::CommitSeq;
use crate::store::{ClusterMember, Contents, OpenError, Stores};
use crate::tasks::{Thread, thread};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What goes wrong on the way to the stream while a leader commits, in percent. A question is always answered: a node that
/// starts asks first, and its attempts are not a part of the simulation.
const FAULTS: StreamFaults =
    StreamFaults { lost: 3, repeated: 5, refused: 3, acks_lost: 5, given_up: 5, unavailable: 0 };

/// The stream of a cluster, with a thread that delivers what is on its way.
#[derive(Debug)]
pub struct SimulatedCluster {
    stream: SimulatedStream,
    network: Option<Thread<()>>,
}

impl SimulatedCluster {
    /// An empty stream.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn new(seed: u64) -> Result<Self, Error> {
        let stream = SimulatedStream::new(seed);
        let delivers = stream.clone();
        Ok(Self { stream, network: Some(thread("network", move || delivers.run(), |_| {})?) })
    }

    /// Begins or ends the faults of the network.
    pub fn set_faulty(&self, is_faulty: bool) {
        self.stream.set_faults(if is_faulty { FAULTS } else { StreamFaults::default() });
    }

    /// Everything that is stored on `disk`, the one of a node that has taken over what the stream has.
    ///
    /// # Errors
    ///
    /// When the node cannot take part in the cluster.
    pub fn contents(&self, disk: &SimulatedDisk, settings: &StoreSettings) -> Result<(CommitSeq, Contents), Error> {
        let stores = self.join(disk, settings)?;
        let found = (stores.last(), stores.contents()?);
        stores.close()?;
        Ok(found)
    }

    /// Opens the stores of a node, which leads then.
    pub(super) fn join(&self, disk: &SimulatedDisk, settings: &StoreSettings) -> Result<Stores, OpenError> {
        let open = |_has: StreamSeq| Ok(self.stream.as_stream());
        // Answers do not wait for a lease: the host's time is not that of the thread that renews it.
        let member = ClusterMember { is_gated: false, ..ClusterMember::of_test(&open, "node") };
        Stores::join_on(&disk.as_disk(), settings, &member)
    }
}

impl Drop for SimulatedCluster {
    fn drop(&mut self) {
        self.stream.close();
        if let Some(network) = self.network.take() {
            // A panic was reported when it happened.
            let _reported = network.join();
        }
    }
}
