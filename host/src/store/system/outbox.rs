//! Committed events, as rows of the emitting service's store: a row stays until all subscribers have handled it.
//!
//! Invariant: a row depends only on the record of its commit. So the journal contains each event once, and a start
//! creates the same rows from it.

use std::sync::Arc;

use bytes::Bytes;

use super::keys::{EventSeq, OutboxKey};
use super::tables::OUTBOX;
use crate::journal::Event;
use crate::names::{CommitSeq, Key};

/// One event of the outbox of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    pub key: OutboxKey,
    pub event: Event,
}

/// The rows for the events of the commit `number`, from the [`outbox_value`] of each event.
pub(in crate::store) fn outbox_rows(
    number: CommitSeq,
    emitted_at: u64,
    values: impl IntoIterator<Item = Bytes>,
) -> impl Iterator<Item = (Key, Bytes)> {
    let key = move |index| OutboxKey { seq: EventSeq(number, index), emitted_at };
    (0..).zip(values).map(move |(index, value)| (OUTBOX.key(&key(index)), value))
}

/// Bytes of an event's names and payload.
pub(in crate::store) fn emitted_bytes(event: &Event) -> usize {
    event.interface.len() + event.function.len() + event.payload.len()
}

/// The value of the row of `event`: its names and its payload.
pub(in crate::store) fn outbox_value(event: &Event) -> Bytes {
    let mut bytes = Vec::with_capacity(2 + emitted_bytes(event));
    for name in [&event.interface, &event.function] {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
    }
    bytes.extend_from_slice(&event.payload);
    bytes.into()
}

impl Emitted {
    /// Reads a row; `None` when its value is not an event.
    pub(in crate::store) fn of_row(key: OutboxKey, value: &Bytes) -> Option<Self> {
        let (interface, rest) = text(value)?;
        let (function, payload) = text(rest)?;
        let event = Event { interface, function, payload: value.slice_ref(payload) };
        Some(Self { key, event })
    }
}

/// A name that ends with a zero byte, and the bytes after it.
fn text(bytes: &[u8]) -> Option<(Arc<str>, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let (name, rest) = bytes.split_at(end);
    Some((std::str::from_utf8(name).ok()?.into(), rest.get(1..)?))
}
