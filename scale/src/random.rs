//! Randomness from a seed, and the hash of placements, which needs none.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

#[derive(Debug)]
pub(crate) struct Random(ChaCha12Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha12Rng::seed_from_u64(seed))
    }

    /// A number of `from` to `to`, without `to`.
    pub(crate) fn between(&mut self, from: f64, to: f64) -> f64 {
        // 53 bits are the precision of the number.
        let part = (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        from + part * (to - from)
    }

    /// An index below `count`, which is not 0.
    pub(crate) fn index(&mut self, count: usize) -> usize {
        (self.between(0.0, count as f64) as usize).min(count - 1)
    }
}

/// A well mixed hash of two numbers (the finalizer of SplitMix64).
pub(crate) fn hash(kind: u64, first: usize, second: usize) -> u64 {
    let mix = |mut value: u64| {
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    };
    let golden = 0x9e37_79b9_7f4a_7c15_u64;
    mix(mix(mix(kind.wrapping_add(golden)) ^ first as u64).wrapping_add(golden) ^ second as u64)
}
