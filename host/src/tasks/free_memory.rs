//! Memory that a thread has freed and that the allocator keeps for its next allocations.
//!
//! The program knows its allocator, and this library does not.

use std::sync::OnceLock;

static GIVE_BACK: OnceLock<fn()> = OnceLock::new();

/// From now on `give_back` gives the free memory of the thread that calls it back to the system.
pub fn set_give_back_memory(give_back: fn()) {
    // A program has one allocator.
    let _first = GIVE_BACK.set(give_back);
}

/// Gives the free memory of this thread back to the system. For work that takes much memory and is rare.
pub fn give_back_memory() {
    if let Some(give_back) = GIVE_BACK.get() {
        give_back();
    }
}
