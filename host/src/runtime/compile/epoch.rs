//! The epoch: one thread that ticks, so that a running guest gives its thread to others at every tick.
//!
//! Invariant: the thread ends before the runtime is gone, and holds no engine that would keep it alive.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use wasmtime::Engine;

use crate::tasks::{Outages, Thread, restarting_thread};

/// Ticks the epoch of its engines until it is dropped.
#[derive(Debug)]
pub(in crate::runtime) struct Ticker {
    stop: Option<SyncSender<()>>,
    thread: Option<Thread<()>>,
}

impl Ticker {
    /// # Errors
    ///
    /// When the system gives no thread.
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
        Ok(Self { stop: Some(stop), thread: Some(thread) })
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
