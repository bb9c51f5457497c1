//! Begins traces, and decides which of them are sampled.

use std::sync::Arc;

use super::ended_span::SpanKind;
use super::ids::{Ids, SpanContext};
use super::span::{Shared, Span};
use crate::names::CommitSeq;

/// Begins the first span of each trace; without telemetry it begins none. Clones are the same tracer.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Active>>);

#[derive(Debug)]
struct Active {
    shared: Arc<Shared>,
    /// The sampled part of 2⁶⁴ trace ids.
    threshold: u128,
}

/// The span of a client, from its `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSpan {
    pub context: SpanContext,
    /// Whether the client's own spans are recorded; `None` if the client is not trusted to decide about those of the host.
    pub is_sampled: Option<bool>,
}

impl Tracer {
    /// One that records nothing.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// One that samples a share of the new traces, 0 to 1.
    pub(super) fn new(sampled: f64) -> Result<(Self, Arc<Shared>), getrandom::Error> {
        let shared = Shared::new(Ids::new()?);
        let threshold = threshold(sampled);
        Ok((Self(Some(Arc::new(Active { shared: Arc::clone(&shared), threshold }))), shared))
    }

    /// Begins the span of a request, below the client's own span if there is one. A trusted client decides whether it is
    /// recorded. For all others the share of the host does, whatever trace ids they choose.
    #[must_use]
    pub fn request(&self, client: impl FnOnce() -> Option<ClientSpan>) -> Span {
        let Some(active) = &self.0 else { return Span::none() };
        let Some(ClientSpan { context, is_sampled }) = client() else {
            return active.first(SpanKind::Server, "HTTP");
        };
        if !is_sampled.unwrap_or_else(|| active.shared.ids.root().is_below(active.threshold)) {
            return Span::none();
        }
        let ids = (active.shared.ids.child(context), Some(context));
        Span::begin(&active.shared, ids, SpanKind::Server, "HTTP")
    }

    /// Begins a trace for what the host does by itself.
    #[must_use]
    pub fn work(&self, name: &'static str) -> Span {
        self.0.as_ref().map_or_else(Span::none, |active| active.first(SpanKind::Internal, name))
    }

    /// Begins the trace of the delivery of an event of `commit`. It is linked to the span that emitted the event, if that
    /// is known, and then it is sampled too.
    #[must_use]
    pub fn delivery(&self, commit: CommitSeq) -> Span {
        let Some(active) = &self.0 else { return Span::none() };
        let Some(emitter) = active.shared.emitted_in(commit) else {
            return active.first(SpanKind::Consumer, "deliver");
        };
        let ids = (active.shared.ids.root(), None);
        let mut span = Span::begin(&active.shared, ids, SpanKind::Consumer, "deliver");
        span.describe(|details| details.link = Some(emitter));
        span
    }
}

impl Active {
    /// The first span of a new trace, if that is in the share.
    fn first(&self, kind: SpanKind, name: &'static str) -> Span {
        let context = self.shared.ids.root();
        match context.is_below(self.threshold) {
            true => Span::begin(&self.shared, (context, None), kind, name),
            false => Span::none(),
        }
    }
}

/// How many of 2⁶⁴ ids are in the share `sampled`, in steps of a 2³²nd.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is clamped to 0 to 2³² before")]
fn threshold(sampled: f64) -> u128 {
    let steps = f64::from(u32::MAX) + 1.0;
    u128::from((sampled.clamp(0.0, 1.0) * steps) as u64) << 32
}
