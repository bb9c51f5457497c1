//! The verdict: whether a component fits a world, and every problem.

mod expected;
mod judge;
mod report;

pub(super) use expected::Encoded;
pub(super) use judge::judge;
pub use judge::{judge_http, judge_http_surface};
pub use report::{OutboundHttp, Verdict};
