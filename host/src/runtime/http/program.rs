//! A linked raw `wasi:http` component of either version.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime_wasi_http::{p2, p3};

use super::state::State;
use super::views;
use crate::runtime::compile::{Code, Kind, Loaded};
use crate::runtime::instance::{LinkError, LinkSettings, Service, initial_memory_bytes};
use crate::tasks::Tasks;

/// A linked raw `wasi:http` component, ready to serve. Its requests share nothing but the store.
pub struct HttpProgram {
    pub(super) instances: Instances,
    pub(super) service: Arc<Service>,
    pub(super) tasks: Tasks,
    pub(super) code: Arc<Loaded>,
}

impl fmt::Debug for HttpProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProgram").field("service", &self.service).finish_non_exhaustive()
    }
}

/// The version of `wasi:http` that a component uses.
pub(super) enum Instances {
    /// `wasi:http/incoming-handler` of 0.2.
    Incoming(p2::bindings::ProxyPre<State>),
    /// `wasi:http/handler` of 0.3.
    Handler(p3::bindings::ServicePre<State>),
}

/// # Errors
///
/// [`LinkError`].
pub(in crate::runtime) fn link(code: &Code, settings: LinkSettings, tasks: &Tasks) -> Result<HttpProgram, LinkError> {
    let service = settings.service.clone();
    if code.kind != Kind::Http {
        return Err(LinkError::Kind { service });
    }
    let import = |source| LinkError::Import { service: service.clone(), source };
    let component = &code.loaded.component;
    let mut linker = Linker::<State>::new(component.engine());
    views::add_to_linker(&mut linker).map_err(import)?;
    let instances = linker.instantiate_pre(component).map_err(import)?;
    let instances = match p3::bindings::ServicePre::new(instances.clone()) {
        Ok(handler) => Instances::Handler(handler),
        Err(_) => {
            let incoming = p2::bindings::ProxyPre::new(instances);
            Instances::Incoming(incoming.map_err(|source| LinkError::NoHandler { source })?)
        }
    };
    let service = Arc::new(Service::new(settings));
    Ok(HttpProgram { instances, service, tasks: tasks.clone(), code: Arc::clone(&code.loaded) })
}

impl HttpProgram {
    /// The size of the largest memory that a new instance has.
    #[must_use]
    pub fn initial_memory_bytes(&self) -> u64 {
        let component = match &self.instances {
            Instances::Incoming(instances) => instances.instance_pre().component(),
            Instances::Handler(instances) => instances.instance_pre().component(),
        };
        initial_memory_bytes(component)
    }

    pub(super) fn engine(&self) -> &wasmtime::Engine {
        match &self.instances {
            Instances::Incoming(instances) => instances.engine(),
            Instances::Handler(instances) => instances.engine(),
        }
    }
}
