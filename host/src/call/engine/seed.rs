//! The seeds of calls: the randomness and the id of a call are derived from its seed.
//!
//! Invariant: the seed of a nested call is derived from the caller's seed, the position, the function and the
//! arguments. The same call has the same seed in every run, and any other call has a different one.

use std::sync::{Mutex, PoisonError};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};
use wasmtime::component::Val;

use crate::contract::Function;
use crate::value::binary::{put_all, put_count, put_text};

/// The source of a call's random numbers. It is the same for every run of the call.
pub(in crate::call) type Seed = [u8; 32];

/// The bytes of a call's arguments.
pub(in crate::call) fn encoded_arguments(arguments: &[Val]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    put_all(arguments, &mut bytes);
    bytes
}

/// The seed of the call of `function` that a call with the seed `caller` makes at `position`. It cannot be predicted
/// without the caller's seed.
pub(in crate::call) fn nested_seed(caller: &Seed, position: usize, function: &Function, arguments: &[u8]) -> Seed {
    let mut bytes = Vec::with_capacity(256 + arguments.len());
    bytes.extend_from_slice(caller);
    put_count(position, &mut bytes);
    put_text(&function.interface, &mut bytes);
    put_text(&function.name.wit, &mut bytes);
    bytes.extend_from_slice(arguments);
    Sha256::digest(&bytes).into()
}

/// Draws the seeds of root calls.
#[derive(Debug)]
pub(in crate::call) struct Entropy(Mutex<ChaCha12Rng>);

impl Entropy {
    pub(in crate::call) fn new() -> Result<Self, getrandom::Error> {
        let mut seed = Seed::default();
        getrandom::fill(&mut seed)?;
        Ok(Self(Mutex::new(ChaCha12Rng::from_seed(seed))))
    }

    #[cfg(any(test, feature = "fail-points"))]
    pub(in crate::call) fn draw_from(&self, seed: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ChaCha12Rng::seed_from_u64(seed);
    }

    pub(in crate::call) fn seed(&self) -> Seed {
        let mut seed = Seed::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut seed);
        seed
    }
}

#[cfg(test)]
mod tests;
