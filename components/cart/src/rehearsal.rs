//! Deliberate faults: some must be refused by a deploy, others make the host remove the release by itself.
//!
//! `cargo xtask variants` builds the component with them. Without their features this file is empty.

/// Iterations that take about twenty milliseconds.
#[cfg(feature = "slow")]
const TURNS: u64 = 20_000_000;

/// Fails or takes long, according to the features of this build.
pub(crate) fn fault() {
    #[cfg(feature = "broken")]
    panic!("this build is broken on purpose");
    #[cfg(feature = "slow")]
    for turn in 0..TURNS {
        std::hint::black_box(turn);
    }
}
