//! Makes the first release of each service from what the manifest names.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::StartError;
use crate::call::{Member, Release, Service};
use crate::clock;
use crate::config::{LimitSettings, Manifest, ServiceSettings};
use crate::contract::{Contracts, OutboundHttp, World};
use crate::names::{Digest, ServiceName};
use crate::runtime::{LinkSettings, Runtime};
use crate::store::Stores;

/// How far a start is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The journal is replayed, the stores are open.
    Opened {
        took: Duration,
    },
    /// The component of a service is being compiled, or found compiled.
    Compiling {
        service: ServiceName,
    },
    Compiled {
        service: ServiceName,
        took: Duration,
    },
}

/// Whoever is told how far a start is. It is called from several threads.
pub(super) type Report<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// The world of each service that has one, in the order of the manifest.
pub(super) fn worlds(manifest: &Manifest, contracts: &Contracts) -> Result<Vec<(ServiceName, Arc<World>)>, StartError> {
    let mut worlds = Vec::new();
    for (service, settings) in &manifest.services {
        let Some(name) = &settings.contract else { continue };
        let Some(world) = contracts.world(name) else {
            let known = contracts.worlds().map(|world| &*world.name).collect::<Vec<_>>().join(", ");
            return Err(StartError::NoSuchContract { service: service.clone(), world: name.clone(), known });
        };
        worlds.push((service.clone(), world));
    }
    Ok(worlds)
}

/// What the releases are made with.
pub(super) struct Workshop<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) contracts: &'a Contracts,
    pub(super) runtime: &'a Runtime,
    pub(super) stores: &'a Stores,
    pub(super) report: Report<'a>,
}

impl Workshop<'_> {
    /// Judges, compiles and links the component of each of `worlds`; those of two services at a time.
    pub(super) fn members(&self, worlds: &[(ServiceName, Arc<World>)]) -> Result<Vec<Member>, StartError> {
        let half = worlds.len().div_ceil(2);
        let (first, second) = worlds.split_at(half);
        let some = |part: &[(ServiceName, Arc<World>)]| -> Result<Vec<Member>, StartError> {
            part.iter().map(|(service, world)| self.member(service, world)).collect()
        };
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(|| some(second));
            (some(first), other.join())
        });
        let mut members = first?;
        members.extend(second.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        Ok(members)
    }

    fn member(&self, name: &ServiceName, world: &Arc<World>) -> Result<Member, StartError> {
        let settings = self.manifest.services.get(name).expect("worlds are those of the manifest's services");
        let limits = settings.limits(&self.manifest.limits);
        let component = read_component(name, settings)?;
        let begin = clock::now();
        (self.report)(Progress::Compiling { service: name.clone() });
        let verdict = self.contracts.judge(world, &component, outbound(settings));
        if !verdict.accepted {
            return Err(StartError::Refused { service: name.clone(), verdict: Box::new(verdict) });
        }
        let code =
            self.runtime.compile(&component).map_err(|source| StartError::Compile { service: name.clone(), source })?;
        let link = link_settings(name, settings, &limits);
        let program = self
            .runtime
            .link(&code, world, link)
            .map_err(|source| StartError::Link { service: name.clone(), source })?;
        (self.report)(Progress::Compiled { service: name.clone(), took: Instant::elapsed(&begin) });
        let store = self.stores.service(name).expect("the stores were opened for the manifest's services");
        let release = Release::new(Digest::of(&component), Arc::clone(world), program, &limits, clock::unix_micros());
        Ok(Member { service: Arc::new(Service::new(name.clone(), store, limits)), release: Arc::new(release) })
    }
}

/// The bytes of the component that the manifest names.
pub(super) fn read_component(service: &ServiceName, settings: &ServiceSettings) -> Result<Vec<u8>, StartError> {
    let path = &settings.component;
    std::fs::read(path).map_err(|source| StartError::Component { service: service.clone(), path: path.clone(), source })
}

pub(super) fn link_settings(service: &ServiceName, settings: &ServiceSettings, limits: &LimitSettings) -> LinkSettings {
    LinkSettings {
        service: service.clone(),
        environment: settings.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        outbound_hosts: settings.outbound_hosts.clone(),
        limits: limits.clone(),
    }
}

/// Whether the manifest grants requests to hosts outside.
pub(super) fn outbound(settings: &ServiceSettings) -> OutboundHttp {
    match settings.outbound_hosts.is_empty() {
        true => OutboundHttp::Refused,
        false => OutboundHttp::Granted,
    }
}
