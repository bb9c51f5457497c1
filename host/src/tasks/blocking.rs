//! Blocking work, on threads that may block. In a simulated host it runs in the only thread, so that the same seed
//! gives the same run.

use std::panic::resume_unwind;

use tokio::runtime::Handle;
use tokio::task::{JoinError, spawn_blocking};

#[cfg(any(test, feature = "fail-points"))]
use crate::clock::simulated::is_of_thread as is_simulated;

#[cfg(not(any(test, feature = "fail-points")))]
fn is_simulated() -> bool {
    false
}

/// Runs `work` on a thread that may block.
///
/// # Errors
///
/// When it panicked, or the runtime ends.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    if is_simulated() { Ok(work()) } else { spawn_blocking(work).await }
}

/// Like [`blocking`], for a future that blocks between its awaits.
///
/// # Errors
///
/// Like [`blocking`].
pub async fn blocking_future<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, JoinError> {
    if is_simulated() {
        return Ok(work.await);
    }
    let handle = Handle::current();
    spawn_blocking(move || handle.block_on(work)).await
}

/// Runs two blocking functions at the same time.
pub fn both<A, B: Send>(first: impl FnOnce() -> A, second: impl FnOnce() -> B + Send) -> (A, B) {
    if is_simulated() {
        return (first(), second());
    }
    std::thread::scope(|scope| {
        let second = scope.spawn(second);
        (first(), second.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
