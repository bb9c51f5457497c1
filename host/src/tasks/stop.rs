//! The signal to stop, which every task of a group gets.

use tokio::sync::watch;

/// Resolves when the group is stopped. Every waiting task also waits for this.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) fn new(stop: watch::Receiver<bool>) -> Self {
        Self(stop)
    }

    pub async fn wait(&mut self) {
        // The sender lives in `Tasks`, and a task outlives that only if it is being stopped.
        let _gone = self.0.wait_for(|stop| *stop).await;
    }

    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }
}
