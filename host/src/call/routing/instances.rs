//! Component instances: how many calls of all services run at once, and how many of these instances are reserved for
//! each service. Components with a contract and components that speak HTTP have separate instances.
//!
//! Invariant: a service that uses fewer instances than its reserve gets one at once, whatever others do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::release::Backend;
use super::slot_queue::{Refused, Waiting};
use crate::names::ServiceName;

/// One of this many instances is for runs that are not calls: smoke calls, migrations, shadow runs.
const OTHER_RUNS_PART: usize = 16;

/// The instances of one host for one kind of components.
#[derive(Debug)]
pub(in crate::call) struct Instances {
    state: Mutex<State>,
    waiting: AtomicUsize,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    max: usize,
    in_use: usize,
    /// The number of reserved instances that are not in use.
    unused: usize,
    shares: HashMap<ServiceName, Share>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Share {
    reserved: usize,
    in_use: usize,
}

/// The right to one instance, until it is dropped.
#[derive(Debug)]
pub(in crate::call) struct Instance {
    instances: Arc<Instances>,
    service: ServiceName,
}

impl Share {
    fn unused(self) -> usize {
        self.reserved.saturating_sub(self.in_use)
    }
}

impl State {
    fn take(&mut self, service: &ServiceName) -> bool {
        let mut share = self.shares.get(service).copied().unwrap_or_default();
        let has_room = self.in_use + self.unused < self.max || (share.unused() > 0 && self.in_use < self.max);
        if has_room {
            self.unused -= usize::from(share.unused() > 0);
            self.in_use += 1;
            share.in_use += 1;
            self.set(service, share);
        }
        has_room
    }

    fn give_back(&mut self, service: &ServiceName) {
        let mut share = self.shares.get(service).copied().unwrap_or_default();
        share.in_use = share.in_use.saturating_sub(1);
        self.in_use -= 1;
        self.unused += usize::from(share.unused() > 0);
        self.set(service, share);
    }

    fn set(&mut self, service: &ServiceName, share: Share) {
        match self.shares.get_mut(service) {
            Some(known) => *known = share,
            None => drop(self.shares.insert(service.clone(), share)),
        }
    }
}

impl Instances {
    /// `max` instances of the runtime, some of which are for runs that are not calls.
    pub(in crate::call) fn new(max: usize) -> Arc<Self> {
        let max = (max - max / OTHER_RUNS_PART).max(1);
        let state = State { max, in_use: 0, unused: 0, shares: HashMap::new() };
        Arc::new(Self { state: Mutex::new(state), waiting: AtomicUsize::new(0), freed: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the reserves to the limits of the services of `backends`, and to 0 for others.
    pub(in crate::call) fn reserve<'b>(&self, backends: impl Iterator<Item = &'b Backend>) {
        let mut state = self.lock();
        state.shares.retain(|_, share| share.in_use > 0);
        state.shares.values_mut().for_each(|share| share.reserved = 0);
        for backend in backends {
            let share = state.shares.entry(backend.service.name().clone()).or_default();
            share.reserved = backend.service.limits.instances_reserved;
        }
        state.unused = state.shares.values().map(|share| share.unused()).sum();
        drop(state);
        self.wake();
    }

    /// Waits for an instance for a call of `service`, until `until` at the latest.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the wait.
    pub(in crate::call) async fn enter(
        self: &Arc<Self>,
        service: &ServiceName,
        until: impl FnOnce() -> Instant,
    ) -> Result<Instance, Refused> {
        let instance = || Instance { instances: Arc::clone(self), service: service.clone() };
        if self.lock().take(service) {
            return Ok(instance());
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _waiting = Waiting(&self.waiting);
        let until = until();
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.lock().take(service) {
                return Ok(instance());
            }
            if tokio::time::timeout_at(until.into(), freed).await.is_err() {
                return Err(Refused::NoInstance);
            }
        }
    }

    /// Lets waiting calls try again.
    fn wake(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_waiters();
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.instances.lock().give_back(&self.service);
        self.instances.wake();
    }
}

#[cfg(test)]
mod tests;
