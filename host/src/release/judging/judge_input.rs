//! The input of a judgement on proposed releases: the contracts, the service that they are for, and the services around
//! it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::super::error::DeployError;
use super::super::loading::loader::ReleaseLoader;
use super::super::records::state::{Running, State};
use super::super::records::stored_data::StoredData;
use crate::call::Backend;
use crate::config::{Grant, LimitSettings, Manifest, ServiceSettings, Signature};
use crate::contract::{Contracts, World};
use crate::names::{Digest, ServiceName};
use crate::runtime::Program;
use crate::store::Store;

/// A release that is proposed for a service.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub service: ServiceName,
    pub component: Bytes,
    pub signature: Option<Signature>,
}

/// Everything that stays the same while some releases are judged together.
#[derive(Debug)]
pub(in crate::release) struct JudgeInput {
    pub(in crate::release) contracts: (Digest, Arc<Contracts>),
    /// The running services, except for those that end when the proposals go live.
    pub(in crate::release) around: BTreeMap<ServiceName, Live>,
    /// The mounted services, and their prefixes.
    pub(in crate::release) mounts: Vec<(ServiceName, String)>,
    /// One for each proposal.
    pub(in crate::release) contexts: BTreeMap<ServiceName, ServiceContext>,
}

/// The live release of a service.
#[derive(Debug, Clone)]
pub(in crate::release) struct Live {
    pub(in crate::release) digest: Digest,
    pub(in crate::release) world: Arc<World>,
    /// The initial memory of an instance.
    pub(in crate::release) memory_bytes: u64,
    pub(in crate::release) signature: Option<Signature>,
    pub(in crate::release) backend: Backend,
}

/// A service that a release is proposed for, in its future form.
#[derive(Debug)]
pub(in crate::release) struct ServiceContext {
    pub(in crate::release) settings: ServiceSettings,
    pub(in crate::release) limits: LimitSettings,
    /// Earlier grants, in addition to those of its settings.
    pub(in crate::release) granted: Vec<Grant>,
    /// The number of its last release.
    pub(in crate::release) last: u64,
    /// The highest number of a signature of its releases.
    pub(in crate::release) signed: u64,
    /// `None` for a service that does not run yet.
    pub(in crate::release) live: Option<Live>,
    /// `None` for a service without stored data.
    pub(in crate::release) store: Option<Store>,
    /// The data that is there.
    pub(in crate::release) data: StoredData,
}

impl Live {
    fn of(running: &Running) -> Self {
        let release = &running.live;
        let memory_bytes = release.program.initial_memory_bytes();
        let record = &running.record.live;
        let (digest, signature) = (record.digest, record.signature);
        let (world, backend) = (Arc::clone(&release.world), running.live_backend());
        Self { digest, world, memory_bytes, signature, backend }
    }
}

impl JudgeInput {
    /// The input for `proposals` for running services.
    pub(in crate::release) fn of(
        loader: &ReleaseLoader,
        state: &State,
        proposals: &[Proposal],
    ) -> Result<Self, DeployError> {
        let contexts = proposals.iter().map(|Proposal { service, .. }| {
            let running = state.running(service)?;
            Ok((
                service.clone(),
                ServiceContext::of(running, running.settings.clone(), running.service.limits().clone()),
            ))
        });
        let contexts = contexts.collect::<Result<_, DeployError>>()?;
        let contracts = loader.current_contracts(state.contracts)?;
        Ok(Self { contracts, around: around(state), mounts: mounts(&state.manifest), contexts })
    }

    pub(in crate::release) fn context(&self, service: &ServiceName) -> Result<&ServiceContext, DeployError> {
        self.contexts.get(service).ok_or_else(|| DeployError::NoService { service: service.clone() })
    }

    /// The contract that a service must keep.
    pub(in crate::release) fn world(
        &self,
        loader: &ReleaseLoader,
        service: &ServiceName,
    ) -> Result<Arc<World>, DeployError> {
        let context = self.context(service)?;
        if context.settings.contract.is_none() {
            return Ok(Arc::new(World::http()));
        }
        let live = context.live.as_ref().map(|live| &*live.world.name);
        let name = context.settings.contract.as_deref().or(live).unwrap_or_default();
        Ok(loader.world(&self.contracts.1, service, name)?)
    }
}

impl ServiceContext {
    /// The context of a running service. The next release keeps the grants of the live one.
    pub(in crate::release) fn of(running: &Running, settings: ServiceSettings, limits: LimitSettings) -> Self {
        Self {
            settings,
            limits,
            granted: running.record.live.granted.clone(),
            last: running.record.last,
            signed: running.record.signed,
            live: Some(Live::of(running)),
            store: Some(running.service.store().clone()),
            data: running.data(),
        }
    }
}

impl ServiceContext {
    /// Whether the live release can hand its data over to `program`.
    pub(in crate::release) fn can_hand_over(&self, program: &Program) -> bool {
        let live = self.live.as_ref().and_then(|live| live.backend.release.program.contract());
        program.state_interface().is_some() && live.is_some_and(|live| live.state_interface().is_some())
    }
}

/// The live releases of all services.
pub(in crate::release) fn around(state: &State) -> BTreeMap<ServiceName, Live> {
    state.services.iter().map(|(name, running)| (name.clone(), Live::of(running))).collect()
}

/// The mounted services of a manifest, and their prefixes.
pub(in crate::release) fn mounts(manifest: &Manifest) -> Vec<(ServiceName, String)> {
    manifest.services.iter().filter_map(|(name, settings)| Some((name.clone(), settings.mount.clone()?))).collect()
}

/// `some`, followed by the grants that only `others` contains.
pub(in crate::release) fn joined(some: &[Grant], others: &[Grant]) -> Vec<Grant> {
    let mut joined = some.to_vec();
    for other in others {
        if !joined.contains(other) {
            joined.push(other.clone());
        }
    }
    joined
}
