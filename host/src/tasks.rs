//! Tasks and threads: each has a name, is counted, and is awaited at shutdown. The only place that spawns.

use std::future::Future;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use crate::clock;

/// The background tasks of one host. Clones are the same group.
#[derive(Debug, Clone)]
pub struct Tasks {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    running: std::sync::Mutex<std::collections::BTreeMap<&'static str, usize>>,
    ended: Notify,
    stop: watch::Sender<bool>,
}

/// Resolves when the group is told to stop. Every task that waits for something waits for this beside it.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    pub async fn wait(&mut self) {
        // The sender lives in `Tasks`, which every task of the group outlives only by being stopped.
        let _gone = self.0.wait_for(|stop| *stop).await;
    }

    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }
}

impl Default for Tasks {
    fn default() -> Self {
        let inner =
            Inner { running: std::sync::Mutex::default(), ended: Notify::new(), stop: watch::Sender::new(false) };
        Self { inner: Arc::new(inner) }
    }
}

struct Running(Arc<Inner>, &'static str);

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self.0.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(count) = running.get_mut(self.1) {
            *count -= 1;
            if *count == 0 {
                running.remove(self.1);
            }
        }
        self.0.ended.notify_waiters();
    }
}

impl Tasks {
    #[expect(clippy::disallowed_methods, reason = "this is where tasks are spawned")]
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        *self.inner.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner).entry(name).or_insert(0) += 1;
        let running = Running(Arc::clone(&self.inner), name);
        tokio::spawn(async move {
            let _running = running;
            task.await;
        });
    }

    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop(self.inner.stop.subscribe())
    }

    /// Tells every task to stop and waits until all have, or `grace` has passed.
    ///
    /// # Errors
    ///
    /// The names of those that still run.
    pub async fn shut_down(&self, grace: Duration) -> Result<(), Vec<&'static str>> {
        self.inner.stop.send_replace(true);
        let until = clock::now() + grace;
        loop {
            let ended = self.inner.ended.notified();
            let names: Vec<_> = {
                let running = self.inner.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                running.keys().copied().collect()
            };
            if names.is_empty() {
                return Ok(());
            }
            if tokio::time::timeout_at(until.into(), ended).await.is_err() {
                return Err(names);
            }
        }
    }
}

/// Starts a thread of its own for work that blocks for as long as the host runs. Its owner joins it.
///
/// # Errors
///
/// When the system gives no more threads.
pub fn thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    std::thread::Builder::new().name(name.into()).spawn(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn shutting_down_names_the_task_that_does_not_stop() {
        let tasks = Tasks::default();
        let mut stop = tasks.stop();
        tasks.spawn("listens", async move { stop.wait().await });
        tasks.spawn("does not", std::future::pending());
        assert_eq!(tasks.shut_down(Duration::from_secs(1)).await, Err(vec!["does not"]));
    }
}
