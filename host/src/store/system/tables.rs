//! The list of all system tables.

use super::keys::{AgedCall, EntityKey, EventId, MemoKey, OutboxKey};
use super::table::{Budget, Retention, Table};
use super::table_id::TableId;
use crate::names::{CallId, Digest, ServiceName};

pub const ANSWERS: Table<CallId> = Table::new(TableId::Answers, Retention::ForATime, Budget::Percent(30));
pub const ANSWER_EXPIRIES: Table<AgedCall> =
    Table::new(TableId::AnswerExpiries, Retention::ForATime, Budget::Percent(2));
pub const MEMOS: Table<MemoKey> = Table::new(TableId::Memos, Retention::WhileNeeded, Budget::Percent(20));
pub const INTENTS: Table<CallId> = Table::new(TableId::Intents, Retention::UntilDone, Budget::Percent(10));
pub const OUTBOX: Table<OutboxKey> = Table::new(TableId::Outbox, Retention::UntilDone, Budget::Percent(20));
pub const RETRIES: Table<EventId> = Table::new(TableId::Retries, Retention::UntilDone, Budget::Percent(9));
pub const DEAD_LETTERS: Table<EventId> =
    Table::new(TableId::DeadLetters, Retention::UntilTheOperatorDecides, Budget::Percent(9));
pub const CURSORS: Table<ServiceName> = Table::new(TableId::Cursors, Retention::WithTheService, Budget::RowPerContract);
pub const SCHEDULE_SLOTS: Table<Digest> =
    Table::new(TableId::ScheduleSlots, Retention::WithTheService, Budget::RowPerContract);

pub const MIRRORED_ENTITIES: Table<EntityKey> =
    Table::new(TableId::MirroredEntities, Retention::UntilDone, Budget::RowPerEntity);

const _: () = assert!(
    ANSWERS.percent()
        + ANSWER_EXPIRIES.percent()
        + MEMOS.percent()
        + INTENTS.percent()
        + OUTBOX.percent()
        + RETRIES.percent()
        + DEAD_LETTERS.percent()
        == 100
);
