//! Something that requests use, and that is taken away only when none uses it any more.

use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::watch;

#[derive(Debug)]
pub(super) struct Drainable<T> {
    value: T,
    uses: watch::Sender<usize>,
}

/// One use, until this is dropped.
#[derive(Debug)]
pub(super) struct DrainGuard<T>(Arc<Drainable<T>>);

impl<T> Drainable<T> {
    pub(super) fn new(value: T) -> Arc<Self> {
        Arc::new(Self { value, uses: watch::Sender::new(0) })
    }

    pub(super) fn begin(self: &Arc<Self>) -> DrainGuard<T> {
        self.uses.send_modify(|uses| *uses += 1);
        DrainGuard(Arc::clone(self))
    }

    /// Resolves when nothing uses it.
    pub(super) async fn drained(&self) {
        let mut uses = self.uses.subscribe();
        // The sender is `self`, so it does not end before.
        let _idle = uses.wait_for(|uses| *uses == 0).await;
    }
}

impl<T> Deref for Drainable<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for DrainGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Drop for DrainGuard<T> {
    fn drop(&mut self) {
        self.0.uses.send_modify(|uses| *uses -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn it_is_idle_when_the_last_use_has_ended() {
        let drainable = Drainable::new(7);
        assert!(drainable.drained().now_or_never().is_some());
        let (first, second) = (drainable.begin(), drainable.begin());
        assert_eq!((*first, *second, **drainable), (7, 7, 7));
        drop(first);
        assert!(drainable.drained().now_or_never().is_none());
        drop(second);
        assert!(drainable.drained().now_or_never().is_some());
    }
}
