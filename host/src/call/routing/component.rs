//! The component of a release: one with a contract, or one that speaks HTTP itself.

use std::sync::Arc;

use crate::runtime::{HttpProgram, Program};

/// A component, linked and ready to run.
#[derive(Debug, Clone)]
pub enum LinkedComponent {
    /// The host calls its functions.
    Contract(Arc<Program>),
    /// It gets requests as their clients sent them.
    Http(Arc<HttpProgram>),
}

impl LinkedComponent {
    #[must_use]
    pub fn contract(&self) -> Option<&Arc<Program>> {
        match self {
            Self::Contract(program) => Some(program),
            Self::Http(_) => None,
        }
    }

    #[must_use]
    pub fn http(&self) -> Option<&Arc<HttpProgram>> {
        match self {
            Self::Contract(_) => None,
            Self::Http(program) => Some(program),
        }
    }

    /// The size of the largest memory that a new instance has.
    #[must_use]
    pub fn initial_memory_bytes(&self) -> u64 {
        match self {
            Self::Contract(program) => program.initial_memory_bytes(),
            Self::Http(program) => program.initial_memory_bytes(),
        }
    }

    /// Whether others can see its effects before the call ends, because it may send requests to outside hosts.
    pub(in crate::call) fn reaches_out(&self) -> bool {
        self.contract().is_some_and(|program| program.reaches_out())
    }
}
