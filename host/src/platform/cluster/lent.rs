//! Something that requests use, and that is taken away only when none uses it any more.

use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::watch;

#[derive(Debug)]
pub(super) struct Lent<T> {
    value: T,
    uses: watch::Sender<usize>,
}

/// One use, until this is dropped.
#[derive(Debug)]
pub(super) struct InUse<T>(Arc<Lent<T>>);

impl<T> Lent<T> {
    pub(super) fn new(value: T) -> Arc<Self> {
        Arc::new(Self { value, uses: watch::Sender::new(0) })
    }

    pub(super) fn begin(self: &Arc<Self>) -> InUse<T> {
        self.uses.send_modify(|uses| *uses += 1);
        InUse(Arc::clone(self))
    }

    /// Resolves when nothing uses it.
    pub(super) async fn idle(&self) {
        let mut uses = self.uses.subscribe();
        // The sender is `self`, so it does not end before.
        let _idle = uses.wait_for(|uses| *uses == 0).await;
    }
}

impl<T> Deref for Lent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Deref for InUse<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T> Drop for InUse<T> {
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
        let lent = Lent::new(7);
        assert!(lent.idle().now_or_never().is_some());
        let (first, second) = (lent.begin(), lent.begin());
        assert_eq!((*first, *second, **lent), (7, 7, 7));
        drop(first);
        assert!(lent.idle().now_or_never().is_none());
        drop(second);
        assert!(lent.idle().now_or_never().is_some());
    }
}
