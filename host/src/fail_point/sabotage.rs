//! Guarantees that a test can break, to see whether the crash test notices. Each has its double at one place of the host:
//! [`Sabotage::AnswerBeforeSync`] in the writer of the journal, the other two in the commit of a transaction.

/// A guarantee that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// The journal calls a batch durable before it writes it.
    AnswerBeforeSync,
    /// A commit leaves out the answer to a request, which has a commit of its own later.
    MemoApart,
    /// A commit leaves out how far a service has taken events, which has a commit of its own later.
    PositionApart,
}

impl Sabotage {
    pub const ALL: [Self; 3] = [Self::AnswerBeforeSync, Self::MemoApart, Self::PositionApart];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AnswerBeforeSync => "answer-before-sync",
            Self::MemoApart => "memo-apart",
            Self::PositionApart => "position-apart",
        }
    }
}
