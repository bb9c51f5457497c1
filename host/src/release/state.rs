//! What every service runs now, in memory: what the ledger has of it, and the releases that are loaded.
//!
//! Invariant: a state is never changed. A change makes the next one, and it counts once the ledger has it.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};

use super::candidate::Trial;
use super::data::DataStamp;
use super::record::{CandidateRecord, ReleaseRecord, ServiceRecord};
use crate::call::{Backend, Candidate, LoadedRelease, Mount, NotExported, Routing, Service};
use crate::config::{Manifest, ServiceSettings};
use crate::limits::RELEASES_KEPT_MAX;
use crate::names::ServiceName;

#[derive(Debug, Clone)]
pub(super) struct State {
    /// All that the host runs by, and what it took up of later ones.
    pub(super) manifest: Arc<Manifest>,
    pub(super) services: BTreeMap<ServiceName, Running>,
    /// Services that were removed, of which the store and the releases are kept.
    pub(super) removed: BTreeMap<ServiceName, ServiceRecord>,
}

/// One service.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) service: Arc<Service>,
    /// What the manifest says of it.
    pub(super) settings: ServiceSettings,
    pub(super) record: ServiceRecord,
    pub(super) live: Arc<LoadedRelease>,
    pub(super) candidate: Option<RunningCandidate>,
}

#[derive(Debug, Clone)]
pub(super) struct RunningCandidate {
    pub(super) release: Arc<LoadedRelease>,
    /// How it does, since its last step.
    pub(super) trial: Arc<Trial>,
}

impl State {
    /// All that the ledger has of services.
    pub(super) fn records(&self) -> impl Iterator<Item = (&ServiceName, &ServiceRecord)> {
        self.services.iter().map(|(name, running)| (name, &running.record)).chain(&self.removed)
    }

    pub(super) fn record(&self, name: &ServiceName) -> Option<&ServiceRecord> {
        self.services.get(name).map(|running| &running.record).or_else(|| self.removed.get(name))
    }

    /// What root calls begin on in this state.
    pub(super) fn routing(&self) -> Result<Routing, NotExported> {
        let live: Vec<_> = self.services.values().map(Running::live_backend).collect();
        let candidates = self.services.values().filter_map(Running::routed_candidate).collect();
        let shadows: Vec<_> = self.services.values().filter_map(Running::shadow).collect();
        let mounts = self.services.iter().filter_map(|(name, running)| {
            Some(Mount { prefix: running.settings.mount.clone()?, service: name.clone() })
        });
        Ok(Routing::new(&live, candidates, &shadows)?.with_mounts(mounts.collect()))
    }
}

impl Running {
    pub(super) fn live_backend(&self) -> Backend {
        Backend { service: Arc::clone(&self.service), release: Arc::clone(&self.live) }
    }

    fn routed_candidate(&self) -> Option<Candidate> {
        let (candidate, record) = (self.candidate.as_ref()?, self.record.candidate.as_ref()?);
        let rollout = &record.rollout;
        rollout.step?;
        let share = rollout.share();
        // Both were parsed before they were recorded.
        let header = rollout.header.as_ref().and_then(|(name, value)| {
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
        });
        let backend = Backend { service: Arc::clone(&self.service), release: Arc::clone(&candidate.release) };
        Some(Candidate { backend, share, header })
    }

    fn shadow(&self) -> Option<Arc<crate::call::Shadow>> {
        self.candidate.as_ref()?.trial.shadow.clone()
    }

    /// The same service with `record` live; what was live is kept. There is no candidate then.
    pub(super) fn with_live(&self, record: ReleaseRecord, release: Arc<LoadedRelease>) -> Self {
        let mut kept = self.record.kept.clone();
        kept.insert(0, self.record.live.clone());
        kept.truncate(RELEASES_KEPT_MAX);
        let last = self.record.last.max(record.number);
        let oldest_data = self.record.oldest_data.min(record.data.writes);
        let record = ServiceRecord { live: record, candidate: None, kept, last, oldest_data, migrating: None };
        Self { record, live: release, candidate: None, ..self.clone() }
    }

    /// The version that its data is of.
    pub(super) fn data_version(&self) -> u64 {
        DataStamp::of(self.service.store()).version.into()
    }

    /// The same once the data is of the version that the live release writes, all of it.
    pub(super) fn migrated(mut self) -> Self {
        self.record.oldest_data = self.record.live.data.writes;
        self
    }

    /// The same service with a candidate.
    pub(super) fn with_candidate(&self, candidate: CandidateRecord, running: RunningCandidate) -> Self {
        let last = self.record.last.max(candidate.release.number);
        // What it writes stays when it is taken out. In shadow it writes nothing.
        let writes = candidate.rollout.step.map(|_| candidate.release.data.writes);
        let oldest_data = self.record.oldest_data.min(writes.unwrap_or(u64::MAX));
        let record = ServiceRecord { candidate: Some(candidate), last, oldest_data, ..self.record.clone() };
        Self { record, candidate: Some(running), ..self.clone() }
    }

    pub(super) fn without_candidate(&self) -> Self {
        let record = ServiceRecord { candidate: None, ..self.record.clone() };
        Self { record, candidate: None, ..self.clone() }
    }
}
