//! Deploying: proposals are judged while calls go on, and then become live in one swap, or become candidates beside the
//! live releases.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};

use super::super::error::DeployError;
use super::super::judging::candidate::Trial;
use super::super::judging::judge::{Judged, Terms, judge};
use super::super::judging::judge_input::{JudgeInput, Proposal};
use super::super::judging::rehearse::{RehearsalPlan, rehearse};
use super::super::judging::verdict::Verdict;
use super::super::records::record::{CandidateRecord, ChangeKind, NewEntry, RolloutRecord};
use super::super::records::state::{Running, RunningCandidate, State};
use super::super::records::stored_data::DataFit;
use super::super::records::token::Holder;
use super::super::releases::{Inner, Releases};
use super::super::view::ReleaseView;
use super::change_set::{ChangeSet, Migration, MigrationWork};
use crate::call::{Shadow, Share};
use crate::config::Grant;
use crate::limits::CANDIDATES_MAX;
use crate::names::{Generation, ServiceName};
use crate::observe::error_chain;
use crate::tasks::{CancellationToken, blocking, give_back_memory};

/// How often a deploy is judged again because another change was committed first.
pub(in crate::release) const JUDGEMENTS_MAX: usize = 5;

/// How proposals are deployed.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// `None`: they replace the live releases at once for all callers.
    pub rollout: Option<Rollout>,
    pub reason: Option<String>,
    /// Hosts that they may send HTTP requests to.
    pub grants: Vec<Grant>,
    /// Whether a signature may be older than an accepted one.
    pub allow_old_signature: bool,
    /// Whether the operator vouches that they read the data, whatever format they name.
    pub data_compatible: bool,
    /// Whether the data is copied to the component before it becomes live.
    pub handover: bool,
    /// Whether it may end the trial of another candidate.
    pub replace: bool,
    /// Whether the operator wants them although they have lost what the live releases answer.
    pub answers_may_differ: bool,
    /// Only judge.
    pub dry_run: bool,
}

/// How a candidate gets its share of the calls.
#[derive(Debug, Clone, Default)]
pub struct Rollout {
    /// The share of the calls that it first repeats in shadow.
    pub shadow: Option<Share>,
    /// Clients that send this header get it.
    pub header: Option<(HeaderName, HeaderValue)>,
    /// The shares that it gets, one after another.
    pub steps: Vec<Share>,
    /// The time of each step; `None`: the operator starts each step.
    pub every: Option<Duration>,
}

/// The outcome of a deploy that was not refused.
#[derive(Debug)]
pub enum Outcome {
    Deployed(Vec<Deployed>),
    /// All of it was already live.
    Unchanged(Vec<Deployed>),
    /// Only judged, as the plan requested.
    Judged(Vec<Verdict>),
}

#[derive(Debug)]
pub struct Deployed {
    pub service: ServiceName,
    pub release: ReleaseView,
    pub verdict: Verdict,
}

