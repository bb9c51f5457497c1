//! What the nodes that do not lead see of new releases: each counts what runs there, and the leader, which judges them, adds
//! it to its own figures.
//!
//! Invariant: a call counts once. A report has all that its node has counted since it began to read with these releases.

use serde::{Deserialize, Serialize};

use super::records::record::ReleaseRecord;
use super::releases::Releases;
use crate::call::LoadedRelease;
use crate::names::ServiceName;
use crate::observe::{Reporter, Sample};

/// Most services, and most open circuits, of one report. A trial is watched by somebody, so more at a time are rare; the
/// figures of those beyond it are the leader's alone.
const TRIALS_MAX: usize = 64;

/// What a node has counted of a service with a candidate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TrialFigures {
    service: ServiceName,
    live: ReleaseFigures,
    candidate: ReleaseFigures,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReleaseFigures {
    /// The number of the release in its service.
    release: u64,
    sample: Sample,
}

/// A release whose circuit is open on a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OpenCircuit {
    service: ServiceName,
    /// The number of the release in its service.
    release: u64,
}

impl ReleaseFigures {
    fn of(record: &ReleaseRecord, release: &LoadedRelease) -> Self {
        Self { release: record.number, sample: release.sample() }
    }

    fn add_to(self, reporter: &Reporter, record: &ReleaseRecord, release: &LoadedRelease) {
        if self.release == record.number {
            release.count_reported(reporter.clone(), self.sample);
        }
    }
}

impl Releases {
    /// What this node has counted of services with a candidate.
    pub(crate) fn trials(&self) -> Vec<TrialFigures> {
        let state = self.state();
        let trials = state.services.iter().filter_map(|(service, running)| {
            let (record, candidate) = running.record.candidate.as_ref().zip(running.candidate.as_ref())?;
            // In shadow only the leader runs the candidate.
            record.rollout.step?;
            Some(TrialFigures {
                service: service.clone(),
                live: ReleaseFigures::of(&running.record.live, &running.live),
                candidate: ReleaseFigures::of(&record.release, &candidate.release),
            })
        });
        trials.take(TRIALS_MAX).collect()
    }

    /// The releases whose circuit is open on this node, which does not lead, so nobody reports to it.
    pub(crate) fn open_circuits(&self) -> Vec<OpenCircuit> {
        let state = self.state();
        let failing = state.services.iter().flat_map(|(service, running)| {
            let failing = running.releases().filter(|(_, release)| release.is_failing());
            failing.map(|(record, _)| OpenCircuit { service: service.clone(), release: record.number })
        });
        failing.take(TRIALS_MAX).collect()
    }

    /// Notes the circuits that are open on another node. A new release goes for that, as if its circuit had opened here.
    pub(crate) fn note_open_circuits(&self, open: &[OpenCircuit]) {
        let state = self.state();
        for OpenCircuit { service, release: number } in open.iter().take(TRIALS_MAX) {
            let Some(running) = state.services.get(service) else { continue };
            let known = running.releases().find(|(record, _)| record.number == *number);
            known.into_iter().for_each(|(_, release)| release.note_opened_elsewhere());
        }
    }

    /// Counts what `reporter` has counted. Figures of releases that are no longer on trial here are ignored.
    pub(crate) fn count_trials(&self, reporter: &Reporter, trials: Vec<TrialFigures>) {
        let state = self.state();
        for TrialFigures { service, live, candidate } in trials.into_iter().take(TRIALS_MAX) {
            let Some(running) = state.services.get(&service) else { continue };
            let on_trial = running.record.candidate.as_ref().zip(running.candidate.as_ref());
            let Some((record, loaded)) = on_trial else { continue };
            live.add_to(reporter, &running.record.live, &running.live);
            candidate.add_to(reporter, &record.release, &loaded.release);
        }
    }
}
