//! Computes without end.

use std::hint::black_box;

pub(crate) fn without_end() {
    let mut n = 0_u64;
    loop {
        n = black_box(n.wrapping_add(1));
    }
}
