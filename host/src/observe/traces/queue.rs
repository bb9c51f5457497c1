//! The ended spans that are not exported yet.
//!
//! Invariant: adding a span never waits, and the queue has a bound. Only the batch of a cut export may come on top.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::ended_span::EndedSpan;
use super::metrics::ExportMetrics;
use crate::limits::{SPANS_PER_EXPORT_MAX, SPANS_QUEUED_MAX};

#[derive(Debug)]
pub(super) struct SpanQueue {
    spans: Mutex<VecDeque<EndedSpan>>,
    /// Notified when there is a whole batch.
    batch: Notify,
    pub(super) metrics: ExportMetrics,
}

impl SpanQueue {
    pub(super) fn new() -> Self {
        Self { spans: Mutex::default(), batch: Notify::new(), metrics: ExportMetrics::new() }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<EndedSpan>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a span, or counts it as dropped.
    pub(super) fn add(&self, span: EndedSpan) {
        let mut spans = self.lock();
        if spans.len() >= SPANS_QUEUED_MAX {
            drop(spans);
            self.metrics.no_room.increment(1);
            return;
        }
        spans.push_back(span);
        let is_batch = spans.len() == SPANS_PER_EXPORT_MAX;
        drop(spans);
        if is_batch {
            self.batch.notify_one();
        }
    }

    /// The oldest spans, as many as one export has.
    pub(super) fn take(&self) -> Vec<EndedSpan> {
        let mut spans = self.lock();
        let count = spans.len().min(SPANS_PER_EXPORT_MAX);
        spans.drain(..count).collect()
    }

    /// Returns spans that were taken and not exported.
    pub(super) fn put_back(&self, batch: Vec<EndedSpan>) {
        let mut spans = self.lock();
        batch.into_iter().rev().for_each(|span| spans.push_front(span));
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Resolves when there is a whole batch.
    pub(super) async fn wait_for_batch(&self) {
        self.batch.notified().await;
    }
}
