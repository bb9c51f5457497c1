//! How far a service has handled the events of another: a row in the subscriber's store.
//!
//! Invariant: the cursor moves past an event in the commit of its handler's writes. So an event takes effect once,
//! however often it is delivered.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::handlers::Handlers;
use crate::names::ServiceName;
use crate::store::system::{CURSORS, EventSeq, RowWrite};
use crate::store::{Store, StoreError};

/// The last handled event of each interface, by track. An interface that was subscribed to later may be behind the
/// others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cursor(BTreeMap<Box<str>, EventSeq>);

impl Cursor {
    /// The cursor in the store of the subscriber; an empty one if there is none.
    pub(super) fn read(store: &Store, emitter: &ServiceName) -> Result<Self, StoreError> {
        let Some(bytes) = store.get_row(&CURSORS, emitter)? else { return Ok(Self::default()) };
        serde_json::from_slice(&bytes).map_err(|_| StoreError::Row { key: emitter.to_string() })
    }

    pub(super) fn row(&self, emitter: &ServiceName) -> RowWrite {
        CURSORS.put(emitter, serde_json::to_vec(self).expect("numbers by texts have a form in JSON"))
    }

    /// The last handled event of each track.
    pub(super) fn positions(&self) -> BTreeSet<EventSeq> {
        self.0.values().copied().collect()
    }

    /// The tracks of `handlers` that are not in the cursor yet.
    pub(super) fn missing<'t>(&self, handlers: &'t Handlers) -> Vec<&'t str> {
        handlers.tracks().filter(|track| !self.0.contains_key(*track)).collect()
    }

    /// Starts a track after `seq`.
    pub(super) fn start(&mut self, track: &str, seq: EventSeq) {
        self.0.insert(track.into(), seq);
    }

    /// The event up to which all tracks of `handlers` have handled everything.
    pub(super) fn handled(&self, handlers: &Handlers) -> EventSeq {
        let tracks = self.0.iter().filter(|(track, _)| handlers.has(track));
        tracks.map(|(_, seq)| *seq).min().unwrap_or(EventSeq::START)
    }

    /// Whether the event `seq` of `track` was handled.
    pub(super) fn has(&self, track: &str, seq: EventSeq) -> bool {
        self.0.get(track).is_some_and(|handled| *handled >= seq)
    }

    /// Moves the tracks of `handlers` to `seq`. A track without a handler stays where it is, and continues there when
    /// it has one again.
    pub(super) fn advance(&mut self, handlers: &Handlers, seq: EventSeq) {
        for (_, handled) in self.0.iter_mut().filter(|(track, _)| handlers.has(track)) {
            *handled = seq.max(*handled);
        }
    }
}
