//! A segment's bytes: its header, the frames around its records, and their checksums.
//!
//! Each frame contains the number up to which everything was durable when it was written. So a reader that finds a bad
//! frame can distinguish a write torn by power loss, after which nothing was written, from damage to durable data.
//! `docs/journal-format.md` has the layout byte by byte.

use super::record::TIME_BYTES;
use crate::names::CommitSeq;

/// Bytes of a segment's header.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;
/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 32;
/// Bytes of a record that are in its own frame when the rest is in pieces. These bytes are written last.
pub(crate) const HEAD_BYTES: usize = TIME_BYTES;
/// Frames begin at multiples of this.
pub(super) const ALIGNMENT: usize = 8;

const MAGIC: [u8; 8] = *b"SWYDJRNL";
pub const JOURNAL_FORMAT: u32 = 2;

/// The unique id of a data directory's journal, drawn at random when the journal begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalId(pub [u8; 16]);

impl JournalId {
    /// The id of a new journal.
    ///
    /// # Errors
    ///
    /// When the system provides no random numbers.
    pub(crate) fn random() -> std::io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self(bytes))
    }

    /// The form in names of files and folders: 32 hex digits.
    ///
    /// # Errors
    ///
    /// `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lower = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let bits = u128::from_str_radix(text, 16).ok().filter(|_| lower)?;
        Some(Self(bits.to_be_bytes()))
    }
}

impl std::fmt::Display for JournalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The first bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) journal: JournalId,
    /// The number of the first record in the segment.
    pub(crate) first: CommitSeq,
}

/// Damage in the bytes of a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("it does not begin as a segment of a switchyard journal")]
    Foreign,
    #[error(
        "it has format {version}, and this version of switchyard reads format {JOURNAL_FORMAT}: keep the data directory for \
         the version that wrote it, and start this one on a new data directory"
    )]
    Version { version: u32 },
    #[error("its header does not match its checksum")]
    Header,
    #[error("record {number} does not match its checksum")]
    Frame { number: u64 },
    #[error("found record {number} where record {expected} should be")]
    Order { number: u64, expected: u64 },
    #[error("record {number}: {source}")]
    Record { number: u64, source: super::record::RecordError },
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&JOURNAL_FORMAT.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.journal.0);
        bytes.extend_from_slice(&self.first.0.to_le_bytes());
        bytes.resize(SEGMENT_HEADER_BYTES - 4, 0);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.try_into().expect("the fields above are 64 bytes")
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let mut fields = Fields(bytes.get(..SEGMENT_HEADER_BYTES).ok_or(Damage::Foreign)?);
        if fields.take::<8>() != MAGIC {
            return Err(Damage::Foreign);
        }
        let version = fields.u32();
        if version != JOURNAL_FORMAT {
            return Err(Damage::Version { version });
        }
        let _reserved = fields.u32();
        let header = Self { journal: JournalId(fields.take()), first: CommitSeq(fields.u64()) };
        let good = header.encode() == bytes.get(..SEGMENT_HEADER_BYTES).unwrap_or_default();
        if good { Ok(header) } else { Err(Damage::Header) }
    }
}

/// The content of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u32)]
pub(crate) enum FrameKind {
    /// A whole record.
    #[default]
    Record = 0,
    /// No content: its header records the durable number while no records were written.
    Mark = 1,
    /// A piece of a large record that follows later in the segment: the record's id, and some of its bytes.
    Piece = 2,
    /// A record whose bytes after the first eight are in pieces: those eight, its id, and the number of pieces.
    InPieces = 3,
}

impl FrameKind {
    const ALL: [Self; 4] = [Self::Record, Self::Mark, Self::Piece, Self::InPieces];

    /// Whether the frame takes a number.
    pub(super) fn is_record(self) -> bool {
        matches!(self, Self::Record | Self::InPieces)
    }
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) body_bytes: u32,
    pub(super) body_checksum: u32,
    /// The number of the record, or of the next one if the frame has no record.
    pub(super) number: u64,
    /// Everything up to this number was durable when the frame was written.
    pub(super) durable: u64,
    pub(super) kind: FrameKind,
}

