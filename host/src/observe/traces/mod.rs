//! Traces: the spans of requests, calls, waits for a commit and deliveries, exported by OTLP over HTTP.
//!
//! Invariant: without telemetry, or in a trace that is not sampled, a span is nothing: its code costs a branch. An export
//! never delays what it describes: spans go through a bounded queue, and those that have no room are counted and dropped.
//! No span has a token, a body, an `Idempotency-Key`, a query, or a path that a client sent.

mod collector;
mod encode;
mod ended_span;
mod export;
mod headers;
mod ids;
pub mod messages;
mod metrics;
mod queue;
mod span;
mod tracer;

#[cfg(test)]
mod tests;

pub use collector::{CollectorError, is_endpoint};
pub use ended_span::{SpanDetails, SpanKind};
pub use export::{ExportSettings, Exporter, TelemetryError, start_traces};
pub use headers::{HeadersFileError, read_headers};
pub use ids::SpanContext;
pub use span::{ParentSpan, Span};
pub use tracer::{ClientSpan, Tracer};
