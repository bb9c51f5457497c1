//! Answers that clients have not read yet: the memory that they may use, and which requests are refused above that.
//!
//! Invariant: a client without unread answers is never refused because of others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::client::ClientKey;

/// The limits of unread answers, in bytes, and the minimum rate of reading.
#[derive(Debug, Clone, Copy)]
pub struct UnreadLimits {
    pub per_connection_max: usize,
    pub per_client_max: usize,
    pub in_all_max: usize,
    pub bytes_per_second_min: u32,
}

/// Bytes of the unread answers of one connection.
#[derive(Debug, Default)]
pub(in crate::gateway) struct HeldBytes(AtomicUsize);

/// The unread answers of one server.
#[derive(Debug)]
pub(in crate::gateway) struct UnreadAnswers {
    limits: UnreadLimits,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    in_all: usize,
    by_client: HashMap<ClientKey, usize>,
}

/// The memory of one answer, released when its body drops.
#[derive(Debug)]
pub(in crate::gateway) struct UnreadPermit {
    answers: Arc<UnreadAnswers>,
    connection: Arc<HeldBytes>,
    key: ClientKey,
    bytes: usize,
}

impl UnreadAnswers {
    pub(in crate::gateway) fn new(limits: UnreadLimits) -> Arc<Self> {
        Arc::new(Self { limits, held: Mutex::default() })
    }

    pub(in crate::gateway) fn bytes_per_second_min(&self) -> u32 {
        self.limits.bytes_per_second_min
    }

    /// Whether `more` bytes may be held for the client `key` on `connection`; with 0, whether a request may begin. The
    /// first answer is always allowed, whatever its size.
    pub(in crate::gateway) fn has_room(&self, key: ClientKey, connection: &HeldBytes, more: usize) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |held: usize, max: usize| held == 0 || held.saturating_add(more) < max;
        let of_client = held.by_client.get(&key).copied().unwrap_or(0);
        // The number of clients that share the memory matters only at the total limit.
        let part = self.limits.in_all_max / held.by_client.len().max(1);
        fits(connection.0.load(Ordering::Relaxed), self.limits.per_connection_max)
            && fits(of_client, self.limits.per_client_max)
            && (fits(held.in_all, self.limits.in_all_max) || fits(of_client, part))
    }

    /// Counts an answer of `bytes` until its permit drops.
    pub(in crate::gateway) fn hold(
        self: &Arc<Self>,
        bytes: usize,
        key: ClientKey,
        connection: &Arc<HeldBytes>,
    ) -> UnreadPermit {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.in_all += bytes;
        *held.by_client.entry(key).or_default() += bytes;
        drop(held);
        connection.0.fetch_add(bytes, Ordering::Relaxed);
        UnreadPermit { answers: Arc::clone(self), connection: Arc::clone(connection), key, bytes }
    }
}

impl Drop for UnreadPermit {
    fn drop(&mut self) {
        self.connection.0.fetch_sub(self.bytes, Ordering::Relaxed);
        let mut held = self.answers.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.in_all -= self.bytes;
        if let Some(of_client) = held.by_client.get_mut(&self.key) {
            *of_client -= self.bytes;
            if *of_client == 0 {
                held.by_client.remove(&self.key);
            }
        }
    }
}
