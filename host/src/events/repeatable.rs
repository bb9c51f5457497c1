//! The deliveries that may run again, also of services and pairs that are currently absent: their memos must stay.

use std::collections::HashSet;

use super::cursor::Cursor;
use super::handlers::Pair;
use super::registry::Events;
use crate::limits::EVENTS_SKIPPED_MAX;
use crate::names::CallId;
use crate::store::system::{CURSORS, DEAD_LETTERS, EventId, RETRIES};
use crate::store::{Store, StoreError};

/// The number of events after a stored cursor that may have been attempted: the loop stores its cursor at the latest
/// after this many.
const ATTEMPTED_MAX: u32 = EVENTS_SKIPPED_MAX + 1;

impl Events {
    /// The ids of all deliveries that were attempted and may run again: failed ones, dead letters, and the first ones
    /// after each cursor. Runs of schedules are not included: intents repeat those.
    ///
    /// Blocks while it reads their keys.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when an index cannot be read.
    pub fn repeatable_calls(&self) -> Result<HashSet<CallId>, StoreError> {
        let (registry, mut ids) = (&self.inner, HashSet::new());
        let stores = registry.stores.all();
        for subscriber in &stores {
            let id = |EventId { emitter, seq }: EventId| {
                let pair = Pair { subscriber: subscriber.name().clone(), emitter };
                registry.calls.host_call_id(&pair.cause(seq))
            };
            // An event moves from the events after the cursor to the failed deliveries. This order of reads misses
            // none.
            ids.extend(attempted(&stores, subscriber)?.into_iter().map(id));
            let failed = subscriber.begin_read();
            for table in [&RETRIES, &DEAD_LETTERS] {
                ids.extend(failed.row_keys(table, .., u32::MAX)?.into_iter().map(id));
            }
        }
        Ok(ids)
    }
}

/// The events after the cursors of `subscriber` that may have been attempted.
fn attempted(stores: &[Store], subscriber: &Store) -> Result<Vec<EventId>, StoreError> {
    let mut events = Vec::new();
    for emitter in subscriber.row_keys(&CURSORS, .., u32::MAX)? {
        let Some(outbox) = stores.iter().find(|store| *store.name() == emitter) else { continue };
        for seq in Cursor::read(subscriber, &emitter)?.positions() {
            let keys = outbox.emitted_keys(seq, ATTEMPTED_MAX)?;
            events.extend(keys.into_iter().map(|key| EventId { emitter: emitter.clone(), seq: key.seq }));
        }
    }
    Ok(events)
}
