//! What is wrong with a value, and where: a JSON pointer that is put together only when something is.

use std::fmt::Write as _;

/// Why a JSON text is no value of its type, or a value has no JSON form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}{}{detail}", if .pointer.is_empty() { "" } else { ": " })]
pub struct ValueError {
    /// Where, as an RFC 6901 JSON pointer: `/price/amount`; empty for the whole value. A missing member has the
    /// pointer that it would have.
    pub pointer: String,
    pub detail: String,
}

/// The mark of an error whose facts are in the [`Blame`] at hand.
#[derive(Debug)]
pub(super) struct Refused;

/// The facts of the first error: said where it happens, completed with one step of the pointer by each level on the
/// way out. So a value without errors pays nothing for its pointers.
#[derive(Debug, Default)]
pub(super) struct Blame {
    detail: Option<String>,
    /// Innermost first.
    steps: Vec<String>,
}

impl Blame {
    /// Says what is wrong here.
    pub(super) fn refuse(&mut self, detail: impl Into<String>) -> Refused {
        self.detail = Some(detail.into());
        Refused
    }

    /// The error on its way out leaves the member or item `step`.
    pub(super) fn leave(&mut self, step: impl ToString) {
        self.steps.push(step.to_string());
    }

    /// `otherwise` is the detail when no level gave one.
    pub(super) fn into_error(self, otherwise: impl FnOnce() -> String) -> ValueError {
        let mut pointer = String::new();
        for step in self.steps.iter().rev() {
            write!(pointer, "/{}", step.replace('~', "~0").replace('/', "~1")).expect("a String takes every write");
        }
        ValueError { pointer, detail: self.detail.unwrap_or_else(otherwise) }
    }
}
