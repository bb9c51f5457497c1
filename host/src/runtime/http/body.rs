//! The body of a guest's response.
//!
//! Invariant: a body that its guest did not finish does not look complete.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use wasmtime_wasi_http::WasiBody;

/// The resource of its service that a request holds.
pub type Slot = Arc<dyn std::fmt::Debug + Send + Sync>;

/// Why the body of a response is incomplete.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    #[error("the component failed in the middle of its response")]
    BrokeOff,
    #[error("the component ended its response with an error")]
    Given { source: wasmtime_wasi_http::Error },
}

/// Whether the guest failed. It is set before the guest's resources, and the body with them, are dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Broken(Arc<AtomicBool>);

impl Broken {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The body of a guest's response, as the guest writes it.
#[derive(Debug)]
pub struct HttpBody {
    pub(super) written: WasiBody,
    pub(super) broken: Broken,
    pub(super) _slot: Slot,
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut self.written).poll_frame(context).map(|frame| match frame {
            Some(Ok(frame)) => Some(Ok(frame)),
            Some(Err(source)) => Some(Err(BodyError::Given { source })),
            None => self.broken.is_set().then_some(Err(BodyError::BrokeOff)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.written.is_end_stream() && !self.broken.is_set()
    }

    fn size_hint(&self) -> SizeHint {
        self.written.size_hint()
    }
}
