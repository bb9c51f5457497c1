//! What an operator, or the host itself, does with releases that are there: promote, abort, step, roll back.

use std::sync::Arc;

use serde_json::Value as Json;

use super::candidate::Trial;
use super::deploy::running;
use super::error::DeployError;
use super::judge::breaks;
use super::record::{CandidateRecord, Event, RolloutRecord, What};
use super::state::{Running, RunningCandidate};
use super::tokens::Holder;
use super::{Inner, Releases};
use crate::clock;
use crate::names::ServiceName;

/// Who the history names for what the host does by itself.
pub(super) const HOST: &str = "host";

impl Releases {
    /// Makes the candidate live.
    ///
    /// # Errors
    ///
    /// [`DeployError`], with no candidate above all; what was live still is.
    pub async fn promote(&self, who: &Holder, name: &ServiceName, reason: Option<String>) -> Result<(), DeployError> {
        self.change(who, name, move |inner, who, name| inner.promote(who, name, reason, None)).await
    }

    /// Takes the candidate out.
    ///
    /// # Errors
    ///
    /// As [`Releases::promote`].
    pub async fn abort(&self, who: &Holder, name: &ServiceName, reason: Option<String>) -> Result<(), DeployError> {
        self.change(who, name, move |inner, who, name| inner.take_out(who, name, What::Abort, reason, None)).await
    }

    /// Goes back to the release that was live before, or to the kept one whose digest begins as `to` does.
    ///
    /// Where the data has moved on it goes back only by `force`.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; what was live still is.
    pub async fn rollback(
        &self,
        who: &Holder,
        name: &ServiceName,
        to: Option<&str>,
        force: bool,
        reason: Option<String>,
    ) -> Result<(), DeployError> {
        let to = to.map(ToOwned::to_owned);
        self.change(who, name, move |inner, who, name| inner.rollback(who, name, to.as_deref(), force, reason)).await
    }

    async fn change(
        &self,
        who: &Holder,
        name: &ServiceName,
        change: impl FnOnce(&Inner, &str, &ServiceName) -> Result<(), DeployError> + Send + 'static,
    ) -> Result<(), DeployError> {
        let (inner, who, name) = (Arc::clone(&self.inner), who.name.clone(), name.clone());
        let changing = async move {
            let _changing = inner.changing.lock().await;
            change(&inner, &who, &name)
        };
        self.to_the_end(changing).await
    }
}

/// All of these are called by who holds `changing`.
impl Inner {
    pub(super) fn promote(
        &self,
        who: &str,
        name: &ServiceName,
        reason: Option<String>,
        figures: Option<Json>,
    ) -> Result<(), DeployError> {
        let state = self.state.load_full();
        let running = running(&state, name)?;
        let (record, candidate) = candidate(running, name)?;
        let (from, to) = (Some(running.record.live.digest), Some(record.release.digest));
        let mut release = record.release.clone();
        release.deployed_at = clock::unix_micros();
        let next = running.with_live(release, Arc::clone(&candidate.release));
        let event = Event { from, to, reason, figures, ..Event::new(who, name, What::Promote) };
        self.make_one(name, next, event)?;
        self.sweep();
        Ok(())
    }

    /// Ends a candidate, for the reason that `what` says.
    pub(super) fn take_out(
        &self,
        who: &str,
        name: &ServiceName,
        what: What,
        reason: Option<String>,
        figures: Option<Json>,
    ) -> Result<(), DeployError> {
        let state = self.state.load_full();
        let running = running(&state, name)?;
        let (record, _) = candidate(running, name)?;
        let (from, to) = (Some(record.release.digest), Some(running.record.live.digest));
        let event = Event { from, to, reason, figures, ..Event::new(who, name, what) };
        self.make_one(name, running.without_candidate(), event)?;
        self.sweep();
        Ok(())
    }

    /// Gives the candidate its next share, with a new trial.
    pub(super) fn step(&self, name: &ServiceName, figures: Option<Json>) -> Result<(), DeployError> {
        let state = self.state.load_full();
        let running = running(&state, name)?;
        let (record, candidate) = candidate(running, name)?;
        let step = record.rollout.step.map_or(0, |step| step + 1);
        let rollout = RolloutRecord { step: Some(step), shadow: None, ..record.rollout.clone() };
        let share = rollout.steps.get(step).map(|parts| f64::from(*parts) / 100.0);
        let reason =
            Some(share.map_or_else(|| "by header alone".into(), |percent| format!("{percent} % of the callers")));
        let (from, to) = (Some(running.record.live.digest), Some(record.release.digest));
        let event = Event { from, to, reason, figures, ..Event::new(HOST, name, What::Step) };
        let trial = Trial::begin(&running.live, &candidate.release, rollout.share(), None);
        let candidate = RunningCandidate { release: Arc::clone(&candidate.release), trial };
        let record = CandidateRecord { rollout, release: record.release.clone() };
        self.make_one(name, running.with_candidate(record, candidate), event)
    }

    /// Goes back. Blocks while the release is loaded.
    pub(super) fn rollback(
        &self,
        who: &str,
        name: &ServiceName,
        to: Option<&str>,
        force: bool,
        reason: Option<String>,
    ) -> Result<(), DeployError> {
        let state = self.state.load_full();
        let running = running(&state, name)?;
        let kept = &running.record.kept;
        let wanted =
            |digest: &str, to: &str| digest.starts_with(to) || digest.trim_start_matches("sha256:").starts_with(to);
        let position = match to {
            None => (!kept.is_empty()).then_some(0),
            Some(to) => kept.iter().position(|kept| wanted(&kept.digest.to_string(), to)),
        };
        let which = || DeployError::NoEarlier { service: name.clone(), which: to.map(ToOwned::to_owned) };
        let position = position.ok_or_else(which)?;
        let earlier = kept.get(position).ok_or_else(which)?;
        let there = running.data_version();
        let reads_up_to = earlier.data.reads_up_to;
        if reads_up_to < there && !force {
            return Err(DeployError::DataMovedOn { service: name.clone(), there, reads_up_to });
        }
        let release = self.workshop.load(&running.service, earlier)?;
        if *release.world != *running.live.world {
            // Its contract was another one: those around it may have gone on from there.
            let broken = breaks(&self.workshop, &state, name, (&running.record.live.digest, &earlier.digest))?;
            if !broken.is_empty() {
                return Err(DeployError::Breaks { service: name.clone(), broken });
            }
        }
        let (from, to) = (Some(running.record.live.digest), Some(earlier.digest));
        let event = Event { from, to, reason, ..Event::new(who, name, What::Rollback) };
        let mut back = earlier.clone();
        back.deployed_at = clock::unix_micros();
        let mut next = running.with_live(back, release);
        // Once more goes one further back: what was left is no earlier release.
        next.record.kept = kept.iter().skip(position + 1).cloned().collect();
        self.make_one(name, next, event)?;
        self.sweep();
        Ok(())
    }
}

pub(super) fn candidate<'r>(
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
