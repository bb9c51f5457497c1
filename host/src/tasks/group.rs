//! The tasks of one host, which stop together.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::outages::Outages;
use super::panics::Panicked;
use super::stop::Stop;
use super::supervisor::{Lifetime, supervise};

/// The background tasks of one host. Clones are the same group.
#[derive(Debug, Clone)]
pub struct Tasks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    running: Mutex<BTreeMap<Cow<'static, str>, usize>>,
    ended: Notify,
    stop: watch::Sender<bool>,
    outages: Outages,
}

impl Inner {
    fn running(&self) -> MutexGuard<'_, BTreeMap<Cow<'static, str>, usize>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Tasks {
    fn default() -> Self {
        let (ended, stop) = (Notify::new(), watch::Sender::new(false));
        Self { inner: Arc::new(Inner { running: Mutex::default(), ended, stop, outages: Outages::default() }) }
    }
}

/// A running task, which counts until this is dropped.
struct Running(Arc<Inner>, Cow<'static, str>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.0.running();
        if let Some(count) = running.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                running.remove(&self.1);
            }
        }
        self.0.ended.notify_waiters();
    }
}

impl Tasks {
    /// Runs `task` once. A panic ends it, and is logged and counted; a receiver that waits for its result
    /// finds the channel closed.
    #[expect(clippy::disallowed_methods, reason = "this is where tasks are spawned")]
    pub fn spawn(&self, name: impl Into<Cow<'static, str>>, task: impl Future<Output = ()> + Send + 'static) {
        let name = name.into();
        *self.inner.running().entry(name.clone()).or_insert(0) += 1;
        let running = Running(Arc::clone(&self.inner), name);
        // In a box, it is not copied again, and takes its memory once: a future has room for what it captures beside room for
        // what it awaits.
        let task = AssertUnwindSafe(Box::pin(task));
        tokio::spawn(async move {
            if let Err(payload) = task.catch_unwind().await {
                Panicked::report(running.1.clone(), &*payload);
            }
        });
    }

    /// Runs the future from `task`, and a new one after a panic, or after an end that `lifetime` does not allow. While
    /// it is down, [`Tasks::outages`] lists it.
    pub fn supervise<F>(
        &self,
        name: impl Into<Cow<'static, str>>,
        lifetime: Lifetime,
        task: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let name = name.into();
        self.spawn(name.clone(), supervise(name, lifetime, self.stop(), self.outages().clone(), task));
    }

    /// The tasks that are down.
    #[must_use]
    pub fn outages(&self) -> &Outages {
        &self.inner.outages
    }

    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop::new(self.inner.stop.subscribe())
    }

    /// The running tasks: each name, with a count if there are several.
    #[must_use]
    pub fn running(&self) -> Vec<String> {
        let name = |(name, count): (&Cow<'static, str>, &usize)| match count {
            1 => name.to_string(),
            count => format!("{count} × {name}"),
        };
        self.inner.running().iter().map(name).collect()
    }

    /// Tells every task to stop.
    pub fn begin_stop(&self) {
        self.inner.stop.send_replace(true);
    }

    /// Stops every task and waits until all have ended, or `grace` has passed.
    ///
    /// # Errors
    ///
    /// The names of those that still run.
    pub async fn shut_down(&self, grace: Duration) -> Result<(), Vec<String>> {
        self.begin_stop();
        let until = Instant::now() + grace;
        loop {
            let ended = self.inner.ended.notified();
            let names = self.running();
            if names.is_empty() {
                return Ok(());
            }
            if tokio::time::timeout_at(until, ended).await.is_err() {
                return Err(names);
            }
        }
    }
}
