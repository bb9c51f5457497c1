//! The handles of `wasi:keyvalue`.

/// An open bucket.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Bucket;

/// A compare-and-swap that has begun, with the value that the key had then.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct Swap {
    pub(super) key: String,
    pub(super) seen: Option<Vec<u8>>,
}
