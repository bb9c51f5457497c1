//! Calls itself until its stack is full.

use std::hint::black_box;

#[expect(unconditional_recursion, reason = "this is what this scenario is about")]
pub(crate) fn without_end(depth: u64) -> u64 {
    let here = black_box([depth; 16]);
    without_end(depth.wrapping_add(1)).wrapping_add(here.iter().sum())
}
