//! Faults on purpose: what a deploy has to refuse, and what a host has to take out by itself.
//!
//! `cargo xtask variants` builds the component with them. Without their features there is nothing here.

/// Turns that take some twenty milliseconds.
#[cfg(feature = "slow")]
const TURNS: u64 = 20_000_000;

/// Fails or dawdles, as the features of this build say.
pub(crate) fn fault() {
    #[cfg(feature = "broken")]
    panic!("this build is broken on purpose");
    #[cfg(feature = "slow")]
    for turn in 0..TURNS {
        std::hint::black_box(turn);
    }
}
