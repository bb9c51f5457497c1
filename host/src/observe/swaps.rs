//! The pauses that a swap of releases causes for calls, as upper bounds.

use std::time::Duration;

use metrics::{Histogram, histogram};

/// Its histogram bounds are finer than those of other times.
pub(super) const SWAP_PAUSE: &str = "switchyard_swap_pause_seconds";

/// The pauses of swaps, one histogram for each kind. Created once; counting looks up no name.
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

    /// Records a swap of the routing pointer: from its start until every new call uses the new releases. No call waits
    /// for it, so a client notices less than this time.
    pub(crate) fn moved(&self, took: Duration) {
        self.pointer.record(took.as_secs_f64());
    }

    /// Records a hold of calls for a migration: from the first call that had to wait until all continued.
    pub(crate) fn held(&self, took: Duration) {
        self.held.record(took.as_secs_f64());
    }
}
