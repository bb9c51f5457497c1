//! The epoch: one thread that ticks, so that a running guest gives its thread to others at every tick.
//!
//! Invariant: the thread ends before the runtime is gone, and holds no engine that would keep it alive.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Engine;

use crate::tasks;

/// Ticks the epoch of its engines until it is dropped.
#[derive(Debug)]
pub(super) struct Ticker {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// # Errors
    ///
    /// When the system gives no thread.
    pub(super) fn start(period: Duration, engines: &[&Engine]) -> std::io::Result<Self> {
        let engines: Vec<_> = engines.iter().map(|engine| engine.weak()).collect();
        let (stop, stopped) = sync_channel::<()>(0);
        let thread = tasks::thread("epoch", move || {
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
            // A panic of the ticker was reported when it happened; there is nobody to pass it on to.
            let _panicked = thread.join();
        }
    }
}
