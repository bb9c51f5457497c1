//! Metrics, traces and logs.

pub mod journal;
