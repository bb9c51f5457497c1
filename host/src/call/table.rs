//! Which release serves what: read once by a root call, which keeps it for all the calls below it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tokio::sync::RwLock;

use super::admission::Admission;
use super::breaker::Breaker;
use super::component::LinkedComponent;
use super::shadow::Shadow;
use crate::config::LimitSettings;
use crate::contract::{Function, Interface, Reach, World, track};
use crate::names::{Digest, ServiceName};
use crate::observe::calls::{CallFigures, ServiceCalls};
use crate::observe::{ReleaseCalls, Sample};
use crate::store::Store;

/// What a service keeps from release to release.
#[derive(Debug)]
pub struct Service {
    name: ServiceName,
    pub(super) store: Store,
    pub(super) limits: LimitSettings,
    pub(super) admission: Admission,
    /// Held shared by a call while it commits, alone by one that lost too often while it runs again.
    pub(super) lane: Arc<RwLock<()>>,
    pub(super) calls: Arc<ServiceCalls>,
}

impl Service {
    #[must_use]
    pub fn new(name: ServiceName, store: Store, limits: LimitSettings) -> Self {
        let calls = ServiceCalls::new(&name);
        Self { admission: Admission::new(&limits), lane: Arc::default(), name, store, limits, calls }
    }

    /// The same service within other bounds: over the same store, with what was counted until now.
    ///
    /// Calls under way keep to the bounds that they began with. Until they have ended, as many run as both allow.
    #[must_use]
    pub fn within(&self, limits: LimitSettings) -> Self {
        Self {
            admission: Admission::new(&limits),
            lane: Arc::clone(&self.lane),
            name: self.name.clone(),
            store: self.store.clone(),
            limits,
            calls: Arc::clone(&self.calls),
        }
    }

    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How many calls wait for their turn.
    pub(super) fn figures_waiting(&self) -> u64 {
        self.calls.waiting()
    }

    #[must_use]
    pub fn limits(&self) -> &LimitSettings {
        &self.limits
    }

    /// What was counted of its calls since the start.
    #[must_use]
    pub fn figures(&self) -> CallFigures {
        self.calls.figures()
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
    /// Whether its contract imports what other services export.
    pub(super) calls_others: bool,
    pub(super) breaker: Breaker,
    pub(super) calls: ReleaseCalls,
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
            calls_others,
            breaker: Breaker::new(limits),
            calls: ReleaseCalls::default(),
        }
    }

    /// What its calls came to since it began to run.
    #[must_use]
    pub fn sample(&self) -> Sample {
        self.calls.sample()
    }

    #[must_use]
    pub fn circuit_is_open(&self) -> bool {
        self.breaker.is_open()
    }
}

/// A service and the release that serves it.
#[derive(Debug, Clone)]
pub struct Backend {
    pub service: Arc<Service>,
    pub release: Arc<LoadedRelease>,
}

/// The function that says who a bearer token belongs to.
#[derive(Debug)]
pub(super) struct Authenticator {
    pub(super) backend: Backend,
    pub(super) function: Arc<Function>,
}

/// Why services do not make a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{service} imports {interface}, which no service exports: add one that does to the manifest")]
pub struct NotExported {
    pub service: ServiceName,
    pub interface: Arc<str>,
}

/// All services with their live releases, at one instant.
#[derive(Debug)]
pub struct RoutingTable {
    backends: BTreeMap<ServiceName, Backend>,
    /// Whoever exports an interface that others call, by the track of that, and the interface as it exports it.
    exporters: HashMap<Box<str>, (Backend, Interface)>,
    authenticator: Option<Authenticator>,
    shadows: Vec<Arc<Shadow>>,
}

impl RoutingTable {
    /// `backends` have passed [`crate::contract::check_together`]: no two export what a third one calls.
    ///
    /// # Errors
    ///
    /// [`NotExported`], when nobody exports what a backend calls.
    pub fn new(backends: impl IntoIterator<Item = Backend>, shadows: &[Arc<Shadow>]) -> Result<Self, NotExported> {
        let backends: BTreeMap<_, _> =
            backends.into_iter().map(|backend| (backend.service.name().clone(), backend)).collect();
        let mut table = Self { backends, exporters: HashMap::new(), authenticator: None, shadows: shadows.to_vec() };
        table.collect_exports();
        table.check_imports()?;
        Ok(table)
    }

    fn collect_exports(&mut self) {
        for backend in self.backends.values() {
            for interface in &backend.release.world.exports {
                if interface.is_called() {
                    self.exporters.insert(track(&interface.name).into(), (backend.clone(), interface.clone()));
                }
                let authenticates = |function: &&Arc<Function>| matches!(function.reach, Reach::Authenticate);
                if let Some(function) = interface.functions.iter().find(authenticates) {
                    let function = Arc::clone(function);
                    self.authenticator = Some(Authenticator { backend: backend.clone(), function });
                }
            }
        }
    }

    fn check_imports(&self) -> Result<(), NotExported> {
        for (service, backend) in &self.backends {
            let imports = backend.release.world.imports.iter();
            let missing =
                |interface: &&Interface| interface.is_called() && !self.exporters.contains_key(track(&interface.name));
            if let Some(interface) = imports.clone().find(missing) {
                let interface = Arc::clone(&interface.name);
                return Err(NotExported { service: service.clone(), interface });
            }
        }
        Ok(())
    }

    /// In no order.
    pub fn backends(&self) -> impl Iterator<Item = &Backend> {
        self.backends.values()
    }

    #[must_use]
    pub fn backend(&self, service: &ServiceName) -> Option<&Backend> {
        self.backends.get(service)
    }

    /// The candidate that runs the calls of a service in shadow, if there is one.
    pub(super) fn shadow(&self, service: &ServiceName) -> Option<&Arc<Shadow>> {
        self.shadows.iter().find(|shadow| shadow.service() == service)
    }

    /// Who serves a function that somebody imports, and the function as it exports it: of a version that stands for the
    /// importer's.
    pub(super) fn exporter<'d>(&'d self, import: &'d Arc<Function>) -> Option<(&'d Backend, &'d Arc<Function>)> {
        let (backend, interface) = self.exporters.get(track(&import.interface))?;
        if interface.name == import.interface {
            return Some((backend, import));
        }
        let exported = interface.functions.iter().find(|function| function.name == import.name)?;
        Some((backend, exported))
    }

    /// Whether calls of `from` may come to `to`, by what the contracts import.
    pub(super) fn reaches(&self, from: &ServiceName, to: &ServiceName) -> bool {
        let (mut seen, mut next) = (HashSet::from([from]), vec![from]);
        while let Some(service) = next.pop() {
            if service == to {
                return true;
            }
            let imports = self.backends.get(service).into_iter().flat_map(|backend| &backend.release.world.imports);
            let exporters = imports.filter_map(|interface| self.exporters.get(track(&interface.name)));
            next.extend(exporters.map(|(backend, _)| backend.service.name()).filter(|name| seen.insert(name)));
        }
        false
    }

    pub(super) fn authenticator(&self) -> Option<&Authenticator> {
        self.authenticator.as_ref()
    }
}