impl Releases {
    /// Judges `proposals`, one for each of some services, and makes all of them live at once, or candidates.
    ///
    /// Running calls finish on their earlier releases. No call waits, except for a migration.
    ///
    /// # Errors
    ///
    /// [`DeployError`]; the live releases stay. A refusal is recorded in the history.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future while proposals are judged leaves everything unchanged. A change that has begun continues to
    /// its end without its client.
    pub async fn deploy(&self, who: &Holder, proposals: Vec<Proposal>, plan: &Plan) -> Result<Outcome, DeployError> {
        let inner = &self.inner;
        let (cancellation, _guard) = CancellationToken::with_guard();
        for _ in 0..JUDGEMENTS_MAX {
            let state = self.state();
            can_hand_over_beside(&proposals, plan)?;
            if plan.rollout.as_ref().is_some_and(|rollout| rollout.shadow.is_some()) {
                has_shadow(&state, &proposals)?;
            }
            if !plan.replace && !plan.dry_run {
                proposals.iter().try_for_each(|proposal| has_no_candidate(&state, &proposal.service))?;
            }
            let (known, asked) = (Arc::clone(&state), proposals.clone());
            let input = move |inner: &Inner| JudgeInput::of(&inner.loader, &known, &asked);
            let judged = inner.judge(who, input, &proposals, plan, &cancellation).await;
            if !Arc::ptr_eq(&state, &self.state()) {
                // The verdict is on an older state: components that were live then may already be deleted.
                continue;
            }
            let mut judged = judged?;
            judged.iter_mut().for_each(|judged| judged.verdict.finish());
            if judged.iter().any(|judged| !judged.verdict.accepted) {
                let verdicts = verdicts(judged);
                if !plan.dry_run {
                    let events = verdicts.iter().map(|verdict| refused(who, &state, verdict, plan)).collect();
                    self.change(move |_, state| Ok((ChangeSet::note(state, events), ()))).await?;
                }
                return Err(DeployError::Refused { verdicts });
            }
            if plan.dry_run {
                return Ok(Outcome::Judged(verdicts(judged)));
            }
            let (releases, who, plan) = (self.clone(), who.clone(), plan.clone());
            let change = async move { releases.take_over(&who, &state, judged, &plan).await };
            if let Some(outcome) = self.to_the_end(change).await? {
                return Ok(outcome);
            }
        }
        Err(DeployError::Busy)
    }

    /// Makes the releases that were judged in `state` live, or candidates; `None` when another change was committed
    /// first.
    async fn take_over(
        &self,
        who: &Holder,
        state: &Arc<State>,
        judged: Vec<Judged>,
        plan: &Plan,
    ) -> Result<Option<Outcome>, DeployError> {
        let inner = &self.inner;
        let _changing = inner.changing.lock().await;
        if !Arc::ptr_eq(state, &self.state()) {
            return Ok(None);
        }
        // Members of a set that are already live stay unchanged.
        let stays = |judged: &Judged| plan.rollout.is_none() && is_live(state, judged);
        let (unchanged, mut judged): (Vec<_>, Vec<_>) = judged.into_iter().partition(stays);
        if judged.is_empty() {
            return Ok(Some(Outcome::Unchanged(self.deployed(unchanged))));
        }
        let done = match inner.planned(who, state, &judged, plan) {
            Ok(set) => inner.run(set).await,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            let failed = judged.iter_mut().map(|judged| {
                judged.verdict.failed_in_the_swap(error_chain(&error));
                refused(who, state, &judged.verdict, plan)
            });
            let failed = failed.collect();
            inner.try_note(failed).await;
            return Err(error);
        }
        judged.extend(unchanged);
        Ok(Some(Outcome::Deployed(self.deployed(judged))))
    }

    fn deployed(&self, judged: Vec<Judged>) -> Vec<Deployed> {
        let state = self.state();
        let deployed = judged.into_iter().filter_map(|judged| {
            let service = judged.verdict.service.clone();
            let running = state.services.get(&service)?;
            let release = running.view_of(judged.record.number);
            Some(Deployed { service, release, verdict: judged.verdict })
        });
        deployed.collect()
    }
}

impl Inner {
    /// Judges and rehearses `proposals` with the given `input`. Their compilation continues when the future is dropped,
    /// until `cancellation`.
    pub(in crate::release) async fn judge(
        self: &Arc<Self>,
        who: &Holder,
        input: impl FnOnce(&Self) -> Result<JudgeInput, DeployError> + Send + 'static,
        proposals: &[Proposal],
        plan: &Plan,
        cancellation: &CancellationToken,
    ) -> Result<Vec<Judged>, DeployError> {
        let (inner, proposals, cancellation) = (Arc::clone(self), proposals.to_vec(), cancellation.clone());
        let (by, reason, grants) = (who.name.clone(), plan.reason.clone(), plan.grants.clone());
        let (as_candidates, allow_old_signature) = (plan.rollout.is_some(), plan.allow_old_signature);
        let rehearsal = RehearsalPlan {
            as_candidate: as_candidates,
            data_compatible: plan.data_compatible,
            handover: plan.handover,
            shadow_calls_min: plan
                .rollout
                .as_ref()
                .and_then(|rollout| rollout.shadow)
                .map(|_| self.manifest().deploy.shadow_calls_min),
            answers_may_differ: plan.answers_may_differ,
        };
        let judging = blocking(move || {
            let terms = Terms {
                by: &by,
                reason: reason.as_deref(),
                grants: &grants,
                allow_old_signature,
                as_candidates,
                cancellation: &cancellation,
            };
            let input = input(&inner)?;
            let judged = judge(&inner.loader, &input, &inner.manifest().deploy, &proposals, &terms);
            // Types and contracts were read, and code passed through: some MiB that this thread may never need again.
            give_back_memory();
            Ok::<_, DeployError>((input, judged?))
        });
        let (input, mut judged) = judging.await??;
        for judged in &mut judged {
            let context = input.context(&judged.verdict.service)?;
            rehearse(judged, &input, context, &rehearsal).await;
        }
        Ok(judged)
    }

