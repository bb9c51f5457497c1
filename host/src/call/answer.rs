//! How a call ends.

use wasmtime::component::Val;

use crate::contract::{Function, Type};
use crate::names::ServiceName;
use crate::observe::calls::Outcome;
use crate::store::Stopped;

/// How soon a client may try again what failed for want of room or health, in seconds.
const RETRY_AFTER_S: u64 = 1;

/// What the component answered: the payload of `ok` (or the plain result), or of `err`.
#[derive(Debug, Clone)]
pub enum Answer {
    Ok(Option<Val>),
    Err(Option<Val>),
}

impl Answer {
    /// Splits the result of `function` by whether it is one that can fail.
    pub(super) fn of(function: &Function, result: Option<Val>) -> Self {
        match result {
            Some(Val::Result(Ok(payload))) if function.fallible => Self::Ok(payload.map(|value| *value)),
            Some(Val::Result(Err(payload))) if function.fallible => Self::Err(payload.map(|value| *value)),
            plain => Self::Ok(plain),
        }
    }

    /// The other way round: what the caller's component gets.
    pub(super) fn into_result(self, function: &Function) -> Option<Val> {
        match self {
            Self::Ok(payload) if function.fallible => Some(Val::Result(Ok(payload.map(Box::new)))),
            Self::Ok(payload) => payload,
            Self::Err(payload) => Some(Val::Result(Err(payload.map(Box::new)))),
        }
    }

    /// Whether the call keeps what it wrote: it ended well, or with an error whose case says `commits`.
    pub(super) fn commits(&self, function: &Function) -> bool {
        let error = match self {
            Self::Ok(_) => return true,
            Self::Err(error) => error,
        };
        let cases = match &function.err {
            Some(Type::Variant(variant)) => &variant.cases,
            Some(Type::Enum(enumeration)) => &enumeration.cases,
            _ => return false,
        };
        match error {
            Some(Val::Variant(name, _) | Val::Enum(name)) => {
                cases.iter().any(|case| case.commits && *case.name == **name)
            }
            _ => false,
        }
    }
}

/// Why a call has no answer of its component. Nothing of it remains in its service's store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// Down, full, or its circuit is open.
    #[error("{service} is not available: {why}")]
    Unavailable { service: ServiceName, why: &'static str, retry_after_s: u64 },
    #[error("the deadline of the call to {service} passed")]
    Deadline { service: ServiceName },
    /// The component trapped, or did what it may not. The log says what; a client is not told.
    #[error("{service} failed")]
    Failed { service: ServiceName },
    /// The component went over a bound of its service. The log says by what; a client is not told.
    #[error("{service} went over {limit}")]
    OverLimit { service: ServiceName, limit: &'static str },
    #[error("the journal has stopped")]
    Stopped(#[from] Stopped),
}

impl CallError {
    pub(super) fn unavailable(service: &ServiceName, why: &'static str) -> Self {
        Self::Unavailable { service: service.clone(), why, retry_after_s: RETRY_AFTER_S }
    }

    /// How a call to `called` that ended with it is counted: what a service that it called could not do is not its own
    /// trap, but it did not do its part either.
    pub(super) fn outcome(&self, called: &ServiceName) -> Outcome {
        match self {
            Self::Deadline { service } if service == called => Outcome::Deadline,
            Self::Failed { service } if service == called => Outcome::Trap,
            Self::OverLimit { service, .. } if service == called => Outcome::Limit,
            Self::Stopped(_) => Outcome::Host,
            Self::Unavailable { .. } | Self::Deadline { .. } | Self::Failed { .. } | Self::OverLimit { .. } => {
                Outcome::Unavailable
            }
        }
    }
}
