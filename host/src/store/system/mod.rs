//! System tables: the rows that the host stores beside a component's data, in the store of the service that they are
//! about.
//!
//! A row changes in one commit with the service's own data, is restored by the same replay, and is in the same backups.
//! Rows have a separate key space ([`crate::names::Key`]): no component can name, list or scan them.
//!
//! | table | key | value | a row stays |
//! |---|---|---|---|
//! | `ANSWERS` | the id of a request with a key | its sealed answer | for the configured time |
//! | `ANSWER_EXPIRIES` | when the request began, its id | nothing | with its answer |
//! | `MEMOS` | when the root call began, its id, the id of the nested call | its answer | while a call that needs it may run |
//! | `INTENTS` | the id of a root call | what it takes to run it again | until the call has ended |
//! | `OUTBOX` | the event's place in the journal, its time | the event | until every subscriber has it |
//! | `RETRIES` | the emitter, the event's place | the event, its failures | until it is delivered or dead |
//! | `DEAD_LETTERS` | the emitter, the event's place | the event, its failures | until the operator decides |
//! | `CURSORS` | the emitter | how far its events are delivered | with the service |
//! | `MIRRORED_ENTITIES` | the key of an entity | the digest of its value in both generations | while a mirror runs |
//! | `SCHEDULE_SLOTS` | the digest of a schedule's name | its last run | with the service |
//!
//! Invariant: only this module builds and reads the keys of rows.

mod keys;
mod outbox;
mod table;
mod table_id;
mod tables;

#[cfg(test)]
mod tests;

pub use keys::{AgedCall, EntityKey, EventId, EventSeq, MemoKey, OutboxKey};
pub use outbox::Emitted;
pub(super) use outbox::{emitted_bytes, outbox_rows, outbox_value};
pub use table::{Budget, Retention, RowKey, RowWrite, Rows, Table, Usage};
pub use table_id::TableId;
pub use tables::{
    ANSWER_EXPIRIES, ANSWERS, CURSORS, DEAD_LETTERS, INTENTS, MEMOS, MIRRORED_ENTITIES, OUTBOX, RETRIES, SCHEDULE_SLOTS,
};
