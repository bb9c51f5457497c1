//! An event on its way to a subscriber. After a failure it is a row in the subscriber's store, both during its retries
//! and as a dead letter.

#[cfg(test)]
mod tests;

use std::ops::Bound;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::names::ServiceName;
use crate::store::system::{DEAD_LETTERS, Emitted, EventId, EventSeq, RETRIES, RowWrite, Table};
use crate::store::{Event, Store, StoreError};

/// Whether a failed delivery is retried.
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
    /// None before the first failure, or if it only waits for others.
    pub(super) failure: Option<Failure>,
}

/// The failed attempts of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    pub(super) attempts: u32,
    /// In microseconds since the Unix epoch, like `last_at`.
    pub(super) first_at: u64,
    pub(super) last_at: u64,
    pub(super) error: String,
}

impl DeliveryState {
    fn table(self) -> &'static Table<EventId> {
        match self {
            Self::Retrying => &RETRIES,
            Self::Dead => &DEAD_LETTERS,
        }
    }

    pub(super) fn delete(self, id: &EventId) -> RowWrite {
        self.table().delete(id)
    }

    /// The ids of the deliveries in this state after `after`, at most `limit`: of `emitter`, or of all.
    pub(super) fn ids(
        self,
        store: &Store,
        emitter: Option<&ServiceName>,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        store.row_keys(self.table(), range(emitter, after), limit)
    }
}

/// The ids of the events of one emitter, or of all, after `after`.
fn range(emitter: Option<&ServiceName>, after: Option<&EventId>) -> (Bound<EventId>, Bound<EventId>) {
    let edge = |seq| emitter.map_or(Bound::Unbounded, |name| Bound::Included(EventId { emitter: name.clone(), seq }));
    let start = after.map_or_else(|| edge(EventSeq::START), |id| Bound::Excluded(id.clone()));
    (start, edge(EventSeq::END))
}

/// A failed delivery without its payload, which follows it.
#[derive(Debug, Serialize, Deserialize)]
struct Heading {
    interface: String,
    function: String,
    emitted_at: u64,
    failure: Option<Failure>,
}

impl Delivery {
    pub(super) fn new(emitter: &ServiceName, emitted: &Emitted) -> Self {
        let id = EventId { emitter: emitter.clone(), seq: emitted.key.seq };
        Self { id, event: emitted.event.clone(), emitted_at: emitted.key.emitted_at, failure: None }
    }

    pub(super) fn attempts(&self) -> u32 {
        self.failure.as_ref().map_or(0, |failure| failure.attempts)
    }

    /// Makes it a dead letter at `now` without an attempt.
    pub(super) fn not_attempted(&mut self, error: String, now: u64) {
        self.failure = Some(Failure { attempts: 0, first_at: now, last_at: now, error });
    }

    /// Counts an attempt that failed at `now`.
    pub(super) fn failed(&mut self, error: String, now: u64) {
        let first_at = self.failure.as_ref().map_or(now, |failure| failure.first_at);
        self.failure = Some(Failure { attempts: self.attempts() + 1, first_at, last_at: now, error });
    }

    /// Its row in this state.
    pub(super) fn row(&self, state: DeliveryState) -> RowWrite {
        state.table().put(&self.id, self.value())
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

    fn of_row(id: EventId, value: &Bytes) -> Result<Self, StoreError> {
        let key = id.to_string();
        Self::of_value(id, value).ok_or(StoreError::Row { key })
    }

    fn of_value(id: EventId, value: &Bytes) -> Option<Self> {
        let end = value.iter().position(|byte| *byte == b'\n')?;
        let (heading, payload) = value.split_at_checked(end)?;
        let Heading { interface, function, emitted_at, failure } = serde_json::from_slice(heading).ok()?;
        let payload = value.slice_ref(payload.get(1..)?);
        let event = Event { interface: interface.into(), function: function.into(), payload };
        Some(Self { id, event, emitted_at, failure })
    }

    pub(super) fn read(store: &Store, id: &EventId, state: DeliveryState) -> Result<Option<Self>, StoreError> {
        let value = store.get_row(state.table(), id)?;
        value.map(|value| Self::of_row(id.clone(), &value)).transpose()
    }

    /// The deliveries in this state of one emitter, or of all, sorted by emitter and then by age: at most `limit` after
    /// `after`, and fewer if they are large.
    pub(super) fn list(
        store: &Store,
        state: DeliveryState,
        emitter: Option<&ServiceName>,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<Self>, StoreError> {
        let page = store.scan_rows(state.table(), range(emitter, after), limit)?;
        page.rows.into_iter().map(|(id, value)| Self::of_row(id, &value)).collect()
    }
}
