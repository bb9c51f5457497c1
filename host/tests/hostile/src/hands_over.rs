//! Hands another service more than anybody wants.

use crate::bindings::test::hostile::peer;

pub(crate) fn list_of(items: u32) {
    peer::take(&vec![7; items as usize]);
}
