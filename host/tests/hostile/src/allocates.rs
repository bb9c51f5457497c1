//! Takes memory until there is no more.

use std::hint::black_box;

pub(crate) fn until_refused() {
    let mut held = Vec::new();
    loop {
        held.push(vec![1_u8; 64 * 1024]);
        black_box(&held);
    }
}
