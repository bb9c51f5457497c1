//! The epoch: one thread ticks, and a running guest yields its thread at every tick. A guest that has used up its first
//! slice continues in the threads for long calls, so that it delays nothing else in the host.
//!
//! Invariant: the thread ends before the runtime is dropped, and holds no engine that would keep it alive.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::task::Poll;
use std::time::Duration;

use wasmtime::Engine;

use crate::clock;
use crate::tasks::{LowPriorityThreads, Outages, Thread, restarting_thread};

/// Ticks the epoch of its engines until it is dropped.
#[derive(Debug)]
pub(in crate::runtime) struct Ticker {
    stop: Option<SyncSender<()>>,
    thread: Option<Thread<()>>,
    slice: Duration,
    long_calls: LowPriorityThreads,
}

impl Ticker {
    /// # Errors
    ///
    /// When the system cannot start more threads.
    pub(in crate::runtime) fn start(period: Duration, engines: &[&Engine], outages: &Outages) -> std::io::Result<Self> {
        let engines: Vec<_> = engines.iter().map(|engine| engine.weak()).collect();
        let (stop, stopped) = sync_channel::<()>(0);
        let thread = restarting_thread("epoch", outages, move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                for engine in engines.iter().filter_map(wasmtime::EngineWeak::upgrade) {
                    engine.increment_epoch();
                }
            }
        })?;
        let long_calls = LowPriorityThreads::start("long calls ")?;
        Ok(Self { stop: Some(stop), thread: Some(thread), slice: period, long_calls })
    }

    /// Runs a guest: in this thread until it has used up its first slice, then in the threads for long calls.
    ///
    /// # Cancel safety
    ///
    /// Dropping this ends the guest; in the threads for long calls, at its next turn.
    pub(in crate::runtime) async fn run<F>(&self, mut guest: Pin<Box<F>>) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let mut used = Duration::ZERO;
        let first = poll_fn(|context| {
            let began = clock::now();
            let polled = guest.as_mut().poll(context);
            used += clock::elapsed(began);
            match polled {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if used >= self.slice => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        match first.await {
            Some(output) => output,
            None => self.long_calls.run(guest).await,
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _reported = thread.join();
        }
    }
}
