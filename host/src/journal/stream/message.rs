//! One message of the stream, and its encoding: a batch of records, a piece of a large record, or a line of its leader.
//!
//! A message has a header of 72 bytes, content, and a checksum. `docs/cluster.md` has it byte by byte. The bytes may come
//! from anybody who may write to the stream, so every length is checked.

use bytes::Bytes;

use super::position::{ChainHash, ClaimId, Epoch, Position};
use crate::journal::frame::{Fields, JournalId};
use crate::names::CommitSeq;

/// Most bytes of content in one message: with the header, half of what a NATS server accepts by default.
pub(super) const CONTENT_BYTES_MAX: usize = 512 * 1024;

pub(crate) const HEADER_BYTES: usize = 72;
const CHECKSUM_BYTES: usize = 4;

/// Most bytes of a message.
pub(super) const MESSAGE_BYTES_MAX: usize = HEADER_BYTES + CONTENT_BYTES_MAX + CHECKSUM_BYTES;

/// Bytes of a piece besides those of the record.
const PIECE_FIELDS_BYTES: usize = 8;

/// Most bytes of a record in one piece.
pub(crate) const PIECE_BYTES_MAX: usize = CONTENT_BYTES_MAX - PIECE_FIELDS_BYTES;

const MAGIC: [u8; 4] = *b"SWYS";
/// The version of the format. A node refuses a stream with another one.
pub const STREAM_FORMAT: u8 = 1;

const EPOCH: u8 = 1;
const RECORDS: u8 = 2;
const PIECE: u8 = 3;
const HEARTBEAT: u8 = 4;
const STEP_DOWN: u8 = 5;

/// A message of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub journal: JournalId,
    pub epoch: Epoch,
    /// The number of its first record; without one, that of the next record.
    pub number: CommitSeq,
    /// The hash of the record before `number`.
    pub previous: ChainHash,
    pub content: Content,
}

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A node leads from here on.
    Epoch { claim: ClaimId, leader: Leader },
    /// Whole records with consecutive numbers, at least one.
    Records(Vec<Bytes>),
    /// A part of one record that is too large for a message. The other pieces are in the messages before and after.
    Piece { index: u32, count: u32, bytes: Bytes },
    /// The leader still leads.
    Heartbeat(Leader),
    /// The leader leads no more: another node may lead at once.
    StepDown,
}

/// The node that leads an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    pub node: String,
    /// Where the other nodes reach it.
    pub address: String,
}

/// Why bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("it is no message of a switchyard journal")]
    Foreign,
    #[error(
        "it has format {version}, and this version of switchyard reads format {STREAM_FORMAT}: run the same version on all \
         nodes"
    )]
    Version { version: u8 },
    #[error("it does not match its checksum")]
    Checksum,
    #[error("its content is malformed")]
    Content,
}

/// What each message begins with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    journal: JournalId,
    epoch: Epoch,
    number: CommitSeq,
    previous: ChainHash,
}

impl Header {
    /// Of a message that follows `position`.
    pub(crate) fn after(position: &Position, journal: JournalId, epoch: Epoch) -> Self {
        Self { journal, epoch, number: CommitSeq(position.number.0 + 1), previous: position.hash }
    }

    pub(crate) fn encode(&self, content: &Content) -> Vec<u8> {
        self.around(content.kind(), content.bytes(), |bytes| content.encode(bytes))
    }

    /// The message with `records`.
    pub(crate) fn encode_records(&self, records: &[&[u8]]) -> Vec<u8> {
        let content_bytes = records.iter().map(|record| block_bytes(record.len())).sum();
        self.around(RECORDS, content_bytes, |bytes| records.iter().for_each(|record| put_block(bytes, record)))
    }

    fn around(&self, kind: u8, content_bytes: usize, content: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + content_bytes + CHECKSUM_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[STREAM_FORMAT, kind, 0, 0]);
        bytes.extend_from_slice(&self.journal.0);
        bytes.extend_from_slice(&self.epoch.0.to_le_bytes());
        bytes.extend_from_slice(&self.number.0.to_le_bytes());
        bytes.extend_from_slice(&self.previous.0);
        content(&mut bytes);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }
}

