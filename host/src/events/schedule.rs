//! Runs the functions that a contract marks with `every`, each when it is due.
//!
//! Invariant: a schedule has one loop, and waits while an intent continues the last run, so no run begins before the
//! last one ended. A run that wrote something never runs again for the same slot, because the slot is in its commit.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio::sync::Notify;
use wasmtime::component::Val;

use super::commit::{Pause, commit};
use super::loop_slot::LoopSlot;
use super::slot::{self, LastRun};
use crate::call::{Answer, CallError, Calls, HostCall, Worlds};
use crate::clock;
use crate::contract::{Function, Reach, World};
use crate::names::{CommitSeq, ServiceName};
use crate::observe::LogLimit;
use crate::observe::events::ScheduleMetrics;
use crate::store::Store;
use crate::tasks::Stop;

/// The longest sleep: the time of day may be changed meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(10);

/// How often it checks whether the intent of the last run is closed.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The wait when its service or its store is unavailable.
const WAIT: Duration = Duration::from_secs(1);

/// A scheduled function, by its service and its name there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ScheduleId {
    pub(super) service: ServiceName,
    pub(super) name: String,
}

#[derive(Debug)]
pub(super) struct Schedule {
    pub(super) id: ScheduleId,
    calls: Calls,
    metrics: ScheduleMetrics,
    failed_log: LogLimit,
    /// Wakes the loop: the contracts changed.
    pub(super) wake: Notify,
    pub(super) loop_slot: LoopSlot,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    last: Option<LastRun>,
    is_running: bool,
    /// Why the due run does not begin.
    waits: Option<String>,
    /// When the last run began, or the loop.
    began: Instant,
}

/// The function to run, as exported by the live release.
#[derive(Debug)]
struct Scheduled {
    function: Arc<Function>,
    period: Duration,
    store: Store,
}

/// The state of a schedule, for the operator.
#[derive(Debug)]
pub(super) struct ScheduleState {
    pub(super) last: LastRun,
    pub(super) period: Duration,
    pub(super) is_running: bool,
    pub(super) waits: Option<String>,
}

/// All schedules of the live releases.
pub(super) fn all(worlds: &Worlds) -> Vec<ScheduleId> {
    let of = |(service, world): &(ServiceName, Arc<World>)| {
        let functions = world.exports.iter().flat_map(|interface| &interface.functions);
        let scheduled = functions.filter(|function| matches!(function.reach, Reach::Every(_)));
        let id = |function: &Arc<Function>| ScheduleId { service: service.clone(), name: slot::name(function) };
        scheduled.map(id).collect::<Vec<_>>()
    };
    worlds.iter().flat_map(of).collect()
}

