//! Shadow runs: a candidate repeats calls that the live release has ended. The host compares the effects and drops them.

mod compare;
mod difference;
mod replay;

pub(in crate::call::engine) use compare::{Observed, ShadowCall};
