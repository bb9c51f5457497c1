//! A segment's bytes: its header, the frames around its records, and their checksums.
//!
//! Each frame says up to which number all was durable when it was written. So a reader that meets a bad frame can tell
//! a write that power loss tore (nothing behind it was written later) from damage to what had been durable.
//! `docs/journal-format.md` has the layout byte by byte.

use super::record::TIME_BYTES;
use crate::names::CommitSeq;

/// Bytes of a segment's header.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;
/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 32;
/// Frames begin at multiples of this.
const ALIGNMENT: usize = 8;

const MAGIC: [u8; 8] = *b"SWYDJRNL";
const VERSION: u32 = 2;

/// What makes the journal of one data directory distinct from every other, drawn when it is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalId(pub [u8; 16]);

impl JournalId {
    /// That of a new journal.
    ///
    /// # Errors
    ///
    /// When the system gives no random numbers.
    pub(crate) fn random() -> std::io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self(bytes))
    }

    /// As files and folders are named by it: 32 hex digits.
    ///
    /// # Errors
    ///
    /// Nothing for any other text.
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

/// What is wrong with the bytes of a segment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("it does not begin as a segment of a switchyard journal")]
    Foreign,
    #[error(
        "it has format {version}, and this version of switchyard reads format {VERSION}: keep the data directory for \
         the version that wrote it, and start this one on a new data directory"
    )]
    Version { version: u32 },
    #[error("its header does not match its checksum")]
    Header,
    #[error("record {number} does not match its checksum")]
    Frame { number: u64 },
    #[error("record {number} follows where {expected} should")]
    Order { number: u64, expected: u64 },
    #[error("record {number}: {source}")]
    Record { number: u64, source: super::record::RecordError },
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
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
        if version != VERSION {
            return Err(Damage::Version { version });
        }
        let _reserved = fields.u32();
        let header = Self { journal: JournalId(fields.take()), first: CommitSeq(fields.u64()) };
        let good = header.encode() == bytes.get(..SEGMENT_HEADER_BYTES).unwrap_or_default();
        if good { Ok(header) } else { Err(Damage::Header) }
    }
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FrameHeader {
    body_bytes: u32,
    body_checksum: u32,
    number: u64,
    /// All up to this number was durable when the frame was written.
    durable: u64,
}

impl FrameHeader {
    fn encode(&self, journal: JournalId) -> [u8; FRAME_HEADER_BYTES] {
        let mut bytes = [0; FRAME_HEADER_BYTES];
        let (fields, checksum) = bytes.split_at_mut(FRAME_HEADER_BYTES - 4);
        let parts: [&[u8]; 4] = [
            &self.body_bytes.to_le_bytes(),
            &self.body_checksum.to_le_bytes(),
            &self.number.to_le_bytes(),
            &self.durable.to_le_bytes(),
        ];
        for (place, byte) in fields.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
        }
        checksum.copy_from_slice(&header_checksum(journal, fields).to_le_bytes());
        bytes
    }

    /// Reads a header that is what [`FrameHeader::encode`] would write.
    fn decode(journal: JournalId, bytes: &[u8]) -> Option<Self> {
        let (bytes, _) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>()?;
        let mut fields = Fields(bytes);
        let header =
            Self { body_bytes: fields.u32(), body_checksum: fields.u32(), number: fields.u64(), durable: fields.u64() };
        (header.encode(journal) == *bytes).then_some(header)
    }
}

/// The journal's id goes into the checksum: a frame of another journal, or bytes that a guest made to look like a
/// frame and stored, are no frame here.
fn header_checksum(journal: JournalId, fields: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&journal.0);
    hasher.update(fields);
    hasher.finalize()
}

/// Bytes that a record of `body_bytes` takes in a segment.
pub(crate) fn frame_bytes(body_bytes: usize) -> usize {
    FRAME_HEADER_BYTES + body_bytes.next_multiple_of(ALIGNMENT)
}

/// Puts the frame of one record at the end of `out`. `body` is shorter than 4 GiB.
pub(crate) fn put_frame(out: &mut Vec<u8>, journal: JournalId, number: CommitSeq, durable: CommitSeq, body: &Body) {
    let header = FrameHeader {
        body_bytes: u32::try_from(body.bytes.len()).expect("a record is bounded far below 4 GiB"),
        body_checksum: body.checksum,
        number: number.0,
        durable: durable.0,
    };
    let end = out.len() + frame_bytes(body.bytes.len());
    out.extend_from_slice(&header.encode(journal));
    out.extend_from_slice(&body.bytes);
    out.resize(end, 0);
}

