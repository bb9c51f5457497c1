//! Guarantees that a test can break, to check that the crash test notices. Each is broken at one place of the host:
//! [`Sabotage::AnswerBeforeSync`] in the writer of the journal, [`Sabotage::MirrorForgets`] in the pages of a mirror, the other two
//! in the commit of a transaction.

/// A guarantee that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// The journal calls a batch durable before it writes it.
    AnswerBeforeSync,
    /// The answer to a request is committed separately and later, instead of with its effects.
    MemoApart,
    /// The cursor of a subscriber is committed separately and later, instead of with its effects.
    PositionApart,
    /// A mirror copies nothing again, whatever commits change.
    MirrorForgets,
}

impl Sabotage {
    pub const ALL: [Self; 4] = [Self::AnswerBeforeSync, Self::MemoApart, Self::PositionApart, Self::MirrorForgets];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AnswerBeforeSync => "answer-before-sync",
            Self::MemoApart => "memo-apart",
            Self::PositionApart => "position-apart",
            Self::MirrorForgets => "mirror-forgets",
        }
    }
}
