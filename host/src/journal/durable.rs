//! The durability watermark: the number up to which everything is durable, and the waiters for it.
//!
//! Invariant: it only grows, and a waiter is woken by the batch that contains its number, not before. A dropped waiter
//! leaves nothing behind.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::names::CommitSeq;

/// The journal accepts no more commits, and commits that were not durable may never become so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no commit can be made durable: {why}")]
pub struct Stopped {
    pub why: Arc<str>,
}

#[derive(Debug, Default)]
pub(crate) struct DurabilityWatermark {
    durable: AtomicU64,
    waiting: Mutex<Waiting>,
    /// For threads; calls wait as tasks.
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By the number that each waits for, then in order of arrival.
    wakers: BTreeMap<(u64, u64), Waker>,
    next_id: u64,
    stopped: Option<Stopped>,
}

impl DurabilityWatermark {
    pub(crate) fn new(durable: CommitSeq) -> Self {
        Self { durable: AtomicU64::new(durable.0), ..Self::default() }
    }

    pub(crate) fn durable(&self) -> CommitSeq {
        CommitSeq(self.durable.load(Ordering::Acquire))
    }

    /// Wakes all waiters for a number up to `durable`.
    pub(crate) fn advance(&self, durable: CommitSeq) {
        let mut waiting = self.lock();
        self.durable.fetch_max(durable.0, Ordering::Release);
        let later = waiting.wakers.split_off(&(durable.0.saturating_add(1), 0));
        let woken = std::mem::replace(&mut waiting.wakers, later);
        drop(waiting);
        self.moved.notify_all();
        woken.into_values().for_each(Waker::wake);
    }

    /// Wakes all waiters. Those whose number is not durable get an error. The first reason is kept.
    pub(crate) fn stop(&self, why: &str) {
        let mut waiting = self.lock();
        waiting.stopped.get_or_insert_with(|| Stopped { why: why.into() });
        let woken = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        self.moved.notify_all();
        woken.into_values().for_each(Waker::wake);
    }

    /// Resolves when everything up to `number` is durable.
    pub(crate) fn wait(&self, number: CommitSeq) -> WaitDurable<'_> {
        WaitDurable { watermark: self, number, id: None }
    }

    /// Like [`DurabilityWatermark::wait`], for a thread.
    pub(crate) fn wait_blocking(&self, number: CommitSeq) -> Result<(), Stopped> {
        let mut waiting = self.lock();
        loop {
            if self.durable() >= number {
                return Ok(());
            }
            if let Some(stopped) = &waiting.stopped {
                return Err(stopped.clone());
            }
            waiting = self.moved.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    #[cfg(test)]
    pub(super) fn waiters(&self) -> usize {
        self.lock().wakers.len()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct WaitDurable<'a> {
    watermark: &'a DurabilityWatermark,
    number: CommitSeq,
    /// Distinguishes its waker from others for the same number, once it has one.
    id: Option<u64>,
}

impl Future for WaitDurable<'_> {
    type Output = Result<(), Stopped>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (watermark, number) = (self.watermark, self.number);
        if watermark.durable() >= number {
            return Poll::Ready(Ok(()));
        }
        let mut waiting = watermark.lock();
        // Check again under the lock, where it cannot move.
        if watermark.durable() >= number {
            return Poll::Ready(Ok(()));
        }
        if let Some(stopped) = &waiting.stopped {
            return Poll::Ready(Err(stopped.clone()));
        }
        let id = *self.id.get_or_insert(waiting.next_id);
        waiting.next_id = waiting.next_id.max(id + 1);
        waiting.wakers.insert((number.0, id), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for WaitDurable<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.watermark.lock().wakers.remove(&(self.number.0, id));
        }
    }
}
