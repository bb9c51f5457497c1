//! Threads for work that blocks while the host runs. The owner of each joins it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle, park_timeout};

use super::backoff::Backoff;
use super::outages::{Outage, Outages};
use super::panics::Panicked;

/// A running thread.
#[derive(Debug)]
pub struct Thread<T>(JoinHandle<Result<T, Panicked>>);

impl<T> Thread<T> {
    /// Waits until the thread has ended. A thread that waits for its restart restarts at once.
    ///
    /// # Errors
    ///
    /// [`Panicked`], which was logged when it happened.
    pub fn join(self) -> Result<T, Panicked> {
        self.0.thread().unpark();
        self.0.join().unwrap_or_else(|payload| Err(Panicked::report("a thread", &*payload)))
    }
}

/// Starts a thread for work that cannot be restarted. After a panic `on_panic` runs, which stops everything that
/// depends on it.
///
/// # Errors
///
/// When the system cannot start more threads.
pub fn thread<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
    on_panic: impl FnOnce(&Panicked) + Send + 'static,
) -> io::Result<Thread<T>> {
    let run = move || {
        let done = catch_unwind(AssertUnwindSafe(work));
        done.map_err(|payload| Panicked::report(name, &*payload)).inspect_err(on_panic)
    };
    Builder::new().name(name.into()).spawn(run).map(Thread)
}

/// Starts a thread for `work`, which is restarted after a panic; it ends when `work` returns. `outages` lists it while
/// it is down.
///
/// # Errors
///
/// When the system cannot start more threads.
pub fn restarting_thread(
    name: &'static str,
    outages: &Outages,
    mut work: impl FnMut() + Send + 'static,
) -> io::Result<Thread<()>> {
    let entry = outages.entry();
    let run = move || {
        let mut backoff = Backoff::new();
        while let Err(payload) = catch_unwind(AssertUnwindSafe(&mut work)) {
            let Panicked { name, message: reason } = Panicked::report(name, &*payload);
            let wait = backoff.failed();
            entry.report(Outage { name, reason, failures: backoff.failures }, wait);
            // `join` wakes it earlier.
            park_timeout(wait);
        }
        Ok(())
    };
    Builder::new().name(name.into()).spawn(run).map(Thread)
}
