//! A few threads of low priority, for work that would delay others.

use std::future::{Future, poll_fn};
use std::io;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// The niceness of these threads. They still get a quarter of a busy core, so that they do not hold a lock for long.
const NICENESS: i32 = 5;

/// Threads that take turns with their futures. There are fewer of them than cores.
#[derive(Debug)]
pub struct LowPriorityThreads(Option<Runtime>);

impl LowPriorityThreads {
    /// # Errors
    ///
    /// When the system cannot start more threads.
    pub fn start(name: &'static str) -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let lower_priority = || {
            if let Err(error) = setpriority_process(None, NICENESS) {
                tracing::warn!(%error, "the priority of a thread for long calls is not lowered");
            }
        };
        let threads = cores.saturating_sub(1).max(1);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).thread_name(name).on_thread_start(lower_priority).build().map(Some).map(Self)
    }

    /// Runs `future` on these threads. Panics when the future does.
    ///
    /// # Cancel safety
    ///
    /// Dropping this ends the future, at once or after its current turn.
    pub async fn run<F>(&self, future: Pin<Box<F>>) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let future = Arc::new(Mutex::new(Some(future)));
        // Timers, sockets and tasks of the future are those of the caller's runtime.
        let (polled, caller) = (Arc::clone(&future), Handle::current());
        let turns = poll_fn(move |context| {
            let _entered = caller.enter();
            match polled.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                Some(future) => future.as_mut().poll(context),
                None => Poll::Pending,
            }
        });
        let threads = self.0.as_ref().expect("they end when this is dropped");
        let mut running = Running { task: threads.spawn(turns), future };
        match (&mut running.task).await {
            Ok(output) => output,
            Err(error) => match error.try_into_panic() {
                Ok(payload) => resume_unwind(payload),
                // Its threads are ending, and so is the host.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl Drop for LowPriorityThreads {
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            // This may run on a thread that must not block.
            threads.shutdown_background();
        }
    }
}

/// A future that ends when its receiver is dropped.
struct Running<T, F> {
    task: JoinHandle<T>,
    future: Arc<Mutex<Option<F>>>,
}

impl<T, F> Drop for Running<T, F> {
    fn drop(&mut self) {
        self.task.abort();
        // Frees its resources now, and not when its threads get to it.
        if let Ok(mut future) = self.future.try_lock() {
            drop(future.take());
        }
    }
}
