//! The component of a release: one that keeps a contract, or one that speaks HTTP itself.

use std::sync::Arc;

use crate::runtime::{HttpProgram, Program};

/// A component, linked and ready to run.
#[derive(Debug, Clone)]
pub enum LinkedComponent {
    /// Its functions are called.
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

    /// Bytes of the largest memory that an instance begins with.
    #[must_use]
    pub fn initial_memory_bytes(&self) -> u64 {
        match self {
            Self::Contract(program) => program.initial_memory_bytes(),
            Self::Http(program) => program.initial_memory_bytes(),
        }
    }

    /// Whether what it did for a call can be seen by others before the call ends: it may send requests to hosts outside.
    pub(in crate::call) fn reaches_out(&self) -> bool {
        self.contract().is_some_and(|program| program.reaches_out())
    }
}
