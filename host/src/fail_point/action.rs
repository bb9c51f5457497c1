//! The effects of an armed point.

/// The effect of an armed point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The process ends as with SIGKILL: it drops, flushes and reports nothing.
    Abort,
    /// The thread panics: the host must continue.
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
