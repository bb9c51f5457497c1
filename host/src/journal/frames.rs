//! Reads a segment: its records in order, and the bytes after the last one.
//!
//! The pieces of a large record are between other records. The record takes effect at the frame that names its pieces.

use std::borrow::Cow;
use std::collections::HashMap;

use super::frame::{
    ALIGNMENT, Damage, FRAME_HEADER_BYTES, Fields, FrameHeader, FrameKind, HEAD_BYTES, SEGMENT_HEADER_BYTES,
    SegmentHeader, frame_bytes,
};
use super::stream::Position;
use crate::names::CommitSeq;

/// Reads the frames of one segment in order: an iterator over the records' numbers and bytes. After its end,
/// [`Frames::end`] describes the rest.
///
/// It reads bytes from any source safely.
#[derive(Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    header: SegmentHeader,
    offset: usize,
    next: u64,
    /// The pieces of records that are not complete yet.
    pieces: HashMap<u64, Vec<&'a [u8]>>,
    /// Everything up to this number was durable when one of the frames was written.
    durable: u64,
    /// The position of the last mark that has one.
    position: Option<Position>,
    /// That position and the records after it.
    reached: Option<Position>,
}

/// How the frames of a segment end.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// Only zeros follow the last frame.
    Clean,
    /// The bytes after the last frame were never durable.
    Torn,
    /// The bytes after the last frame had been durable.
    Damaged(Damage),
}

impl<'a> Frames<'a> {
    /// # Errors
    ///
    /// [`Damage`] unless `bytes` begin with the header of a segment.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Damage> {
        let header = SegmentHeader::decode(bytes)?;
        let (offset, next) = (SEGMENT_HEADER_BYTES, header.first.0);
        Ok(Self { bytes, header, offset, next, pieces: HashMap::new(), durable: 0, position: None, reached: None })
    }

    /// The number that the next record would have.
    #[must_use]
    pub fn next_number(&self) -> CommitSeq {
        CommitSeq(self.next)
    }

    /// The offset of the next frame in bytes from the beginning of the segment, whether there is one or not.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Whether a later frame shows that every record so far is durable.
    #[must_use]
    pub fn all_durable(&self) -> bool {
        self.durable + 1 >= self.next
    }

    /// The position in the stream of the cluster that the last mark so far has.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// The last position, moved on by the records after it. Their epoch is not known: that of the mark is taken.
    #[must_use]
    pub(crate) fn reached(&self) -> Option<Position> {
        self.reached
    }

    /// How the segment continues after the frames that were read.
    #[must_use]
    pub fn end(&self) -> End {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        if rest.iter().all(|byte| *byte == 0) {
            return End::Clean;
        }
        let number = self.next;
        if let Some(header) = FrameHeader::decode(self.header.journal, rest)
            && header.number != number
        {
            return End::Damaged(Damage::Order { number: header.number, expected: number });
        }
        // A frame that was written when `number` was durable proves that record `number` was here.
        let proof = (ALIGNMENT..rest.len()).step_by(ALIGNMENT).any(|at| {
            let header = rest.get(at..).and_then(|bytes| {
                plausible(bytes, number).then(|| FrameHeader::decode(self.header.journal, bytes)).flatten()
            });
            header.is_some_and(|header| header.durable >= number)
        });
        if proof { End::Damaged(Damage::Frame { number }) } else { End::Torn }
    }

    /// The frame at the current offset, if it is valid.
    fn frame(&self) -> Option<(FrameHeader, &'a [u8])> {
        let rest = self.bytes.get(self.offset..)?;
        let header = FrameHeader::decode(self.header.journal, rest)?;
        let bytes = usize::try_from(header.body_bytes).ok()?;
        let body = rest.get(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES.checked_add(bytes)?)?;
        let padding = rest.get(FRAME_HEADER_BYTES + bytes..frame_bytes(bytes))?;
        let good = header.number == self.next
            && crc32fast::hash(body) == header.body_checksum
            && padding.iter().all(|byte| *byte == 0);
        good.then_some((header, body))
    }

    /// The record whose pieces `body` names; `None` if a piece is missing.
    fn assembled(&mut self, body: &[u8]) -> Option<Vec<u8>> {
        let (head, rest) = body.split_at_checked(HEAD_BYTES)?;
        let (id, count) = rest.split_first_chunk()?;
        let count = u32::from_le_bytes(count.try_into().ok()?);
        let pieces = self.pieces.remove(&u64::from_le_bytes(*id)).unwrap_or_default();
        (u32::try_from(pieces.len()) == Ok(count)).then(|| [&[head], pieces.as_slice()].concat().concat())
    }
}

/// Whether `bytes` may begin with a frame that was written when `number` was durable. A cheap test at every offset of a
/// torn segment, before the checksum.
fn plausible(bytes: &[u8], number: u64) -> bool {
    let Some((header, _)) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>() else { return false };
    let mut fields = Fields(header);
    let _lengths = fields.u64();
    let (own, durable) = (fields.u64(), fields.u64());
    durable >= number && durable < own
}

impl<'a> Iterator for Frames<'a> {
    type Item = (CommitSeq, Cow<'a, [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (header, body) = self.frame()?;
            let record = match header.kind {
                FrameKind::Record => Some(Cow::Borrowed(body)),
                FrameKind::InPieces => Some(Cow::Owned(self.assembled(body)?)),
                FrameKind::Piece => {
                    let (id, piece) = body.split_first_chunk()?;
                    self.pieces.entry(u64::from_le_bytes(*id)).or_default().push(piece);
                    None
                }
                FrameKind::Mark => {
                    if let Some(position) = Position::decode(body) {
                        (self.position, self.reached) = (Some(position), Some(position));
                    }
                    None
                }
            };
            self.offset += frame_bytes(body.len());
            self.durable = self.durable.max(header.durable);
            if let Some(record) = record {
                let number = CommitSeq(self.next);
                self.next += 1;
                if let Some(Position { epoch, number: last, hash, .. }) = &mut self.reached {
                    (*hash, *last) = (hash.with(*epoch, number, &record), number);
                }
                return Some((number, record));
            }
        }
    }
}
