//! Handovers: a service moves to an implementation whose data has another format, and back.
//!
//! A handover adds a mirror to the service. When the copy is complete and verified, one commit swaps the release and the
//! generation of the data. Then the mirror runs in the other direction until the operator settles the handover.

use std::sync::Arc;

use super::super::error::DeployError;
use super::super::judging::judge::Judged;
use super::super::mirror::MirrorError;
use super::super::records::record::{ChangeKind, MirrorRecord, NewEntry, ReleaseRecord, ServiceRecord};
use super::super::records::state::{Running, State};
use super::super::records::token::Holder;
use super::super::releases::{Inner, Releases};
use super::change_set::{ChangeSet, Migration};
use super::deploy::{Plan, Rollout, line};
use crate::call::Share;
use crate::clock;
use crate::names::ServiceName;
use crate::store::system::MIRRORED_ENTITIES;

impl Releases {
    /// Ends the handover of `name`: the earlier implementation and its data are deleted. Before the swap, this gives the
    /// handover up.
    ///
    /// # Errors
    ///
    /// [`DeployError`], above all without a handover; nothing was changed.
    pub async fn settle(&self, who: &Holder, name: &ServiceName, reason: Option<String>) -> Result<(), DeployError> {
        let (who, name) = (who.name.clone(), name.clone());
        self.change(move |inner, state| {
            let figures = inner.mirror_figures(state, &name);
            Ok((end_mirror(state, &who, &name, reason, figures)?, ()))
        })
        .await
    }
}

impl Inner {
    /// The change that begins a handover to `judged`.
    pub(in crate::release) fn begin_handover(
        &self,
        who: &Holder,
        state: &Arc<State>,
        judged: &[Judged],
        plan: &Plan,
    ) -> Result<ChangeSet, DeployError> {
        let [judged] = judged else { return Err(DeployError::HandoverOfOne) };
        let name = &judged.verdict.service;
        let running = state.running(name)?;
        if running.record.mirror.is_some() {
            return Err(DeployError::Mirrored { service: name.clone() });
        }
        let other = running.record.generation.other();
        let store = running.service.store();
        if store.bytes_of(other) > 0 || store.usage(&MIRRORED_ENTITIES).rows > 0 {
            return Err(DeployError::StillDeleting { service: name.clone() });
        }
        let mirror = MirrorRecord {
            release: judged.record.clone(),
            was_live: false,
            by: who.name.clone(),
            reason: plan.reason.clone(),
            oldest_data: judged.record.data.writes,
            newest_data: judged.record.data.writes,
            header: plan.rollout.as_ref().and_then(Rollout::header_text),
            shadow: plan.rollout.as_ref().and_then(|rollout| rollout.shadow).map(Share::parts),
            answers_may_differ: plan.answers_may_differ,
        };
        let signed = running.record.signed.max(judged.record.signed());
        let last = running.record.last.max(judged.record.number);
        let record = ServiceRecord { mirror: Some(mirror), last, signed, ..running.record.clone() };
        let next = Running { record, ..running.clone() };
        let event = line(who, ChangeKind::Mirror, running, judged, plan);
        Ok(ChangeSet::of_one(state, name, next, event))
    }

    /// The change that makes the mirrored release live, with its data.
    pub(in crate::release) fn hand_over(
        &self,
        state: &Arc<State>,
        who: &str,
        name: &ServiceName,
        what: ChangeKind,
        reason: Option<String>,
    ) -> Result<ChangeSet, DeployError> {
        let running = state.running(name)?;
        let mirror = mirror_of(running, name)?;
        let handle = self.mirrors.get(name).filter(|handle| handle.release.digest == mirror.release.digest);
        let not_running = || DeployError::Handover { service: name.clone(), source: MirrorError::NotRunning };
        let handle = handle.ok_or_else(not_running)?;
        self.check_shadow(running).map_err(|source| DeployError::Handover { service: name.clone(), source })?;
        let release = Arc::clone(&handle.release);
        let to = mirror.newest_data.max(mirror.release.data.writes);
        let before = &running.record;
        let record = ServiceRecord {
            live: ReleaseRecord { deployed_at: clock::unix_micros(), was_left: false, ..mirror.release.clone() },
            candidate: None,
            generation: before.generation.other(),
            mirror: Some(MirrorRecord {
                release: before.live.clone(),
                was_live: true,
                by: who.into(),
                reason: reason.clone(),
                oldest_data: before.oldest_data,
                newest_data: running.data().version,
                header: None,
                shadow: None,
                answers_may_differ: false,
            }),
            oldest_data: mirror.oldest_data,
            is_fresh: false,
            ..before.clone()
        };
        let figures = self.mirror_figures(state, name);
        let (from, to_digest) = (Some(before.live.digest), Some(mirror.release.digest));
        let event = NewEntry { from, to: to_digest, reason, figures, ..NewEntry::new(who, name, what) };
        let migration = Migration::handover(&running.service, &release, handle, to);
        let next = Running { record, live: release, candidate: None, copy: None, ..running.clone() };
        let mut set = ChangeSet::of_one(state, name, next, event);
        set.migrations.push(migration);
        Ok(set)
    }
}

/// The change that ends a mirror, and with it the way to the release that it keeps up to date.
pub(in crate::release) fn end_mirror(
    state: &Arc<State>,
    who: &str,
    name: &ServiceName,
    reason: Option<String>,
    figures: Option<serde_json::Value>,
) -> Result<ChangeSet, DeployError> {
    let running = state.running(name)?;
    let mirror = mirror_of(running, name)?;
    let what = if mirror.was_live { ChangeKind::Settle } else { ChangeKind::MirrorEnded };
    let (from, to) = (Some(mirror.release.digest), Some(running.record.live.digest));
    let event = NewEntry { from, to, reason, figures, ..NewEntry::new(who, name, what) };
    let record = ServiceRecord { mirror: None, ..running.record.clone() };
    Ok(ChangeSet::of_one(state, name, Running { record, copy: None, ..running.clone() }, event))
}

fn mirror_of<'r>(running: &'r Running, name: &ServiceName) -> Result<&'r MirrorRecord, DeployError> {
    running.record.mirror.as_ref().ok_or_else(|| DeployError::NoHandover { service: name.clone() })
}
