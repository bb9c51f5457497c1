//! Changes of a candidate, by an operator or by the host itself: promote, pause, resume, step, abort.

use std::sync::Arc;

use serde_json::Value as Json;

use super::super::error::DeployError;
use super::super::judging::candidate::Trial;
use super::super::records::record::{CandidateRecord, ChangeKind, NewEntry, RolloutRecord};
use super::super::records::state::{Running, RunningCandidate, State};
use super::super::records::token::Holder;
use super::super::releases::{Inner, Releases};
use super::change_set::{ChangeSet, HOST};
use crate::call::Share;
use crate::clock;
use crate::names::ServiceName;

impl Releases {
    /// Makes the candidate live, or the implementation of a handover that waits for it.
    ///
    /// # Errors
    ///
    /// [`DeployError`], above all when there is no candidate; the live release stays.
    pub async fn promote(&self, who: &Holder, name: &ServiceName, reason: Option<String>) -> Result<(), DeployError> {
        let (who, name) = (who.name.clone(), name.clone());
        self.change(move |inner, state| Ok((inner.promote(state, &who, &name, reason, None)?, ()))).await
    }

    /// Keeps the share of the candidate as it is, until [`Releases::resume`]. The host still removes a bad candidate.
    ///
    /// # Errors
    ///
    /// Like [`Releases::promote`].
    pub async fn pause(&self, who: &Holder, name: &ServiceName, reason: Option<String>) -> Result<(), DeployError> {
        self.set_paused(who, name, true, reason).await
    }

    /// Begins the current step of a paused candidate again.
    ///
    /// # Errors
    ///
    /// Like [`Releases::promote`].
    pub async fn resume(&self, who: &Holder, name: &ServiceName, reason: Option<String>) -> Result<(), DeployError> {
        self.set_paused(who, name, false, reason).await
    }

    async fn set_paused(
        &self,
        who: &Holder,
        name: &ServiceName,
        paused: bool,
        reason: Option<String>,
    ) -> Result<(), DeployError> {
        let (who, name) = (who.name.clone(), name.clone());
        self.change(move |_, state| Ok((pause(state, &who, &name, paused, reason)?, ()))).await
    }

    /// Gives the candidate `share` of the callers from now on. Its larger steps follow; smaller ones are dropped.
    ///
    /// # Errors
    ///
    /// Like [`Releases::promote`].
    pub async fn set_weight(
        &self,
        who: &Holder,
        name: &ServiceName,
        share: Share,
        reason: Option<String>,
    ) -> Result<(), DeployError> {
        let (who, name) = (who.name.clone(), name.clone());
        self.change(move |_, state| Ok((weigh(state, &who, &name, share, reason)?, ()))).await
    }

    /// Removes the candidate.
    ///
    /// # Errors
    ///
    /// Like [`Releases::promote`].
    pub async fn abort(&self, who: &Holder, name: &ServiceName, reason: Option<String>) -> Result<(), DeployError> {
        let (who, name) = (who.name.clone(), name.clone());
        self.change(move |_, state| Ok((take_out(state, &who, &name, ChangeKind::Abort, reason, None)?, ()))).await
    }
}

impl Inner {
    /// The change that makes the candidate live.
    pub(in crate::release) fn promote(
        &self,
        state: &Arc<State>,
        who: &str,
        name: &ServiceName,
        reason: Option<String>,
        figures: Option<Json>,
    ) -> Result<ChangeSet, DeployError> {
        let running = state.running(name)?;
        if running.candidate.is_none() && running.record.mirror.as_ref().is_some_and(|mirror| mirror.header.is_some()) {
            return self.hand_over(state, who, name, ChangeKind::Handover, reason);
        }
        let (record, candidate) = candidate(running, name)?;
        let (from, to) = (Some(running.record.live.digest), Some(record.release.digest));
        let mut release = record.release.clone();
        release.deployed_at = clock::unix_micros();
        let next = running.with_live(release, Arc::clone(&candidate.release));
        let event = NewEntry { from, to, reason, figures, ..NewEntry::new(who, name, ChangeKind::Promote) };
        Ok(ChangeSet::of_one(state, name, next, event))
    }
}

/// The change that ends a candidate, for the reason in `what`.
pub(in crate::release) fn take_out(
    state: &Arc<State>,
    who: &str,
    name: &ServiceName,
    what: ChangeKind,
    reason: Option<String>,
    figures: Option<Json>,
) -> Result<ChangeSet, DeployError> {
    let running = state.running(name)?;
    let (record, _) = candidate(running, name)?;
    let (from, to) = (Some(record.release.digest), Some(running.record.live.digest));
    let event = NewEntry { from, to, reason, figures, ..NewEntry::new(who, name, what) };
    Ok(ChangeSet::of_one(state, name, running.without_candidate(), event))
}

