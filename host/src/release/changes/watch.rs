//! The host watches candidates and fresh releases: it gives them more calls, promotes them, or removes them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::super::error::DeployError;
use super::super::judging::candidate::{Judged, Opinion};
use super::super::records::record::{ChangeKind, RolloutRecord, ServiceRecord};
use super::super::records::state::{Running, RunningCandidate, State};
use super::super::records::stored_data::DataFit;
use super::super::releases::{Inner, Releases};
use super::change_set::{ChangeSet, HOST};
use super::rollout::{step, take_out};
use crate::clock;
use crate::names::ServiceName;

/// How often it checks: a bad candidate keeps its share of the calls for at least this time.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The result of a check.
enum Finding {
    Step,
    Promote,
    TakeOut(String),
    RollBack,
}

impl Releases {
    /// Watches the releases until the tasks are stopped.
    pub async fn watch(self) {
        let mut stop = self.inner.tasks.stop();
        let mut failed = BTreeMap::new();
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.wait() => return,
                _ = ticks.tick() => self.check_services(&mut failed).await,
            }
        }
    }

    /// Tries again to delete the files of dropped stores.
    async fn finish_drops(&self) {
        let inner = Arc::clone(&self.inner);
        let finished = self.to_the_end(async move {
            let _changing = inner.changing.lock().await;
            inner.finish_drops();
            Ok(())
        });
        if let Err(error) = finished.await
            && self.inner.log_limits.allows("files of dropped stores could not be deleted")
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "files of dropped stores could not be deleted; the host tries again"
            );
        }
    }

    /// Does the next necessary change of one service. `failed` contains the services whose change failed, with their
    /// records at that time: it is not tried, and logged, again before something has changed.
    pub(in crate::release) async fn check_services(&self, failed: &mut BTreeMap<ServiceName, ServiceRecord>) {
        if !self.inner.unfinished_drops().is_empty() {
            self.finish_drops().await;
        }
        let state = self.state();
        for (name, running) in &state.services {
            if failed.get(name) == Some(&running.record) {
                continue;
            }
            let (Some(finding), figures) = self.inner.look_at(running) else { continue };
            let (inner, of, known) = (Arc::clone(&self.inner), name.clone(), Arc::clone(&state));
            let acted = self.to_the_end(async move {
                let _changing = inner.changing.lock().await;
                // The finding is valid only while the state is unchanged.
                if !Arc::ptr_eq(&known, &inner.state.load_full()) {
                    return Ok(());
                }
                inner.run(inner.act(&known, &of, finding, figures)?).await
            });
            if let Err(error) = acted.await {
                failed.insert(name.clone(), running.record.clone());
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the host could not promote, step or remove a release by itself"
                );
            }
            return;
        }
    }
}

impl Inner {
    fn look_at(&self, running: &Running) -> (Option<Finding>, Option<Json>) {
        match running.record.candidate.as_ref().zip(running.candidate.as_ref()) {
            Some((record, candidate)) => self.look_at_candidate(running, &record.rollout, candidate),
            None => (self.look_at_live(running), None),
        }
    }

    fn look_at_live(&self, running: &Running) -> Option<Finding> {
        let live = &running.record.live;
        let age_ms = clock::unix_micros().saturating_sub(live.deployed_at) / 1000;
        let manifest = self.manifest();
        let settings = &manifest.deploy;
        let watched = settings.rollback_when_circuit_opens && age_ms <= settings.rollback_watch_ms;
        let there = running.data();
        let fits = |fit| matches!(fit, DataFit::Same | DataFit::Migrates);
        let can_go_back = running.earlier().is_some_and(|(_, earlier)| fits(there.fit(&earlier.data, false)));
        // After one step back, the operator must decide what runs.
        let goes_back = watched && running.record.is_fresh && can_go_back && running.live.is_failing();
        goes_back.then_some(Finding::RollBack)
    }

    fn look_at_candidate(
        &self,
        running: &Running,
        rollout: &RolloutRecord,
        candidate: &RunningCandidate,
    ) -> (Option<Finding>, Option<Json>) {
        if candidate.release.is_failing() {
            let figures = candidate.trial.judge(&running.live, &candidate.release, &self.manifest().deploy);
            let why = "its circuit opened after too many failures".into();
            return (Some(Finding::TakeOut(why)), serde_json::to_value(figures).ok());
        }
        if let Some(shadow) = &candidate.trial.shadow {
            let report = shadow.report();
            let equal = report.different == 0 && report.compared >= self.manifest().deploy.shadow_calls_min;
            let goes_on = equal && !rollout.paused && (!rollout.steps.is_empty() || rollout.header.is_some());
            return (goes_on.then_some(Finding::Step), serde_json::to_value(report).ok());
        }
        let judged = candidate.trial.judge(&running.live, &candidate.release, &self.manifest().deploy);
        let figures = serde_json::to_value(&judged).ok();
        (finding(rollout, &judged, candidate.trial.lasted()), figures)
    }

    /// The change that follows from the finding.
    fn act(
        &self,
        state: &Arc<State>,
        name: &ServiceName,
        finding: Finding,
        figures: Option<Json>,
    ) -> Result<ChangeSet, DeployError> {
        match finding {
            Finding::Step => step(state, name, figures),
            Finding::Promote => {
                let reason = Some("as good as the live release at every step".into());
                self.promote(state, HOST, name, reason, figures)
            }
            Finding::TakeOut(why) => {
                tracing::warn!(service = %name, why, "the host removed a candidate");
                take_out(state, HOST, name, ChangeKind::TakenOut, Some(why), figures)
            }
            Finding::RollBack => {
                tracing::warn!(service = %name, "the circuit of a new release opened: the host rolled back");
                self.rollback(state, HOST, name, None, false, Some("its circuit opened".into()))
            }
        }
    }
}

fn finding(rollout: &RolloutRecord, judged: &Judged, lasted: Duration) -> Option<Finding> {
    let over = rollout.every_s.is_some_and(|every_s| lasted >= Duration::from_secs(every_s));
    match judged.opinion {
        Opinion::Bad => Some(Finding::TakeOut(judged.text.clone())),
        Opinion::Good if over && !rollout.paused => {
            match rollout.step.is_some_and(|step| step + 1 < rollout.steps.len()) {
                true => Some(Finding::Step),
                false => Some(Finding::Promote),
            }
        }
        Opinion::Good | Opinion::TooFewCalls => None,
    }
}
