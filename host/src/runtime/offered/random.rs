//! `wasi:random`: randomness derived from the call's seed, so that a re-run of the call draws the same values.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use crate::limits::RANDOM_BYTES_MAX;

/// The randomness of one instance. It is unpredictable without the seed.
#[derive(Debug)]
pub(in crate::runtime) struct Random {
    seed: [u8; 32],
    /// The seed of hash tables; `None` if it is drawn like all other random numbers.
    hash_seed: Option<HashSeed>,
    generator: Option<ChaCha12Rng>,
}

/// A seed for the hash tables of guests, which others cannot predict.
pub(in crate::runtime) type HashSeed = (u64, u64);

impl Random {
    pub(in crate::runtime) fn new(seed: [u8; 32]) -> Self {
        Self { seed, hash_seed: None, generator: None }
    }

    /// Sets the seed of hash tables. Then it does not count as used randomness.
    pub(in crate::runtime) fn set_hash_seed(&mut self, hash_seed: HashSeed) {
        self.hash_seed = Some(hash_seed);
    }

    /// Whether the guest has drawn random numbers.
    pub(in crate::runtime) fn is_used(&self) -> bool {
        self.generator.is_some()
    }

    fn generator(&mut self) -> &mut ChaCha12Rng {
        self.generator.get_or_insert_with(|| ChaCha12Rng::from_seed(self.seed))
    }

    /// `len` random bytes, at most [`RANDOM_BYTES_MAX`].
    pub(super) fn bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        if len > RANDOM_BYTES_MAX {
            wasmtime::bail!("{len} random bytes at once; the host gives {RANDOM_BYTES_MAX}");
        }
        let mut bytes = vec![0; usize::try_from(len)?];
        self.generator().fill_bytes(&mut bytes);
        Ok(bytes)
    }
}

impl Random {
    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.generator().fill_bytes(&mut bytes);
        bytes
    }
}

impl random::Host for Random {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(len)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.generator().next_u64())
    }
}

// The insecure interfaces draw from the secure generator: it costs little, and there is only one to reason about.
impl insecure::Host for Random {
    fn get_insecure_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        self.bytes(len)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.generator().next_u64())
    }
}

impl insecure_seed::Host for Random {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        if let Some(hash_seed) = self.hash_seed {
            return Ok(hash_seed);
        }
        let generator = self.generator();
        Ok((generator.next_u64(), generator.next_u64()))
    }
}

pub(in crate::runtime) fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    random_of: fn(&mut T) -> &mut Random,
) -> wasmtime::Result<()> {
    random::add_to_linker::<T, HasSelf<Random>>(linker, random_of)?;
    insecure::add_to_linker::<T, HasSelf<Random>>(linker, random_of)?;
    insecure_seed::add_to_linker::<T, HasSelf<Random>>(linker, random_of)
}
