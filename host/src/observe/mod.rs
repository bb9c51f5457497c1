//! observe

pub mod gateway;
