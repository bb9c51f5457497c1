//! The start: every service runs what the ledger has for it, or the component of the manifest when it is new.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::backup::Backups;
use super::candidate::Trial;
use super::change::HOST;
use super::data::DataStamp;
use super::files::{FileError, Files, sync_folder};
use super::ledger::{Ledger, LedgerError};
use super::load::{LoadError, Workshop};
use super::migrate::commit_migration;
use super::record::{CandidateRecord, DataVersions, Event, ReleaseRecord, ServiceRecord, What};
use super::rehearse::{chain, seclusion};
use super::scene::joined;
use super::state::{Running, RunningCandidate, State};
use super::uploads::Uploads;
use super::{Inner, Releases, ledger_path};
use crate::call::{Backend, Calls, LoadedRelease, NotExported, Service, Shadow, Share};
use crate::clock;
use crate::config::{Manifest, ServiceSettings};
use crate::contract::{OutboundHttp, Verdict, check_together, judge_http};
use crate::limits::RELEASES_KEPT_MAX;
use crate::names::{Digest, ServiceName};
use crate::observe::SwapPauses;
use crate::runtime::{Program, Runtime};
use crate::store::{Store, Stores, Transaction};
use crate::tasks::Tasks;

/// The folders in the data directory.
const COMPONENTS_FOLDER: &str = "components";
const CONTRACTS_FOLDER: &str = "contracts";

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
pub(crate) type Report<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Why the services cannot be started. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the component of {service} cannot be read from {path}: build it, or correct the manifest", path = path.display())]
    Component { service: ServiceName, path: PathBuf, source: std::io::Error },
    #[error("the component of {service} does not keep its contract\n{verdict}")]
    Refused { service: ServiceName, verdict: Box<Verdict> },
    #[error("the data of {service} is not what its component can do with: {why}")]
    Data { service: ServiceName, why: String },
    #[error(transparent)]
    Contract(#[from] crate::contract::ContractError),
    #[error(transparent)]
    Together(#[from] NotExported),
    #[error("the system gives no randomness")]
    Randomness(#[from] getrandom::Error),
}

/// A service as it is started.
struct Start {
    running: Running,
    /// What the ledger does not have yet.
    events: Vec<Event>,
}

/// What a start is made with.
struct Starter<'a> {
    manifest: &'a Manifest,
    workshop: &'a Workshop,
    stores: &'a Stores,
    tasks: &'a Tasks,
    recorded: &'a [(ServiceName, ServiceRecord)],
    report: Report<'a>,
    /// For what a component says of its data: it runs for that.
    handle: Handle,
}

impl Releases {
    /// Starts the services of `manifest` over the data directory `data`.
    ///
    /// Blocks while components are compiled.
    ///
    /// # Errors
    ///
    /// [`OpenError`], with what to do.
    pub(crate) fn open(
        manifest: &Manifest,
        data: &Path,
        runtime: Runtime,
        stores: &Stores,
        tasks: &Tasks,
        report: Report<'_>,
    ) -> Result<(Self, Calls), OpenError> {
        let ledger = Ledger::open(&ledger_path(data))?;
        let components = Files::open(data.join(COMPONENTS_FOLDER), "wasm")?;
        let contracts = Files::open(data.join(CONTRACTS_FOLDER), "json")?;
        let workshop = Workshop::new(runtime, tasks.clone(), components, contracts, manifest.host.wit.clone());
        // Their names are as durable as what will be in them: without the ledger a start would begin anew.
        sync_folder(data)?;
        let (recorded, tokens, secret) = (ledger.services()?, ledger.tokens()?, ledger.secret()?);
        // Nobody judges by them yet: those that no release was judged by can go.
        let releases = || recorded.iter().flat_map(|(_, record)| record.releases());
        workshop.contracts.sweep(|digest| releases().any(|release| release.contracts.as_ref() == Some(digest)));
        let starter = Starter {
            manifest,
            workshop: &workshop,
            stores,
            tasks,
            recorded: &recorded,
            report,
            handle: Handle::current(),
        };
        let started = starter.start()?;
        let worlds: Vec<_> =
            started.iter().map(|(name, start)| (name.clone(), Arc::clone(&start.running.live.world))).collect();
        check_together(&worlds)?;

        let mut change = ledger.begin()?;
        for (name, start) in &started {
            if !start.events.is_empty() {
                change.service(name, &start.running.record)?;
            }
            start.events.iter().try_for_each(|event| change.tell(event.clone()))?;
        }
        let removed = recorded.iter().filter(|(name, _)| started.iter().all(|(started, _)| started != name));
        let removed = removed.cloned().collect();
        let services = started.into_iter().map(|(name, start)| (name, start.running)).collect();
        let state = State { manifest: Arc::new(manifest.clone()), services, removed };
        let routing = state.routing()?;
        change.commit()?;
        let remembered = manifest.gateway.authentication_cache_ms_max;
        let calls = Calls::new(routing, stores.clone(), tasks.clone(), remembered, manifest.retries.clone(), secret)?;
        let inner = Arc::new(Inner {
            data: data.into(),
            workshop,
            ledger,
            calls: calls.clone(),
            stores: stores.clone(),
            tasks: tasks.clone(),
            state: ArcSwap::from_pointee(state),
            tokens: ArcSwap::from_pointee(tokens),
            uploads: Uploads::default(),
            chosen: std::sync::Mutex::default(),
            pauses: SwapPauses::new(),
            backups: Backups::default(),
            changing: Mutex::default(),
        });
        inner.sweep();
        Ok((Self { inner }, calls))
    }
}

impl Starter<'_> {
    /// Starts those of two services at a time.
    fn start(&self) -> Result<Vec<(ServiceName, Start)>, OpenError> {
        let services: Vec<_> = self.manifest.services.iter().collect();
        let (first, second) = services.split_at(services.len().div_ceil(2));
        let some = |part: &[(&ServiceName, &ServiceSettings)]| -> Result<Vec<_>, OpenError> {
            part.iter().map(|(name, settings)| Ok(((*name).clone(), self.service(name, settings)?))).collect()
        };
        let (first, second) = std::thread::scope(|scope| {
            let other = scope.spawn(|| some(second));
            (some(first), other.join())
        });
        let mut started = first?;
        started.extend(second.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        Ok(started)
    }

    fn service(&self, name: &ServiceName, settings: &ServiceSettings) -> Result<Start, OpenError> {
        (self.report)(Progress::Compiling { service: name.clone() });
        let began = clock::now();
        let limits = settings.limits(&self.manifest.limits);
        let store = self.stores.service(name).expect("the stores were opened for the manifest's services");
        let service = Arc::new(Service::new(name.clone(), store, limits));
        // A service that was mounted and has a contract now, or the other way round, begins anew.
        let is_such = |record: &ServiceRecord| record.live.contracts.is_some() == settings.contract.is_some();
        let recorded = self.recorded.iter().find(|(known, record)| known == name && is_such(record));
        let start = match recorded {
            Some((_, record)) => self.as_recorded(&service, settings, record.clone()),
            None => self.new_service(&service, settings),
        }?;
        (self.report)(Progress::Compiled { service: name.clone(), took: clock::elapsed(began) });
        Ok(start)
    }

    /// A service that ran before: with the component that it ran, and the configuration that the manifest has now.
    fn as_recorded(
        &self,
        service: &Arc<Service>,
        settings: &ServiceSettings,
        mut record: ServiceRecord,
    ) -> Result<Start, OpenError> {
        let mut events = Vec::new();
        if let Some(migrating) = record.migrating.take() {
            events.push(finish_migration(service.store(), &mut record, migrating));
        }
        let mut differs = |what: &str| {
            let reason = Some(format!("the manifest has {what}"));
            events.push(Event { reason, ..Event::new(HOST, service.name(), What::Settings) });
        };
        if record.live.environment != settings.environment {
            record.live.environment.clone_from(&settings.environment);
            differs("another environment");
        }
        let hosts = joined(&settings.outbound_hosts, &record.live.granted);
        if !record.live.reaches(&hosts) {
            record.live.outbound_hosts = hosts;
            differs("other outbound hosts");
        }
        let live = self.workshop.load(service, &record.live)?;
        let candidate = record.candidate.as_ref().map(|candidate| self.candidate(service, &live, candidate));
        let candidate = candidate.transpose()?;
        let running = Running { service: Arc::clone(service), settings: settings.clone(), record, live, candidate };
        Ok(Start { running, events })
    }

    fn candidate(
        &self,
        service: &Arc<Service>,
        live: &LoadedRelease,
        record: &CandidateRecord,
    ) -> Result<RunningCandidate, OpenError> {
        let release = self.workshop.load(service, &record.release)?;
        let member = Backend { service: Arc::clone(service), release: Arc::clone(&release) };
        let runs_max = self.manifest.deploy.shadow_runs_max;
        let shadow = record.rollout.shadow.filter(|_| record.rollout.step.is_none());
        let shadow = shadow.map(|parts| Shadow::new(member, Share::of_parts(parts), runs_max, self.tasks.clone()));
        let trial = Trial::begin(live, &release, record.rollout.share(), shadow);
        Ok(RunningCandidate { release, trial })
    }

    /// A service that is new: with the component of the manifest.
    fn new_service(&self, service: &Arc<Service>, settings: &ServiceSettings) -> Result<Start, OpenError> {
        let name = service.name();
        let path = &settings.component;
        let component = std::fs::read(path).map_err(|source| OpenError::Component {
            service: name.clone(),
            path: path.clone(),
            source,
        })?;
        let (contracts, world) = self.judged(name, settings, &component)?;
        let record = ReleaseRecord {
            number: 1,
            digest: Digest::of(&component),
            contracts,
            world,
            deployed_at: clock::unix_micros(),
            by: HOST.into(),
            reason: Some("the component of the manifest".into()),
            environment: settings.environment.clone(),
            outbound_hosts: settings.outbound_hosts.clone(),
            granted: Vec::new(),
            data: DataVersions::default(),
        };
        let live = self.workshop.release(name, service.limits(), &record, &component)?;
        let mut record = record;
        if let Some(program) = live.program.contract() {
            record.data = self.handle.block_on(first_data(service, (&live, program), &record))?;
        }
        let oldest_data = record.data.writes;
        self.workshop.components.put(&record.digest, &component)?;
        let event =
            Event { to: Some(record.digest), reason: record.reason.clone(), ..Event::new(HOST, name, What::Add) };
        let record =
            ServiceRecord { live: record, candidate: None, kept: Vec::new(), last: 1, oldest_data, migrating: None };
        let running =
            Running { service: Arc::clone(service), settings: settings.clone(), record, live, candidate: None };
        Ok(Start { running, events: vec![event] })
    }

    /// The contracts that a new service's component was judged by, and its world; nothing and `wasi:http` where it
    /// speaks HTTP itself.
    fn judged(
        &self,
        name: &ServiceName,
        settings: &ServiceSettings,
        component: &[u8],
    ) -> Result<(Option<Digest>, String), OpenError> {
        let outbound = if settings.outbound_hosts.is_empty() { OutboundHttp::Refused } else { OutboundHttp::Granted };
        let (digest, verdict) = match &settings.contract {
            None => (None, judge_http(component, outbound)),
            Some(contract) => {
                let (digest, contracts) = self.workshop.current_contracts()?;
                let world = self.workshop.world(&contracts, name, contract)?;
                (Some(digest), contracts.judge(&world, component, outbound))
            }
        };
        match verdict.accepted {
            true => Ok((digest, verdict.world)),
            false => Err(OpenError::Refused { service: name.clone(), verdict: Box::new(verdict) }),
        }
    }
}

/// Brings the data of a new service, which may have been there before, to what its component writes.
async fn first_data(
    service: &Service,
    (release, program): (&LoadedRelease, &Program),
    record: &ReleaseRecord,
) -> Result<DataVersions, OpenError> {
    let failed = |why: String| OpenError::Data { service: service.name().clone(), why };
    let wait = Duration::from_millis(service.limits().deadline_ms);
    let said = program.describe_data(seclusion(Transaction::scratch().only_reading(), wait)).await;
    let said = said.map_err(|error| failed(chain(&error)))?;
    let there = DataStamp::of(service.store()).version;
    if said.reads_up_to < there {
        return Err(failed(format!("it is of version {there}, and the component reads up to {}", said.reads_up_to)));
    }
    if said.version > there {
        let wait = Duration::from_millis(said.pause_ms_max.into());
        commit_migration(service, release, there, DataStamp::after(record, said.version), wait)
            .await
            .map_err(failed)?;
    }
    Ok(DataVersions { writes: said.version.into(), reads_up_to: said.reads_up_to.into() })
}

/// Ends a migration in the middle of which the host ended: the store says whether it was done.
pub(super) fn finish_migration(store: &Store, record: &mut ServiceRecord, migrating: ReleaseRecord) -> Event {
    let (from, to) = (Some(record.live.digest), Some(migrating.digest));
    let done = DataStamp::of(store).is_by(&migrating);
    let reason = if done {
        record.kept.insert(0, std::mem::replace(&mut record.live, migrating));
        record.kept.truncate(RELEASES_KEPT_MAX);
        record.candidate = None;
        record.oldest_data = record.live.data.writes;
        record.last = record.last.max(record.live.number);
        "the host ended during the migration, which was done: the new release is live"
    } else {
        "the host ended during the migration, of which nothing was done: the earlier release is live"
    };
    Event { from, to, reason: Some(reason.into()), ..Event::new(HOST, store.name(), What::Interrupted) }
}
