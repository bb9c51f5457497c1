//! Runs the functions that a contract says `every` of, each when it is due.
//!
//! Invariant: a schedule has one task, and waits for a run that is gone on with by its intent, so that no run begins before
//! the last one ended; and a run that did something is never made again for the same time, as that is in its commit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use wasmtime::component::Val;

use super::entries::{Held, put};
use super::slot::{self, LastRun};
use crate::call::{Answer, CallError, Calls, HostCall, Worlds};
use crate::clock;
use crate::contract::{Function, Reach, World};
use crate::names::ServiceName;
use crate::observe::events::ScheduleMetrics;
use crate::store::Store;
use crate::tasks::{Stop, Tasks};

/// How long it sleeps at once: the time of day may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(10);

/// How often it looks whether a run that did not end is done with.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long it waits where its store cannot be read or written.
const HELD_WAIT: Duration = Duration::from_secs(1);

/// A function that runs on time, by its service and its name there.
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
    /// The contracts are others.
    pub(super) wake: Notify,
    has_task: AtomicBool,
    runs: AtomicBool,
    last: Mutex<Option<LastRun>>,
}

/// What it runs now.
#[derive(Debug)]
struct Due {
    function: Arc<Function>,
    period: Duration,
    store: Store,
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
        let (has_task, runs, last) = (AtomicBool::new(false), AtomicBool::new(false), Mutex::default());
        Self { id, calls, metrics, wake: Notify::new(), has_task, runs, last }
    }

    pub(super) fn has_task(&self) -> bool {
        self.has_task.load(Ordering::Acquire)
    }

    /// Whether a run is under way, or is gone on with.
    pub(super) fn runs(&self) -> bool {
        let goes_on = |due: Due| self.calls.has_intent_of(&self.id.service, &due.function);
        self.runs.load(Ordering::Relaxed) || self.due().is_some_and(goes_on)
    }

    /// What is known of the last run, and the period.
    pub(super) fn known(&self) -> Option<(LastRun, Duration)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some((last, self.due()?.period))
    }

    /// Starts its task, unless it has one.
    pub(super) fn start(self: &Arc<Self>, tasks: &Tasks) {
        if self.has_task.swap(true, Ordering::AcqRel) {
            return;
        }
        let (schedule, stop) = (Arc::clone(self), tasks.stop());
        tasks.spawn("schedule", async move {
            schedule.run(stop).await;
            schedule.has_task.store(false, Ordering::Release);
        });
    }

    fn due(&self) -> Option<Due> {
        let routing = self.calls.routing();
        let member = routing.live().backend(&self.id.service)?;
        let mut functions = member.release.world.exports.iter().flat_map(|interface| &interface.functions);
        let function = functions.find(|function| slot::name(function) == self.id.name)?;
        let Reach::Every(period) = function.reach else { return None };
        Some(Due { function: Arc::clone(function), period, store: member.service.store().clone() })
    }

    async fn run(&self, mut stop: Stop) {
        while !stop.is_set() {
            let Some(due) = self.due() else { return };
            let wait = match self.step(&due).await {
                Ok(wait) => wait,
                Err(Held::Ended) => return,
                Err(Held::Waits(error)) => {
                    tracing::error!(service = %self.id.service, schedule = self.id.name, error, "a schedule is held");
                    HELD_WAIT
                }
            };
            drop(due);
            tokio::select! {
                () = stop.wait() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait.min(SLEEP_MAX)) => {}
            }
        }
    }

    /// Runs the function if it is due; how long until it is again.
    async fn step(&self, due: &Due) -> Result<Duration, Held> {
        let now = clock::unix_micros();
        let last = match LastRun::read(&due.store, &due.function)? {
            Some(last) => last,
            None => {
                let first = LastRun::none(slot::begins(due.period, now));
                put(&due.store, vec![first.entry(&due.function)]).await?;
                first
            }
        };
        let next = last.next(due.period, now);
        self.tell(&last);
        if next > now {
            return Ok(Duration::from_micros(next - now));
        }
        if self.calls.has_intent_of(&self.id.service, &due.function) {
            // The last run has begun something elsewhere, and goes on with that: it has not ended.
            return Ok(LOOK_EVERY);
        }
        self.runs.store(true, Ordering::Relaxed);
        let ran = self.run_once(due, next, &last).await;
        self.runs.store(false, Ordering::Relaxed);
        self.tell(&ran?);
        Ok(Duration::ZERO)
    }

    fn tell(&self, last: &LastRun) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(last.clone());
    }

    async fn run_once(&self, due: &Due, due_at: u64, before: &LastRun) -> Result<LastRun, Held> {
        let Due { function, store, .. } = due;
        let ScheduleId { service, name } = &self.id;
        let mut last = LastRun { due_at, began_at: Some(clock::unix_micros()), error: None, failures: 0 };
        let call = HostCall {
            service: service.clone(),
            function: Arc::clone(function),
            arguments: Vec::new(),
            calling_service: None,
            cause: format!("schedule {service} {} {} {due_at}", function.interface, function.name.wit),
            time_unix_micros: due_at,
            entries: vec![last.entry(function)],
            intent: true,
        };
        let error = match self.calls.run_host_call(call, &self.calls.routing()).await {
            Ok(Answer::Ok(_)) => {
                self.metrics.ok.increment(1);
                return Ok(last);
            }
            Ok(Answer::Err(error)) => refusal(error.as_ref()),
            Err(CallError::Stopped(_)) => return Err(Held::Ended),
            Err(error) => error.to_string(),
        };
        self.metrics.failed.increment(1);
        tracing::error!(%service, schedule = name, error, "a schedule failed");
        (last.error, last.failures) = (Some(error), before.failures + 1);
        put(store, vec![last.entry(function)]).await?;
        Ok(last)
    }
}

/// What an error of the contract says, for people.
fn refusal(error: Option<&Val>) -> String {
    match error {
        Some(Val::Variant(case, Some(payload))) => match &**payload {
            Val::String(text) => format!("{case}: {text}"),
            _ => case.clone(),
        },
        Some(Val::Variant(case, None) | Val::Enum(case)) => case.clone(),
        Some(Val::String(text)) => text.clone(),
        _ => "it answered with an error".into(),
    }
}
