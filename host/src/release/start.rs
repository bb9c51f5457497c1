//! Starts the services of a manifest: those that ran before with their recorded releases, and new ones with the component of
//! the manifest.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::changes::change_set::{HOST, Migration, MigrationWork};
use super::judging::candidate::Trial;
use super::judging::isolated::isolated_run;
use super::judging::signature::check_signature;
use super::loading::function_limits::check_function_limits;
use super::loading::loader::ReleaseLoader;
use super::open_error::OpenError;
use super::records::record::{CandidateRecord, ChangeKind, DataFormat, NewEntry, ReleaseRecord, ServiceRecord};
use super::records::state::{Running, RunningCandidate};
use super::records::stored_data::{DataFit, StoredData, format_text};
use crate::call::{Backend, LoadedRelease, Service, Shadow, Share};
use crate::clock;
use crate::config::{Manifest, ServiceSettings, Signature, SignedRelease, signature_file};
use crate::contract::{OutboundHttp, judge_http};
use crate::names::{Digest, Generation, ServiceName};
use crate::observe::error_chain;
use crate::runtime::Program;
use crate::store::{Store, Transaction};
use crate::tasks::{CancellationToken, Tasks, both};

/// The progress of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The journal is replayed, and the stores are open.
    Opened {
        took: Duration,
    },
    /// The component of a service is being compiled, or taken from the cache.
    Compiling {
        service: ServiceName,
    },
    Compiled {
        service: ServiceName,
        took: Duration,
    },
}

/// Whether a start may commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Writer,
    /// It only runs what another node has committed.
    Reader,
}

/// Receives the progress of a start. It is called from several threads.
pub(crate) type Report<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// The component of a new service, checked as far as is possible without compiling it.
struct NewComponent {
    bytes: Vec<u8>,
    digest: Digest,
    /// The contracts that it was judged by; `None` if it speaks HTTP itself.
    contracts: Option<Digest>,
    world: String,
    signature: Option<Signature>,
}

/// A service to start.
pub(super) struct Start {
    pub(super) running: Running,
    /// Lines of the history that the platform's store does not contain yet.
    pub(super) events: Vec<NewEntry>,
    /// Its data after a migration by its release, and the new version.
    pub(super) migrated: Option<(Transaction, u64)>,
}

