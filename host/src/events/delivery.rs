//! An event on its way to a subscriber. After a failure it is an entry in the subscriber's store, while it is retried and
//! when it is a dead letter.

#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::event_id::{EventId, EventSeq};
use crate::names::{CommitSeq, Key, PLATFORM_PREFIX, ServiceName};
use crate::store::{Emitted, Entry, Event, Store, StoreError};

/// Whether a failed delivery is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeliveryState {
    Retrying,
    Dead,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) id: EventId,
    pub(super) event: Event,
    /// In microseconds since the Unix epoch.
    pub(super) emitted_at: u64,
    /// None before the first failure, and where it only waits for others.
    pub(super) failure: Option<Failure>,
}

/// What is known of the attempts that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) attempts: u32,
    /// In microseconds since the Unix epoch, both.
    pub(super) first_at: u64,
    pub(super) last_at: u64,
    pub(super) error: String,
}

impl DeliveryState {
    fn kind(self) -> char {
        match self {
            Self::Retrying => 'r',
            Self::Dead => 'd',
        }
    }

    pub(super) fn key(self, id: &EventId) -> Key {
        let EventId { emitter, seq: EventSeq(commit, index) } = id;
        Key::platform(self.kind(), &format!("{emitter}/{:016x}{index:08x}", commit.0))
    }

    /// What the keys of such deliveries begin with: of one emitter, or of all.
    fn prefix(self, emitter: Option<&ServiceName>) -> String {
        let emitter = emitter.map(|name| format!("{name}/")).unwrap_or_default();
        format!("{PLATFORM_PREFIX}{}{emitter}", self.kind())
    }
}

/// A failed delivery in front of its payload.
#[derive(Debug, Serialize, Deserialize)]
struct Heading {
    interface: String,
    function: String,
    emitted_at: u64,
    failure: Option<Failure>,
}

impl Delivery {
    pub(super) fn new(emitter: &ServiceName, emitted: &Emitted) -> Self {
        let id = EventId { emitter: emitter.clone(), seq: EventSeq::of(emitted) };
        Self { id, event: emitted.event.clone(), emitted_at: emitted.time_unix_micros, failure: None }
    }

    pub(super) fn attempts(&self) -> u32 {
        self.failure.as_ref().map_or(0, |failure| failure.attempts)
    }

    /// Counts an attempt that failed at `now`.
    pub(super) fn failed(&mut self, error: String, now: u64) {
        let first_at = self.failure.as_ref().map_or(now, |failure| failure.first_at);
        self.failure = Some(Failure { attempts: self.attempts() + 1, first_at, last_at: now, error });
    }

    /// Its entry in that state.
    pub(super) fn entry(&self, state: DeliveryState) -> (Key, Option<Bytes>) {
        let Event { interface, function, payload } = &self.event;
        let (interface, function) = (interface.to_string(), function.to_string());
        let heading = Heading { interface, function, emitted_at: self.emitted_at, failure: self.failure.clone() };
        let mut bytes = serde_json::to_vec(&heading).expect("texts and numbers have a form in JSON");
        bytes.push(b'\n');
        bytes.extend_from_slice(payload);
        (state.key(&self.id), Some(bytes.into()))
    }

    /// Reads the entry under `key`; nothing when it is no failed delivery.
    fn of_entry(key: &str, value: &Bytes, state: DeliveryState) -> Option<Self> {
        let (emitter, seq) = key.strip_prefix(&state.prefix(None))?.split_once('/')?;
        let (commit, index) = seq.split_at_checked(16)?;
        let seq = EventSeq(CommitSeq(u64::from_str_radix(commit, 16).ok()?), u32::from_str_radix(index, 16).ok()?);
        let end = value.iter().position(|byte| *byte == b'\n')?;
        let (heading, payload) = value.split_at_checked(end)?;
        let Heading { interface, function, emitted_at, failure } = serde_json::from_slice(heading).ok()?;
        let payload = value.slice_ref(payload.get(1..)?);
        let event = Event { interface: interface.into(), function: function.into(), payload };
        let id = EventId { emitter: ServiceName::parse(emitter).ok()?, seq };
        Some(Self { id, event, emitted_at, failure })
    }

    pub(super) fn read(store: &Store, id: &EventId, state: DeliveryState) -> Result<Option<Self>, StoreError> {
        let key = state.key(id);
        let Some(value) = store.begin_read().get_platform(&key)? else { return Ok(None) };
        let delivery = Self::of_entry(key.as_str(), &value, state);
        delivery.map(Some).ok_or_else(|| StoreError::Entry { key: key.as_str().into() })
    }

    /// The deliveries in that state of one emitter, or of all, oldest first by emitter: `limit` of those behind `after` at
    /// most, and fewer where they are large.
    pub(super) fn list(
        store: &Store,
        state: DeliveryState,
        emitter: Option<&ServiceName>,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<Self>, StoreError> {
        let after = after.map(|id| state.key(id));
        let after = after.as_ref().map(Key::as_str);
        let page = store.begin_read().scan_platform(&state.prefix(emitter), after, limit)?;
        let read = |entry: &Entry| {
            let delivery = Self::of_entry(&entry.key, &entry.value, state);
            delivery.ok_or_else(|| StoreError::Entry { key: entry.key.clone() })
        };
        page.entries.iter().map(read).collect()
    }
}
