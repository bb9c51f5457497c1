//! The body of a request of which each run gets the whole, as long as it is not too large to be kept.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};

use crate::limits::REPLAYED_BODY_BYTES_MAX;
use crate::runtime::RequestBodyError;

/// The body of one request, for all of its runs.
pub(super) struct Replay<B>(Arc<Mutex<Source<B>>>);

struct Source<B> {
    body: Pin<Box<B>>,
    /// What was read so far, if `is_kept`.
    pieces: Vec<Bytes>,
    bytes: usize,
    is_kept: bool,
    has_ended: bool,
    /// The current run. Earlier ones get no more.
    run: usize,
    bytes_max_exceeded: Option<usize>,
}

impl<B> Replay<B> {
    pub(super) fn new(body: B) -> Self {
        Self(Arc::new(Mutex::new(Source {
            body: Box::pin(body),
            pieces: Vec::new(),
            bytes: 0,
            is_kept: true,
            has_ended: false,
            run: 0,
            bytes_max_exceeded: None,
        })))
    }

    /// The body for the next run.
    pub(super) fn next_run(&self) -> RunBody<B> {
        let mut source = lock(&self.0);
        source.run += 1;
        RunBody { source: Arc::clone(&self.0), run: source.run, position: 0 }
    }

    /// Whether another run can have the whole body.
    pub(super) fn can_repeat(&self) -> bool {
        lock(&self.0).is_kept
    }

    /// No run follows: nothing is kept any more.
    pub(super) fn is_last(&self) {
        lock(&self.0).keep_no_more();
    }

    /// The limit that the body exceeded, if the guest has met it.
    pub(super) fn bytes_max_exceeded(&self) -> Option<usize> {
        lock(&self.0).bytes_max_exceeded
    }
}

impl<B> Source<B> {
    fn keep_no_more(&mut self) {
        self.is_kept = false;
        self.pieces = Vec::new();
    }

    fn keep(&mut self, frame: &Frame<Bytes>) {
        // Trailers are rare, and not worth a second kind of piece.
        let piece = frame.data_ref().filter(|piece| self.bytes + piece.len() <= REPLAYED_BODY_BYTES_MAX);
        match piece {
            Some(piece) if self.is_kept => {
                self.bytes += piece.len();
                self.pieces.push(piece.clone());
            }
            _ => self.keep_no_more(),
        }
    }
}

fn lock<B>(source: &Mutex<Source<B>>) -> MutexGuard<'_, Source<B>> {
    source.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body of a request in one run: first what earlier runs have read, and then the rest as it arrives.
pub(super) struct RunBody<B> {
    source: Arc<Mutex<Source<B>>>,
    run: usize,
    position: usize,
}

impl<B> fmt::Debug for RunBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunBody").field("run", &self.run).finish_non_exhaustive()
    }
}

impl<B> Body for RunBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<RequestBodyError>,
{
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let own = Arc::clone(&self.source);
        let mut source = lock(&own);
        if source.run != self.run {
            return Poll::Ready(Some(Err(RequestBodyError::Slow)));
        }
        if let Some(piece) = source.pieces.get(self.position).cloned() {
            self.position += 1;
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if source.has_ended {
            return Poll::Ready(None);
        }
        let polled = std::task::ready!(source.body.as_mut().poll_frame(context));
        Poll::Ready(match polled {
            Some(Ok(frame)) => {
                source.keep(&frame);
                self.position += 1;
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                let error = error.into();
                source.keep_no_more();
                source.has_ended = true;
                if let RequestBodyError::TooLarge { bytes_max } = error {
                    source.bytes_max_exceeded = Some(bytes_max);
                }
                Some(Err(error))
            }
            None => {
                source.has_ended = true;
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        let source = lock(&self.source);
        self.position >= source.pieces.len() && (source.has_ended || source.body.is_end_stream())
    }
}

#[cfg(test)]
mod tests;
