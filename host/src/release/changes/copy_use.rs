//! The use of a handover's copy before its swap: first a shadow repeats live calls on it, if the operator wants that, and
//! then requests with the header of the handover read it.

use std::sync::Arc;

use serde::Serialize;

use super::super::error::DeployError;
use super::super::mirror::{MirrorError, MirrorHandle, MirrorStatus};
use super::super::records::record::{ChangeKind, MirrorRecord, NewEntry};
use super::super::records::state::{CopyUse, Running, State};
use super::super::releases::{Inner, Releases};
use super::change_set::{ChangeSet, HOST};
use crate::call::{LoadedRelease, Shadow, Share};
use crate::limits::CANDIDATES_MAX;
use crate::names::ServiceName;
use crate::observe::ShadowReport;

/// The figures behind the end of a mirror, for the history.
#[derive(Debug, Serialize)]
struct MirrorFigures {
    #[serde(flatten)]
    status: MirrorStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow: Option<ShadowReport>,
}

impl Releases {
    /// Whether nothing is in the way of other uses of the copy: the handover has no shadow, or it has passed. Begins the shadow
    /// as soon as the copy is complete.
    pub(super) async fn shadow_has_passed(
        &self,
        name: &ServiceName,
        record: &MirrorRecord,
        handle: &MirrorHandle,
        is_complete: bool,
    ) -> Result<bool, MirrorError> {
        let state = self.state();
        let Some((running, share)) = state.services.get(name).zip(record.shadow) else { return Ok(true) };
        match self.inner.check_shadow(running) {
            Ok(()) => return Ok(true),
            Err(MirrorError::InShadow { .. }) => {}
            Err(error) => return Err(error),
        }
        if is_complete && running.copy.is_none() {
            let shadow = self.inner.shadow_on_copy(running, &handle.release, Share::of_parts(share));
            let why = "the copy is complete: the new implementation repeats calls in shadow";
            self.use_copy(name, record, Some(CopyUse::Shadow(shadow)), why).await;
        }
        Ok(false)
    }

    /// From now on the copy is used in this way, or in none.
    pub(super) async fn use_copy(&self, name: &ServiceName, record: &MirrorRecord, copy: Option<CopyUse>, why: &str) {
        let kind = |copy: Option<&CopyUse>| copy.map(std::mem::discriminant);
        let state = self.state();
        let now = state.services.get(name).and_then(|running| running.copy.as_ref());
        if kind(now) == kind(copy.as_ref()) {
            return;
        }
        let (service, record, why) = (name.clone(), record.clone(), why.to_owned());
        let changed = self.change(move |inner, state| {
            let figures = inner.mirror_figures(state, &service);
            Ok((use_copy(state, &service, &record, copy, (why, figures))?, ()))
        });
        if let Err(error) = changed.await {
            tracing::warn!(service = %name, error = &error as &dyn std::error::Error, "the use of a copy stays as it is");
        }
    }

    /// Whether calls are repeated on the copy now.
    pub(super) fn is_in_shadow(&self, name: &ServiceName) -> bool {
        self.state().services.get(name).is_some_and(|running| running.copy_shadow().is_some())
    }
}

impl Inner {
    /// How far the mirror of a service is, and what its shadow has found.
    pub(in crate::release) fn mirror_figures(&self, state: &State, name: &ServiceName) -> Option<serde_json::Value> {
        let status = self.mirrors.get(name)?.status();
        let shadow = state.services.get(name).and_then(Running::copy_shadow).map(|shadow| shadow.report());
        serde_json::to_value(MirrorFigures { status, shadow }).ok()
    }

    /// A new shadow of a handover, in which `release` repeats `share` of the live calls on the copy.
    fn shadow_on_copy(&self, running: &Running, release: &Arc<LoadedRelease>, share: Share) -> Arc<Shadow> {
        let runs_max = self.manifest().deploy.shadow_runs_max;
        Shadow::new(running.copy_backend(release), share, runs_max, false, self.tasks.clone())
    }

    /// Checks that the mirrored release has repeated enough live calls on the copy, all with equal answers, if its handover
    /// has a shadow.
    pub(in crate::release) fn check_shadow(&self, running: &Running) -> Result<(), MirrorError> {
        let calls_min = self.manifest().deploy.shadow_calls_min;
        if running.record.mirror.as_ref().is_none_or(|mirror| mirror.shadow.is_none()) {
            return Ok(());
        }
        let ShadowReport { compared, different, differences, .. } = match &running.copy {
            // Nobody reads the copy before the shadow has passed.
            Some(CopyUse::Readers(_)) => return Ok(()),
            Some(CopyUse::Shadow(shadow)) => shadow.report(),
            None => return Err(MirrorError::InShadow { compared: 0, calls_min }),
        };
        if different > 0 {
            return Err(MirrorError::ShadowDiffers { different, compared, differences });
        }
        if compared < calls_min { Err(MirrorError::InShadow { compared, calls_min }) } else { Ok(()) }
    }
}

/// The change after which the copy is used in this way, or in none.
fn use_copy(
    state: &Arc<State>,
    name: &ServiceName,
    mirror: &MirrorRecord,
    copy: Option<CopyUse>,
    (why, figures): (String, Option<serde_json::Value>),
) -> Result<ChangeSet, DeployError> {
    let running = state.running(name)?;
    if running.record.mirror.as_ref() != Some(mirror) {
        return Err(DeployError::NoHandover { service: name.clone() });
    }
    let others = state.services.iter().filter(|(other, running)| *other != name && running.has_routed()).count();
    if matches!(copy, Some(CopyUse::Readers(_))) && others >= CANDIDATES_MAX {
        return Err(DeployError::TooManyCandidates);
    }
    let (from, to) = (Some(running.record.live.digest), Some(mirror.release.digest));
    let event = NewEntry { from, to, reason: Some(why), figures, ..NewEntry::new(HOST, name, ChangeKind::Step) };
    Ok(ChangeSet::of_one(state, name, Running { copy, ..running.clone() }, event))
}
