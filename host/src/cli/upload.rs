//! The body of a request: sent in pieces, and counted while it goes.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::progress::Progress;

/// Bytes of one piece: small enough that the progress of a slow upload is seen.
const PIECE_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Upload {
    rest: Bytes,
    progress: Progress,
}

impl Upload {
    pub(super) fn new(content: Bytes, progress: Progress) -> Self {
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

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn an_upload_goes_in_pieces_and_is_whole_and_counted() {
        for length in [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES + 7] {
            let content: Bytes = (0..length).map(|index| u8::try_from(index % 251).expect("small")).collect();
            let progress = Progress::hidden();
            let mut upload = Upload::new(content.clone(), progress.clone());
            let mut whole = Vec::new();
            while let Some(Ok(frame)) = upload.frame().await {
                let left = upload.size_hint().exact().expect("a length");
                let piece = frame.into_data().expect("data");
                assert!(piece.len() <= PIECE_BYTES);
                whole.extend(piece);
                assert_eq!(u64::try_from(whole.len()).expect("small") + left, u64::try_from(length).expect("small"));
            }
            assert_eq!((whole, progress.position()), (content.to_vec(), u64::try_from(length).expect("small")));
            assert!(upload.is_end_stream());
        }
    }
}
