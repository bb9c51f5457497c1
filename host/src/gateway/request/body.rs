//! Taking a request's body in: bounded in bytes and time, and read out to its end where that is kinder than a reset.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

use crate::gateway::response::body::BodyError;
use crate::gateway::response::refusal::Refusal;
use crate::limits::BODY_DISCARD_BYTES_MAX;

/// The bounds of a request's body.
#[derive(Debug, Clone, Copy)]
pub(in crate::gateway) struct BodyLimits {
    pub(in crate::gateway) bytes_max: usize,
    pub(in crate::gateway) time_max: Duration,
}

/// The body of one request. Nothing of it is read before it is asked for.
#[derive(Debug)]
pub(in crate::gateway) struct RequestBody {
    body: Option<Incoming>,
    limits: BodyLimits,
}

impl RequestBody {
    pub(in crate::gateway) fn new(body: Incoming, limits: BodyLimits) -> Self {
        Self { body: Some(body), limits }
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// [`Refusal::BodyTooLarge`] before anything is read where the client says so, [`Refusal::BodySlow`], and
    /// [`Refusal::Malformed`] where it breaks off.
    pub(in crate::gateway) async fn read(&mut self) -> Result<Bytes, Refusal> {
        self.read_up_to(self.limits.bytes_max).await
    }

    /// Whether the body is empty. Of one that is not, little is read.
    ///
    /// # Errors
    ///
    /// As [`RequestBody::read`].
    pub(in crate::gateway) async fn is_empty(&mut self) -> Result<bool, Refusal> {
        match self.body.as_ref().map(|body| (body.is_end_stream(), body.size_hint().lower())) {
            None | Some((true, _)) => Ok(true),
            Some((false, 1..)) => Ok(false),
            Some((false, 0)) => match self.read_up_to(0).await {
                Ok(_nothing) => Ok(true),
                Err(Refusal::BodyTooLarge { .. }) => Ok(false),
                Err(refusal) => Err(refusal),
            },
        }
    }

    async fn read_up_to(&mut self, bytes_max: usize) -> Result<Bytes, Refusal> {
        let Some(body) = &mut self.body else { return Ok(Bytes::new()) };
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        if usize::try_from(body.size_hint().lower()).map_or(true, |bytes| bytes > bytes_max) {
            return Err(Refusal::BodyTooLarge { bytes_max });
        }
        match tokio::time::timeout(self.limits.time_max, gather(body, bytes_max)).await {
            Ok(gathered) => gathered,
            Err(_late) => {
                // It gets no more time, not even to be thrown away.
                self.body = None;
                Err(Refusal::BodySlow)
            }
        }
    }

    /// Reads what is left and throws it away, as far as that is worth it: a server that closes while its client
    /// still sends takes the answer away from it.
    pub(in crate::gateway) async fn discard(&mut self) {
        let Some(mut body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        if body.size_hint().lower() > BODY_DISCARD_BYTES_MAX as u64 {
            return;
        }
        let read_out = async {
            let mut left = BODY_DISCARD_BYTES_MAX;
            while let Some(Ok(frame)) = body.frame().await {
                left = match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                    Some(left) => left,
                    None => return,
                };
            }
        };
        // Late is no different from too large: the connection is closed.
        let _late = tokio::time::timeout(self.limits.time_max, read_out).await;
    }

    /// Whether the client says that there is no body.
    pub(in crate::gateway) fn is_absent(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    /// The body as it comes in, for a handler of its own, under the same bounds.
    pub(in crate::gateway) fn take_stream(&mut self) -> Option<IncomingBody> {
        let deadline = Box::pin(tokio::time::sleep(self.limits.time_max));
        self.body.take().map(|body| IncomingBody { body, bytes_left: self.limits.bytes_max, deadline })
    }
}

async fn gather(body: &mut Incoming, bytes_max: usize) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    let mut left = bytes_max;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Malformed { what: "The body is malformed or breaks off." })?;
        let Ok(data) = frame.into_data() else { continue };
        left = left.checked_sub(data.len()).ok_or(Refusal::BodyTooLarge { bytes_max })?;
        // A body mostly comes in one piece, which is then handed on as it is.
        if first.is_empty() {
            first = data;
        } else {
            if more.is_empty() {
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&data);
        }
    }
    Ok(if more.is_empty() { first } else { more.freeze() })
}

/// A request's body as it comes in. It ends with an error where it passes a bound.
#[derive(Debug)]
pub struct IncomingBody {
    body: Incoming,
    bytes_left: usize,
    deadline: Pin<Box<tokio::time::Sleep>>,
}

/// Why a request's body was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    #[error("the body is too large")]
    TooLarge,
    #[error("the body did not come in time")]
    Slow,
}

impl HttpBody for IncomingBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                match self.bytes_left.checked_sub(bytes) {
                    Some(left) => {
                        self.bytes_left = left;
                        Poll::Ready(Some(Ok(frame)))
                    }
                    None => Poll::Ready(Some(Err(IncomingError::TooLarge.into()))),
                }
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.deadline.as_mut().poll(context).is_ready() => {
                Poll::Ready(Some(Err(IncomingError::Slow.into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
