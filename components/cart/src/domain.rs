//! The rules of carts and orders: pure, without clock, store or contract types.
#![forbid(unsafe_code)]

pub mod cart;
pub mod order;
pub mod price;
