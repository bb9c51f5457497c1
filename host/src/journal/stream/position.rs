//! A position in a stream, and the chain of hashes that every node can check it with.

use ring::digest::{Context, SHA256};

use crate::journal::frame::Fields;
use crate::names::CommitSeq;

/// The number of a message in a stream, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct StreamSeq(pub u64);

/// The number of a leadership: each leader has a higher one than the leader before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Epoch(pub u64);

/// A random number of each attempt to lead, so that two attempts are never taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimId(pub [u8; 16]);

impl ClaimId {
    /// # Errors
    ///
    /// When the system provides no random numbers.
    pub(crate) fn random() -> std::io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
        Ok(Self(bytes))
    }
}

impl std::fmt::Display for ClaimId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The hash of a record and of all records before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChainHash(pub [u8; CHAIN_HASH_BYTES]);

pub(super) const CHAIN_HASH_BYTES: usize = 32;

impl ChainHash {
    /// The hash of the record `number`, which follows the record with this hash.
    #[must_use]
    pub fn with(&self, epoch: Epoch, number: CommitSeq, record: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&self.0);
        context.update(&epoch.0.to_le_bytes());
        context.update(&number.0.to_le_bytes());
        context.update(record);
        let mut hash = Self::default();
        hash.0.copy_from_slice(context.finish().as_ref());
        hash
    }
}

/// What a node has of a stream: all messages up to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The last message; 0 if the node has none.
    pub sequence: StreamSeq,
    /// The epoch of that message.
    pub epoch: Epoch,
    /// The last record that is complete with that message.
    pub number: CommitSeq,
    /// The hash of that record.
    pub hash: ChainHash,
}

pub(crate) const POSITION_BYTES: usize = 3 * 8 + CHAIN_HASH_BYTES;

impl Position {
    /// The position before the first message of a stream whose first record follows the record `number`.
    #[must_use]
    pub fn before(number: CommitSeq) -> Self {
        Self { number, ..Self::default() }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let numbers = [self.sequence.0, self.epoch.0, self.number.0];
        let mut bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
        bytes.extend_from_slice(&self.hash.0);
        bytes
    }

    /// Reads a position as [`Position::encode`] writes it.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(Some(bytes).filter(|bytes| bytes.len() == POSITION_BYTES)?);
        let (sequence, epoch, number) = (StreamSeq(fields.u64()), Epoch(fields.u64()), CommitSeq(fields.u64()));
        Some(Self { sequence, epoch, number, hash: ChainHash(fields.take()) })
    }
}
