//! Releases for the operator.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;

use super::changes::rollout::candidate;
use super::mirror::MirrorStatus;
use super::records::record::{DataFormat, ReleaseRecord};
use super::records::state::Running;
use super::releases::Releases;
use crate::call::{LoadedRelease, Shadow};
use crate::clock::{self, rfc_3339_millis};
use crate::config::{AppliedSettings, EventsFrom, Manifest};
use crate::names::{Digest, ServiceName};
use crate::observe::{ReleaseFigures, ReleaseSeries, ShadowReport};

/// The releases of one service.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceView {
    pub name: ServiceName,
    /// The world of its contract, or `wasi:http`.
    pub contract: String,
    /// The path prefix of a service that speaks HTTP itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount: Option<String>,
    pub live: ReleaseView,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidate: Option<CandidateView>,
    /// Another implementation whose data follows that of the live release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<MirrorView>,
    /// Earlier releases, newest first.
    pub kept: Vec<ReleaseView>,
    pub data_version: u64,
    /// The figures of all calls of the service since the start of the host.
    pub figures: crate::observe::calls::CallFigures,
    pub store_bytes: u64,
    /// The size of the host's own rows about its calls.
    pub platform_bytes: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MirrorView {
    pub release: ReleaseView,
    /// Whether it was live before the handover: a rollback goes back to it.
    pub was_live: bool,
    /// Requests with this header read its data. The swap then waits for a promote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderView>,
    /// Whether they do already: the copy is complete.
    pub is_readable: bool,
    /// The report of its shadow on the copy; absent before the copy is complete, and after the shadow has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowView>,
    /// Absent while the mirror starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<MirrorStatus>,
    /// Bytes of the copy.
    pub bytes: u64,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseView {
    pub number: u64,
    pub digest: Digest,
    /// RFC 3339, in UTC.
    pub deployed_at: String,
    pub by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub data_version: DataFormat,
    /// Whether its circuit rejects its calls.
    pub circuit_open: bool,
    /// Whether a rollback left it: a rollback without a name skips it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub rolled_back: bool,
    /// Whether a file of it is missing in the data directory, so that it cannot run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// Its figures since it was loaded; absent if it is not loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<ReleaseFigures>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateView {
    #[serde(flatten)]
    pub release: ReleaseView,
    /// `shadow` or `canary`.
    pub phase: &'static str,
    /// Its share of the callers, 0 to 1.
    pub share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderView>,
    pub steps: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// Whether it keeps its share until the operator resumes it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every_seconds: Option<u64>,
    /// When its next step or its promotion is due: RFC 3339, in UTC. Later if there were too few calls to judge it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowView>,
    /// Its comparison with the live release since its step began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judged: Option<Json>,
}

#[derive(Debug, Clone, Serialize)]
pub struct HeaderView {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct ShadowView {
    /// Its share of the calls, 0 to 1.
    pub share: f64,
    #[serde(flatten)]
    pub report: ShadowReport,
}

impl Releases {
    /// All services, by name.
    #[must_use]
    pub fn services(&self) -> Vec<ServiceView> {
        self.state().services.iter().map(|(name, running)| self.view(name, running)).collect()
    }

    /// The figures of all live releases and candidates, for `/metrics`.
    #[must_use]
    pub fn series(&self) -> Vec<ReleaseSeries> {
        let state = self.state();
        let mut series = Vec::new();
        for (name, running) in &state.services {
            let of = |record: &ReleaseRecord, release: &LoadedRelease, role, share| ReleaseSeries {
                service: name.to_string(),
                number: record.number,
                digest: record.digest.to_string(),
                role,
                share,
                sample: release.sample(),
            };
            let candidate = candidate(running, name).ok();
            let share = candidate.map_or(0.0, |(record, _)| record.rollout.share().percent() / 100.0);
            series.push(of(&running.record.live, &running.live, "live", 1.0 - share));
            let candidate =
                candidate.map(|(record, running)| of(&record.release, &running.release, "candidate", share));
            series.extend(candidate);
        }
        series
    }

    #[must_use]
    pub fn service(&self, name: &ServiceName) -> Option<ServiceView> {
        self.state().services.get(name).map(|running| self.view(name, running))
    }

    /// The keys of all settings in `manifest` that differ from the applied ones.
    #[must_use]
    pub fn unapplied(&self, manifest: &Manifest) -> Vec<String> {
        self.state().applied().settings.differences(&AppliedSettings::of(manifest))
    }

    /// Where a service begins with events that it has not subscribed to before, according to the manifest.
    #[must_use]
    pub fn events_from(&self, name: &ServiceName) -> EventsFrom {
        self.inner.manifest().services.get(name).map_or_else(EventsFrom::default, |settings| settings.events_from)
    }

    fn view(&self, name: &ServiceName, running: &Running) -> ServiceView {
        ServiceView {
            name: name.clone(),
            contract: running.live.world.name.to_string(),
            mount: running.settings.mount.clone(),
            live: view(&running.record.live, Some(&running.live)),
            candidate: self.candidate_view(name, running),
            mirror: self.mirror_view(name, running),
            kept: running.record.kept.iter().map(|kept| self.kept_view(kept)).collect(),
            data_version: running.service.store().data_version(),
            figures: running.service.figures(),
            store_bytes: running.service.store().bytes(),
            platform_bytes: running.service.store().platform_bytes(),
        }
    }

    fn mirror_view(&self, name: &ServiceName, running: &Running) -> Option<MirrorView> {
        let record = running.record.mirror.as_ref()?;
        Some(MirrorView {
            release: view(&record.release, running.readable().map(Arc::as_ref)),
            was_live: record.was_live,
            header: record.header.clone().map(|(name, value)| HeaderView { name, value }),
            is_readable: running.readable().is_some(),
            shadow: running.copy_shadow().map(|shadow| shadow_view(shadow)),
            status: self.inner.mirrors.get(name).map(|mirror| mirror.status()),
            bytes: running.service.store().bytes_of(running.record.generation.other()),
        })
    }

    fn kept_view(&self, record: &ReleaseRecord) -> ReleaseView {
        ReleaseView { missing: self.inner.loader.missing(record).is_some(), ..view(record, None) }
    }

    fn candidate_view(&self, name: &ServiceName, running: &Running) -> Option<CandidateView> {
        let (record, candidate) = candidate(running, name).ok()?;
        let rollout = &record.rollout;
        let share = |parts: &u32| f64::from(*parts) / 10_000.0;
        let shadow = candidate.trial.shadow.as_ref();
        let judged = shadow.is_none().then(|| {
            let judged = candidate.trial.judge(&running.live, &candidate.release, &self.inner.manifest().deploy);
            serde_json::to_value(judged).ok()
        });
        Some(CandidateView {
            release: view(&record.release, Some(&candidate.release)),
            phase: if rollout.step.is_none() { "shadow" } else { "canary" },
            share: rollout.share().percent() / 100.0,
            header: rollout
                .header
                .as_ref()
                .map(|(name, value)| HeaderView { name: name.clone(), value: value.clone() }),
            steps: rollout.steps.iter().map(share).collect(),
            step: rollout.step,
            paused: rollout.paused,
            every_seconds: rollout.every_s,
            next_step_at: rollout.every_s.filter(|_| shadow.is_none() && !rollout.paused).map(|every_s| {
                let left = Duration::from_secs(every_s).saturating_sub(candidate.trial.lasted());
                rfc_3339_millis(
                    clock::unix_micros().saturating_add(u64::try_from(left.as_micros()).unwrap_or(u64::MAX)),
                )
            }),
            shadow: shadow.map(|shadow| shadow_view(shadow)),
            judged: judged.flatten(),
        })
    }
}

impl Running {
    /// The release with this number: the live one, the candidate, or a kept one.
    pub(super) fn view_of(&self, number: u64) -> ReleaseView {
        if let Some(candidate) = self.record.candidate.as_ref().filter(|record| record.release.number == number) {
            return view(&candidate.release, self.candidate.as_ref().map(|candidate| candidate.release.as_ref()));
        }
        view(&self.record.live, Some(&self.live))
    }
}

fn shadow_view(shadow: &Shadow) -> ShadowView {
    ShadowView { share: shadow.share().percent() / 100.0, report: shadow.report() }
}

fn view(record: &ReleaseRecord, release: Option<&LoadedRelease>) -> ReleaseView {
    ReleaseView {
        number: record.number,
        digest: record.digest,
        deployed_at: rfc_3339_millis(record.deployed_at),
        by: record.by.clone(),
        reason: record.reason.clone(),
        data_version: record.data.clone(),
        circuit_open: release.is_some_and(LoadedRelease::circuit_is_open),
        rolled_back: record.was_left,
        missing: false,
        figures: release.map(|release| release.sample().figures()),
    }
}
