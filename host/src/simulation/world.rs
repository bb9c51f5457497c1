//! What all lives of all seeds share: compiled components and their contracts. Compiling takes long, so it is done once.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::call::{Backend, LinkedComponent, LoadedRelease, Routing, Service};
use crate::config::{LimitSettings, RuntimeSettings};
use crate::contract::Contracts;
use crate::names::{Digest, HostSecret, ServiceName};
use crate::runtime::{LinkSettings, Program, Runtime};
use crate::store::Stores;
use crate::tasks::Outages;

/// The services, with the world and the component of each.
pub(super) const SERVICES: [(&str, &str, &str); 4] = [
    ("front", "test:calls/front-service", "callers.wasm"),
    ("back", "test:calls/back-service", "callers.wasm"),
    ("source", "test:events/source-service", "emits.wasm"),
    ("sink", "test:events/sink-service", "takes.wasm"),
];

const RUNTIME: RuntimeSettings = RuntimeSettings {
    instances_max: 64,
    core_instances_per_component_max: 16,
    memories_per_component_max: 3,
    memory_keep_resident_bytes: 2 << 20,
    // No guest of the simulation runs for long: one that yields would make the order of tasks depend on real time.
    epoch_ms: 3_600_000,
    compiled_bytes_max: 1 << 30,
};

/// Bounds that are far from what the simulated clients do.
fn limits() -> LimitSettings {
    LimitSettings {
        memory_bytes_max: 8 << 20,
        deadline_ms: 5_000,
        calls_in_flight_max: 64,
        calls_waiting_max: 1_024,
        wait_ms_max: 5_000,
        store_bytes_max: 16 << 20,
        kept_bytes_max: 16 << 20,
        events_per_call_max: 10,
        answer_bytes_max: 1 << 20,
        log_bytes_per_second: 1_000,
        call_depth_max: 8,
        circuit_failures: 1_000,
        circuit_clients: 1,
        circuit_open_ms: 1_000,
    }
}

/// The compiled components of the simulated services.
#[derive(Debug)]
pub struct World {
    programs: Vec<Linked>,
}

#[derive(Debug)]
struct Linked {
    name: ServiceName,
    world: Arc<crate::contract::World>,
    program: Arc<Program>,
}

impl World {
    /// Compiles the test guests of the workspace, and keeps the code in the folder `compiled`.
    ///
    /// # Errors
    ///
    /// When they are not built.
    pub fn compile(compiled: &Path) -> anyhow::Result<Self> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let contracts = Contracts::read(&workspace.join("host/tests/wit"))?;
        let runtime = Runtime::new(&RUNTIME, &Outages::default())?;
        runtime.open_cache(compiled, &HostSecret::new([7; 32]))?;
        let link = |(name, world, file): &(&str, &str, &str)| {
            let path = workspace.join("target/wasm32-wasip2/release").join(file);
            let bytes = std::fs::read(&path)
                .with_context(|| format!("{} is missing: build it with `cargo xtask guests`", path.display()))?;
            let (name, world) =
                (ServiceName::parse(name)?, contracts.world(world).context("a world of the test contracts")?);
            let settings = LinkSettings {
                service: name.clone(),
                environment: Vec::new(),
                outbound_hosts: Vec::new(),
                limits: limits(),
            };
            let program = runtime.link(&runtime.compile(&bytes)?, &world, settings)?;
            Ok(Linked { name, world, program })
        };
        Ok(Self { programs: SERVICES.iter().map(link).collect::<anyhow::Result<_>>()? })
    }

    /// The name of each service, and the bytes that its store may have.
    pub(super) fn quotas(&self) -> Vec<(ServiceName, u64)> {
        self.programs.iter().map(|linked| (linked.name.clone(), limits().store_bytes_max)).collect()
    }

    /// The services over `stores`.
    pub(super) fn services(&self, stores: &Stores) -> anyhow::Result<Vec<Arc<Service>>> {
        let service = |linked: &Linked| {
            let store = stores.service(&linked.name).context("the store of each service was opened")?;
            Ok(Arc::new(Service::new(linked.name.clone(), store, limits())))
        };
        self.programs.iter().map(service).collect()
    }

    /// The release `number` of each service: the same component under a digest of its own.
    pub(super) fn routing(&self, services: &[Arc<Service>], number: u64) -> anyhow::Result<Routing> {
        let backend = |(linked, service): (&Linked, &Arc<Service>)| {
            let program = LinkedComponent::Contract(Arc::clone(&linked.program));
            let digest = Digest::of(format!("{} {number}", linked.name).as_bytes());
            let release = LoadedRelease::new(digest, Arc::clone(&linked.world), program, &limits(), 0);
            Backend { service: Arc::clone(service), release: Arc::new(release) }
        };
        let backends: Vec<_> = self.programs.iter().zip(services).map(backend).collect();
        Ok(Routing::new(&backends, Vec::new(), &[])?)
    }
}
