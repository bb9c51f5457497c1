//! The owner of a background task: it notices the task's panic or end, and restarts it.

use std::borrow::Cow;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;

use super::backoff::Backoff;
use super::outages::{Outage, Outages};
use super::panics::Panicked;
use super::stop::Stop;

/// When a supervised task may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Only when the host stops.
    Host,
    /// Also by itself, when it has no more work.
    Work,
}

/// Runs `task` until it ends as `lifetime` allows, or until `stop`.
pub(super) async fn supervise<F>(
    name: Cow<'static, str>,
    lifetime: Lifetime,
    mut stop: Stop,
    outages: Outages,
    mut task: impl FnMut() -> F + Send,
) where
    F: Future<Output = ()> + Send,
{
    let (entry, mut backoff) = (outages.entry(), Backoff::new());
    loop {
        let reason = match AssertUnwindSafe(async { task().await }).catch_unwind().await {
            Err(payload) => Panicked::report(name.clone(), &*payload).message,
            Ok(()) if lifetime == Lifetime::Work || stop.is_set() => return,
            Ok(()) => "it ended while the host is running".to_owned(),
        };
        let wait = backoff.failed();
        entry.report(Outage { name: name.clone(), reason, failures: backoff.failures }, wait);
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}
