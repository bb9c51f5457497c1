//! Events that were committed, as entries of the emitting service's store: there until all who take them have done so.
//!
//! Invariant: an entry follows from its commit's record alone, so that the journal has each event once, and a start makes
//! the same entries of it again.

use std::sync::Arc;

use bytes::Bytes;

use crate::journal::Event;
use crate::names::{CommitSeq, Key, PLATFORM_PREFIX};

/// The kind of such keys.
const KIND: char = 'e';

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

/// The entries for the events of the commit `number`.
pub(super) fn entries(
    number: CommitSeq,
    time_unix_micros: u64,
    events: &[Event],
) -> impl Iterator<Item = (Key, Bytes)> + '_ {
    (0..).zip(events).map(move |(position, event)| (key(number, position), value(time_unix_micros, event)))
}

/// The key of an event: they order as the events were committed.
#[must_use]
pub(crate) fn key(number: CommitSeq, position: u32) -> Key {
    Key::platform(KIND, &format!("{:016x}{position:08x}", number.0))
}

/// What the keys of all events begin with.
#[must_use]
pub(crate) fn prefix() -> String {
    [PLATFORM_PREFIX, KIND].into_iter().collect()
}

fn value(time_unix_micros: u64, event: &Event) -> Bytes {
    let mut bytes = Vec::with_capacity(16 + event.interface.len() + event.function.len() + event.payload.len());
    bytes.extend_from_slice(&time_unix_micros.to_le_bytes());
    for name in [&event.interface, &event.function] {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
    }
    bytes.extend_from_slice(&event.payload);
    bytes.into()
}

impl Emitted {
    /// The key of its entry.
    #[must_use]
    pub(crate) fn key(&self) -> Key {
        key(self.number, self.position)
    }

    /// Reads an entry; nothing when it is none.
    #[must_use]
    pub(crate) fn of_entry(key: &str, value: &Bytes) -> Option<Self> {
        let (number, position) = key.strip_prefix(&prefix())?.split_at_checked(16)?;
        let number = CommitSeq(u64::from_str_radix(number, 16).ok()?);
        let position = u32::from_str_radix(position, 16).ok()?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_entry_reads_as_the_event_that_it_was_made_of(
            number: u64, position: u32, time: u64, interface in "[a-z:/@.0-9]{0,40}", function in "[a-z-]{0,20}",
            payload: Vec<u8>,
        ) {
            let event = Event { interface: interface.into(), function: function.into(), payload: payload.into() };
            let key = key(CommitSeq(number), position);
            let read = Emitted::of_entry(key.as_str(), &value(time, &event));
            prop_assert_eq!(read, Some(Emitted { number: CommitSeq(number), position, time_unix_micros: time, event }));
        }

        #[test]
        fn entries_order_as_their_events(one: (u64, u32), other: (u64, u32)) {
            let key = |(number, position)| key(CommitSeq(number), position);
            prop_assert_eq!(one.cmp(&other), key(one).cmp(&key(other)));
        }

        #[test]
        fn no_bytes_end_the_host(key in "\\PC{0,40}", value: Vec<u8>) {
            let _read = Emitted::of_entry(&key, &value.into());
        }
    }
}
