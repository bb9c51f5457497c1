//! Components that were uploaded for a later deploy.
//!
//! Invariant: there are few uploads, and none is kept for long: their memory is freed, whether they were used or not.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::clock;
use crate::names::Digest;

/// The maximum of uploads at once: enough for one set.
const UPLOADS_MAX: usize = 32;

/// The maximum of bytes of all uploads.
const UPLOAD_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How long a component is kept.
const KEPT_FOR: Duration = Duration::from_secs(3600);

#[derive(Debug, Default)]
pub(in crate::release) struct Uploads(Mutex<VecDeque<(Digest, Bytes, Instant)>>);

impl Uploads {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(Digest, Bytes, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::release) fn add(&self, digest: Digest, component: Bytes) {
        let mut all = self.lock();
        let now = clock::now();
        all.retain(|(known, _, since)| *known != digest && now.duration_since(*since) < KEPT_FOR);
        all.push_back((digest, component, now));
        while all.len() > UPLOADS_MAX || (all.len() > 1 && bytes(&all) > UPLOAD_BYTES_MAX) {
            all.pop_front();
        }
    }

    pub(in crate::release) fn get(&self, digest: &Digest) -> Option<Bytes> {
        self.lock().iter().find(|(known, ..)| known == digest).map(|(_, component, _)| component.clone())
    }
}

fn bytes(all: &VecDeque<(Digest, Bytes, Instant)>) -> usize {
    all.iter().map(|(_, component, _)| component.len()).sum()
}

#[cfg(test)]
mod tests;
