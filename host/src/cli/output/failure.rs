//! Why a command did not do its work: what happened, why, and what to do next.

use std::fmt;
use std::process::ExitCode;

/// What a command prints as its result, or why there is none.
pub(in crate::cli) type Outcome = Result<String, Failure>;

/// What kind of failure it is, as the exit code tells scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    Refused = 1,
    Usage = 2,
    Unreachable = 3,
    Unauthorized = 4,
}

#[derive(Debug)]
pub(in crate::cli) struct Failure {
    pub(in crate::cli) kind: Kind,
    error: anyhow::Error,
    next: Option<String>,
    /// What the command found out all the same, such as a verdict: its result.
    pub(in crate::cli) result: String,
}

impl Failure {
    pub(in crate::cli) fn new(kind: Kind, error: impl Into<anyhow::Error>) -> Self {
        Self { kind, error: error.into(), next: None, result: String::new() }
    }

    /// A failure with nothing to it but `text`.
    pub(in crate::cli) fn text(kind: Kind, text: impl fmt::Display) -> Self {
        Self::new(kind, anyhow::anyhow!("{text}"))
    }

    /// Says what to do next.
    pub(in crate::cli) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Gives the failed command a result all the same.
    pub(in crate::cli) fn with_result(mut self, result: impl Into<String>) -> Self {
        self.result = result.into();
        self
    }

    pub(in crate::cli) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.error)?;
        for cause in self.error.chain().skip(1) {
            write!(f, "\n  because: {cause}")?;
        }
        match &self.next {
            Some(next) => write!(f, "\n{next}"),
            None => Ok(()),
        }
    }
}
