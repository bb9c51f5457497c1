//! The thread that the NATS client runs in: the host's other work does not delay its acknowledgements.

use std::future::Future;
use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::journal::stream::error::StreamError;
use crate::tasks::{Thread, thread};

/// Runs the futures of the NATS client. When it is dropped, they end.
#[derive(Debug)]
pub(super) struct Client {
    handle: Handle,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Mutex<Option<Thread<()>>>,
}

impl Client {
    pub(super) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let handle = runtime.handle().clone();
        let run = move || {
            // An error says that this was dropped, which stops it too.
            let _stopped = runtime.block_on(stopped);
        };
        let thread = thread("nats", run, |_| {})?;
        Ok(Self { handle, stop: Mutex::new(Some(stop)), thread: Mutex::new(Some(thread)) })
    }

    /// For what runs on the thread itself, and must not keep this from being dropped.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs `future` on the thread.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.handle.spawn(future)
    }

    /// Runs `future` on the thread, and blocks until it is done.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StreamError> {
        futures::executor::block_on(self.spawn(future)).map_err(StreamError::unavailable)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.stop.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic was reported when it happened.
            let _reported = thread.join();
        }
    }
}