/// The parts that a start needs.
pub(super) struct Starter<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) loader: &'a ReleaseLoader,
    pub(super) stores: &'a BTreeMap<ServiceName, Store>,
    pub(super) tasks: &'a Tasks,
    pub(super) recorded: &'a [(ServiceName, ServiceRecord)],
    pub(super) report: Report<'a>,
    pub(super) role: Role,
    /// Runs components that report the versions of their data.
    pub(super) handle: Handle,
}
impl Starter<'_> {
    /// Starts the services, two at a time. Before anything is compiled, it checks the components of all new services.
    pub(super) fn start(&self) -> Result<Vec<(ServiceName, Start)>, OpenError> {
        let (mut services, mut errors) = (Vec::new(), Vec::new());
        for (name, settings) in &self.manifest.services {
            match self.recorded(name, settings) {
                Some(_) => services.push((name, settings, None)),
                None => match self.new_component(name, settings) {
                    Ok(component) => services.push((name, settings, Some(component))),
                    Err(error) => errors.push(error),
                },
            }
        }
        match errors.len() {
            0 => {}
            1 => return Err(errors.remove(0)),
            _ => return Err(OpenError::Several { errors }),
        }
        let (first, second) = services.split_at(services.len().div_ceil(2));
        let some = |part: &[(&ServiceName, &ServiceSettings, Option<NewComponent>)]| -> Result<Vec<_>, OpenError> {
            let start = |(name, settings, new): &(&ServiceName, &ServiceSettings, Option<NewComponent>)| {
                Ok(((*name).clone(), self.service(name, settings, new.as_ref())?))
            };
            part.iter().map(start).collect()
        };
        let (first, second) = both(|| some(first), || some(second));
        let mut started = first?;
        started.extend(second?);
        Ok(started)
    }

    /// The record of a service that ran before.
    fn recorded(&self, name: &ServiceName, settings: &ServiceSettings) -> Option<&ServiceRecord> {
        // A service that changes between mounted and having a contract begins anew.
        let is_such = |record: &ServiceRecord| record.live.contracts.is_some() == settings.contract.is_some();
        let mut found = self.recorded.iter().filter(|(known, record)| known == name && is_such(record));
        found.next().map(|(_, record)| record)
    }

    fn service(
        &self,
        name: &ServiceName,
        settings: &ServiceSettings,
        new: Option<&NewComponent>,
    ) -> Result<Start, OpenError> {
        (self.report)(Progress::Compiling { service: name.clone() });
        let began = clock::now();
        let limits = settings.limits(&self.manifest.limits);
        let store = self.stores.get(name).expect("the stores of the manifest's services are used").clone();
        let service = Arc::new(Service::new(name.clone(), store, limits));
        let start = match (new, self.recorded(name, settings)) {
            (None, Some(record)) => self.as_recorded(&service, settings, record.clone()),
            (Some(new), _) => self.new_service(&service, settings, new),
            (None, None) => self.new_service(&service, settings, &self.new_component(name, settings)?),
        }?;
        (self.report)(Progress::Compiled { service: name.clone(), took: clock::elapsed(began) });
        Ok(start)
    }

    /// A service that ran before, with its recorded releases.
    fn as_recorded(
        &self,
        service: &Arc<Service>,
        settings: &ServiceSettings,
        record: ServiceRecord,
    ) -> Result<Start, OpenError> {
        let live = self.loader.load(service, &record.live)?;
        let candidate = record.candidate.as_ref().map(|candidate| self.candidate(service, &live, candidate, &record));
        let candidate = candidate.transpose()?;
        let running =
            Running { service: Arc::clone(service), settings: settings.clone(), record, live, candidate, copy: None };
        Ok(Start { running, events: Vec::new(), migrated: None })
    }

    fn candidate(
        &self,
        service: &Arc<Service>,
        live: &LoadedRelease,
        record: &CandidateRecord,
        of: &ServiceRecord,
    ) -> Result<RunningCandidate, OpenError> {
        let release = self.loader.load(service, &record.release)?;
        let generation = of.generation;
        let member = Backend { service: Arc::clone(service), release: Arc::clone(&release), generation };
        let same_format = record.release.data.format == of.live.data.format;
        let runs_max = self.manifest.deploy.shadow_runs_max;
        let shadow = record.rollout.shadow.filter(|_| record.rollout.step.is_none());
        // The leader compares the calls.
        let shadow = shadow.filter(|_| self.role == Role::Writer);
        let shadow =
            shadow.map(|parts| Shadow::new(member, Share::of_parts(parts), runs_max, same_format, self.tasks.clone()));
        let trial = Trial::begin(live, &release, record.rollout.share(), shadow);
        Ok(RunningCandidate { release, trial })
    }

    /// Reads and judges the component that the manifest names for a new service.
    fn new_component(&self, name: &ServiceName, settings: &ServiceSettings) -> Result<NewComponent, OpenError> {
        let path = &settings.component;
        let bytes = std::fs::read(path).map_err(|source| OpenError::Component {
            service: name.clone(),
            path: path.clone(),
            source,
        })?;
        let (contracts, world) = self.judged(name, settings, &bytes)?;
        let digest = Digest::of(&bytes);
        let signature = self.signature(name, path, &world, &digest)?;
        Ok(NewComponent { bytes, digest, contracts, world, signature })
    }

    /// A new service, with the component of the manifest.
    fn new_service(
        &self,
        service: &Arc<Service>,
        settings: &ServiceSettings,
        new: &NewComponent,
    ) -> Result<Start, OpenError> {
        let name = service.name();
        let NewComponent { bytes: component, digest, contracts, world, signature } = new;
        let (digest, contracts, world, signature) = (*digest, *contracts, world.clone(), *signature);
        let record = ReleaseRecord {
            number: 1,
            digest,
            contracts,
            world,
            deployed_at: clock::unix_micros(),
            by: HOST.into(),
            reason: Some("the component of the manifest".into()),
            environment: settings.environment.clone(),
            outbound_hosts: settings.outbound_hosts.clone(),
            granted: Vec::new(),
            data: DataFormat::default(),
            signature,
            was_left: false,
        };
        let live = self.loader.release(name, service.limits(), &record, component, &CancellationToken::never())?;
        let (mut record, mut migrated) = (record, None);
        if let Some(program) = live.program.contract() {
            (record.data, migrated) = self.handle.block_on(first_data(service, &live, program))?;
        }
        let oldest_data = record.data.writes;
        self.loader.components.put(&record.digest, component)?;
        let event = NewEntry {
            to: Some(record.digest),
            reason: record.reason.clone(),
            ..NewEntry::new(HOST, name, ChangeKind::Add)
        };
        let signed = record.signed();
        let (candidate, kept) = Default::default();
        let record = ServiceRecord {
            live: record,
            candidate,
            kept,
            last: 1,
            oldest_data,
            signed,
            is_fresh: true,
            applied: Some(digest),
            generation: Generation::First,
            mirror: None,
        };
        let running = Running {
            service: Arc::clone(service),
            settings: settings.clone(),
            record,
            live,
            candidate: None,
            copy: None,
        };
        Ok(Start { running, events: vec![event], migrated })
    }

    /// The signature beside the component in `path`, checked if the manifest names signers.
    fn signature(
        &self,
        service: &ServiceName,
        path: &Path,
        contract: &str,
        component: &Digest,
    ) -> Result<Option<Signature>, OpenError> {
        let signers = &self.manifest.deploy.signers;
        if signers.is_empty() {
            return Ok(None);
        }
        let path = signature_file(path);
        let refused = |why: String| OpenError::Unsigned { service: service.clone(), path: path.clone(), why };
        let signature = match std::fs::read_to_string(&path) {
            Ok(text) => Some(Signature::parse(text.trim()).map_err(|error| refused(error.to_string()))?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(refused(error.to_string())),
        };
        let release = SignedRelease { service, contract, component };
        let checked = check_signature(signers, &release, signature.as_ref(), 0);
        checked.map(|()| signature).map_err(|fault| refused(fault.to_string()))
    }

    /// The contracts that a new service's component was judged by, and its world; `None` and `wasi:http` if it speaks
    /// HTTP itself.
    fn judged(
        &self,
        name: &ServiceName,
        settings: &ServiceSettings,
        component: &[u8],
    ) -> Result<(Option<Digest>, String), OpenError> {
        let (digest, verdict) = match &settings.contract {
            None => (None, judge_http(component)),
            Some(contract) => {
                let (digest, contracts) = self.loader.current_contracts(None)?;
                let world = self.loader.world(&contracts, name, contract)?;
                check_function_limits(name, settings, &world)?;
                let granted = !settings.outbound_hosts.is_empty();
                let outbound = if granted { OutboundHttp::Granted } else { OutboundHttp::Refused };
                (Some(digest), contracts.judge(&world, component, outbound))
            }
        };
        match verdict.accepted {
            true => Ok((digest, verdict.world)),
            false => Err(OpenError::Refused { service: name.clone(), verdict: Box::new(verdict) }),
        }
    }
}

