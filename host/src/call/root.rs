//! What a root call and every call below it share: the releases it began with, who it is for, its time and randomness.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::derive::Seed;
use super::{Directory, RootCall};
use crate::names::{Identity, Number, RequestId};

#[derive(Debug)]
pub(super) struct Root {
    pub(super) directory: Arc<Directory>,
    pub(super) identity: Option<Identity>,
    pub(super) request: RequestId,
    pub(super) seed: Seed,
    pub(super) time_unix_micros: u64,
    /// The highest commit that this call, or one below it, made or saw.
    reached: AtomicU64,
}

impl Root {
    pub(super) fn new(directory: Arc<Directory>, call: &RootCall, seed: Seed, time_unix_micros: u64) -> Self {
        Self {
            directory,
            identity: call.identity.clone(),
            request: call.request.clone(),
            seed,
            time_unix_micros,
            reached: AtomicU64::new(0),
        }
    }

    pub(super) fn reach(&self, number: Number) {
        self.reached.fetch_max(number.0, Ordering::Relaxed);
    }

    pub(super) fn reached(&self) -> Number {
        Number(self.reached.load(Ordering::Relaxed))
    }
}

/// Makes the seeds of root calls.
#[derive(Debug)]
pub(super) struct Entropy(Mutex<ChaCha12Rng>);

impl Entropy {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut seed = Seed::default();
        getrandom::fill(&mut seed)?;
        Ok(Self(Mutex::new(ChaCha12Rng::from_seed(seed))))
    }

    pub(super) fn seed(&self) -> Seed {
        let mut seed = Seed::default();
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(&mut seed);
        seed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_root_calls_have_one_seed() {
        let (one, other) = (Entropy::new(), Entropy::new());
        let seeds = [one, other].map(|entropy| entropy.expect("the system has randomness"));
        let seeds = seeds.iter().flat_map(|entropy| [entropy.seed(), entropy.seed()]);
        assert_eq!(seeds.collect::<std::collections::BTreeSet<_>>().len(), 4);
    }
}
