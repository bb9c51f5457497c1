//! Which release serves what: read once by a root call, which keeps it for all the calls below it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::RwLock;

use super::admission::Admission;
use super::breaker::Breaker;
use crate::config::LimitSettings;
use crate::contract::{Function, Reach, World};
use crate::names::{Digest, ServiceName};
use crate::observe::calls::{CallFigures, ServiceCalls};
use crate::runtime::Program;
use crate::store::Store;

/// What a service keeps from release to release.
#[derive(Debug)]
pub struct Service {
    name: ServiceName,
    pub(super) store: Store,
    pub(super) limits: LimitSettings,
    pub(super) admission: Admission,
    /// Held shared by a call while it commits, alone by one that lost too often while it runs again.
    pub(super) lane: RwLock<()>,
    pub(super) calls: Arc<ServiceCalls>,
}

impl Service {
    #[must_use]
    pub fn new(name: ServiceName, store: Store, limits: LimitSettings) -> Self {
        let calls = ServiceCalls::new(&name);
        Self { admission: Admission::new(&limits), lane: RwLock::new(()), name, store, limits, calls }
    }

    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What was counted of its calls since the start.
    #[must_use]
    pub fn figures(&self) -> CallFigures {
        self.calls.figures()
    }
}

/// A component with its configuration, ready to run.
#[derive(Debug)]
pub struct Release {
    pub digest: Digest,
    pub world: Arc<World>,
    pub program: Arc<Program>,
    /// When it went live, in microseconds since the Unix epoch.
    pub deployed_at: u64,
    pub(super) breaker: Breaker,
}

impl Release {
    #[must_use]
    pub fn new(
        digest: Digest,
        world: Arc<World>,
        program: Arc<Program>,
        limits: &LimitSettings,
        deployed_at: u64,
    ) -> Self {
        Self { digest, world, program, deployed_at, breaker: Breaker::new(limits) }
    }

    #[must_use]
    pub fn circuit_is_open(&self) -> bool {
        self.breaker.is_open()
    }
}

/// A service and the release that serves it.
#[derive(Debug, Clone)]
pub struct Member {
    pub service: Arc<Service>,
    pub release: Arc<Release>,
}

/// The function that says who a bearer token belongs to.
#[derive(Debug)]
pub(super) struct Authenticator {
    pub(super) member: Member,
    pub(super) function: Arc<Function>,
}

/// Why services do not make a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DirectoryError {
    #[error("both {first} and {second} export {interface}: a caller could not tell which is meant")]
    ExportedTwice { interface: Arc<str>, first: ServiceName, second: ServiceName },
    #[error("{service} imports {interface}, which no service exports: add one that does to the manifest")]
    NotExported { service: ServiceName, interface: Arc<str> },
    #[error("{service} carries a second function with `authenticate`: {function}")]
    AuthenticatesTwice { service: ServiceName, function: Arc<str> },
}

/// All services with their live releases, at one instant.
#[derive(Debug)]
pub struct Directory {
    members: HashMap<ServiceName, Member>,
    /// Whoever exports an interface that others call.
    exporters: HashMap<Arc<str>, ServiceName>,
    authenticator: Option<Authenticator>,
}

impl Directory {
    /// # Errors
    ///
    /// [`DirectoryError`], when an import has no exporter, or an interface has two.
    pub fn new(members: impl IntoIterator<Item = Member>) -> Result<Self, DirectoryError> {
        let members: HashMap<_, _> =
            members.into_iter().map(|member| (member.service.name().clone(), member)).collect();
        let mut directory = Self { members, exporters: HashMap::new(), authenticator: None };
        directory.collect_exports()?;
        directory.check_imports()?;
        Ok(directory)
    }

    fn collect_exports(&mut self) -> Result<(), DirectoryError> {
        for (name, member) in &self.members {
            let called = |function: &&Arc<Function>| !matches!(function.reach, Reach::Event);
            for interface in &member.release.world.exports {
                if interface.functions.iter().any(|function| called(&function)) {
                    let earlier = self.exporters.insert(Arc::clone(&interface.name), name.clone());
                    if let Some(first) = earlier {
                        let interface = Arc::clone(&interface.name);
                        return Err(DirectoryError::ExportedTwice { interface, first, second: name.clone() });
                    }
                }
                for function in interface.functions.iter().filter(|f| matches!(f.reach, Reach::Authenticate)) {
                    if self.authenticator.is_some() {
                        let function = Arc::clone(&function.name.wit);
                        return Err(DirectoryError::AuthenticatesTwice { service: name.clone(), function });
                    }
                    let function = Arc::clone(function);
                    self.authenticator = Some(Authenticator { member: member.clone(), function });
                }
            }
        }
        Ok(())
    }

    fn check_imports(&self) -> Result<(), DirectoryError> {
        for (service, member) in &self.members {
            for interface in &member.release.world.imports {
                let called = interface.functions.iter().any(|function| !matches!(function.reach, Reach::Event));
                if called && !self.exporters.contains_key(&interface.name) {
                    let interface = Arc::clone(&interface.name);
                    return Err(DirectoryError::NotExported { service: service.clone(), interface });
                }
            }
        }
        Ok(())
    }

    /// In no order.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    #[must_use]
    pub fn member(&self, service: &ServiceName) -> Option<&Member> {
        self.members.get(service)
    }

    /// Who serves the functions of an interface.
    pub(super) fn exporter(&self, interface: &str) -> Option<&Member> {
        self.members.get(self.exporters.get(interface)?)
    }

    pub(super) fn authenticator(&self) -> Option<&Authenticator> {
        self.authenticator.as_ref()
    }
}
