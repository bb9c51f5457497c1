//! Events that could not be delivered: an entry each in the subscriber's store, while they are tried again, and when they
//! are not any more.

use std::ops::Bound;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::position::Place;
use crate::names::{CommitSeq, NameError, ServiceName};
use crate::store::system::{DEAD_LETTERS, Delivery, Emitted, RETRIES, RowWrite, Table};
use crate::store::{Event, Store, StoreError};

/// Whether an event is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Retrying,
    Dead,
}

/// An event that is kept for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) id: LetterId,
    pub(super) event: Event,
    pub(super) emitted_at: u64,
    /// None where it only waits for others.
    pub(super) failure: Option<Failed>,
}

/// What is known of the deliveries that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failed {
    pub(super) attempts: u32,
    /// In microseconds since the Unix epoch, both.
    pub(super) first_at: u64,
    pub(super) last_at: u64,
    pub(super) error: String,
}

/// Names an event to the operator: `inventory.42.0` is the first one of commit 42, which is one of `inventory`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LetterId {
    pub(super) emitter: ServiceName,
    pub(super) place: Place,
}

impl LetterId {
    /// # Errors
    ///
    /// Unless `text` is the name of a service and two numbers, with dots between them.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let rule = "is such as `inventory.42.0`: the service that emitted it, its commit, and its position there";
        let error = || NameError::new("event", text, rule);
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or_else(error);
        let emitter = ServiceName::parse(part()?).map_err(|_| error())?;
        let (number, position) = (part()?.parse().map_err(|_| error())?, part()?.parse().map_err(|_| error())?);
        Ok(Self { emitter, place: Place(CommitSeq(number), position) })
    }

    fn key(&self) -> Delivery {
        Delivery { emitter: self.emitter.clone(), cursor: self.place }
    }

    /// Deletes the letter that has that fate.
    pub(super) fn deletion(&self, fate: Fate) -> RowWrite {
        fate.table().delete(&self.key())
    }
}

impl std::fmt::Display for LetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { emitter, place: Place(number, position) } = self;
        write!(f, "{emitter}.{}.{position}", number.0)
    }
}

impl Fate {
    fn table(self) -> &'static Table<Delivery> {
        match self {
            Self::Retrying => &RETRIES,
            Self::Dead => &DEAD_LETTERS,
        }
    }
}

/// A letter in front of its payload.
#[derive(Debug, Serialize, Deserialize)]
struct Heading {
    interface: String,
    function: String,
    emitted_at: u64,
    failure: Option<Failed>,
}

impl Letter {
    pub(super) fn new(emitter: &ServiceName, emitted: &Emitted, failure: Option<Failed>) -> Self {
        let id = LetterId { emitter: emitter.clone(), place: Place::of(emitted) };
        Self { id, event: emitted.event.clone(), emitted_at: emitted.time_unix_micros, failure }
    }

    pub(super) fn attempts(&self) -> u32 {
        self.failure.as_ref().map_or(0, |failure| failure.attempts)
    }

    /// Takes note that it could not be delivered at `now`.
    pub(super) fn failed(&mut self, error: String, now: u64) {
        let first_at = self.failure.as_ref().map_or(now, |failure| failure.first_at);
        self.failure = Some(Failed { attempts: self.attempts() + 1, first_at, last_at: now, error });
    }

    /// The entry that it is, while that is its `fate`.
    pub(super) fn entry(&self, fate: Fate) -> RowWrite {
        fate.table().put(&self.id.key(), self.value())
    }

    fn value(&self) -> Bytes {
        let Event { interface, function, payload } = &self.event;
        let (interface, function) = (interface.to_string(), function.to_string());
        let heading = Heading { interface, function, emitted_at: self.emitted_at, failure: self.failure.clone() };
        let mut bytes = serde_json::to_vec(&heading).expect("texts and numbers have a form in JSON");
        bytes.push(b'\n');
        bytes.extend_from_slice(payload);
        bytes.into()
    }

    /// Reads the row under `key`.
    fn of_row(key: Delivery, value: &Bytes) -> Result<Self, StoreError> {
        let id = LetterId { emitter: key.emitter, place: key.cursor };
        Self::of_value(id.clone(), value).ok_or_else(|| StoreError::Row { key: id.to_string() })
    }

    fn of_value(id: LetterId, value: &Bytes) -> Option<Self> {
        let end = value.iter().position(|byte| *byte == b'\n')?;
        let (heading, payload) = value.split_at_checked(end)?;
        let Heading { interface, function, emitted_at, failure } = serde_json::from_slice(heading).ok()?;
        let payload = value.slice_ref(payload.get(1..)?);
        let event = Event { interface: interface.into(), function: function.into(), payload };
        Some(Self { id, event, emitted_at, failure })
    }

    pub(super) fn read(store: &Store, id: &LetterId, fate: Fate) -> Result<Option<Self>, StoreError> {
        let Some(value) = store.get_row(fate.table(), &id.key())? else { return Ok(None) };
        Self::of_row(id.key(), &value).map(Some)
    }

    /// The letters with that fate of one emitter, or of all, oldest first by emitter: `limit` of those behind `after` at
    /// most, and fewer where they are large.
    pub(super) fn list(
        store: &Store,
        fate: Fate,
        emitter: Option<&ServiceName>,
        after: Option<&LetterId>,
        limit: u32,
    ) -> Result<Vec<Self>, StoreError> {
        let edge = |cursor| emitter.map(|emitter| Delivery { emitter: emitter.clone(), cursor });
        let start = match after {
            Some(id) => Bound::Excluded(id.key()),
            None => edge(Place::START).map_or(Bound::Unbounded, Bound::Included),
        };
        let end = edge(Place(CommitSeq(u64::MAX), u32::MAX)).map_or(Bound::Unbounded, Bound::Included);
        let page = store.scan_rows(fate.table(), (start, end), limit)?;
        page.rows.into_iter().map(|(key, value)| Self::of_row(key, &value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> ServiceName {
        ServiceName::parse(text).expect("a name")
    }

    proptest! {
        #[test]
        fn a_letter_reads_as_it_was_written(
            number: u64, position: u32, emitted_at: u64, payload: Vec<u8>, failure in proptest::option::of((any::<u32>(), ".{0,40}")),
        ) {
            let failure = failure.map(|(attempts, error)| Failed { attempts, first_at: 1, last_at: 2, error });
            let id = LetterId { emitter: name("stock-2"), place: Place(CommitSeq(number), position) };
            let event = Event { interface: "a:b/c@1.0.0".into(), function: "f".into(), payload: payload.into() };
            let letter = Letter { id, event, emitted_at, failure };
            prop_assert_eq!(Letter::of_value(letter.id.clone(), &letter.value()), Some(letter.clone()));
            prop_assert_eq!(LetterId::parse(&letter.id.to_string()), Ok(letter.id));
        }

        #[test]
        fn no_bytes_end_the_host(key in "\\PC{0,60}", value: Vec<u8>) {
            let id = LetterId { emitter: name("a"), place: Place::START };
            let _read = Letter::of_value(id, &value.into());
            let _parsed = LetterId::parse(&key);
        }
    }

    #[test]
    fn an_id_is_a_service_and_two_numbers() {
        for text in
            ["", "inventory", "inventory.1", "inventory.1.x", "inventory.1.0.0", "Inventory.1.0", ".1.0", "a.-1.0"]
        {
            assert!(LetterId::parse(text).is_err(), "{text:?}");
        }
    }
}
