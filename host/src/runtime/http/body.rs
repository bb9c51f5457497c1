//! The body of a guest's response.
//!
//! Invariant: a body that its guest did not finish does not look complete, and no byte leaves the host before everything
//! that the guest read for it is durable.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::future::BoxFuture;
use hyper::body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::WasiBody;

use super::frame::{Progress, ResponseObserver};
use crate::names::CommitSeq;
use crate::runtime::instance::Gate;
use crate::runtime::offered::SharedTransaction;
use crate::store::Stopped;

/// Why the body of a response is incomplete.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the component failed in the middle of its response")]
    BrokeOff,
    #[error("the component ended its response with an error")]
    Given { source: wasmtime_wasi_http::Error },
    #[error("the data that the response shows cannot become durable")]
    Stopped(#[from] Stopped),
}

/// A part of a body that waits until what it may show is durable.
struct Held {
    frame: Option<Frame<Bytes>>,
    durable: BoxFuture<'static, Result<(), Stopped>>,
}

/// The body of a guest's response, as the guest writes it.
pub struct HttpBody {
    written: WasiBody,
    progress: Progress,
    observer: Arc<dyn ResponseObserver>,
    transaction: SharedTransaction,
    /// Commits up to this one are durable.
    durable: CommitSeq,
    held: Option<Held>,
    /// Whether the end, or an error, was passed on.
    has_ended: bool,
}

impl HttpBody {
    /// Commits up to `durable` are durable.
    pub(super) fn new(
        written: WasiBody,
        progress: Progress,
        observer: Arc<dyn ResponseObserver>,
        transaction: SharedTransaction,
        durable: CommitSeq,
    ) -> Self {
        Self { written, progress, observer, transaction, durable, held: None, has_ended: false }
    }

    /// Holds `frame` back if the guest has read something meanwhile that is not durable yet.
    fn hold(&mut self, frame: Frame<Bytes>) -> Option<Frame<Bytes>> {
        let Some(Gate { store, number }) = self.transaction.gate().filter(|gate| gate.number > self.durable) else {
            return Some(frame);
        };
        self.durable = number;
        let durable = Box::pin(async move { store.wait_durable(number).await });
        self.held = Some(Held { frame: Some(frame), durable });
        None
    }

    fn end(&mut self) -> Option<Result<Frame<Bytes>, BodyError>> {
        self.has_ended = true;
        self.progress.is_broken().then_some(Err(BodyError::BrokeOff))
    }
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if let Some(held) = &mut self.held {
                let durable = ready!(held.durable.as_mut().poll(context));
                let frame = held.frame.take();
                self.held = None;
                if let Err(stopped) = durable {
                    self.has_ended = true;
                    return Poll::Ready(Some(Err(stopped.into())));
                }
                return Poll::Ready(frame.map(Ok));
            }
            return Poll::Ready(match ready!(Pin::new(&mut self.written).poll_frame(context)) {
                Some(Ok(frame)) => match self.hold(frame) {
                    Some(frame) => Some(Ok(frame)),
                    None => continue,
                },
                Some(Err(source)) => {
                    self.has_ended = true;
                    self.observer.response_failed();
                    Some(Err(BodyError::Given { source }))
                }
                None => self.end(),
            });
        }
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_none() && self.written.is_end_stream() && !self.progress.is_broken()
    }

    fn size_hint(&self) -> SizeHint {
        if self.held.is_some() { SizeHint::default() } else { self.written.size_hint() }
    }
}

impl Drop for HttpBody {
    fn drop(&mut self) {
        if !self.has_ended && !self.is_end_stream() {
            self.progress.abandon();
        }
    }
}

impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBody").field("progress", &self.progress).finish_non_exhaustive()
    }
}