impl FrameHeader {
    fn encode(&self, journal: JournalId) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let (fields, checksum) = bytes.split_at_mut(FRAME_HEADER_BYTES - 4);
        let parts: [&[u8]; 5] = [
            &self.body_bytes.to_le_bytes(),
            &self.body_checksum.to_le_bytes(),
            &self.number.to_le_bytes(),
            &self.durable.to_le_bytes(),
            &(self.kind as u32).to_le_bytes(),
        ];
        for (place, byte) in fields.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
        }
        checksum.copy_from_slice(&header_checksum(journal, fields).to_le_bytes());
        bytes
    }

    /// Reads a header as [`FrameHeader::encode`] writes it.
    pub(super) fn decode(journal: JournalId, bytes: &[u8]) -> Option<Self> {
        let (bytes, _) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>()?;
        let mut fields = Fields(bytes);
        let (body_bytes, body_checksum) = (fields.u32(), fields.u32());
        let (number, durable, kind) = (fields.u64(), fields.u64(), fields.u32());
        let kind = FrameKind::ALL.into_iter().find(|known| *known as u32 == kind)?;
        let header = Self { body_bytes, body_checksum, number, durable, kind };
        (header.encode(journal) == *bytes).then_some(header)
    }
}

/// The checksum covers the journal's id. So a frame of another journal is no valid frame here, and neither are stored
/// bytes that a guest made to look like a frame.
fn header_checksum(journal: JournalId, fields: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&journal.0);
    hasher.update(fields);
    hasher.finalize()
}

/// Bytes of a segment that a record of `body_bytes` uses.
pub(crate) fn frame_bytes(body_bytes: usize) -> usize {
    FRAME_HEADER_BYTES + body_bytes.next_multiple_of(ALIGNMENT)
}

/// Appends the frame of one body to `out`. `body` is shorter than 4 GiB.
pub(crate) fn put_frame(out: &mut Vec<u8>, journal: JournalId, number: CommitSeq, durable: CommitSeq, body: &Body) {
    let header = FrameHeader {
        body_bytes: u32::try_from(body.bytes.len()).expect("a record is bounded far below 4 GiB"),
        body_checksum: body.checksum,
        number: number.0,
        durable: durable.0,
        kind: body.kind,
    };
    let end = out.len() + frame_bytes(body.bytes.len());
    out.extend_from_slice(&header.encode(journal));
    out.extend_from_slice(&body.bytes);
    out.resize(end, 0);
}

/// The bytes of one frame and their checksum.
#[derive(Debug, Default)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    /// The checksum of the bytes after the time.
    behind_time: crc32fast::Hasher,
    checksum: u32,
    kind: FrameKind,
}

impl Body {
    /// A whole record.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self::of_kind(FrameKind::Record, bytes)
    }

    pub(super) fn of_kind(kind: FrameKind, bytes: Vec<u8>) -> Self {
        let (time, rest) = bytes.split_at_checked(TIME_BYTES).unwrap_or((&bytes, &[]));
        let mut behind_time = crc32fast::Hasher::new();
        behind_time.update(rest);
        let checksum = combined(time, &behind_time);
        Self { bytes, behind_time, checksum, kind }
    }

    /// A piece of the record `id` with `bytes`.
    pub(super) fn piece(id: u64, bytes: &[u8]) -> Self {
        Self::of_kind(FrameKind::Piece, [&id.to_le_bytes(), bytes].concat())
    }

    /// The record `id`, with the first bytes `head` and the rest in `pieces` pieces.
    pub(super) fn in_pieces(id: u64, head: &[u8], pieces: u32) -> Self {
        Self::of_kind(FrameKind::InPieces, [head, &id.to_le_bytes(), &pieces.to_le_bytes()].concat())
    }

    /// Sets the journal time of the record, without reading the rest of it again.
    pub(crate) fn stamp(&mut self, time_unix_micros: u64) {
        let time = time_unix_micros.to_le_bytes();
        if let Some(place) = self.bytes.first_chunk_mut() {
            *place = time;
            self.checksum = combined(&time, &self.behind_time);
        }
    }

    pub(super) fn kind(&self) -> FrameKind {
        self.kind
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

fn combined(time: &[u8], behind_time: &crc32fast::Hasher) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(time);
    hash.combine(behind_time);
    hash.finalize()
}

/// Takes fields from the front of bytes whose length was checked.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk::<N>().expect("the length was checked for all fields");
        self.0 = rest;
        *field
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}
