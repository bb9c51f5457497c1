//! What a swap of releases makes calls wait for, at most.

use std::time::Duration;

use metrics::{Histogram, histogram};

/// Its bounds are finer than those of other times.
pub(super) const SWAP_PAUSE: &str = "switchyard_swap_pause_seconds";

/// The pauses of swaps, each kind by itself. Made once; counting looks up no name.
#[derive(Debug)]
pub(crate) struct SwapPauses {
    pointer: Histogram,
    held: Histogram,
}

impl SwapPauses {
    pub(crate) fn new() -> Self {
        let pause = |what: &'static str| histogram!(SWAP_PAUSE, "what" => what);
        Self { pointer: pause("pointer"), held: pause("held") }
    }

    /// The pointer to what calls begin on was moved: from when that began until every call that begins, begins on the
    /// new releases. None waits for it, so that this is more than any can notice of it.
    pub(crate) fn moved(&self, took: Duration) {
        self.pointer.record(took.as_secs_f64());
    }

    /// Calls were held for a migration: from when the first had to wait until all went on.
    pub(crate) fn held(&self, took: Duration) {
        self.held.record(took.as_secs_f64());
    }
}
