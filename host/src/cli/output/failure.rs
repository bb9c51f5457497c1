//! Why a command failed: what happened, why, and what to do next.

use std::fmt;
use std::process::ExitCode;

/// The result that a command prints, or its failure.
pub(in crate::cli) type Outcome = Result<String, Failure>;

/// The kind of a failure, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Kind {
    Refused = 1,
    Usage = 2,
    Unreachable = 3,
    Unauthorized = 4,
    /// Another change ended a trial.
    TrialReplaced = 5,
    /// A trial has not ended in time.
    TrialUndecided = 6,
    /// There is nothing to do.
    NotNeeded = 7,
}

#[derive(Debug)]
pub(in crate::cli) struct Failure {
    pub(in crate::cli) kind: Kind,
    error: anyhow::Error,
    next: Option<String>,
    /// A result that the command has despite the failure, such as a verdict.
    pub(in crate::cli) result: String,
}

impl Failure {
    pub(in crate::cli) fn new(kind: Kind, error: impl Into<anyhow::Error>) -> Self {
        Self { kind, error: error.into(), next: None, result: String::new() }
    }

    /// A failure with only a text.
    pub(in crate::cli) fn text(kind: Kind, text: impl fmt::Display) -> Self {
        Self::new(kind, anyhow::anyhow!("{text}"))
    }

    /// Adds what to do next.
    pub(in crate::cli) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Adds a result that the command prints despite the failure.
    pub(in crate::cli) fn with_result(mut self, result: impl Into<String>) -> Self {
        self.result = result.into();
        self
    }

    /// The lines of the error, without its causes.
    pub(in crate::cli) fn lines(&self) -> Vec<String> {
        self.error.to_string().lines().map(str::to_owned).collect()
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
