//! What an armed point does.

/// What happens at an armed point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The process ends as with SIGKILL: it drops, flushes and reports nothing.
    Abort,
    /// The thread panics: the host has to go on.
    Panic,
}

impl Action {
    pub(super) fn act(self, name: &str) {
        match self {
            Self::Abort => std::process::abort(),
            Self::Panic => panic!("the fail point {name} is armed to panic"),
        }
    }
}
