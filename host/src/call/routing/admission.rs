//! Admission: how many calls to one service may run, how many may wait, and for how long.
//!
//! Invariant: a call holds one slot from before its instance is created until its transaction is committed or dropped.
//! A mounted component holds it until its guest has ended and the last byte of its response is sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use super::circuit::Client;
use super::client_slots::{ClientSlot, ClientSlots};
use super::slot_queue::{Queue, Refused};
use crate::config::LimitSettings;
use crate::contract::{Function, Reach};
use crate::observe::calls::ServiceCalls;

/// The additional slots for calls of `authenticate`: one per this many normal slots. Such a call reads only a few rows.
const AUTHENTICATE_PART: usize = 4;

/// The slots of one service.
///
/// Calls of `authenticate` have separate slots, so that no other function prevents customers from being authenticated.
/// A function may have its own limit; its calls first wait for that separately, and then for a slot of the service. So do
/// the requests of one client to a mounted service, which may last for an hour.
#[derive(Debug)]
pub(in crate::call) struct Admission {
    service: Queue,
    authenticate: Queue,
    /// Those of functions to which the manifest gives a number.
    functions: HashMap<String, Queue>,
    /// Those of functions to which their contract gives one. A release of another contract with another number has
    /// other slots.
    contract_functions: Mutex<HashMap<ContractFunction, Arc<Queue>>>,
    clients: Arc<ClientSlots>,
    waiting_max: usize,
    wait_max: Duration,
}

/// The interface and the name of a function, and how many calls of it may run.
type ContractFunction = (Arc<str>, Arc<str>, usize);

/// The slots that a call holds while it runs.
#[derive(Debug)]
pub(in crate::call) struct Slot {
    _service: OwnedSemaphorePermit,
    _function: Option<OwnedSemaphorePermit>,
    _client: Option<ClientSlot>,
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
            clients: ClientSlots::new(client_slots(limits), limits.calls_waiting_max),
            waiting_max: limits.calls_waiting_max,
            wait_max: Duration::from_millis(limits.wait_ms_max),
        }
    }

    /// Waits for a slot for a call of `function`, first come, first served, until `deadline` at the latest.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue.
    pub(in crate::call) async fn enter(
        &self,
        function: &Function,
        deadline: Instant,
        calls: &Arc<ServiceCalls>,
    ) -> Result<Slot, Refused> {
        let until = || self.wait_until(deadline);
        if matches!(function.reach, Reach::Authenticate) {
            return Ok(Slot { _service: self.authenticate.enter(until, calls).await?, _function: None, _client: None });
        }
        let function = self.enter_function(function, until, calls).await?;
        Ok(Slot { _service: self.service.enter(until, calls).await?, _function: function, _client: None })
    }

    /// As [`Admission::enter`], for a request of `client` to a mounted service. It first waits for one of the slots of
    /// its client.
    pub(in crate::call) async fn enter_mounted(
        &self,
        client: Client,
        deadline: Instant,
        calls: &Arc<ServiceCalls>,
    ) -> Result<Slot, Refused> {
        let until = || self.wait_until(deadline);
        let client = self.clients.enter(client, until, calls).await?;
        Ok(Slot { _service: self.service.enter(until, calls).await?, _function: None, _client: Some(client) })
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

/// How many slots one client of a mounted service may have.
fn client_slots(limits: &LimitSettings) -> usize {
    let percent = usize::try_from(limits.client_calls_percent_max).unwrap_or(usize::MAX);
    (limits.calls_in_flight_max.saturating_mul(percent) / 100).max(1)
}

#[cfg(test)]
mod tests;
