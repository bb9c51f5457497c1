//! The rules of payments: pure, without clock, store or contract types.
#![forbid(unsafe_code)]

pub mod payment;
pub mod processor;
