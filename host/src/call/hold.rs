//! Holding root calls for a moment, so that data can change its form while nobody works on it.
//!
//! Invariant: from when a hold is there until it is dropped, no root call runs, and none begins.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::table::RoutingTable;
use super::{CallError, Calls, Inner, Origin, Routing};
use crate::clock;
use crate::names::{Identity, ServiceName};

/// How often it is looked whether calls under way have ended.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// Whether root calls are held.
#[derive(Debug, Default)]
pub(super) struct Gate {
    held: AtomicBool,
    opened: Notify,
}

/// While it is there, root calls wait.
#[derive(Debug)]
pub struct Hold {
    calls: Calls,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let gate = &self.calls.inner.gate;
        gate.held.store(false, Ordering::SeqCst);
        gate.opened.notify_waiters();
    }
}

impl Calls {
    /// Lets no root call begin, and waits until those under way have ended; none when that is not before `until`: then
    /// calls go on at once. One hold at a time.
    pub async fn hold(&self, until: Instant) -> Option<Hold> {
        self.inner.gate.held.store(true, Ordering::SeqCst);
        let hold = Hold { calls: self.clone() };
        fence(Ordering::SeqCst);
        while self.inner.is_in_use() {
            if clock::now() >= until {
                return None;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Some(hold)
    }
}

/// Routings that were replaced, and what calls may still run on them.
#[derive(Debug, Default)]
pub(super) struct Past(Mutex<Vec<Replaced>>);

/// One of them: it goes when its last call has ended.
#[derive(Debug)]
struct Replaced {
    routing: Weak<Routing>,
    tables: Vec<Weak<RoutingTable>>,
}

impl Past {
    pub(super) fn add(&self, routing: &Arc<Routing>) {
        let tables = routing.tables().iter().map(Arc::downgrade).collect();
        self.push(Replaced { routing: Arc::downgrade(routing), tables });
    }

    /// Adds one that was never in a routing.
    pub(super) fn add_table(&self, table: &Arc<RoutingTable>) {
        self.push(Replaced { routing: Weak::new(), tables: vec![Arc::downgrade(table)] });
    }

    fn push(&self, replaced: Replaced) {
        let mut past = self.lock();
        past.retain(|replaced| replaced.tables.iter().any(|table| table.strong_count() > 0));
        past.push(replaced);
    }

    fn is_in_use(&self) -> bool {
        self.lock().iter().any(|Replaced { routing, tables }| {
            // A request that has not come to its call yet holds the routing, which holds its tables.
            let routing = routing.upgrade();
            let idle = usize::from(routing.is_some());
            tables.iter().any(|table| table.strong_count() > idle)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Replaced>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether a root call is under way.
    fn is_in_use(&self) -> bool {
        let current = self.routing.load();
        self.past.is_in_use() || current.tables().iter().any(|table| Arc::strong_count(table) > 1)
    }

    /// What a root call that was routed by `given` runs on: it waits while calls are held.
    ///
    /// A call is routed before its body is read, so that `given` may be old. It runs on what is live now, unless the
    /// contracts have changed: then on the releases that keep the contracts it was routed by.
    pub(super) async fn begin(
        &self,
        given: &Routing,
        identity: Option<&Identity>,
        origin: Origin<'_>,
        service: &ServiceName,
    ) -> Result<Arc<RoutingTable>, CallError> {
        let pick = || {
            let current = self.routing.load();
            if current.has_contracts_of(given) {
                Ok(Arc::clone(current.choose(identity, origin)))
            } else if current.migrations() == given.migrations() {
                Ok(Arc::clone(given.choose(identity, origin)))
            } else {
                // Its release cannot be run on what the data has become.
                Err(CallError::unavailable(service, "its contract has just changed"))
            }
        };
        self.pass(pick, service, given).await
    }

    /// As [`Inner::begin`], on releases that need not be in a routing: `table` is as of `given`.
    pub(super) async fn begin_on(
        &self,
        table: Arc<RoutingTable>,
        given: &Routing,
        service: &ServiceName,
    ) -> Result<Arc<RoutingTable>, CallError> {
        let known = Arc::downgrade(&table);
        // Held no longer than until calls may have to wait.
        let mut first = Some(table);
        let pick = || {
            let same_data = self.routing.load().migrations() == given.migrations();
            let table = first.take().or_else(|| known.upgrade()).filter(|_| same_data);
            table.ok_or_else(|| CallError::unavailable(service, "its data is changing"))
        };
        self.pass(pick, service, given).await
    }

    /// What is picked while no calls are held.
    async fn pass(
        &self,
        mut pick: impl FnMut() -> Result<Arc<RoutingTable>, CallError>,
        service: &ServiceName,
        given: &Routing,
    ) -> Result<Arc<RoutingTable>, CallError> {
        // Looked up by those that wait alone: it is no part of a call otherwise.
        let mut until = None;
        loop {
            let table = pick()?;
            // Whoever holds calls looks at who has a table once it has told all others to wait.
            fence(Ordering::SeqCst);
            if !self.gate.held.load(Ordering::SeqCst) {
                return Ok(table);
            }
            drop(table);
            let until = *until.get_or_insert_with(|| begins_until(service, given));
            let opened = self.gate.opened.notified();
            if self.gate.held.load(Ordering::SeqCst) && tokio::time::timeout_at(until.into(), opened).await.is_err() {
                return Err(CallError::Deadline { service: service.clone() });
            }
        }
    }
}

/// When a root call that is made now has waited long enough to begin.
fn begins_until(service: &ServiceName, routing: &Routing) -> Instant {
    let deadline_ms = routing.live().backend(service).map_or(0, |backend| backend.service.limits.deadline_ms);
    clock::now() + Duration::from_millis(deadline_ms)
}