/// The bytes of one record and their checksum.
#[derive(Debug)]
pub(crate) struct Body {
    bytes: Vec<u8>,
    /// Of the bytes behind the time.
    behind_time: crc32fast::Hasher,
    checksum: u32,
}

impl Body {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let (time, rest) = bytes.split_at_checked(TIME_BYTES).unwrap_or((&bytes, &[]));
        let mut behind_time = crc32fast::Hasher::new();
        behind_time.update(rest);
        let checksum = combined(time, &behind_time);
        Self { bytes, behind_time, checksum }
    }

    /// Gives the record its journal time, without reading the rest of it again.
    pub(crate) fn stamp(&mut self, time_unix_micros: u64) {
        let time = time_unix_micros.to_le_bytes();
        if let Some(place) = self.bytes.first_chunk_mut() {
            *place = time;
            self.checksum = combined(&time, &self.behind_time);
        }
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

/// Reads the frames of one segment in order: an iterator of the records' numbers and bytes. At its end
/// [`Frames::end`] tells what follows.
///
/// Bytes of any origin are safe to read.
#[derive(Debug)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    header: SegmentHeader,
    offset: usize,
    next: u64,
}

/// How the frames of a segment end.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing but zeros behind the last frame.
    Clean,
    /// What lies behind the last frame was never durable.
    Torn,
    /// What lies behind the last frame had been durable.
    Damaged(Damage),
}

impl<'a> Frames<'a> {
    /// # Errors
    ///
    /// [`Damage`] unless `bytes` begin with the header of a segment.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Damage> {
        let header = SegmentHeader::decode(bytes)?;
        Ok(Self { bytes, header, offset: SEGMENT_HEADER_BYTES, next: header.first.0 })
    }

    /// The number that the next record would have.
    #[must_use]
    pub fn next_number(&self) -> CommitSeq {
        CommitSeq(self.next)
    }

    /// Where the next frame begins, or would begin: in bytes from the beginning of the segment.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What stands behind the frames that were read.
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
        // A frame that was written when `number` was durable proves that `number` was here once.
        let proof = (ALIGNMENT..rest.len()).step_by(ALIGNMENT).any(|at| {
            let header = rest.get(at..).and_then(|bytes| {
                plausible(bytes, number).then(|| FrameHeader::decode(self.header.journal, bytes)).flatten()
            });
            header.is_some_and(|header| header.durable >= number)
        });
        if proof { End::Damaged(Damage::Frame { number }) } else { End::Torn }
    }

    fn frame(&self) -> Option<(&'a [u8], usize)> {
        let rest = self.bytes.get(self.offset..)?;
        let header = FrameHeader::decode(self.header.journal, rest)?;
        let bytes = usize::try_from(header.body_bytes).ok()?;
        let body = rest.get(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES.checked_add(bytes)?)?;
        let padding = rest.get(FRAME_HEADER_BYTES + bytes..frame_bytes(bytes))?;
        let good = header.number == self.next
            && crc32fast::hash(body) == header.body_checksum
            && padding.iter().all(|byte| *byte == 0);
        good.then(|| (body, frame_bytes(bytes)))
    }
}

/// Whether `bytes` may begin with a frame that was written when `number` was durable: cheap, and tried at every place
/// of a torn segment before its checksum is.
fn plausible(bytes: &[u8], number: u64) -> bool {
    let Some((header, _)) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>() else { return false };
    let mut fields = Fields(header);
    let _lengths = fields.u64();
    let (own, durable) = (fields.u64(), fields.u64());
    durable >= number && durable < own
}

impl<'a> Iterator for Frames<'a> {
    type Item = (CommitSeq, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (body, bytes) = self.frame()?;
        let number = CommitSeq(self.next);
        self.offset += bytes;
        self.next += 1;
        Some((number, body))
    }
}

/// Takes fields off the front of bytes that are long enough for them.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk::<N>().expect("the length was checked for all fields");
        self.0 = rest;
        *field
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}
