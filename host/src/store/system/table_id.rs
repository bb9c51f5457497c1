//! The system tables, and the byte of each in keys.

/// A table, by its byte in keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TableId {
    Answers = b'k',
    AnswerExpiries = b'x',
    Memos = b'm',
    Intents = b'i',
    Outbox = b'e',
    Retries = b'r',
    DeadLetters = b'd',
    Cursors = b'p',
    ScheduleSlots = b's',
    MirroredEntities = b'g',
}

impl TableId {
    pub const ALL: [Self; 10] = [
        Self::Answers,
        Self::AnswerExpiries,
        Self::Memos,
        Self::Intents,
        Self::Outbox,
        Self::Retries,
        Self::DeadLetters,
        Self::Cursors,
        Self::ScheduleSlots,
        Self::MirroredEntities,
    ];

    /// Its byte in keys.
    pub(in crate::store) const fn byte(self) -> u8 {
        self as u8
    }
}
