//! Exclusive runs: a call that conflicted too often runs once more while nobody else commits where it may commit.
//!
//! An exclusive run covers its service and all services that the calls below it may write to. It takes them in the order
//! of their names and before it runs, and no call takes any while it has some. So two exclusive runs never wait for each
//! other, also where their services call each other.

use std::collections::BTreeSet;
use std::time::Instant;

use tokio::sync::OwnedRwLockWriteGuard;
use tokio::time::timeout_at;

use super::answer::CallError;
use crate::call::routing::RoutingTable;
use crate::names::ServiceName;

/// While it exists, only the calls of this run commit in its services.
#[derive(Debug)]
pub(in crate::call) struct ExclusiveRun {
    services: BTreeSet<ServiceName>,
    _locks: Vec<OwnedRwLockWriteGuard<()>>,
}

impl ExclusiveRun {
    /// Waits until nobody else commits where a call of `service` may commit.
    ///
    /// # Errors
    ///
    /// [`CallError::Deadline`].
    pub(in crate::call::engine) async fn begin(
        table: &RoutingTable,
        service: &ServiceName,
        deadline: Instant,
    ) -> Result<Self, CallError> {
        let (mut services, mut locks) = (BTreeSet::new(), Vec::new());
        // In the order of the names.
        for (name, state) in table.written_from(service) {
            let lock = timeout_at(deadline.into(), state.exclusive.clone().write_owned()).await;
            locks.push(lock.map_err(|_elapsed| CallError::Deadline { service: service.clone() })?);
            services.insert(name);
        }
        Ok(Self { services, _locks: locks })
    }

    pub(in crate::call::engine) fn covers(&self, service: &ServiceName) -> bool {
        self.services.contains(service)
    }
}