/// The change that gives the candidate its next share, and starts a new trial.
pub(in crate::release) fn step(
    state: &Arc<State>,
    name: &ServiceName,
    figures: Option<Json>,
) -> Result<ChangeSet, DeployError> {
    let running = state.running(name)?;
    let (record, candidate) = candidate(running, name)?;
    let step = record.rollout.step.map_or(0, |step| step + 1);
    let rollout = RolloutRecord { step: Some(step), shadow: None, ..record.rollout.clone() };
    let share = rollout.steps.get(step).map(|parts| f64::from(*parts) / 100.0);
    let reason = Some(share.map_or_else(|| "by header alone".into(), |percent| format!("{percent} % of the callers")));
    let (from, to) = (Some(running.record.live.digest), Some(record.release.digest));
    let event = NewEntry { from, to, reason, figures, ..NewEntry::new(HOST, name, ChangeKind::Step) };
    Ok(ChangeSet::of_one(state, name, begun_again(running, record, candidate, rollout), event))
}

/// The change that gives the candidate `share` of the callers, and starts a new trial.
fn weigh(
    state: &Arc<State>,
    who: &str,
    name: &ServiceName,
    share: Share,
    reason: Option<String>,
) -> Result<ChangeSet, DeployError> {
    let running = state.running(name)?;
    let (record, candidate) = candidate(running, name)?;
    let parts = share.parts();
    // Without a period, the operator decides on each share.
    let is_planned = record.rollout.every_s.is_some();
    let larger = record.rollout.steps.iter().copied().filter(|step| is_planned && *step > parts);
    let steps = std::iter::once(parts).chain(larger).collect();
    let rollout = RolloutRecord { steps, step: Some(0), shadow: None, ..record.rollout.clone() };
    let told = format!("{} % of the callers", share.percent());
    let reason = Some(reason.map_or(told.clone(), |reason| format!("{told}: {reason}")));
    let (from, to) = (Some(running.record.live.digest), Some(record.release.digest));
    let event = NewEntry { from, to, reason, ..NewEntry::new(who, name, ChangeKind::Step) };
    Ok(ChangeSet::of_one(state, name, begun_again(running, record, candidate, rollout), event))
}

/// The change that pauses the candidate, or begins its step again.
fn pause(
    state: &Arc<State>,
    who: &str,
    name: &ServiceName,
    paused: bool,
    reason: Option<String>,
) -> Result<ChangeSet, DeployError> {
    let running = state.running(name)?;
    let (record, candidate) = candidate(running, name)?;
    if record.rollout.paused == paused {
        return Err(DeployError::PausedAlready { service: name.clone(), paused });
    }
    let rollout = RolloutRecord { paused, ..record.rollout.clone() };
    // A pause leaves the trial as it is, so that a bad candidate is still removed. A shadow has no steps.
    let next = if paused || candidate.trial.shadow.is_some() {
        let record = CandidateRecord { rollout, release: record.release.clone() };
        running.with_candidate(record, candidate.clone())
    } else {
        begun_again(running, record, candidate, rollout)
    };
    let what = if paused { ChangeKind::Pause } else { ChangeKind::Resume };
    let (from, to) = (Some(running.record.live.digest), Some(record.release.digest));
    let event = NewEntry { from, to, reason, ..NewEntry::new(who, name, what) };
    Ok(ChangeSet::of_one(state, name, next, event))
}

/// The service with its candidate at the current step of `rollout`, and a new trial.
fn begun_again(
    running: &Running,
    record: &CandidateRecord,
    candidate: &RunningCandidate,
    rollout: RolloutRecord,
) -> Running {
    let trial = Trial::begin(&running.live, &candidate.release, rollout.share(), None);
    let candidate = RunningCandidate { release: Arc::clone(&candidate.release), trial };
    running.with_candidate(CandidateRecord { rollout, release: record.release.clone() }, candidate)
}

pub(in crate::release) fn candidate<'r>(
    running: &'r Running,
    name: &ServiceName,
) -> Result<(&'r CandidateRecord, &'r RunningCandidate), DeployError> {
    running
        .record
        .candidate
        .as_ref()
        .zip(running.candidate.as_ref())
        .ok_or_else(|| DeployError::NoCandidate { service: name.clone() })
}
