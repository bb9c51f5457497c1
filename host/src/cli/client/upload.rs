//! The body of a request, sent in pieces and counted.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::cli::output::progress::Progress;

/// Bytes of one piece: small enough to show the progress of a slow upload.
const PIECE_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(in crate::cli) struct Upload {
    rest: Bytes,
    progress: Progress,
}

impl Upload {
    pub(in crate::cli) fn new(content: Bytes, progress: Progress) -> Self {
        Self { rest: content, progress }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let upload = self.get_mut();
        if upload.rest.is_empty() {
            return Poll::Ready(None);
        }
        let piece = upload.rest.split_to(upload.rest.len().min(PIECE_BYTES));
        upload.progress.sent(piece.len());
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.rest.len()).unwrap_or(u64::MAX))
    }
}
