//! Events that could not be delivered: an entry each in the subscriber's store, while they are tried again, and when they
//! are not any more.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::position::Place;
use crate::names::{CommitSeq, Key, NameError, PLATFORM_PREFIX, ServiceName};
use crate::store::{Emitted, Entry, Event, Store, StoreError};

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

    pub(super) fn key(&self, fate: Fate) -> Key {
        let Self { emitter, place: Place(number, position) } = self;
        Key::platform(fate.kind(), &format!("{emitter}/{:016x}{position:08x}", number.0))
    }
}

impl std::fmt::Display for LetterId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { emitter, place: Place(number, position) } = self;
        write!(f, "{emitter}.{}.{position}", number.0)
    }
}

impl Fate {
    fn kind(self) -> char {
        match self {
            Self::Retrying => 'r',
            Self::Dead => 'd',
        }
    }

    /// What the keys of such letters begin with: of one emitter, or of all.
    pub(super) fn prefix(self, emitter: Option<&ServiceName>) -> String {
        let emitter = emitter.map(|name| format!("{name}/")).unwrap_or_default();
        format!("{PLATFORM_PREFIX}{}{emitter}", self.kind())
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
    pub(super) fn entry(&self, fate: Fate) -> (Key, Option<Bytes>) {
        let Event { interface, function, payload } = &self.event;
        let (interface, function) = (interface.to_string(), function.to_string());
        let heading = Heading { interface, function, emitted_at: self.emitted_at, failure: self.failure.clone() };
        let mut bytes = serde_json::to_vec(&heading).expect("texts and numbers have a form in JSON");
        bytes.push(b'\n');
        bytes.extend_from_slice(payload);
        (self.id.key(fate), Some(bytes.into()))
    }

    /// Reads the entry under `key`; nothing when it is no letter.
    fn of_entry(key: &str, value: &Bytes, fate: Fate) -> Option<Self> {
        let (emitter, place) = key.strip_prefix(&fate.prefix(None))?.split_once('/')?;
        let (number, position) = place.split_at_checked(16)?;
        let place = Place(CommitSeq(u64::from_str_radix(number, 16).ok()?), u32::from_str_radix(position, 16).ok()?);
        let end = value.iter().position(|byte| *byte == b'\n')?;
        let (heading, payload) = value.split_at_checked(end)?;
        let Heading { interface, function, emitted_at, failure } = serde_json::from_slice(heading).ok()?;
        let payload = value.slice_ref(payload.get(1..)?);
        let event = Event { interface: interface.into(), function: function.into(), payload };
        let id = LetterId { emitter: ServiceName::parse(emitter).ok()?, place };
        Some(Self { id, event, emitted_at, failure })
    }

    pub(super) fn read(store: &Store, id: &LetterId, fate: Fate) -> Result<Option<Self>, StoreError> {
        let key = id.key(fate);
        let Some(value) = store.begin_read().get_platform(&key)? else { return Ok(None) };
        let letter = Self::of_entry(key.as_str(), &value, fate);
        letter.map(Some).ok_or_else(|| StoreError::Entry { key: key.as_str().into() })
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
        let after = after.map(|id| id.key(fate));
        let after = after.as_ref().map(Key::as_str);
        let page = store.begin_read().scan_platform(&fate.prefix(emitter), after, limit)?;
        let read = |entry: &Entry| {
            let letter = Self::of_entry(&entry.key, &entry.value, fate);
            letter.ok_or_else(|| StoreError::Entry { key: entry.key.clone() })
        };
        page.entries.iter().map(read).collect()
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
            for fate in [Fate::Retrying, Fate::Dead] {
                let (key, value) = letter.entry(fate);
                prop_assert_eq!(Letter::of_entry(key.as_str(), &value.expect("a value"), fate), Some(letter.clone()));
            }
            prop_assert_eq!(LetterId::parse(&letter.id.to_string()), Ok(letter.id));
        }

        #[test]
        fn no_bytes_end_the_host(key in "\\PC{0,60}", value: Vec<u8>) {
            let _read = Letter::of_entry(&format!("\0r{key}"), &value.into(), Fate::Retrying);
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
