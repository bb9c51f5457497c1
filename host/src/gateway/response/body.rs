//! The body of an answer: bytes in memory, a part of a file, or a stream.
//!
//! Invariant: `size_hint` gives the known length, so that `Content-Length` is sent whenever possible.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::file::FilePart;
use crate::gateway::connections::activity::{Activity, StreamGuard};
use crate::gateway::connections::unread_answers::UnreadPermit;
use crate::limits::ANSWER_CHUNK_BYTES;

/// Why a body ended early. The connection (HTTP/1.1) or stream (HTTP/2) is then cut off.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

type Stream = Pin<Box<dyn HttpBody<Data = Bytes, Error = BodyError> + Send>>;

/// The body of an answer.
pub struct Body {
    kind: Kind,
    /// Others, such as a cache, share its bytes: an unread body then costs no memory of its own.
    shared: bool,
    /// Records every piece that the client reads.
    streaming: Option<StreamGuard>,
    permit: Option<UnreadPermit>,
}

enum Kind {
    Full(Bytes),
    File(Box<FilePart>),
    Stream(Stream),
}

impl Body {
    #[must_use]
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// A body that is produced while it is sent.
    #[must_use]
    pub fn stream(body: impl HttpBody<Data = Bytes, Error = BodyError> + Send + 'static) -> Self {
        Self::new(Kind::Stream(Box::pin(body)))
    }

    pub(in crate::gateway) fn file(part: FilePart) -> Self {
        Self::new(Kind::File(Box::new(part)))
    }

    /// A body of shared bytes, which stay in memory anyway.
    pub(in crate::gateway) fn shared(bytes: Bytes) -> Self {
        Self { shared: true, ..Self::from(bytes) }
    }

    fn new(kind: Kind) -> Self {
        Self { kind, shared: false, streaming: None, permit: None }
    }

    /// The whole body, if it is in memory.
    #[must_use]
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.kind {
            Kind::Full(bytes) => Some(bytes),
            Kind::File(_) | Kind::Stream(_) => None,
        }
    }

    /// Bytes of memory that the body uses while it is unread.
    pub(in crate::gateway) fn bytes_held(&self) -> usize {
        match &self.kind {
            Kind::Full(bytes) if self.shared => bytes.len().min(ANSWER_CHUNK_BYTES),
            Kind::Full(bytes) => bytes.len(),
            Kind::File(_) | Kind::Stream(_) => ANSWER_CHUNK_BYTES,
        }
    }

    /// Reports to `activity` how the client reads the body, and holds `permit` until then.
    pub(in crate::gateway) fn watch(&mut self, activity: &Arc<Activity>, permit: UnreadPermit) {
        self.streaming = Some(activity.stream());
        self.permit = Some(permit);
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::new(Kind::Full(bytes))
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let polled = match &mut self.kind {
            Kind::Full(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Full(bytes) => {
                let chunk = bytes.split_to(bytes.len().min(ANSWER_CHUNK_BYTES));
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            Kind::File(part) => part.poll_frame(context).map_err(BodyError::from),
            Kind::Stream(stream) => stream.as_mut().poll_frame(context),
        };
        if let Some(streaming) = &mut self.streaming {
            streaming.progress(polled.is_ready());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(bytes) => bytes.is_empty(),
            Kind::File(part) => part.bytes_left() == 0,
            Kind::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::File(part) => SizeHint::with_exact(part.bytes_left()),
            Kind::Stream(stream) => stream.size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("size", &self.size_hint()).finish_non_exhaustive()
    }
}