impl Message {
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let Self { journal, epoch, number, previous, ref content } = *self;
        Header { journal, epoch, number, previous }.encode(content)
    }

    /// Decodes a message; its records share the memory of `bytes`.
    ///
    /// # Errors
    ///
    /// [`MessageError`]. The bytes may be damaged or foreign.
    pub fn decode(bytes: &Bytes) -> Result<Self, MessageError> {
        if bytes.len() < HEADER_BYTES + CHECKSUM_BYTES || bytes.len() > MESSAGE_BYTES_MAX {
            return Err(MessageError::Foreign);
        }
        let (covered, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
        let mut fields = Fields(covered);
        if fields.take::<4>() != MAGIC {
            return Err(MessageError::Foreign);
        }
        let [version, kind, zero, also_zero] = fields.take();
        if version != STREAM_FORMAT {
            return Err(MessageError::Version { version });
        }
        if crc32fast::hash(covered).to_le_bytes() != checksum {
            return Err(MessageError::Checksum);
        }
        if [zero, also_zero] != [0, 0] {
            return Err(MessageError::Content);
        }
        let (journal, epoch, number) = (JournalId(fields.take()), Epoch(fields.u64()), CommitSeq(fields.u64()));
        let previous = ChainHash(fields.take());
        let content = Content::decode(kind, bytes.slice(HEADER_BYTES..covered.len()))?;
        Ok(Self { journal, epoch, number, previous, content })
    }
}

impl Content {
    fn kind(&self) -> u8 {
        match self {
            Self::Epoch { .. } => EPOCH,
            Self::Records(_) => RECORDS,
            Self::Piece { .. } => PIECE,
            Self::Heartbeat(_) => HEARTBEAT,
            Self::StepDown => STEP_DOWN,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Epoch { claim, leader } => claim.0.len() + leader.bytes(),
            Self::Heartbeat(leader) => leader.bytes(),
            Self::Records(records) => records.iter().map(|record| block_bytes(record.len())).sum(),
            Self::Piece { bytes, .. } => PIECE_FIELDS_BYTES + bytes.len(),
            Self::StepDown => 0,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Epoch { claim, leader } => {
                out.extend_from_slice(&claim.0);
                leader.encode(out);
            }
            Self::Heartbeat(leader) => leader.encode(out),
            Self::Records(records) => records.iter().for_each(|record| put_block(out, record)),
            Self::Piece { index, count, bytes } => {
                out.extend_from_slice(&index.to_le_bytes());
                out.extend_from_slice(&count.to_le_bytes());
                out.extend_from_slice(bytes);
            }
            Self::StepDown => {}
        }
    }

    fn decode(kind: u8, mut bytes: Bytes) -> Result<Self, MessageError> {
        let content = match kind {
            EPOCH => {
                let claim = ClaimId(bytes.first_chunk().copied().ok_or(MessageError::Content)?);
                let _taken = bytes.split_to(claim.0.len());
                Self::Epoch { claim, leader: Leader::take(&mut bytes)? }
            }
            RECORDS => {
                let mut records = vec![take_block(&mut bytes)?];
                while !bytes.is_empty() {
                    records.push(take_block(&mut bytes)?);
                }
                Self::Records(records)
            }
            PIECE => {
                let (index, count) = (take_number(&mut bytes)?, take_number(&mut bytes)?);
                if index >= count || bytes.is_empty() {
                    return Err(MessageError::Content);
                }
                Self::Piece { index, count, bytes: std::mem::take(&mut bytes) }
            }
            HEARTBEAT => Self::Heartbeat(Leader::take(&mut bytes)?),
            STEP_DOWN => Self::StepDown,
            _ => return Err(MessageError::Content),
        };
        if bytes.is_empty() { Ok(content) } else { Err(MessageError::Content) }
    }
}

impl Leader {
    fn bytes(&self) -> usize {
        block_bytes(self.node.len()) + block_bytes(self.address.len())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_block(out, self.node.as_bytes());
        put_block(out, self.address.as_bytes());
    }

    fn take(bytes: &mut Bytes) -> Result<Self, MessageError> {
        Ok(Self { node: take_text(bytes)?, address: take_text(bytes)? })
    }
}

/// Bytes that a block of `bytes` takes in a message.
pub(crate) fn block_bytes(bytes: usize) -> usize {
    4 + bytes
}

fn put_block(out: &mut Vec<u8>, block: &[u8]) {
    let length = u32::try_from(block.len()).expect("the content of a message is bounded far below 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(block);
}

fn take_number(bytes: &mut Bytes) -> Result<u32, MessageError> {
    let number = bytes.first_chunk().map(|number| u32::from_le_bytes(*number)).ok_or(MessageError::Content)?;
    let _taken = bytes.split_to(4);
    Ok(number)
}

fn take_block(bytes: &mut Bytes) -> Result<Bytes, MessageError> {
    let length = usize::try_from(take_number(bytes)?).unwrap_or(usize::MAX);
    if length > bytes.len() { Err(MessageError::Content) } else { Ok(bytes.split_to(length)) }
}

fn take_text(bytes: &mut Bytes) -> Result<String, MessageError> {
    let block = take_block(bytes)?;
    std::str::from_utf8(&block).map(str::to_owned).map_err(|_| MessageError::Content)
}
