//! Emits events.

use crate::bindings::test::hostile::hostile_events::happened;

pub(crate) fn without_end() {
    loop {
        once();
    }
}

pub(crate) fn once() {
    happened("something");
}
