//! The rules of the inventory: pure, without clock, store or contract types.
#![forbid(unsafe_code)]

pub mod item;
pub mod lines;
pub mod reservation;
pub mod search;
pub mod stock;
