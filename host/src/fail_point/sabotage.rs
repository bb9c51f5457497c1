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

#[cfg(feature = "fail-points")]
pub(crate) use double::{WINDOW, broken};

#[cfg(feature = "fail-points")]
mod double {
    use std::sync::LazyLock;
    use std::time::Duration;

    use super::Sabotage;
    use crate::fail_point::{SABOTAGE_VARIABLE, variable};

    /// How long a double leaves open the window in which a kill has consequences: long beside everything else that a call
    /// does, so that most kills fall into one.
    pub(crate) const WINDOW: Duration = Duration::from_millis(20);

    static BROKEN: LazyLock<Option<Sabotage>> = LazyLock::new(|| {
        let named = |name: String| Sabotage::ALL.into_iter().find(|sabotage| sabotage.name() == name);
        variable(SABOTAGE_VARIABLE).map(|name| named(name).expect("a sabotage that exists"))
    });

    /// The guarantee that is broken in this process.
    pub(crate) fn broken() -> Option<Sabotage> {
        *BROKEN
    }
}
