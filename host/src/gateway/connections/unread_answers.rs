//! Answers that their clients have not taken yet: how much memory they may hold, and who waits when it is too much.
//!
//! Invariant: a client that holds nothing is never refused for what others hold.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::client::ClientKey;

/// The bounds of unread answers, in bytes, and the slowest that one may be taken.
#[derive(Debug, Clone, Copy)]
pub struct UnreadLimits {
    pub per_connection_max: usize,
    pub per_client_max: usize,
    pub in_all_max: usize,
    pub bytes_per_second_min: u32,
}

/// What the unread answers of one connection hold.
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

/// The memory of one answer, given back when its body drops.
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

    /// Whether `more` bytes may be held for the client `key` on `connection`; with 0, whether a request may begin. One
    /// answer fits always, whatever its size.
    pub(in crate::gateway) fn has_room(&self, key: ClientKey, connection: &HeldBytes, more: usize) -> bool {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |held: usize, max: usize| held == 0 || held.saturating_add(more) < max;
        let of_client = held.by_client.get(&key).copied().unwrap_or(0);
        // Only when all is full does it matter how many share it.
        let part = self.limits.in_all_max / held.by_client.len().max(1);
        fits(connection.0.load(Ordering::Relaxed), self.limits.per_connection_max)
            && fits(of_client, self.limits.per_client_max)
            && (fits(held.in_all, self.limits.in_all_max) || fits(of_client, part))
    }

    /// Counts an answer of so many bytes until its permit drops.
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