    /// Adds lines about a failed change. If that fails too, it is only logged, because the error of the change matters
    /// more. The caller holds `changing`.
    pub(in crate::release) async fn try_note(&self, events: Vec<NewEntry>) {
        if let Err(error) = self.run(ChangeSet::note(&self.state.load_full(), events)).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a failed change could not be recorded in the history"
            );
        }
    }

    /// The change that makes `judged` live, or candidates. Afterwards their components are durable.
    fn planned(
        &self,
        who: &Holder,
        state: &Arc<State>,
        judged: &[Judged],
        plan: &Plan,
    ) -> Result<ChangeSet, DeployError> {
        for judged in judged {
            self.loader.components.put(&judged.record.digest, &judged.component)?;
        }
        match &plan.rollout {
            _ if plan.handover => self.begin_handover(who, state, judged, plan),
            Some(rollout) => self.candidates(who, state, judged, rollout, plan),
            None => Ok(live(who, state, judged, plan)),
        }
    }

    fn candidates(
        &self,
        who: &Holder,
        state: &Arc<State>,
        judged: &[Judged],
        rollout: &Rollout,
        plan: &Plan,
    ) -> Result<ChangeSet, DeployError> {
        let mut after = State::clone(state);
        let mut events = Vec::new();
        for judged in judged {
            let service = &judged.verdict.service;
            let running = state.running(service)?;
            let Some(release) = judged.release.clone() else { continue };
            let member = running.backend(&release);
            let same_format = judged.record.data.format == running.record.live.data.format;
            let runs_max = state.manifest.deploy.shadow_runs_max;
            let shadow =
                rollout.shadow.map(|share| Shadow::new(member, share, runs_max, same_format, self.tasks.clone()));
            let rollout = rollout.record();
            let trial = Trial::begin(&running.live, &release, rollout.share(), shadow);
            let candidate = CandidateRecord { release: judged.record.clone(), rollout };
            let with = running.with_candidate(candidate, RunningCandidate { release, trial });
            after.services.insert(service.clone(), with);
            events.push(line(who, ChangeKind::Candidate, running, judged, plan));
        }
        if after.services.values().filter(|running| running.has_routed()).count() > CANDIDATES_MAX {
            return Err(DeployError::TooManyCandidates);
        }
        Ok(ChangeSet::swap(state, after, events))
    }
}

impl Judged {
    /// The migration that is necessary to make it the live release of a running service.
    pub(in crate::release) fn migration(&self, state: &State) -> Option<Migration> {
        let running = state.services.get(&self.verdict.service)?;
        self.migration_of(&running.service, running.record.generation, running.record.oldest_data, true)
    }

    /// The migration from version `from` that is necessary to run it as `service`.
    pub(in crate::release) fn migration_of(
        &self,
        service: &Arc<crate::call::Service>,
        generation: Generation,
        from: u64,
        has_calls: bool,
    ) -> Option<Migration> {
        let (release, to) = (self.release.as_ref()?, self.record.data.writes);
        if self.fit == DataFit::Empty {
            return Some(Migration::adopt(service, release, generation, to, has_calls));
        }
        let (service, release) = (Arc::clone(service), Arc::clone(release));
        let (work, pause_ms_max) = (MigrationWork::Migrate { from }, self.data.pause_ms_max);
        (to > from).then_some(Migration { service, release, generation, work, to, pause_ms_max, has_calls })
    }
}

