//! Events that were committed, as rows of the emitting service's store: there until all who take them have done so.
//!
//! Invariant: a row follows from its commit's record alone, so that the journal has each event once, and a start makes
//! the same rows of it again.

use std::sync::Arc;

use bytes::Bytes;

use super::keys::Cursor;
use super::tables::OUTBOX;
use crate::journal::Event;
use crate::names::{CommitSeq, Key};

/// One event of the outbox of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emitted {
    /// The commit that emitted it.
    pub number: CommitSeq,
    /// Which of the events of that commit it is, from 0 on.
    pub position: u32,
    /// When it was committed, in microseconds since the Unix epoch.
    pub time_unix_micros: u64,
    pub event: Event,
}

/// The rows for the events of the commit `number`, from what [`unstamped_row`] gave of each.
pub(in crate::store) fn outbox_rows(
    number: CommitSeq,
    time_unix_micros: u64,
    unstamped: impl IntoIterator<Item = Vec<u8>>,
) -> impl Iterator<Item = (Key, Bytes)> {
    (0..).zip(unstamped).map(move |(position, mut row)| {
        if let Some(time) = row.first_chunk_mut() {
            *time = time_unix_micros.to_le_bytes();
        }
        (OUTBOX.key(&Cursor(number, position)), row.into())
    })
}

/// Bytes of an event's names and payload.
pub(in crate::store) fn emitted_bytes(event: &Event) -> usize {
    event.interface.len() + event.function.len() + event.payload.len()
}

/// The value of the row of `event`: the time of its commit, which is still zero, its names and its payload.
pub(in crate::store) fn unstamped_row(event: &Event) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(16 + emitted_bytes(event));
    bytes.extend_from_slice(&[0; 8]);
    for name in [&event.interface, &event.function] {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
    }
    bytes.extend_from_slice(&event.payload);
    bytes
}

impl Emitted {
    /// Reads a row; nothing when its value is no event.
    pub(in crate::store) fn of_row(Cursor(number, position): Cursor, value: &Bytes) -> Option<Self> {
        let (time, rest) = value.split_first_chunk()?;
        let (interface, rest) = text(rest)?;
        let (function, payload) = text(rest)?;
        let event = Event { interface, function, payload: value.slice_ref(payload) };
        Some(Self { number, position, time_unix_micros: u64::from_le_bytes(*time), event })
    }
}

/// A name that ends with a zero byte, and what is behind it.
fn text(bytes: &[u8]) -> Option<(Arc<str>, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let (name, rest) = bytes.split_at(end);
    Some((std::str::from_utf8(name).ok()?.into(), rest.get(1..)?))
}
