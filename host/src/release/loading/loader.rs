//! Loads releases: compiles the component of a record, reads its contract, and links both.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::records::record::{AppliedContracts, ReleaseRecord};
use super::files::{FileError, Files};
use crate::call::{LinkedComponent, LoadedRelease, Service};
use crate::config::LimitSettings;
use crate::contract::{ContractError, Contracts, Sources, Surface, Unreadable, World};
use crate::names::{Digest, ServiceName};
use crate::runtime::{CompileError, LinkError, LinkSettings, Runtime};
use crate::tasks::{CancellationToken, Tasks};

/// The number of parsed contracts in the cache: the current ones, and those of recent rollbacks.
const CONTRACTS_MAX: usize = 4;

/// The number of components whose imports and exports are in the cache: the live releases of a host with many services.
const SURFACES_MAX: usize = 64;

/// Why a release cannot run. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Contract(#[from] ContractError),
    #[error("{service} has the contract {world}, which is not in the folder of contracts; there are: {known}")]
    NoSuchContract { service: ServiceName, world: String, known: String },
    #[error("`services.{service}.limits.function_calls_in_flight_max` names `{function}`: {hint}")]
    FunctionLimit { service: ServiceName, function: String, hint: String },
    #[error("`{key}` names `{function}`: {hint}")]
    FunctionName { key: &'static str, function: String, hint: String },
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the contracts {digest} are not as this version of switchyard keeps them")]
    Sources { digest: Digest, source: serde_json::Error },
    #[error("the component {digest}, which was deployed before, cannot be read")]
    Surface { digest: Digest, source: Unreadable },
    #[error("the component of {service} cannot be compiled")]
    Compile { service: ServiceName, source: CompileError },
    #[error("the component of {service} cannot be linked")]
    Link { service: ServiceName, source: LinkError },
}

/// Loads releases from stored components and contracts.
#[derive(Debug)]
pub(in crate::release) struct ReleaseLoader {
    pub(in crate::release) runtime: Runtime,
    /// Mounted components run in these tasks.
    tasks: Tasks,
    pub(in crate::release) components: Files,
    pub(in crate::release) contracts: Files,
    /// The folder of the contracts.
    wit: PathBuf,
    /// The last used first.
    read: Mutex<Vec<(Digest, Arc<Contracts>)>>,
    /// The surfaces of kept components, the last used first.
    surfaces: Mutex<Vec<(Digest, Arc<Surface>)>>,
}

impl ReleaseLoader {
    pub(in crate::release) fn new(
        runtime: Runtime,
        tasks: Tasks,
        components: Files,
        contracts: Files,
        wit: PathBuf,
    ) -> Self {
        Self { runtime, tasks, components, contracts, wit, read: Mutex::default(), surfaces: Mutex::default() }
    }

    /// The contracts that a new release is judged by; they are kept. These are the contracts of the folder, unless
    /// `applied` is newer than the last change of the folder.
    pub(in crate::release) fn current_contracts(
        &self,
        applied: Option<AppliedContracts>,
    ) -> Result<(Digest, Arc<Contracts>), LoadError> {
        let sources = Sources::read(&self.wit);
        let folder = sources.as_ref().ok().map(Sources::digest);
        match applied.filter(|applied| applied.folder == folder) {
            Some(AppliedContracts { digest, .. }) => Ok((digest, self.contracts(&digest)?)),
            None => self.keep_contracts(sources?),
        }
    }

    /// The kept contracts `digest`, as the contracts of a new apply.
    pub(in crate::release) fn applied_contracts(&self, digest: Digest) -> AppliedContracts {
        AppliedContracts { digest, folder: Sources::read(&self.wit).ok().map(|sources| sources.digest()) }
    }

    pub(in crate::release) fn keep_contracts(&self, sources: Sources) -> Result<(Digest, Arc<Contracts>), LoadError> {
        let digest = sources.digest();
        if !self.contracts.has(&digest) {
            let text = serde_json::to_vec(&sources).map_err(|source| LoadError::Sources { digest, source })?;
            // Contracts that do not parse are not kept.
            let contracts = self.remember(digest, Contracts::of(sources)?);
            self.contracts.put(&digest, &text)?;
            return Ok((digest, contracts));
        }
        self.contracts.share(&digest)?;
        Ok((digest, self.contracts(&digest)?))
    }

    /// The current contracts and the packages of `others` that they do not have; they are kept.
    pub(in crate::release) fn extended_contracts(
        &self,
        applied: Option<AppliedContracts>,
        others: Sources,
    ) -> Result<(Digest, Arc<Contracts>), LoadError> {
        let (digest, _) = self.current_contracts(applied)?;
        self.keep_contracts(self.sources(&digest)?.with_new_packages(others))
    }

    fn sources(&self, digest: &Digest) -> Result<Sources, LoadError> {
        let text = self.contracts.get(digest)?;
        serde_json::from_slice(&text).map_err(|source| LoadError::Sources { digest: *digest, source })
    }

