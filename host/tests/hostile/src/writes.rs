//! Writes more than there is room for, or where it must not.

use crate::bindings::switchyard::service::store;

pub(crate) fn without_end() {
    for n in 0_u64.. {
        store::set(&n.to_string(), &[7; 64]);
    }
}

pub(crate) fn key_of(bytes: u32) {
    store::set(&"k".repeat(bytes as usize), b"value");
}

pub(crate) fn value_of(bytes: u32) {
    store::set("key", &vec![7; bytes as usize]);
}
