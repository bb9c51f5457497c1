//! The routing of new root calls, and holds: no root call runs while data is migrated.
//!
//! Invariant: while a hold exists, no root call runs and none begins.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::Notify;

use super::selection::{Origin, Routing};
use super::table::RoutingTable;
use crate::clock;
use crate::names::{Identity, ServiceName};

/// How often a hold checks whether the calls in flight have ended.
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// The current routing of a host, and the replaced ones.
#[derive(Debug)]
pub(in crate::call) struct CurrentRouting {
    routing: ArcSwap<Routing>,
    replaced: Mutex<Vec<Replaced>>,
    is_held: AtomicBool,
    released: Notify,
}

/// A replaced routing. It is dropped when its last call has ended.
#[derive(Debug)]
struct Replaced {
    routing: Weak<Routing>,
    tables: Vec<Weak<RoutingTable>>,
}

/// Root calls wait while it exists.
#[derive(Debug)]
pub struct Hold {
    current: Arc<CurrentRouting>,
}

/// Why a root call does not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::call) enum NotBegun {
    /// Its release cannot run on the migrated data.
    DataMigrated,
    /// Calls were held for longer than the call may take.
    HeldTooLong,
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.current.is_held.store(false, Ordering::SeqCst);
        self.current.released.notify_waiters();
    }
}

impl CurrentRouting {
    pub(in crate::call) fn new(routing: Routing) -> Arc<Self> {
        Arc::new(Self {
            routing: ArcSwap::from_pointee(routing),
            replaced: Mutex::default(),
            is_held: AtomicBool::new(false),
            released: Notify::new(),
        })
    }

    pub(in crate::call) fn load(&self) -> Guard<Arc<Routing>> {
        self.routing.load()
    }

    /// From now on root calls begin on `routing`. Calls in flight finish on their earlier one.
    pub(in crate::call) fn swap(&self, routing: Routing) {
        let before = self.routing.swap(Arc::new(routing));
        let tables = before.tables().iter().map(Arc::downgrade).collect();
        self.remember(Replaced { routing: Arc::downgrade(&before), tables });
    }

    /// Makes holds also wait for the calls on a table that is not in a routing.
    pub(in crate::call) fn add_table(&self, table: &Arc<RoutingTable>) {
        self.remember(Replaced { routing: Weak::new(), tables: vec![Arc::downgrade(table)] });
    }

    fn remember(&self, replaced: Replaced) {
        let mut all = self.replaced();
        all.retain(|replaced| replaced.tables.iter().any(|table| table.strong_count() > 0));
        all.push(replaced);
    }

    fn replaced(&self) -> MutexGuard<'_, Vec<Replaced>> {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops new root calls from beginning, and waits for those in flight to end. Returns `None` when that is not done
    /// by `until`; then calls continue at once. Only one hold at a time.
    pub(in crate::call) async fn hold(self: &Arc<Self>, until: Instant) -> Option<Hold> {
        self.is_held.store(true, Ordering::SeqCst);
        let hold = Hold { current: Arc::clone(self) };
        fence(Ordering::SeqCst);
        while self.has_calls() {
            if clock::now() >= until {
                return None;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Some(hold)
    }

    /// Whether a root call is in flight.
    fn has_calls(&self) -> bool {
        let is_used = |Replaced { routing, tables }: &Replaced| {
            // A request that has not reached its call yet holds the routing, which holds its tables.
            let routing = routing.upgrade();
            let unused = usize::from(routing.is_some());
            tables.iter().any(|table| table.strong_count() > unused)
        };
        let current = self.routing.load();
        self.replaced().iter().any(is_used) || current.tables().iter().any(|table| Arc::strong_count(table) > 1)
    }

    /// The table for a root call of `service` that was routed by `given`, and that may write unless it reads only. It
    /// waits while calls are held.
    ///
    /// A call is routed before its body is read, so `given` may be old. The call runs on the releases that are live
    /// now, unless the contracts have changed: then on the releases of `given`.
    pub(in crate::call) async fn begin(
        &self,
        given: &Routing,
        identity: Option<&Identity>,
        origin: Origin<'_>,
        (service, reads_only): (&ServiceName, bool),
    ) -> Result<Arc<RoutingTable>, NotBegun> {
        let pick = || {
            let current = self.routing.load();
            if current.has_contracts_of(given) {
                Some(Arc::clone(current.choose(identity, origin, reads_only)))
            } else {
                let same_data = current.migrations() == given.migrations();
                same_data.then(|| Arc::clone(given.choose(identity, origin, reads_only)))
            }
        };
        self.pass(pick, service, given).await
    }

    /// Like [`CurrentRouting::begin`], on a table that need not be in a routing. It was chosen at the time of `given`.
    pub(in crate::call) async fn begin_on(
        &self,
        table: Arc<RoutingTable>,
        given: &Routing,
        service: &ServiceName,
    ) -> Result<Arc<RoutingTable>, NotBegun> {
        let known = Arc::downgrade(&table);
        // It must not stay referenced while calls wait.
        let mut first = Some(table);
        let pick = || {
            let same_data = self.routing.load().migrations() == given.migrations();
            first.take().or_else(|| known.upgrade()).filter(|_| same_data)
        };
        self.pass(pick, service, given).await
    }

    /// Picks a table while no calls are held.
    async fn pass(
        &self,
        mut pick: impl FnMut() -> Option<Arc<RoutingTable>>,
        service: &ServiceName,
        given: &Routing,
    ) -> Result<Arc<RoutingTable>, NotBegun> {
        // Only waiting calls need this.
        let mut until = None;
        loop {
            let table = pick().ok_or(NotBegun::DataMigrated)?;
            // A hold first stops new calls and then checks the tables in use; a call does this in reverse order.
            fence(Ordering::SeqCst);
            if !self.is_held.load(Ordering::SeqCst) {
                return Ok(table);
            }
            drop(table);
            let until = *until.get_or_insert_with(|| begins_until(service, given));
            let released = self.released.notified();
            if self.is_held.load(Ordering::SeqCst) && tokio::time::timeout_at(until.into(), released).await.is_err() {
                return Err(NotBegun::HeldTooLong);
            }
        }
    }
}

/// The latest time at which a root call that arrives now may begin.
fn begins_until(service: &ServiceName, routing: &Routing) -> Instant {
    let deadline_ms = routing.live().backend(service).map_or(0, |backend| backend.service.limits().deadline_ms);
    clock::now() + Duration::from_millis(deadline_ms)
}
