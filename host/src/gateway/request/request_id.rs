//! Ids for requests without one: unique and cheap. They are not secret, and nothing relies on them being hard to guess.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use crate::names::RequestId;

/// Generates request ids.
#[derive(Debug)]
pub(in crate::gateway) struct RequestIds {
    seeds: [u64; 2],
    made: AtomicU64,
}

impl RequestIds {
    /// # Errors
    ///
    /// If the system provides no random numbers.
    pub(in crate::gateway) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self { seeds: [getrandom::u64()?, getrandom::u64()?], made: AtomicU64::new(0) })
    }

    pub(in crate::gateway) fn next(&self) -> RequestId {
        let [first, second] = self.seeds;
        let low = mix(self.made.fetch_add(1, Ordering::Relaxed).wrapping_add(first));
        let high = mix(low ^ second);
        RequestId::from_bits(u128::from(high) << 64 | u128::from(low))
    }
}

/// The last step of SplitMix64: it is one-to-one, so different counts stay different.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
