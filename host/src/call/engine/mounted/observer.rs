//! Counts a request when it has ended: when its guest has ended, and the last byte of its response is gone.

use std::sync::OnceLock;
use std::time::Duration;

use super::failed::is_blamed;
use crate::call::engine::failure::error_of;
use crate::call::routing::Backend;
use crate::call::routing::circuit::Client;
use crate::observe::calls::Outcome;
use crate::runtime::{Failure, ResponseObserver, Slot};

/// One run of a request. Only the run whose response was sent is counted here.
#[derive(Debug)]
pub(super) struct RunObserver {
    backend: Backend,
    client: Client,
    /// The outcome by the status, and the time until the response began.
    response: OnceLock<(Outcome, Duration)>,
    /// The outcome of the first failure after that, and whether it counts against the release.
    failure: OnceLock<(Outcome, bool)>,
    _slot: Slot,
}

impl RunObserver {
    pub(super) fn new(backend: &Backend, client: Client, slot: &Slot) -> Self {
        let (response, failure) = (OnceLock::new(), OnceLock::new());
        Self { backend: backend.clone(), client, response, failure, _slot: Slot::clone(slot) }
    }

    /// The response leaves the host with `outcome`, `took` after the request began.
    pub(super) fn response_begins(&self, outcome: Outcome, took: Duration) {
        let _only_once = self.response.set((outcome, took));
    }
}

impl ResponseObserver for RunObserver {
    fn guest_failed(&self, failure: &Failure) {
        let service = self.backend.service.name();
        let outcome = error_of(failure, service).outcome(service);
        let _first = self.failure.set((outcome, is_blamed(failure)));
    }

    fn response_failed(&self) {
        let _first = self.failure.set((Outcome::Failed, true));
    }
}

impl Drop for RunObserver {
    fn drop(&mut self) {
        let Some((outcome, took)) = self.response.get().copied() else { return };
        let Backend { service, release, .. } = &self.backend;
        let (outcome, blamed) = self.failure.get().copied().unwrap_or((outcome, false));
        service.calls.ended(outcome, took);
        release.calls.ended(outcome, took);
        match blamed {
            true => self.backend.count_failure(self.client),
            false => release.circuit.succeeded(),
        }
    }
}
