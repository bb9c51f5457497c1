//! The output gate: what is durable, and who waits for what.
//!
//! Invariant: the durable number only grows, and a waiter is woken by the batch that its number is in, not before.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::names::CommitSeq;

/// The journal takes no more commits, and what was not durable may never be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no commit can be made durable: {why}")]
pub struct Stopped {
    pub why: Arc<str>,
}

#[derive(Debug, Default)]
pub(crate) struct Gate {
    durable: AtomicU64,
    waiting: Mutex<Waiting>,
    /// For threads; calls wait as tasks.
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    wakers: Vec<(u64, Waker)>,
    stopped: Option<Stopped>,
}

impl Gate {
    pub(crate) fn new(durable: CommitSeq) -> Self {
        Self { durable: AtomicU64::new(durable.0), ..Self::default() }
    }

    pub(crate) fn durable(&self) -> CommitSeq {
        CommitSeq(self.durable.load(Ordering::Acquire))
    }

    /// Lets out all who wait for a number up to `durable`.
    pub(crate) fn advance(&self, durable: CommitSeq) {
        let mut waiting = self.lock();
        self.durable.store(durable.0, Ordering::Release);
        let out: Vec<_> = waiting.wakers.extract_if(.., |(number, _)| *number <= durable.0).collect();
        drop(waiting);
        self.moved.notify_all();
        for (_, waker) in out {
            waker.wake();
        }
    }

    /// Lets out all who wait, with an error for those whose number is not durable. The first reason stays.
    pub(crate) fn stop(&self, why: &str) {
        let mut waiting = self.lock();
        waiting.stopped.get_or_insert_with(|| Stopped { why: why.into() });
        let out = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        self.moved.notify_all();
        for (_, waker) in out {
            waker.wake();
        }
    }

    /// Resolves when all up to `number` is durable. Dropping it leaves nothing behind.
    pub(crate) fn wait(&self, number: CommitSeq) -> WaitDurable<'_> {
        WaitDurable { gate: self, number }
    }

    /// As [`Gate::wait`], for a thread.
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

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct WaitDurable<'a> {
    gate: &'a Gate,
    number: CommitSeq,
}

impl Future for WaitDurable<'_> {
    type Output = Result<(), Stopped>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.gate.durable() >= self.number {
            return Poll::Ready(Ok(()));
        }
        let mut waiting = self.gate.lock();
        // Again, now that nobody can move it.
        if self.gate.durable() >= self.number {
            return Poll::Ready(Ok(()));
        }
        if let Some(stopped) = &waiting.stopped {
            return Poll::Ready(Err(stopped.clone()));
        }
        waiting.wakers.push((self.number.0, context.waker().clone()));
        Poll::Pending
    }
}
