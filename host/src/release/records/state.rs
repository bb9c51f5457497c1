//! The current releases of every service, in memory: their records in the platform's store, and the loaded releases.
//!
//! Invariant: a state is immutable. A change creates the next one, which becomes current after the commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::header::{HeaderName, HeaderValue};

use super::super::error::DeployError;
use super::super::judging::candidate::Trial;
use super::record::{AppliedContracts, AppliedRecord, CandidateRecord, ReleaseRecord, ServiceRecord};
use super::stored_data::StoredData;
use super::token::TokenRecord;
use crate::call::{Backend, Candidate, LoadedRelease, Mount, NotExported, Routing, Service, Shadow, Share};
use crate::config::{AppliedSettings, Manifest, ServiceSettings};
use crate::limits::RELEASES_KEPT_MAX;
use crate::names::ServiceName;

#[derive(Debug, Clone)]
pub(in crate::release) struct State {
    /// The manifest of the start, with the applied settings.
    pub(in crate::release) manifest: Arc<Manifest>,
    pub(in crate::release) contracts: Option<AppliedContracts>,
    pub(in crate::release) services: BTreeMap<ServiceName, Running>,
    /// Removed services whose stores and releases are kept.
    pub(in crate::release) removed: BTreeMap<ServiceName, ServiceRecord>,
    /// The number of the newest line of the history whose change is complete. A committed line is not shown while it is
    /// not durable, or while its releases are not live.
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
    /// The present use of the copy of a handover; `None` while the copy is not complete.
    pub(in crate::release) copy: Option<CopyUse>,
}

/// What the copy of a handover is used for before its swap.
#[derive(Debug, Clone)]
pub(in crate::release) enum CopyUse {
    /// The mirrored release repeats live calls on it.
    Shadow(Arc<Shadow>),
    /// Requests with the header of the handover read it in the mirrored release.
    Readers(Arc<LoadedRelease>),
}

#[derive(Debug, Clone)]
pub(in crate::release) struct RunningCandidate {
    pub(in crate::release) release: Arc<LoadedRelease>,
    /// The trial of its current step.
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

    /// The routing of root calls in this state.
    pub(in crate::release) fn routing(&self) -> Result<Routing, NotExported> {
        let live: Vec<_> = self.services.values().map(Running::live_backend).collect();
        let candidates = self.services.values().filter_map(Running::routed_candidate);
        let candidates = candidates.chain(self.services.values().filter_map(Running::routed_copy)).collect();
        let shadows: Vec<_> = self.services.values().filter_map(Running::shadow).collect();
        let mounts = self.services.iter().filter_map(|(name, running)| {
            let ServiceSettings { mount, strip_prefix, .. } = &running.settings;
            let limits = running.service.limits();
            Some(Mount {
                prefix: mount.clone()?,
                service: name.clone(),
                strip_prefix: *strip_prefix,
                body_bytes_max: limits.body_bytes_max,
                stream_ms_max: limits.stream_ms_max,
            })
        });
        Ok(Routing::new(&live, candidates, &shadows)?.with_mounts(mounts.collect()))
    }
}

impl Running {
    pub(in crate::release) fn live_backend(&self) -> Backend {
        self.backend(&self.live)
    }

    /// `release` on the data of the live release.
    pub(in crate::release) fn backend(&self, release: &Arc<LoadedRelease>) -> Backend {
        let (service, release) = (Arc::clone(&self.service), Arc::clone(release));
        Backend { service, release, generation: self.record.generation }
    }

    /// The live release and the candidate, with their records.
    pub(in crate::release) fn releases(&self) -> impl Iterator<Item = (&ReleaseRecord, &Arc<LoadedRelease>)> {
        let candidate = self.record.candidate.as_ref().zip(self.candidate.as_ref());
        let candidate = candidate.map(|(record, candidate)| (&record.release, &candidate.release));
        [(&self.record.live, &self.live)].into_iter().chain(candidate)
    }

