//! The rules of carts and orders: pure, without clock, store or contract types.
#![forbid(unsafe_code)]

pub(crate) mod cart;
pub(crate) mod order;
pub(crate) mod price;
