//! The signal to stop, which every task of a group gets.

use tokio::sync::watch;

/// Resolves when the group is told to stop. Every task that waits for something waits for this beside it.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) fn new(stop: watch::Receiver<bool>) -> Self {
        Self(stop)
    }

    pub async fn wait(&mut self) {
        // The sender lives in `Tasks`, which every task of the group outlives only by being stopped.
        let _gone = self.0.wait_for(|stop| *stop).await;
    }

    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }
}
