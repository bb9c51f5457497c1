//! Reads a request's body: bounded in bytes and time, and drained if that prevents a connection reset.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};

use crate::gateway::response::refusal::Refusal;
use crate::limits::BODY_DISCARD_BYTES_MAX;
use crate::runtime::RequestBodyError;

/// The limits of a request's body.
#[derive(Debug, Clone, Copy)]
pub(in crate::gateway) struct BodyLimits {
    pub(in crate::gateway) bytes_max: usize,
    pub(in crate::gateway) time_max: Duration,
}

/// In the extensions of a request that may have to be sent to another host: gets its body when that has been read whole,
/// unless it is too large to be kept while the request runs.
#[derive(Debug, Clone)]
pub struct BodyCopy {
    body: Arc<OnceLock<Bytes>>,
    bytes_max: usize,
}

impl BodyCopy {
    /// Of a body of at most `bytes_max` bytes.
    #[must_use]
    pub fn up_to(bytes_max: usize) -> Self {
        Self { body: Arc::default(), bytes_max }
    }

    fn keep(&self, body: &Bytes) {
        if body.len() <= self.bytes_max {
            let _first = self.body.set(body.clone());
        }
    }

    /// The body; `None` if it was not read whole, or went to a mounted service.
    pub fn get(&self) -> Option<Bytes> {
        self.body.get().cloned()
    }
}

/// The body of one request. It is not read before a method asks for it.
#[derive(Debug)]
pub(in crate::gateway) struct RequestBody {
    body: Option<Incoming>,
    limits: BodyLimits,
    copy: Option<BodyCopy>,
}

impl RequestBody {
    pub(in crate::gateway) fn new(body: Incoming, limits: BodyLimits, copy: Option<BodyCopy>) -> Self {
        if let Some(copy) = copy.as_ref().filter(|_| body.is_end_stream()) {
            copy.keep(&Bytes::new());
        }
        Self { body: Some(body), limits, copy }
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// [`Refusal::BodyTooLarge`], before reading if the client announces the length; [`Refusal::BodySlow`]; or
    /// [`Refusal::Malformed`] if the body breaks off.
    pub(in crate::gateway) async fn read(&mut self) -> Result<Bytes, Refusal> {
        self.read_up_to(self.limits.bytes_max).await
    }

    /// Whether the body is empty. Reads only a little of a body that is not.
    ///
    /// # Errors
    ///
    /// Like [`RequestBody::read`].
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
            Ok(gathered) => {
                if let (Some(copy), Ok(bytes)) = (&self.copy, &gathered) {
                    copy.keep(bytes);
                }
                gathered
            }
            Err(_late) => {
                // The body gets no more time, not even to be discarded.
                self.body = None;
                Err(Refusal::BodySlow)
            }
        }
    }

    /// Reads and discards the rest of the body, up to the limits. If a server closes while its client still sends, the
    /// client may lose the answer.
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
        // A timeout has the same result as a body that is too large: the connection closes.
        let _late = tokio::time::timeout(self.limits.time_max, read_out).await;
    }

    /// Whether the client announces that there is no body.
    pub(in crate::gateway) fn is_absent(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    /// The body as a stream for another handler, under `limits` of its own.
    ///
    /// # Errors
    ///
    /// [`Refusal::BodyTooLarge`] if the client announces such a length.
    pub(in crate::gateway) fn take_stream(&mut self, limits: BodyLimits) -> Result<Option<IncomingBody>, Refusal> {
        let BodyLimits { bytes_max, time_max } = limits;
        let Some(body) = &self.body else { return Ok(None) };
        if usize::try_from(body.size_hint().lower()).map_or(true, |bytes| bytes > bytes_max) {
            return Err(Refusal::BodyTooLarge { bytes_max });
        }
        let deadline = Box::pin(tokio::time::sleep(time_max));
        let body = self.body.take();
        Ok(body.map(|body| IncomingBody { body: Some(body), bytes_max, bytes_left: bytes_max, deadline }))
    }

    /// The request's own body, unless it was taken or has used up its time.
    pub(in crate::gateway) fn into_incoming(self) -> Option<Incoming> {
        self.body
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
        // Most bodies arrive in one piece, which is then passed on without a copy.
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

/// A request's body as it arrives. It ends with an error if it exceeds a limit.
#[derive(Debug)]
pub struct IncomingBody {
    /// `None` if it is empty.
    body: Option<Incoming>,
    bytes_max: usize,
    bytes_left: usize,
    deadline: Pin<Box<tokio::time::Sleep>>,
}

impl IncomingBody {
    /// The body of a request that has none.
    pub(in crate::gateway) fn empty() -> Self {
        let deadline = Box::pin(tokio::time::sleep(Duration::ZERO));
        Self { body: None, bytes_max: 0, bytes_left: 0, deadline }
    }
}

impl HttpBody for IncomingBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match Pin::new(body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                Poll::Ready(Some(match self.bytes_left.checked_sub(bytes) {
                    Some(left) => {
                        self.bytes_left = left;
                        Ok(frame)
                    }
                    None => Err(RequestBodyError::TooLarge { bytes_max: self.bytes_max }),
                }))
            }
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(Some(Err(RequestBodyError::BrokeOff { source: error.into() })))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending if self.deadline.as_mut().poll(context).is_ready() => {
                Poll::Ready(Some(Err(RequestBodyError::Slow)))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), HttpBody::size_hint)
    }
}
