//! Admission: how many calls to one service may run, how many may wait, and for how long.
//!
//! Invariant: a call holds one slot from before its instance is created until its transaction is committed or dropped.
//! A mounted component holds it until its guest has ended and the last byte of its response is sent.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::LimitSettings;
use crate::contract::{Function, Reach};
use crate::observe::calls::ServiceCalls;

/// The additional slots for calls of `authenticate`: one per this many normal slots. Such a call reads only a few rows.
const AUTHENTICATE_PART: usize = 4;

/// The slots of one service.
///
/// Calls of `authenticate` have separate slots, so that no other function prevents customers from being authenticated.
/// A function may have its own limit; its calls first wait for that separately, and then for a slot of the service.
#[derive(Debug)]
pub(in crate::call) struct Admission {
    service: Queue,
    authenticate: Queue,
    /// Those of functions to which the manifest gives a number.
    functions: HashMap<String, Queue>,
    /// Those of functions to which their contract gives one. A release of another contract with another number has
    /// other slots.
    contract_functions: Mutex<HashMap<ContractFunction, Arc<Queue>>>,
    waiting_max: usize,
    wait_max: Duration,
}

/// The interface and the name of a function, and how many calls of it may run.
type ContractFunction = (Arc<str>, Arc<str>, usize);

/// Slots, and the calls that wait for one of them.
#[derive(Debug)]
struct Queue {
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

/// The slots that a call holds while it runs.
#[derive(Debug)]
pub(in crate::call) struct Slot {
    _service: OwnedSemaphorePermit,
    _function: Option<OwnedSemaphorePermit>,
}

/// Why a call was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::call) enum Refused {
    /// The queue is full.
    Full,
    /// It waited for the maximum time.
    Waited,
    /// It waited for the maximum time for an instance: all instances of the host are in use, except for the reserves of
    /// other services.
    NoInstance,
}

impl Refused {
    pub(in crate::call) fn why(self) -> &'static str {
        match self {
            Self::Full => "its queue is full",
            Self::Waited => "all of its call slots are in use",
            Self::NoInstance => "no instance is free",
        }
    }
}

/// Counts a call that waits, until this is dropped.
pub(in crate::call::routing) struct Waiting<'a>(pub(in crate::call::routing) &'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    pub(in crate::call) fn new(limits: &LimitSettings) -> Self {
        let queue = |slots| Queue::new(slots, limits.calls_waiting_max);
        let functions = limits.function_calls_in_flight_max.iter();
        Self {
            service: queue(limits.calls_in_flight_max),
            authenticate: queue(limits.calls_in_flight_max.div_ceil(AUTHENTICATE_PART)),
            functions: functions.map(|(name, slots)| (name.clone(), queue(*slots))).collect(),
            contract_functions: Mutex::default(),
            waiting_max: limits.calls_waiting_max,
            wait_max: Duration::from_millis(limits.wait_ms_max),
        }
    }

    /// Waits for a slot for a call of `function`, first come, first served, until `deadline` at the latest. A mounted
    /// component has no functions.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue.
    pub(in crate::call) async fn enter(
        &self,
        function: Option<&Function>,
        deadline: Instant,
        calls: &Arc<ServiceCalls>,
    ) -> Result<Slot, Refused> {
        let until = || self.wait_until(deadline);
        if function.is_some_and(|function| matches!(function.reach, Reach::Authenticate)) {
            return Ok(Slot { _service: self.authenticate.enter(until, calls).await?, _function: None });
        }
        let function = match function {
            Some(function) => self.enter_function(function, until, calls).await?,
            None => None,
        };
        Ok(Slot { _service: self.service.enter(until, calls).await?, _function: function })
    }

    /// Waits for a slot of `function`, if there is a number of them: that of the manifest, else that of the contract.
    async fn enter_function(
        &self,
        function: &Function,
        until: impl FnOnce() -> Instant,
        calls: &Arc<ServiceCalls>,
    ) -> Result<Option<OwnedSemaphorePermit>, Refused> {
        if let Some(queue) = self.functions.get(&*function.name.wit) {
            return queue.enter(until, calls).await.map(Some);
        }
        let Some(slots) = function.calls_in_flight_max else { return Ok(None) };
        let key = (Arc::clone(&function.interface), Arc::clone(&function.name.wit), slots);
        let queue = {
            let mut queues = self.contract_functions.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(queues.entry(key).or_insert_with(|| Arc::new(Queue::new(slots, self.waiting_max))))
        };
        queue.enter(until, calls).await.map(Some)
    }

    /// The time until which a call that arrives now may wait.
    pub(in crate::call) fn wait_until(&self, deadline: Instant) -> Instant {
        deadline.min(crate::clock::now() + self.wait_max)
    }
}

impl Queue {
    fn new(slots: usize, waiting_max: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots)), waiting: AtomicUsize::new(0), waiting_max }
    }

    async fn enter(
        &self,
        until: impl FnOnce() -> Instant,
        calls: &Arc<ServiceCalls>,
    ) -> Result<OwnedSemaphorePermit, Refused> {
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(permit);
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Refused::Full);
        }
        let (_waiting, _counted) = (Waiting(&self.waiting), calls.wait());
        let permit = tokio::time::timeout_at(until().into(), Arc::clone(&self.slots).acquire_owned());
        match permit.await {
            Ok(permit) => Ok(permit.expect("the semaphore is never closed")),
            Err(_elapsed) => Err(Refused::Waited),
        }
    }
}

#[cfg(test)]
mod tests;
