//! How far a service has taken the events of another: an entry in the subscriber's store.
//!
//! Invariant: it is written in the commit of what the last event brought about. So an event takes effect once, however
//! often it is delivered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::taken::Taken;
use crate::names::ServiceName;
use crate::store::system::{CURSORS, RowWrite};
use crate::store::{Store, StoreError};

pub(super) use crate::store::system::Cursor as Place;

/// How far, for each interface by its track: one that was taken up later may be behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position(BTreeMap<Box<str>, Place>);

impl Position {
    /// The position that the store of the subscriber has; that of one who has taken nothing, where it has none.
    pub(super) fn read(store: &Store, emitter: &ServiceName) -> Result<Self, StoreError> {
        let Some(bytes) = store.get_row(&CURSORS, emitter)? else { return Ok(Self::default()) };
        serde_json::from_slice(&bytes).map_err(|_| StoreError::Row { key: emitter.to_string() })
    }

    pub(super) fn entry(&self, emitter: &ServiceName) -> RowWrite {
        CURSORS.put(emitter, serde_json::to_vec(self).expect("places by texts have a form in JSON"))
    }

    /// The tracks of `taken` that it says nothing of.
    pub(super) fn lacks<'t>(&self, taken: &'t Taken) -> Vec<&'t str> {
        taken.tracks().filter(|track| !self.0.contains_key(*track)).collect()
    }

    pub(super) fn begin(&mut self, track: &str, place: Place) {
        self.0.insert(track.into(), place);
    }

    /// Behind which event the first one may be that is not taken.
    pub(super) fn last_taken(&self, taken: &Taken) -> Place {
        let places = self.0.iter().filter(|(track, _)| taken.has(track)).map(|(_, place)| *place);
        places.min().unwrap_or(Place::START)
    }

    /// Whether the event of `track` at `place` is taken.
    pub(super) fn has(&self, track: &str, place: Place) -> bool {
        self.0.get(track).is_some_and(|taken| *taken >= place)
    }

    /// Takes note that all up to `place` of what is `taken` now has been. What was taken before, and is no more, stays
    /// where it is: should it be again, it goes on there.
    pub(super) fn reach(&mut self, taken: &Taken, place: Place) {
        for (_, known) in self.0.iter_mut().filter(|(track, _)| taken.has(track)) {
            *known = place.max(*known);
        }
    }
}
