//! A body that is read from a file while it is sent: the whole file, or parts of it with bytes between them.

use std::collections::VecDeque;
use std::io::{self, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use hyper::body::Frame;
use tokio::fs::File;
use tokio::io::{AsyncRead as _, AsyncSeek as _, ReadBuf};

use crate::limits::FILE_CHUNK_BYTES;

/// A piece of the body.
#[derive(Debug)]
pub(in crate::gateway) enum Piece {
    Bytes(Bytes),
    /// A range of bytes in the file.
    File(Range<u64>),
}

/// The part of a file that is not sent yet.
#[derive(Debug)]
pub(in crate::gateway) struct FilePart {
    file: File,
    pieces: VecDeque<Piece>,
    bytes_left: u64,
    position: FilePosition,
}

/// The current read position of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FilePosition {
    At(u64),
    Seeking(u64),
}

impl FilePart {
    /// The body of `pieces`, in their order, from `file`, which was just opened.
    pub(in crate::gateway) fn new(file: File, pieces: impl IntoIterator<Item = Piece>) -> Self {
        let pieces: VecDeque<_> = pieces.into_iter().collect();
        let bytes_left = pieces.iter().map(Piece::bytes).fold(0, u64::saturating_add);
        Self { file, pieces, bytes_left, position: FilePosition::At(0) }
    }

    pub(in crate::gateway) fn bytes_left(&self) -> u64 {
        self.bytes_left
    }

    pub(in crate::gateway) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let read = match self.pieces.front_mut() {
            None => return Poll::Ready(None),
            Some(Piece::Bytes(bytes)) => Ok(std::mem::take(bytes)),
            Some(Piece::File(range)) => {
                ready!(read(&mut self.file, &mut self.position, range, context))
            }
        };
        if self.pieces.front().is_some_and(|piece| piece.bytes() == 0) {
            self.pieces.pop_front();
        }
        Poll::Ready(Some(match read {
            Ok(bytes) => {
                self.bytes_left = self.bytes_left.saturating_sub(bytes.len() as u64);
                Ok(Frame::data(bytes))
            }
            Err(error) => {
                self.pieces.clear();
                Err(error)
            }
        }))
    }
}

impl Piece {
    fn bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(range) => range.end - range.start,
        }
    }
}

/// Reads the next bytes of `range`, and shortens it by them.
fn read(
    file: &mut File,
    position: &mut FilePosition,
    range: &mut Range<u64>,
    context: &mut Context<'_>,
) -> Poll<io::Result<Bytes>> {
    if *position != FilePosition::At(range.start) {
        if *position != FilePosition::Seeking(range.start) {
            Pin::new(&mut *file).start_seek(SeekFrom::Start(range.start))?;
            *position = FilePosition::Seeking(range.start);
        }
        ready!(Pin::new(&mut *file).poll_complete(context))?;
        *position = FilePosition::At(range.start);
    }
    let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX).min(FILE_CHUNK_BYTES);
    let mut chunk = BytesMut::zeroed(wanted);
    let mut buffer = ReadBuf::new(&mut chunk);
    ready!(Pin::new(file).poll_read(context, &mut buffer))?;
    let bytes = buffer.filled().len();
    if bytes == 0 {
        // The length is already sent, so the answer can only be cut off.
        return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
    }
    chunk.truncate(bytes);
    range.start += bytes as u64;
    *position = FilePosition::At(range.start);
    Poll::Ready(Ok(chunk.freeze()))
}