impl Rollout {
    /// The header, as text.
    pub(in crate::release) fn header_text(&self) -> Option<(String, String)> {
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
        self.header.as_ref().map(|(name, value)| (name.to_string(), text(value)))
    }

    fn record(&self) -> RolloutRecord {
        RolloutRecord {
            shadow: self.shadow.map(Share::parts),
            header: self.header_text(),
            steps: self.steps.iter().map(|share| share.parts()).collect(),
            every_s: self.every.map(|every| every.as_secs()),
            step: if self.shadow.is_some() { None } else { Some(0) },
            paused: false,
        }
    }
}

/// Checks that no trial of `service` runs, which a deploy would end.
fn has_no_candidate(state: &State, service: &ServiceName) -> Result<(), DeployError> {
    match &state.running(service)?.record.candidate {
        Some(candidate) => {
            Err(DeployError::HasCandidate { service: service.clone(), digest: candidate.release.digest })
        }
        None => Ok(()),
    }
}

/// Checks that a handover gives calls no release that would write data that another one writes too. A shadow, and requests
/// with a header, may read the copy.
fn can_hand_over_beside(proposals: &[Proposal], plan: &Plan) -> Result<(), DeployError> {
    let Some(rollout) = plan.rollout.as_ref().filter(|_| plan.handover) else { return Ok(()) };
    match proposals.first().filter(|_| !rollout.steps.is_empty() || rollout.every.is_some()) {
        Some(Proposal { service, .. }) => Err(DeployError::BothWritten { service: service.clone() }),
        None => Ok(()),
    }
}

/// Checks that the proposals can run in shadow: only services with a contract can.
fn has_shadow(state: &State, proposals: &[Proposal]) -> Result<(), DeployError> {
    for Proposal { service, .. } in proposals {
        if state.running(service)?.live.program.contract().is_none() {
            return Err(DeployError::NoShadow { service: service.clone() });
        }
    }
    Ok(())
}

/// The change that makes all of `judged` live.
fn live(who: &Holder, state: &Arc<State>, judged: &[Judged], plan: &Plan) -> ChangeSet {
    let mut set = ChangeSet::swap(state, State::clone(state), Vec::new());
    for judged in judged {
        let service = &judged.verdict.service;
        let Some((running, release)) = state.services.get(service).zip(judged.release.clone()) else { continue };
        let migration = judged.migration(state);
        let next = running.with_live(judged.record.clone(), release);
        let next = if migration.is_some() { next.migrated() } else { next };
        set.after.services.insert(service.clone(), next);
        set.events.push(line(who, ChangeKind::Deploy, running, judged, plan));
        set.migrations.extend(migration);
    }
    set
}

pub(in crate::release) fn verdicts(judged: Vec<Judged>) -> Vec<Verdict> {
    judged.into_iter().map(|judged| judged.verdict).collect()
}

pub(in crate::release) fn line(
    who: &Holder,
    what: ChangeKind,
    running: &Running,
    judged: &Judged,
    plan: &Plan,
) -> NewEntry {
    NewEntry {
        from: Some(running.record.live.digest),
        to: Some(judged.record.digest),
        reason: plan.reason.clone(),
        verdict: serde_json::to_value(&judged.verdict).ok(),
        ..NewEntry::new(&who.name, &judged.verdict.service, what)
    }
}

pub(in crate::release) fn refused(who: &Holder, state: &State, verdict: &Verdict, plan: &Plan) -> NewEntry {
    NewEntry {
        from: state.services.get(&verdict.service).map(|running| running.record.live.digest),
        to: Some(verdict.digest),
        reason: plan.reason.clone(),
        verdict: serde_json::to_value(verdict).ok(),
        ..NewEntry::new(&who.name, &verdict.service, ChangeKind::Refused)
    }
}

fn is_live(state: &State, judged: &Judged) -> bool {
    let running = state.services.get(&judged.verdict.service);
    running.is_some_and(|running| running.record.live.is_same(&judged.record))
}
