//! The rules of the inventory: pure, without clock, store or contract types.
#![forbid(unsafe_code)]

pub(crate) mod item;
pub(crate) mod lines;
pub(crate) mod reservation;
pub(crate) mod search;
pub(crate) mod stock;