    /// The contracts that were kept as `digest`.
    pub(in crate::release) fn contracts(&self, digest: &Digest) -> Result<Arc<Contracts>, LoadError> {
        let known = self.lock().iter().find(|(known, _)| known == digest).map(|(_, contracts)| Arc::clone(contracts));
        if let Some(contracts) = known {
            return Ok(contracts);
        }
        Ok(self.remember(*digest, Contracts::of(self.sources(digest)?)?))
    }

    /// The world `name` of the contracts, for `service`.
    pub(in crate::release) fn world(
        &self,
        contracts: &Contracts,
        service: &ServiceName,
        name: &str,
    ) -> Result<Arc<World>, LoadError> {
        contracts.world(name).ok_or_else(|| {
            let known = contracts.worlds().map(|world| &*world.name).collect::<Vec<_>>().join(", ");
            LoadError::NoSuchContract { service: service.clone(), world: name.into(), known }
        })
    }

    /// Loads `record` as a release of `service` within `limits`, from the component's `bytes`.
    ///
    /// Blocks, and for long if the component was never compiled, unless `cancellation` ends it.
    pub(in crate::release) fn release(
        &self,
        service: &ServiceName,
        limits: &LimitSettings,
        record: &ReleaseRecord,
        bytes: &[u8],
        cancellation: &CancellationToken,
    ) -> Result<Arc<LoadedRelease>, LoadError> {
        let compile = |source| LoadError::Compile { service: service.clone(), source };
        let link = |source| LoadError::Link { service: service.clone(), source };
        let settings = LinkSettings {
            service: service.clone(),
            environment: record.environment.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            outbound_hosts: record.outbound_hosts.clone(),
            limits: limits.clone(),
        };
        let runtime = &self.runtime;
        let (world, program) = match &record.contracts {
            Some(contracts) => {
                let world = self.world(&*self.contracts(contracts)?, service, &record.world)?;
                let code = runtime.compile_cancellable(bytes, cancellation).map_err(compile)?;
                let program = runtime.link(&code, &world, settings);
                (world, LinkedComponent::Contract(program.map_err(link)?))
            }
            None => {
                let code = runtime.compile_http_cancellable(bytes, cancellation).map_err(compile)?;
                let program = runtime.link_http(&code, settings, &self.tasks);
                (Arc::new(World::http()), LinkedComponent::Http(program.map_err(link)?))
            }
        };
        Ok(Arc::new(LoadedRelease::new(record.digest, world, program, limits, record.deployed_at)))
    }

    /// Loads `record`, whose component is kept, as a release of `service`. Blocks like [`ReleaseLoader::release`].
    pub(in crate::release) fn load(
        &self,
        service: &Service,
        record: &ReleaseRecord,
    ) -> Result<Arc<LoadedRelease>, LoadError> {
        let bytes = self.components.get_checked(&record.digest)?;
        self.release(service.name(), service.limits(), record, &bytes, &CancellationToken::never())
    }

    /// A file that `record` names and that is missing: its component, or the contracts that judged it.
    pub(in crate::release) fn missing(&self, record: &ReleaseRecord) -> Option<PathBuf> {
        let contracts = || self.contracts.missing(record.contracts.as_ref()?);
        self.components.missing(&record.digest).or_else(contracts)
    }

    /// Warns of the releases of `service` that cannot run because a file is missing. The host runs without them.
    pub(in crate::release) fn warn_of_missing<'r>(
        &self,
        service: &ServiceName,
        releases: impl IntoIterator<Item = &'r ReleaseRecord>,
    ) {
        for record in releases {
            if let Some(path) = self.missing(record) {
                let (release, digest, path) = (record.number, record.digest, path.display());
                tracing::warn!(
                    %service, release, %digest, %path,
                    "a file of an earlier release is missing: put it back, or deploy its component again; a rollback to it \
                     and backups fail until then"
                );
            }
        }
    }

    /// The imports and exports of the kept component `digest`.
    pub(in crate::release) fn surface(&self, digest: &Digest) -> Result<Arc<Surface>, LoadError> {
        let known = self.surfaces().iter().find(|(known, _)| known == digest).map(|(_, surface)| Arc::clone(surface));
        if let Some(surface) = known {
            return Ok(surface);
        }
        let bytes = self.components.get_checked(digest)?;
        let surface = Surface::read(&bytes).map_err(|source| LoadError::Surface { digest: *digest, source })?;
        let surface = Arc::new(surface);
        let mut surfaces = self.surfaces();
        surfaces.insert(0, (*digest, Arc::clone(&surface)));
        surfaces.truncate(SURFACES_MAX);
        Ok(surface)
    }

    fn surfaces(&self) -> std::sync::MutexGuard<'_, Vec<(Digest, Arc<Surface>)>> {
        self.surfaces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, digest: Digest, contracts: Contracts) -> Arc<Contracts> {
        let contracts = Arc::new(contracts);
        let mut read = self.lock();
        read.retain(|(known, _)| *known != digest);
        read.insert(0, (digest, Arc::clone(&contracts)));
        read.truncate(CONTRACTS_MAX);
        contracts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Digest, Arc<Contracts>)>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
