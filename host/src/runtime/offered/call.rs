//! `switchyard:service/call`: the time and the randomness of the call, from the sources of `wasi:clocks` and
//! `wasi:random`. A re-run of the call sees the same time and draws the same values.

use super::clocks::Time;
use super::random::Random;
use crate::limits::ID_PREFIX_BYTES_MAX;
use crate::runtime::offered::bindings::service::switchyard::service::call;

/// Crockford's base 32 in lower case: no letter looks like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The number of characters for 128 bits, five bits each.
const RANDOM_CHARS: usize = 26;

pub(in crate::runtime) struct View<'a> {
    pub(in crate::runtime) time: &'a mut Time,
    pub(in crate::runtime) random: &'a mut Random,
}

impl call::Host for View<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.time.unix_micros())
    }

    fn random_bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        self.random.bytes(count.into())
    }

    fn new_id(&mut self, prefix: String) -> wasmtime::Result<String> {
        let of_prefix = |byte: u8| byte.is_ascii_alphanumeric();
        if !(1..=ID_PREFIX_BYTES_MAX).contains(&prefix.len()) || !prefix.bytes().all(of_prefix) {
            wasmtime::bail!(
                "the prefix of a new id has 1 to {ID_PREFIX_BYTES_MAX} letters and digits, unlike this one"
            );
        }
        let mut bits = u128::from_le_bytes(self.random.array());
        let mut id = format!("{prefix}_");
        for _ in 0..RANDOM_CHARS {
            let digit = usize::try_from(bits % 32).ok().and_then(|digit| ALPHABET.get(digit));
            id.push(char::from(*digit.expect("a remainder is below 32")));
            bits /= 32;
        }
        Ok(id)
    }
}

add_to_linker!(call);