    /// Whether some calls get another release than the live one.
    pub(in crate::release) fn has_routed(&self) -> bool {
        self.candidate.is_some() || self.readable().is_some()
    }

    /// The mirrored release, while requests with the header of its handover read the copy.
    pub(in crate::release) fn readable(&self) -> Option<&Arc<LoadedRelease>> {
        match self.copy.as_ref()? {
            CopyUse::Readers(release) => Some(release),
            CopyUse::Shadow(_) => None,
        }
    }

    /// The shadow of the mirrored release, while it runs.
    pub(in crate::release) fn copy_shadow(&self) -> Option<&Arc<Shadow>> {
        match self.copy.as_ref()? {
            CopyUse::Shadow(shadow) => Some(shadow),
            CopyUse::Readers(_) => None,
        }
    }

    /// `release` on the data of the other generation.
    pub(in crate::release) fn copy_backend(&self, release: &Arc<LoadedRelease>) -> Backend {
        Backend { generation: self.record.generation.other(), ..self.backend(release) }
    }

    /// The mirrored release on its own data, for requests that only read. A service with a candidate has only that one.
    fn routed_copy(&self) -> Option<Candidate> {
        let (release, mirror) = (self.readable()?, self.record.mirror.as_ref()?);
        let header = Some(header_of(mirror.header.as_ref()?)?);
        let backend = self.copy_backend(release);
        self.candidate.is_none().then_some(Candidate { backend, share: Share::NONE, header, reads_only: true })
    }

    fn routed_candidate(&self) -> Option<Candidate> {
        let (candidate, record) = (self.candidate.as_ref()?, self.record.candidate.as_ref()?);
        let rollout = &record.rollout;
        rollout.step?;
        let share = rollout.share();
        let header = rollout.header.as_ref().and_then(header_of);
        Some(Candidate { backend: self.backend(&candidate.release), share, header, reads_only: false })
    }

    fn shadow(&self) -> Option<Arc<Shadow>> {
        match &self.candidate {
            Some(candidate) => candidate.trial.shadow.clone(),
            None => self.copy_shadow().cloned(),
        }
    }

    /// The same service with `record` live; the former live release is kept. There is no candidate afterwards.
    pub(in crate::release) fn with_live(&self, record: ReleaseRecord, release: Arc<LoadedRelease>) -> Self {
        let mut kept = self.record.kept.clone();
        kept.insert(0, self.record.live.clone());
        self.with_live_and_kept(record, release, kept)
    }

    /// The same service with the kept release at `position` live again. The former live release, and those that were
    /// live in between, stay kept and are marked as left.
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
        let record = ServiceRecord {
            live,
            candidate: None,
            kept,
            last,
            oldest_data,
            signed,
            is_fresh: true,
            ..self.record.clone()
        };
        Self { record, live: release, candidate: None, ..self.clone() }
    }

    /// The kept release of a rollback without a name, and its position: the one that was live before.
    pub(in crate::release) fn earlier(&self) -> Option<(usize, &ReleaseRecord)> {
        self.record.kept.iter().enumerate().find(|(_, kept)| !kept.was_left)
    }

    /// The data that is in its store.
    pub(in crate::release) fn data(&self) -> StoredData {
        StoredData::of(self.service.store(), &self.record)
    }

    /// The same service after all data was migrated to the version that the live release writes.
    pub(in crate::release) fn migrated(mut self) -> Self {
        self.record.oldest_data = self.record.live.data.writes;
        self
    }

    /// The same service with a candidate.
    pub(in crate::release) fn with_candidate(&self, candidate: CandidateRecord, running: RunningCandidate) -> Self {
        let last = self.record.last.max(candidate.release.number);
        // Its writes stay when it is removed. In shadow it writes nothing.
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

/// A recorded header. Both parts were parsed before they were recorded.
fn header_of((name, value): &(String, String)) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
}
