//! Spans: what ran in a trace, from when to when, and below which other span.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::ended_span::{EndedSpan, SpanDetails, SpanKind};
use super::ids::{Ids, SpanContext};
use super::queue::SpanQueue;
use crate::clock;
use crate::limits::EMISSIONS_TRACED_MAX;
use crate::names::CommitSeq;

/// What all spans of a host share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ids: Ids,
    pub(super) queue: SpanQueue,
    /// The spans of the last commits that emitted events.
    emissions: Mutex<BTreeMap<CommitSeq, SpanContext>>,
}

/// A span that runs until it is dropped; nothing without telemetry or in a trace that is not sampled.
#[derive(Debug, Default)]
pub struct Span(Option<Box<Running>>);

#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    began: Instant,
    span: EndedSpan,
}

/// The span below which others begin; nothing if there is no such span.
#[derive(Debug, Clone, Default)]
pub struct ParentSpan(Option<(Arc<Shared>, SpanContext)>);

impl Shared {
    pub(super) fn new(ids: Ids) -> Arc<Self> {
        Arc::new(Self { ids, queue: SpanQueue::new(), emissions: Mutex::default() })
    }

    pub(super) fn emitted_in(&self, commit: CommitSeq) -> Option<SpanContext> {
        self.emissions.lock().unwrap_or_else(PoisonError::into_inner).get(&commit).copied()
    }

    fn emits(&self, commit: CommitSeq, context: SpanContext) {
        let mut emissions = self.emissions.lock().unwrap_or_else(PoisonError::into_inner);
        emissions.insert(commit, context);
        if emissions.len() > EMISSIONS_TRACED_MAX {
            emissions.pop_first();
        }
    }
}

impl Span {
    /// No span.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Begins a span; it has no parent if it is the first one of its trace.
    pub(super) fn begin(
        shared: &Arc<Shared>,
        (context, parent): (SpanContext, Option<SpanContext>),
        kind: SpanKind,
        name: &'static str,
    ) -> Self {
        let details =
            SpanDetails { name: name.into(), kind, attributes: Vec::with_capacity(8), link: None, is_error: false };
        let (began_unix_micros, took) = (clock::unix_micros(), Duration::ZERO);
        let span = EndedSpan { context, parent, began_unix_micros, took, details };
        Self(Some(Box::new(Running { shared: Arc::clone(shared), began: clock::now(), span })))
    }

    /// The parent of the spans that begin below it.
    #[must_use]
    pub fn as_parent(&self) -> ParentSpan {
        ParentSpan(self.0.as_ref().map(|running| (Arc::clone(&running.shared), running.span.context)))
    }

    /// Its ids; `None` if it is nothing.
    #[must_use]
    pub fn context(&self) -> Option<SpanContext> {
        self.0.as_ref().map(|running| running.span.context)
    }

    /// Lets `describe` add to its description; does nothing if there is no span.
    pub fn describe(&mut self, describe: impl FnOnce(&mut SpanDetails)) {
        if let Some(running) = &mut self.0 {
            describe(&mut running.span.details);
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            let Running { shared, began, mut span } = *running;
            span.took = clock::elapsed(began);
            shared.queue.add(span);
        }
    }
}

impl ParentSpan {
    /// No parent: no spans begin below it.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whether spans begin below it.
    #[must_use]
    pub fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a span below it.
    #[must_use]
    pub fn child(&self, name: &'static str) -> Span {
        let Some((shared, parent)) = &self.0 else { return Span::none() };
        Span::begin(shared, (shared.ids.child(*parent), Some(*parent)), SpanKind::Internal, name)
    }

    /// Records that `commit` has events that were emitted in this span, so that their deliveries are linked to it. Only
    /// the last [`EMISSIONS_TRACED_MAX`] are remembered, and none over a restart.
    pub fn emits(&self, commit: CommitSeq) {
        if let Some((shared, context)) = &self.0 {
            shared.emits(commit, *context);
        }
    }
}
