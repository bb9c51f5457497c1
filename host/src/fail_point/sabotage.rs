//! Guarantees that a test can break, to check that the crash test notices. Each is broken at one place of the host:
//! [`Sabotage::AnswerBeforeSync`] in the writer of the journal, [`Sabotage::MirrorForgets`] in the pages of a mirror,
//! [`Sabotage::MemoApart`] and [`Sabotage::PositionApart`] in the commit of a transaction. Those of a cluster are broken where
//! messages are published, in the writer of the stream, and where a node reads.

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
    /// The leader of a cluster calls a batch durable before the stream has acknowledged it.
    AnswerBeforeAck,
    /// A leader appends to the stream whatever is at its end, so that it does not notice that another one leads.
    NoFence,
    /// A node that follows answers reads without the number of the leader.
    ReadsWithoutNumber,
    /// A leader tells its number although its lease has run out.
    NumberWithoutLease,
}

impl Sabotage {
    pub const ALL: [Self; 8] = [
        Self::AnswerBeforeSync,
        Self::MemoApart,
        Self::PositionApart,
        Self::MirrorForgets,
        Self::AnswerBeforeAck,
        Self::NoFence,
        Self::ReadsWithoutNumber,
        Self::NumberWithoutLease,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AnswerBeforeSync => "answer-before-sync",
            Self::MemoApart => "memo-apart",
            Self::PositionApart => "position-apart",
            Self::MirrorForgets => "mirror-forgets",
            Self::AnswerBeforeAck => "answer-before-ack",
            Self::NoFence => "no-fence",
            Self::ReadsWithoutNumber => "reads-without-number",
            Self::NumberWithoutLease => "number-without-lease",
        }
    }
}
