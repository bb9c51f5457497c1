//! The error of a value and its location: a JSON pointer that is built only after an error.

use std::fmt::Write as _;

/// Why a JSON text is no value of its type, or a value has no JSON form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}{}{detail}", if .pointer.is_empty() { "" } else { ": " })]
pub struct ValueError {
    /// The location as an RFC 6901 JSON pointer: `/price/amount`; empty for the whole value. A missing member has the
    /// pointer that it would have.
    pub pointer: String,
    pub detail: String,
}

/// Marks an error whose facts are in the current [`ErrorContext`].
#[derive(Debug)]
pub(super) struct Refused;

/// The facts of the first error. They are set where it happens; each level adds its step of the pointer on the way out.
/// So a value without errors never pays for pointers.
#[derive(Debug, Default)]
pub(super) struct ErrorContext {
    detail: Option<String>,
    /// Innermost first.
    steps: Vec<String>,
}

impl ErrorContext {
    /// Records the error at this level.
    pub(super) fn refuse(&mut self, detail: impl Into<String>) -> Refused {
        self.detail = Some(detail.into());
        Refused
    }

    /// Adds the step `step` (a member or an item) while the error passes it on the way out.
    pub(super) fn leave(&mut self, step: impl ToString) {
        self.steps.push(step.to_string());
    }

    /// `otherwise` gives the detail if no level did.
    pub(super) fn into_error(self, otherwise: impl FnOnce() -> String) -> ValueError {
        let mut pointer = String::new();
        for step in self.steps.iter().rev() {
            write!(pointer, "/{}", step.replace('~', "~0").replace('/', "~1")).expect("a String takes every write");
        }
        ValueError { pointer, detail: self.detail.unwrap_or_else(otherwise) }
    }
}
