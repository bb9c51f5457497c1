//! Exclusive runs: after too many conflicts a call runs once while no other call may commit in its services.
//!
//! An exclusive run covers its service and all services that its nested calls may write to. It locks them sorted by
//! name before it runs, and no call locks any while it has some. So two exclusive runs never wait for each other, even
//! if their services call each other.

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
    /// Waits until no other call can commit in the services where a call of `service` may commit.
    ///
    /// # Errors
    ///
    /// [`CallError::Deadline`].
    pub(in crate::call) async fn begin(
        table: &RoutingTable,
        service: &ServiceName,
        deadline: Instant,
    ) -> Result<Self, CallError> {
        let (mut services, mut locks) = (BTreeSet::new(), Vec::new());
        // Sorted by name.
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
