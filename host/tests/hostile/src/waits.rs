//! Waits for a service that does not answer.

use crate::bindings::test::hostile::peer;

pub(crate) fn for_ever() {
    peer::never_answer();
}
