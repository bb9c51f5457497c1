//! Changes between existing releases, by an operator or by the host itself: promote, abort, step, roll back.

use std::sync::Arc;

use serde_json::Value as Json;

use super::super::error::DeployError;
use super::super::judging::candidate::Trial;
use super::super::judging::judge::breaks;
use super::super::judging::signature::check_signature;
use super::super::records::record::{CandidateRecord, ChangeKind, NewEntry, ReleaseRecord, RolloutRecord};
use super::super::records::state::{Running, RunningCandidate, State};
use super::super::records::stored_data::{DataFit, format_text};
use super::super::records::token::Holder;
use super::super::releases::{Inner, Releases};
use super::change_set::{ChangeSet, HOST, Migration};
use crate::call::Share;
use crate::clock;
use crate::config::{SignedRelease, Signer};
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

    /// Rolls back to the release that was live before, or to the kept release whose digest begins with `to`.
    ///
    /// If the data was migrated since, this needs `force`.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; the live release stays.
    pub async fn rollback(
        &self,
        who: &Holder,
        name: &ServiceName,
        to: Option<&str>,
        force: bool,
        reason: Option<String>,
    ) -> Result<(), DeployError> {
        let (who, name, to) = (who.name.clone(), name.clone(), to.map(ToOwned::to_owned));
        self.change(move |inner, state| Ok((inner.rollback(state, &who, &name, to.as_deref(), force, reason)?, ())))
            .await
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

    /// The change that rolls back. Blocks while the release is loaded.
    pub(in crate::release) fn rollback(
        &self,
        state: &Arc<State>,
        who: &str,
        name: &ServiceName,
        to: Option<&str>,
        force: bool,
        reason: Option<String>,
    ) -> Result<ChangeSet, DeployError> {
        let running = state.running(name)?;
        if let Some(mirror) = running.record.mirror.as_ref().filter(|mirror| mirror.was_live) {
            let named = |to: &str| {
                let digest = mirror.release.digest.to_string();
                digest.starts_with(to) || digest.trim_start_matches("sha256:").starts_with(to)
            };
            if to.is_none_or(named) {
                return self.hand_over(state, who, name, ChangeKind::Rollback, reason);
            }
        }
        let wanted =
            |digest: &str, to: &str| digest.starts_with(to) || digest.trim_start_matches("sha256:").starts_with(to);
        let found = match to {
            None => running.earlier(),
            Some(to) => running.record.kept.iter().enumerate().find(|(_, kept)| wanted(&kept.digest.to_string(), to)),
        };
        let which = || DeployError::NoEarlier { service: name.clone(), which: to.map(ToOwned::to_owned) };
        let (position, earlier) = found.ok_or_else(which)?;
        if let Some(path) = self.loader.missing(earlier) {
            return Err(DeployError::Missing { service: name.clone(), number: earlier.number, path });
        }
        let there = running.data();
        let fit = there.fit(&earlier.data, false);
        match fit {
            DataFit::OtherFormat if !force => {
                let (there, format) = (format_text(there.format.as_ref()), format_text(earlier.data.format.as_ref()));
                return Err(DeployError::OtherFormat { service: name.clone(), there, format });
            }
            DataFit::TooNew if !force => {
                let (there, reads_up_to) = (there.version, earlier.data.reads_up_to);
                return Err(DeployError::DataMovedOn { service: name.clone(), there, reads_up_to });
            }
            _ => {}
        }
        if !force {
            check_signed(&state.manifest.deploy.signers, name, earlier)?;
        }
        let release = self.loader.load(&running.service, earlier)?;
        if *release.world != *running.live.world {
            // It had another contract: other services may since depend on the new one.
            let broken = breaks(&self.loader, state, name, (&running.record.live.digest, &earlier.digest))?;
            if !broken.is_empty() {
                return Err(DeployError::Breaks { service: name.clone(), broken });
            }
        }
        let (from, to) = (Some(running.record.live.digest), Some(earlier.digest));
        let is_forced = matches!(fit, DataFit::OtherFormat | DataFit::TooNew);
        let figures = is_forced.then(|| serde_json::json!({ "dataForced": true }));
        let event = NewEntry { from, to, reason, figures, ..NewEntry::new(who, name, ChangeKind::Rollback) };
        let back = ReleaseRecord { deployed_at: clock::unix_micros(), ..earlier.clone() };
        let adopted = (fit == DataFit::Empty)
            .then(|| Migration::adopt(&running.service, &release, there.generation, earlier.data.writes, true));
        let next = running.back_to(position, back, release);
        let next = if adopted.is_some() { next.migrated() } else { next };
        let mut set = ChangeSet::of_one(state, name, next, event);
        set.migrations.extend(adopted);
        Ok(set)
    }
}

/// Checks that an earlier release is signed by one of the current signers. Its number may be old, because a rollback
/// goes back.
fn check_signed(signers: &[Signer], service: &ServiceName, earlier: &ReleaseRecord) -> Result<(), DeployError> {
    if signers.is_empty() {
        return Ok(());
    }
    let release = SignedRelease { service, contract: &earlier.world, component: &earlier.digest };
    let checked = check_signature(signers, &release, earlier.signature.as_ref(), 0);
    checked.map_err(|fault| DeployError::Unsigned { service: service.clone(), digest: earlier.digest, fault })
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
