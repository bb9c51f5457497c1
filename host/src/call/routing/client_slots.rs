//! The part of a mounted service's slots that one client may have.
//!
//! Invariant: only clients whose requests run or wait use memory here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;

use super::circuit::Client;
use super::slot_queue::{Queue, Refused};
use crate::observe::calls::ServiceCalls;

/// The slots of each client.
#[derive(Debug)]
pub(in crate::call::routing) struct ClientSlots {
    slots_per_client: usize,
    waiting_max: usize,
    /// With the number of requests that run or wait.
    queues: Mutex<HashMap<Client, (Arc<Queue>, usize)>>,
}

/// A slot of one client, until it is dropped.
#[derive(Debug)]
pub(in crate::call::routing) struct ClientSlot {
    _permit: OwnedSemaphorePermit,
    _use: QueueUse,
}

/// Keeps the queue of a client while one of its requests runs or waits.
#[derive(Debug)]
struct QueueUse {
    slots: Arc<ClientSlots>,
    client: Client,
}

impl ClientSlots {
    /// `waiting_max` is for each client.
    pub(in crate::call::routing) fn new(slots_per_client: usize, waiting_max: usize) -> Arc<Self> {
        Arc::new(Self { slots_per_client, waiting_max, queues: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Client, (Arc<Queue>, usize)>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a slot of `client`, first come, first served.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue.
    pub(in crate::call::routing) async fn enter(
        self: &Arc<Self>,
        client: Client,
        until: impl FnOnce() -> Instant,
        calls: &Arc<ServiceCalls>,
    ) -> Result<ClientSlot, Refused> {
        let queue = {
            let mut queues = self.lock();
            let new = || (Arc::new(Queue::new(self.slots_per_client, self.waiting_max)), 0);
            let (queue, requests) = queues.entry(client).or_insert_with(new);
            *requests += 1;
            Arc::clone(queue)
        };
        let queue_use = QueueUse { slots: Arc::clone(self), client };
        let permit = queue.enter(until, calls).await.map_err(|_| Refused::Client)?;
        Ok(ClientSlot { _permit: permit, _use: queue_use })
    }
}

impl Drop for QueueUse {
    fn drop(&mut self) {
        let mut queues = self.slots.lock();
        let Some((_, requests)) = queues.get_mut(&self.client) else { return };
        *requests -= 1;
        if *requests == 0 {
            queues.remove(&self.client);
        }
    }
}

#[cfg(test)]
mod tests;
