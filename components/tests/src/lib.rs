//! The shop as its clients see it: the whole host with the five components, on ports and in a folder of its own.

mod customer;
mod http;
mod shop;

pub use customer::Customer;
pub use http::{Answer, Client};
pub use shop::Shop;
