//! Calls itself through the host.

use crate::bindings::test::hostile::cycle;

pub(crate) fn deeper(depth: u32) -> u32 {
    cycle::go_around(depth.saturating_add(1))
}
