//! The ids of traces and spans: random, and never zero (W3C Trace Context, sections 3.2.2.3 and 3.2.2.4).

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// The place of a span among all spans of all programs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SpanContext {
    trace: u128,
    span: u64,
}

impl SpanContext {
    /// From the 32 and 16 lowercase hex digits of a `traceparent`; `None` for other texts and for zeros.
    #[must_use]
    pub fn parse(trace: &str, span: &str) -> Option<Self> {
        let (trace, span) = (u128::from_str_radix(trace, 16).ok()?, u64::from_str_radix(span, 16).ok()?);
        (trace != 0 && span != 0).then_some(Self { trace, span })
    }

    pub(super) fn trace_bytes(self) -> [u8; 16] {
        self.trace.to_be_bytes()
    }

    pub(super) fn span_bytes(self) -> [u8; 8] {
        self.span.to_be_bytes()
    }

    /// The trace as 32 hex digits, as the log has it.
    #[must_use]
    pub fn trace_text(self) -> String {
        format!("{:032x}", self.trace)
    }

    /// Whether the trace is in the sampled share, which is `threshold` of 2⁶⁴. All programs that decide by the last bits
    /// of the id choose the same traces.
    pub(super) fn is_below(self, threshold: u128) -> bool {
        (self.trace & u128::from(u64::MAX)) < threshold
    }
}

impl fmt::Debug for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{:016x}", self.trace, self.span)
    }
}

/// Draws ids: `SplitMix64` from a random start. They must differ, but need not be hard to guess.
#[derive(Debug)]
pub(super) struct Ids(AtomicU64);

/// The step of `SplitMix64` (Steele, Lea and Flood, 2014): the golden ratio of 2⁶⁴.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Ids {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self(AtomicU64::new(getrandom::u64()?)))
    }

    fn draw(&self) -> u64 {
        let mut bits = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // Of all drawn numbers one is zero.
        if bits == 0 { self.draw() } else { bits }
    }

    /// A new span of a new trace.
    pub(super) fn root(&self) -> SpanContext {
        let trace = (u128::from(self.draw()) << 64) | u128::from(self.draw());
        SpanContext { trace, span: self.draw() }
    }

    /// A new span of the trace of `parent`.
    pub(super) fn child(&self, parent: SpanContext) -> SpanContext {
        SpanContext { trace: parent.trace, span: self.draw() }
    }
}
