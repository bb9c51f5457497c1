//! The release of each service. A root call reads the table once, and all calls below it use the same one.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::release::Backend;
use super::service::Service;
use super::shadow::Shadow;
use crate::contract::{Function, Interface, Reach, track};
use crate::names::ServiceName;

/// The function that returns the owner of a bearer token.
#[derive(Debug)]
pub(in crate::call) struct Authenticator {
    pub(in crate::call) backend: Backend,
    pub(in crate::call) function: Arc<Function>,
}

/// Why a set of services is incomplete.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{service} imports {interface}, which no service exports: add such a service to the manifest")]
pub struct NotExported {
    pub service: ServiceName,
    pub interface: Arc<str>,
}

/// All services with their live releases, at one moment.
#[derive(Debug)]
pub struct RoutingTable {
    backends: BTreeMap<ServiceName, Backend>,
    /// The exporter of each interface that others call, by the interface's track, and its version of the interface.
    exporters: HashMap<Box<str>, (Backend, Interface)>,
    authenticator: Option<Authenticator>,
    shadows: Vec<Arc<Shadow>>,
    /// Whether its releases are the live ones of a routing.
    is_live: bool,
    /// The services whose live release is compared with a candidate.
    compared: Vec<ServiceName>,
}

impl RoutingTable {
    /// `backends` have passed [`crate::contract::check_together`]: no two export an interface that a third one imports.
    ///
    /// # Errors
    ///
    /// [`NotExported`], when no service exports an interface that a backend imports.
    pub fn new(backends: impl IntoIterator<Item = Backend>, shadows: &[Arc<Shadow>]) -> Result<Self, NotExported> {
        let backends: BTreeMap<_, _> =
            backends.into_iter().map(|backend| (backend.service.name().clone(), backend)).collect();
        let mut table = Self {
            backends,
            exporters: HashMap::new(),
            authenticator: None,
            shadows: shadows.to_vec(),
            is_live: false,
            compared: Vec::new(),
        };
        table.collect_exports();
        table.check_imports()?;
        Ok(table)
    }

    /// The same as the live releases of a routing in which candidates of the services `compared` get some of the calls.
    pub(in crate::call) fn live(self, compared: Vec<ServiceName>) -> Self {
        Self { is_live: true, compared, ..self }
    }

    /// Whether calls on this table may use cached answers.
    pub(in crate::call) fn reuses(&self) -> bool {
        self.is_live
    }

    /// Whether a candidate of `service` is compared with its live release. Then each call of it runs: a cached answer
    /// would say nothing about the release, and would be too fast to compare with.
    pub(in crate::call) fn compares(&self, service: &ServiceName) -> bool {
        self.compared.contains(service) || self.shadow(service).is_some()
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

    /// In any order.
    pub fn backends(&self) -> impl Iterator<Item = &Backend> {
        self.backends.values()
    }

    #[must_use]
    pub fn backend(&self, service: &ServiceName) -> Option<&Backend> {
        self.backends.get(service)
    }

    /// The candidate that repeats the calls of a service in shadow, if there is one.
    pub(in crate::call) fn shadow(&self, service: &ServiceName) -> Option<&Arc<Shadow>> {
        self.shadows.iter().find(|shadow| shadow.service() == service)
    }

    /// The backend that serves an imported function, and its compatible version of the function.
    pub(in crate::call) fn exporter<'d>(
        &'d self,
        import: &'d Arc<Function>,
    ) -> Option<(&'d Backend, &'d Arc<Function>)> {
        let (backend, interface) = self.exporters.get(track(&import.interface))?;
        if interface.name == import.interface {
            return Some((backend, import));
        }
        let exported = interface.functions.iter().find(|function| function.name == import.name)?;
        Some((backend, exported))
    }

    /// The services in which a call of `from` may commit: `from` itself, and those whose writing functions it calls,
    /// directly or through others.
    pub(in crate::call) fn written_from(&self, from: &ServiceName) -> BTreeMap<ServiceName, Arc<Service>> {
        let writes = |interface: &&Interface| interface.functions.iter().any(|function| !function.reads_only());
        let (mut found, mut next) = (BTreeMap::new(), self.backends.get(from).into_iter().collect::<Vec<_>>());
        while let Some(Backend { service, release, .. }) = next.pop() {
            if found.insert(service.name().clone(), Arc::clone(service)).is_none() {
                let imports = release.world.imports.iter().filter(writes);
                next.extend(imports.filter_map(|import| self.exporters.get(track(&import.name))).map(|(to, _)| to));
            }
        }
        found
    }

    /// Whether calls of `from` may reach `to`, according to the imports of the contracts.
    pub(in crate::call) fn reaches(&self, from: &ServiceName, to: &ServiceName) -> bool {
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

    pub(in crate::call) fn authenticator(&self) -> Option<&Authenticator> {
        self.authenticator.as_ref()
    }
}
