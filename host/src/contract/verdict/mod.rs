//! The verdict: whether a component can stand for a world, and everything that speaks against it.

mod expected;
mod judge;
mod report;

pub(super) use expected::Encoded;
pub(super) use judge::judge;
pub use judge::{judge_http, judge_http_surface};
pub use report::{OutboundHttp, Verdict};
