//! Sleeps.
#![expect(clippy::disallowed_methods, reason = "sleeping is what this scenario is about")]

use std::time::Duration;

pub(crate) fn for_ms(ms: u32) {
    std::thread::sleep(Duration::from_millis(ms.into()));
}
