//! The rules of payments: pure, without clock, store or contract types.
#![forbid(unsafe_code)]

pub(crate) mod payment;
pub(crate) mod processor;
