//! The current releases of every service, in memory: their records in the platform's store, and the loaded releases.
//!
//! Invariant: a state is never changed. A change makes the next one, and it counts once that is committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};

use super::super::error::DeployError;
use super::super::judging::candidate::Trial;
use super::record::{AppliedContracts, AppliedRecord, CandidateRecord, ReleaseRecord, ServiceRecord};
use super::token::TokenRecord;
use crate::call::{Backend, Candidate, LoadedRelease, Mount, NotExported, Routing, Service};
use crate::config::{AppliedSettings, Manifest, ServiceSettings};
use crate::limits::RELEASES_KEPT_MAX;
use crate::names::ServiceName;

#[derive(Debug, Clone)]
pub(in crate::release) struct State {
    /// The manifest of the start, with the applied settings.
    pub(in crate::release) manifest: Arc<Manifest>,
    pub(in crate::release) contracts: Option<AppliedContracts>,
    pub(in crate::release) services: BTreeMap<ServiceName, Running>,
    /// Services that were removed, of which the store and the releases are kept.
    pub(in crate::release) removed: BTreeMap<ServiceName, ServiceRecord>,
    /// The number of the newest line of the history whose change is done. A line that is committed, but is not durable or
    /// whose releases are not live yet, is not shown.
    pub(in crate::release) last_line: u64,
    /// The operator's named tokens, by name.
    pub(in crate::release) tokens: Arc<[TokenRecord]>,
}

/// One service.
#[derive(Debug, Clone)]
pub(in crate::release) struct Running {
    pub(in crate::release) service: Arc<Service>,
    /// Its applied settings.
    pub(in crate::release) settings: ServiceSettings,
    pub(in crate::release) record: ServiceRecord,
    pub(in crate::release) live: Arc<LoadedRelease>,
    pub(in crate::release) candidate: Option<RunningCandidate>,
}

#[derive(Debug, Clone)]
pub(in crate::release) struct RunningCandidate {
    pub(in crate::release) release: Arc<LoadedRelease>,
    /// How it does, since its last step.
    pub(in crate::release) trial: Arc<Trial>,
}

impl State {
    pub(in crate::release) fn applied(&self) -> AppliedRecord {
        AppliedRecord { settings: AppliedSettings::of(&self.manifest), contracts: self.contracts }
    }

    /// The records of all services.
    pub(in crate::release) fn records(&self) -> impl Iterator<Item = (&ServiceName, &ServiceRecord)> {
        self.services.iter().map(|(name, running)| (name, &running.record)).chain(&self.removed)
    }

    pub(in crate::release) fn record(&self, name: &ServiceName) -> Option<&ServiceRecord> {
        self.services.get(name).map(|running| &running.record).or_else(|| self.removed.get(name))
    }

    pub(in crate::release) fn running(&self, service: &ServiceName) -> Result<&Running, DeployError> {
        self.services.get(service).ok_or_else(|| DeployError::NoService { service: service.clone() })
    }

    /// The routing on which root calls begin in this state.
    pub(in crate::release) fn routing(&self) -> Result<Routing, NotExported> {
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
    pub(in crate::release) fn live_backend(&self) -> Backend {
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
        let member = Backend { service: Arc::clone(&self.service), release: Arc::clone(&candidate.release) };
        Some(Candidate { backend: member, share, header })
    }

    fn shadow(&self) -> Option<Arc<crate::call::Shadow>> {
        self.candidate.as_ref()?.trial.shadow.clone()
    }

    /// The same service with `record` live; what was live is kept. There is no candidate then.
    pub(in crate::release) fn with_live(&self, record: ReleaseRecord, release: Arc<LoadedRelease>) -> Self {
        let mut kept = self.record.kept.clone();
        kept.insert(0, self.record.live.clone());
        self.with_live_and_kept(record, release, kept)
    }

    /// The same service with the kept release at `position` live again. What was live, and what was live since that
    /// release, stays kept, as releases that were left.
    pub(in crate::release) fn back_to(
        &self,
        position: usize,
        record: ReleaseRecord,
        release: Arc<LoadedRelease>,
    ) -> Self {
        let mut kept = self.record.kept.clone();
        kept.remove(position);
        kept.insert(0, self.record.live.clone());
        kept.iter_mut().take(position + 1).for_each(|left| left.was_left = true);
        let mut back = self.with_live_and_kept(ReleaseRecord { was_left: false, ..record }, release, kept);
        back.record.is_fresh = false;
        back
    }

    fn with_live_and_kept(
        &self,
        live: ReleaseRecord,
        release: Arc<LoadedRelease>,
        mut kept: Vec<ReleaseRecord>,
    ) -> Self {
        kept.truncate(RELEASES_KEPT_MAX);
        let last = self.record.last.max(live.number);
        let oldest_data = self.record.oldest_data.min(live.data.writes);
        let signed = self.record.signed.max(live.signed());
        let record = ServiceRecord { live, candidate: None, kept, last, oldest_data, signed, is_fresh: true };
        Self { record, live: release, candidate: None, ..self.clone() }
    }

    /// The kept release that a rollback goes to when none is named, and its position: the one that was live before.
    pub(in crate::release) fn earlier(&self) -> Option<(usize, &ReleaseRecord)> {
        self.record.kept.iter().enumerate().find(|(_, kept)| !kept.was_left)
    }

    /// The version that its data is of.
    pub(in crate::release) fn data_version(&self) -> u64 {
        self.service.store().data_version()
    }

    /// The same once the data is of the version that the live release writes, all of it.
    pub(in crate::release) fn migrated(mut self) -> Self {
        self.record.oldest_data = self.record.live.data.writes;
        self
    }

    /// The same service with a candidate.
    pub(in crate::release) fn with_candidate(&self, candidate: CandidateRecord, running: RunningCandidate) -> Self {
        let last = self.record.last.max(candidate.release.number);
        // What it writes stays when it is taken out. In shadow it writes nothing.
        let writes = candidate.rollout.step.map(|_| candidate.release.data.writes);
        let oldest_data = self.record.oldest_data.min(writes.unwrap_or(u64::MAX));
        let signed = self.record.signed.max(candidate.release.signed());
        let record = ServiceRecord { candidate: Some(candidate), last, oldest_data, signed, ..self.record.clone() };
        Self { record, candidate: Some(running), ..self.clone() }
    }

    pub(in crate::release) fn without_candidate(&self) -> Self {
        let record = ServiceRecord { candidate: None, ..self.record.clone() };
        Self { record, candidate: None, ..self.clone() }
    }
}
