//! A loaded release: its component is linked and ready to run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::circuit::{Circuit, Client};
use super::component::LinkedComponent;
use super::service::Service;
use crate::call::reuse::{BackendId, SerialNumber};
use crate::config::LimitSettings;
use crate::contract::{Interface, World};
use crate::names::{Digest, Generation};
use crate::observe::{ReleaseCalls, ReportedCalls, Reporter, Sample};

/// A service and the release that serves it.
#[derive(Debug, Clone)]
pub struct Backend {
    pub service: Arc<Service>,
    pub release: Arc<LoadedRelease>,
    /// The data that the release runs on.
    pub generation: Generation,
}

impl Backend {
    /// What tells it apart from every other one.
    pub(in crate::call) fn id(&self) -> BackendId {
        BackendId { service: self.service.serial, release: self.release.serial, generation: self.generation }
    }

    /// Counts a failure of the release in a call of `client`.
    pub(in crate::call) fn count_failure(&self, client: Client) {
        if self.release.circuit.failed(client) && self.service.log_limits.allows("circuit opened") {
            tracing::error!(service = %self.service.name(), digest = %self.release.digest, "circuit opened");
        }
    }
}

/// A component with its configuration, ready to run.
#[derive(Debug)]
pub struct LoadedRelease {
    pub digest: Digest,
    pub world: Arc<World>,
    pub program: LinkedComponent,
    /// When it went live, in microseconds since the Unix epoch.
    pub deployed_at: u64,
    serial: SerialNumber,
    /// Whether its contract imports functions of other services.
    pub(in crate::call) calls_others: bool,
    pub(in crate::call) circuit: Circuit,
    pub(in crate::call) calls: ReleaseCalls,
    /// On other nodes of a cluster, while it is compared with another release.
    reported: ReportedCalls,
    /// Whether its circuit has opened on another node.
    opened_elsewhere: AtomicBool,
}

impl LoadedRelease {
    #[must_use]
    pub fn new(
        digest: Digest,
        world: Arc<World>,
        program: LinkedComponent,
        limits: &LimitSettings,
        deployed_at: u64,
    ) -> Self {
        let calls_others = world.imports.iter().any(Interface::is_called) || program.reaches_out();
        Self {
            digest,
            world,
            program,
            deployed_at,
            serial: SerialNumber::next(),
            calls_others,
            circuit: Circuit::new(limits),
            calls: ReleaseCalls::default(),
            reported: ReportedCalls::default(),
            opened_elsewhere: AtomicBool::new(false),
        }
    }

    /// The outcomes of its calls since it was loaded, with those that other nodes have reported.
    #[must_use]
    pub fn sample(&self) -> Sample {
        self.calls.sample().and(&self.reported.sum())
    }

    /// Counts what another node has counted.
    pub fn count_reported(&self, reporter: Reporter, sample: Sample) {
        self.reported.take(reporter, sample);
    }

    #[must_use]
    pub fn circuit_is_open(&self) -> bool {
        self.circuit.is_open()
    }

    /// Notes that its circuit has opened on another node. Calls still run here: what fails there need not fail here.
    pub fn note_opened_elsewhere(&self) {
        self.opened_elsewhere.store(true, Ordering::Relaxed);
    }

    /// Whether its circuit is open here, or has opened on another node.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.circuit_is_open() || self.opened_elsewhere.load(Ordering::Relaxed)
    }
}
