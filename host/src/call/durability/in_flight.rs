//! The root calls in flight that may need memos. Retention keeps these memos, whatever the clock says.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::names::CallId;

#[derive(Debug, Clone, Default)]
pub(in crate::call::durability) struct InFlight(Arc<Mutex<BTreeSet<(u64, CallId)>>>);

/// A root call counts as in flight until this is dropped.
#[derive(Debug)]
pub(in crate::call::durability) struct InFlightCall {
    all: InFlight,
    call: (u64, CallId),
}

impl InFlight {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<(u64, CallId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::call::durability) fn enter(&self, began_at: u64, id: CallId) -> InFlightCall {
        self.lock().insert((began_at, id));
        InFlightCall { all: self.clone(), call: (began_at, id) }
    }

    pub(in crate::call::durability) fn ids(&self) -> HashSet<CallId> {
        self.lock().iter().map(|(_, id)| *id).collect()
    }
}

impl Drop for InFlightCall {
    fn drop(&mut self) {
        self.all.lock().remove(&self.call);
    }
}