/// The data versions of a new service's release, and the migration of data from an earlier service with that name.
async fn first_data(
    service: &Arc<Service>,
    release: &Arc<LoadedRelease>,
    program: &Arc<Program>,
) -> Result<(DataFormat, Option<(Transaction, u64)>), OpenError> {
    let failed = |why: String| OpenError::Data { service: service.name().clone(), why };
    let wait = Duration::from_millis(service.limits().deadline_ms);
    let described = program.describe_data(isolated_run(Transaction::scratch().only_reading(), wait)).await;
    let described = described.map_err(|error| failed(error_chain(&error)))?;
    let there = StoredData::without_release(service.store());
    let data = DataFormat {
        format: described.format,
        writes: described.version.into(),
        reads_up_to: described.reads_up_to.into(),
    };
    let work = match there.fit(&data, false) {
        DataFit::Same => return Ok((data, None)),
        DataFit::Empty => MigrationWork::Adopt,
        DataFit::Migrates => MigrationWork::Migrate { from: there.oldest },
        DataFit::OtherFormat => {
            let (theirs, own) = (format_text(there.format.as_ref()), format_text(data.format.as_ref()));
            return Err(failed(format!("it has {theirs}, and the component writes {own}")));
        }
        DataFit::TooNew => {
            let (there, up_to) = (there.version, data.reads_up_to);
            return Err(failed(format!("it is of version {there}, and the component reads up to {up_to}")));
        }
    };
    let (service, release, pause_ms_max) = (Arc::clone(service), Arc::clone(release), described.pause_ms_max);
    let generation = Generation::First;
    let migration = Migration { service, release, generation, work, to: data.writes, pause_ms_max, has_calls: false };
    let deadline = clock::now() + Duration::from_millis(pause_ms_max.into());
    let (transaction, _no_mirror) = migration.run(deadline).await.map_err(|error| failed(error_chain(&error)))?;
    let writes = data.writes;
    Ok((data, Some((transaction, writes))))
}
