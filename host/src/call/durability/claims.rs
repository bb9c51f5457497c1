//! Requests with the same key: one runs at a time and the others wait.
//!
//! Invariant: a claim is released when it is dropped, however its request ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::request_key::RequestKey;

/// The running requests with a key.
#[derive(Debug, Clone, Default)]
pub(in crate::call) struct Claims(Arc<Mutex<HashMap<[u8; 16], Running>>>);

#[derive(Debug)]
struct Running {
    check: [u8; 16],
    ended: watch::Receiver<()>,
}

/// The right to run the request with a key, until it is dropped.
#[derive(Debug)]
pub(in crate::call) struct Claim {
    id: [u8; 16],
    claims: Claims,
    /// Dropped with the claim, which notifies waiting requests.
    _ended: watch::Sender<()>,
}

/// The key was used for another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::call) struct KeyReused;

/// Whether a request may run.
pub(in crate::call) enum ClaimResult {
    Granted(Claim),
    /// The same request runs: wait for a change, and look again.
    Running(watch::Receiver<()>),
}

impl Claims {
    pub(in crate::call) fn claim(&self, key: &RequestKey) -> Result<ClaimResult, KeyReused> {
        let mut running = self.lock();
        if let Some(first) = running.get(&key.id) {
            let is_same = first.check == key.check;
            return if is_same { Ok(ClaimResult::Running(first.ended.clone())) } else { Err(KeyReused) };
        }
        let (end, ended) = watch::channel(());
        running.insert(key.id, Running { check: key.check, ended });
        Ok(ClaimResult::Granted(Claim { id: key.id, claims: self.clone(), _ended: end }))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 16], Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests;