impl Schedule {
    pub(super) fn new(id: ScheduleId, calls: Calls) -> Self {
        let metrics = ScheduleMetrics::new(&id.service, &id.name);
        let state = State { last: None, is_running: false, waits: None, began: clock::now() };
        let (loop_slot, failed_log) = (LoopSlot::default(), LogLimit::default());
        Self { id, calls, metrics, failed_log, wake: Notify::new(), loop_slot, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its state; `None` before the loop has read it, or after the contracts have dropped it.
    pub(super) fn known(&self) -> Option<ScheduleState> {
        let Scheduled { function, period, .. } = self.scheduled()?;
        let continues = self.calls.has_intent_of(&self.id.service, &function);
        let state = self.state();
        let (is_running, waits) = (state.is_running || continues, state.waits.clone());
        Some(ScheduleState { last: state.last.clone()?, period, is_running, waits })
    }

    fn scheduled(&self) -> Option<Scheduled> {
        let routing = self.calls.routing();
        let backend = routing.live().backend(&self.id.service)?;
        let mut functions = backend.release.world.exports.iter().flat_map(|interface| &interface.functions);
        let function = functions.find(|function| slot::name(function) == self.id.name)?;
        let Reach::Every(period) = function.reach else { return None };
        Some(Scheduled { function: Arc::clone(function), period, store: backend.service.store().clone() })
    }

    /// Runs the schedule until the contracts drop it, or the host stops.
    pub(super) async fn run(&self, mut stop: Stop) {
        while !stop.is_set() {
            let Some(scheduled) = self.scheduled() else { return };
            let wait = match self.step(&scheduled).await {
                Ok(wait) => {
                    self.state().waits = None;
                    wait
                }
                Err(Pause::Stopped) => return,
                Err(Pause::Waits(why)) => {
                    let before = self.state().waits.replace(why.clone());
                    if before.is_none() {
                        tracing::warn!(service = %self.id.service, schedule = self.id.name, why, "a scheduled run \
                            is delayed");
                    }
                    WAIT
                }
            };
            drop(scheduled);
            tokio::select! {
                biased;
                () = stop.wait() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait.min(SLEEP_MAX)) => {}
            }
        }
    }

    /// Runs the function if it is due; returns the time until it is due again.
    async fn step(&self, scheduled: &Scheduled) -> Result<Duration, Pause> {
        let Scheduled { function, period, store } = scheduled;
        let now = clock::unix_micros();
        let (last, caused_by) = match LastRun::read(store, function)? {
            Some(read) => read,
            None => {
                let first = LastRun::none(slot::slot(*period, now));
                let number = commit(store, vec![first.row(function)]).await?;
                (first, number)
            }
        };
        let next = last.next(*period, now);
        self.state().last = Some(last.clone());
        // After a clock was set back, the next slot is late. Then the time since the last run counts.
        let is_late = self.state().began.elapsed() >= period.saturating_mul(2);
        if next > now && !is_late {
            return Ok(Duration::from_micros(next - now).min(*period));
        }
        if self.calls.has_intent_of(&self.id.service, function) {
            // The last run had an effect elsewhere, and its intent continues it: it has not ended.
            return Ok(LOOK_EVERY);
        }
        let run = self.run_once(scheduled, next, (&last, caused_by)).await;
        self.state().is_running = false;
        self.state().last = Some(run?);
        Ok(Duration::ZERO)
    }

    async fn run_once(
        &self,
        Scheduled { function, store, .. }: &Scheduled,
        due_at: u64,
        (before, caused_by): (&LastRun, CommitSeq),
    ) -> Result<LastRun, Pause> {
        let ScheduleId { service, name } = &self.id;
        {
            let mut state = self.state();
            (state.is_running, state.began) = (true, clock::now());
        }
        let mut last = LastRun { due_at, began_at: Some(clock::unix_micros()), error: None, failures: 0 };
        let mut span = self.calls.tracer().work("schedule");
        span.describe(|details| {
            details.rename(format!("schedule {name}"));
            details.text("switchyard.service", service.to_string());
            details.text("switchyard.schedule", name.clone());
        });
        let call = HostCall {
            service: service.clone(),
            function: Arc::clone(function),
            arguments: Vec::new(),
            calling_service: None,
            cause: format!("schedule {service} {} {} {due_at}", function.interface, function.name.wit),
            time_unix_micros: due_at,
            rows: vec![last.row(function)],
            caused_by,
            intent: true,
            span: span.as_parent(),
        };
        let error = match AssertUnwindSafe(self.calls.run_host_call(call, &self.calls.routing())).catch_unwind().await {
            Ok(Ok(Answer::Ok(_))) => {
                self.metrics.ok.increment(1);
                return Ok(last);
            }
            Ok(Ok(Answer::Err(error))) => refusal(error.as_ref()),
            Ok(Err(CallError::Stopped(_))) => return Err(Pause::Stopped),
            // A run that could not begin is not a failure: the slot is still due.
            Ok(Err(error)) if matches!(&error, CallError::Unavailable { service: of, .. } if of == service) => {
                span.describe(|details| details.fail("unavailable"));
                return Err(Pause::Waits(error.to_string()));
            }
            Ok(Err(error)) => error.to_string(),
            Err(_panic) => "the host panicked during the run: its log says where".into(),
        };
        span.describe(|details| details.fail("failed"));
        self.metrics.failed.increment(1);
        if self.failed_log.allows() {
            tracing::error!(%service, schedule = name, error, "a schedule failed");
        }
        (last.error, last.failures) = (Some(error), before.failures + 1);
        commit(store, vec![last.row(function)]).await?;
        Ok(last)
    }
}

/// The text of an error in the contract.
fn refusal(error: Option<&Val>) -> String {
    match error {
        Some(Val::Variant(case, Some(payload))) => match &**payload {
            Val::String(text) => format!("{case}: {text}"),
            _ => case.clone(),
        },
        Some(Val::Variant(case, None) | Val::Enum(case)) => case.clone(),
        Some(Val::String(text)) => text.clone(),
        _ => "it returned an error".into(),
    }
}
