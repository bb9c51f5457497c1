//! Panics.

pub(crate) fn because(why: &str) {
    panic!("{why}");
}
