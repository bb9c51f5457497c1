//! The keys of rows, encoded in big-endian order, so that rows are sorted by their meaning.

use serde::{Deserialize, Serialize};

use super::table::RowKey;
use crate::names::{CallId, CommitSeq, Digest, ServiceName};

/// A call, sorted by when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgedCall {
    /// In microseconds since the Unix epoch.
    pub began_at: u64,
    pub call: CallId,
}

impl AgedCall {
    /// The first key of all calls that began at `unix_micros` or later.
    #[must_use]
    pub fn first_of(unix_micros: u64) -> Self {
        Self { began_at: unix_micros, call: CallId([0; 16]) }
    }
}

/// A nested call, sorted by when its root call began. It contains the root call, to show which call needs the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoKey {
    /// In microseconds since the Unix epoch.
    pub began_at: u64,
    pub root: CallId,
    pub call: CallId,
}

impl MemoKey {
    /// The first key of all root calls that began at `unix_micros` or later.
    #[must_use]
    pub fn first_of(unix_micros: u64) -> Self {
        Self { began_at: unix_micros, root: CallId([0; 16]), call: CallId([0; 16]) }
    }
}

/// The position of an event among all events of its emitter: its commit, and its index among the events of that commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventSeq(pub CommitSeq, pub u32);

impl EventSeq {
    /// Before every event.
    pub const START: Self = Self(CommitSeq(0), 0);
    /// After every event.
    pub const END: Self = Self(CommitSeq(u64::MAX), u32::MAX);
}

/// An event of an outbox, sorted by its position. It contains the time, so that the age is known without reading the
/// event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxKey {
    pub seq: EventSeq,
    /// When it was committed, in microseconds since the Unix epoch.
    pub emitted_at: u64,
}

impl OutboxKey {
    /// The last key that the event at `seq` may have: all keys after it belong to later events.
    #[must_use]
    pub fn last_of(seq: EventSeq) -> Self {
        Self { seq, emitted_at: u64::MAX }
    }
}

/// The key of an entity in the state interface of a contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntityKey(pub String);

/// Any event: its emitter, and its position there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId {
    pub emitter: ServiceName,
    pub seq: EventSeq,
}

impl RowKey for CallId {
    fn encode(&self, fields: &mut Vec<u8>) {
        fields.extend_from_slice(&self.0);
    }

    fn decode(fields: &[u8]) -> Option<Self> {
        fields.try_into().ok().map(Self)
    }
}

impl RowKey for AgedCall {
    fn encode(&self, fields: &mut Vec<u8>) {
        fields.extend_from_slice(&self.began_at.to_be_bytes());
        self.call.encode(fields);
    }

    fn decode(fields: &[u8]) -> Option<Self> {
        let (began_at, call) = fields.split_first_chunk()?;
        Some(Self { began_at: u64::from_be_bytes(*began_at), call: CallId::decode(call)? })
    }
}

impl RowKey for MemoKey {
    fn encode(&self, fields: &mut Vec<u8>) {
        fields.extend_from_slice(&self.began_at.to_be_bytes());
        self.root.encode(fields);
        self.call.encode(fields);
    }

    fn decode(fields: &[u8]) -> Option<Self> {
        let (began_at, calls) = fields.split_first_chunk()?;
        let (root, call) = calls.split_at_checked(16)?;
        Some(Self { began_at: u64::from_be_bytes(*began_at), root: CallId::decode(root)?, call: CallId::decode(call)? })
    }
}

impl RowKey for EventSeq {
    fn encode(&self, fields: &mut Vec<u8>) {
        fields.extend_from_slice(&self.0.0.to_be_bytes());
        fields.extend_from_slice(&self.1.to_be_bytes());
    }

    fn decode(fields: &[u8]) -> Option<Self> {
        let (commit, index) = fields.split_first_chunk()?;
        Some(Self(CommitSeq(u64::from_be_bytes(*commit)), u32::from_be_bytes(index.try_into().ok()?)))
    }
}

impl RowKey for OutboxKey {
    fn encode(&self, fields: &mut Vec<u8>) {
        self.seq.encode(fields);
        fields.extend_from_slice(&self.emitted_at.to_be_bytes());
    }

    fn decode(fields: &[u8]) -> Option<Self> {
        let (seq, emitted_at) = fields.split_at_checked(12)?;
        Some(Self { seq: EventSeq::decode(seq)?, emitted_at: u64::from_be_bytes(emitted_at.try_into().ok()?) })
    }
}

impl RowKey for EventId {
    /// The name ends with a zero byte, which no name contains, so that rows are sorted by name first.
    fn encode(&self, fields: &mut Vec<u8>) {
        self.emitter.encode(fields);
        fields.push(0);
        self.seq.encode(fields);
    }

    fn decode(fields: &[u8]) -> Option<Self> {
        let end = fields.iter().position(|byte| *byte == 0)?;
        let (emitter, seq) = fields.split_at(end);
        Some(Self { emitter: ServiceName::decode(emitter)?, seq: EventSeq::decode(seq.get(1..)?)? })
    }
}

impl RowKey for ServiceName {
    fn encode(&self, fields: &mut Vec<u8>) {
        fields.extend_from_slice(self.as_str().as_bytes());
    }

    fn decode(fields: &[u8]) -> Option<Self> {
        Self::parse(std::str::from_utf8(fields).ok()?).ok()
    }
}

impl RowKey for EntityKey {
    fn encode(&self, fields: &mut Vec<u8>) {
        fields.extend_from_slice(self.0.as_bytes());
    }

    fn decode(fields: &[u8]) -> Option<Self> {
        String::from_utf8(fields.to_vec()).ok().map(Self)
    }
}

impl RowKey for Digest {
    fn encode(&self, fields: &mut Vec<u8>) {
        fields.extend_from_slice(self.bytes());
    }

    fn decode(fields: &[u8]) -> Option<Self> {
        fields.try_into().ok().map(Self::of_hash)
    }
}
