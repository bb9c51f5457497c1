//! The end of a call: its answer or its error.

use wasmtime::component::Val;

use crate::call::routing::current::NotBegun;
use crate::call::routing::slot_queue::Refused;
use crate::contract::{Case, Function, Type};
use crate::names::ServiceName;
use crate::observe::calls::Outcome;
use crate::store::Stopped;
use crate::value::binary::{BinaryError, put_payload, read_payload};

/// RFC 6585, section 4.
const TOO_MANY_REQUESTS: u16 = 429;

/// The seconds until a client may retry after a failure for lack of room or health.
const RETRY_AFTER_S: u64 = 1;

/// The component's answer: the payload of `ok` (or the plain result), or of `err`.
#[derive(Debug, Clone)]
pub enum Answer {
    Ok(Option<Val>),
    Err(Option<Val>),
}

impl Answer {
    /// Sorts the result of `function` into `ok` or `err`, if the function can fail.
    pub(in crate::call) fn of(function: &Function, result: Option<Val>) -> Self {
        match result {
            Some(Val::Result(Ok(payload))) if function.fallible => Self::Ok(payload.map(|value| *value)),
            Some(Val::Result(Err(payload))) if function.fallible => Self::Err(payload.map(|value| *value)),
            plain => Self::Ok(plain),
        }
    }

    /// The reverse: the result for the caller's component.
    pub(in crate::call) fn into_result(self, function: &Function) -> Option<Val> {
        match self {
            Self::Ok(payload) if function.fallible => Some(Val::Result(Ok(payload.map(Box::new)))),
            Self::Ok(payload) => payload,
            Self::Err(payload) => Some(Val::Result(Err(payload.map(Box::new)))),
        }
    }

    /// Whether a repeated request gets this answer. Temporary errors (429 and 5xx) are not kept, so that the client may
    /// retry.
    pub(in crate::call) fn is_kept(&self, function: &Function) -> bool {
        match self {
            Self::Ok(_) => true,
            Self::Err(error) => {
                let case = error_case(function, error.as_ref());
                case.and_then(|case| case.status).is_some_and(|status| status < 500 && status != TOO_MANY_REQUESTS)
            }
        }
    }

    /// The stored form of the answer.
    pub(in crate::call) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        let (Self::Ok(payload) | Self::Err(payload)) = self;
        bytes.push(u8::from(matches!(self, Self::Ok(_))));
        put_payload(payload.as_ref(), &mut bytes);
        bytes
    }

    /// The answer of `function` that [`Answer::encode`] wrote.
    pub(in crate::call) fn decode(function: &Function, bytes: &[u8]) -> Result<Self, BinaryError> {
        match bytes.split_first() {
            Some((1, payload)) => read_payload(function.ok.as_ref(), payload).map(Self::Ok),
            Some((0, payload)) => read_payload(function.err.as_ref(), payload).map(Self::Err),
            _ => Err(BinaryError),
        }
    }

    /// Whether the call's writes are committed: it succeeded, or failed with a case marked `commits`.
    pub(in crate::call) fn commits(&self, function: &Function) -> bool {
        match self {
            Self::Ok(_) => true,
            Self::Err(error) => error_case(function, error.as_ref()).is_some_and(|case| case.commits),
        }
    }
}

/// How a call of `service` with this result is counted.
pub(in crate::call) fn outcome(service: &ServiceName, result: Result<&Answer, &CallError>) -> Outcome {
    match result {
        Ok(Answer::Ok(_)) => Outcome::Ok,
        Ok(Answer::Err(_)) => Outcome::Refused,
        Err(error) => error.outcome(service),
    }
}

/// The case of the contract that matches an error of `function`.
pub(in crate::call) fn error_case<'f>(function: &'f Function, error: Option<&Val>) -> Option<&'f Case> {
    let cases = match &function.err {
        Some(Type::Variant(variant)) => &variant.cases,
        Some(Type::Enum(enumeration)) => &enumeration.cases,
        _ => return None,
    };
    let Some(Val::Variant(name, _) | Val::Enum(name)) = error else { return None };
    cases.iter().find(|case| *case.name == **name)
}

/// Why a call has no answer from its component. None of its effects remains in its service's store, except after
/// [`CallError::Begun`], where this is not known yet.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// Down, full, or its circuit is open.
    #[error("{service} is not available: {why}")]
    Unavailable { service: ServiceName, why: &'static str, retry_after_s: u64 },
    #[error("the deadline of the call to {service} passed")]
    Deadline { service: ServiceName },
    /// The component trapped, or broke a rule. The log has the reason; the client does not get it.
    #[error("{service} failed")]
    Failed { service: ServiceName },
    /// The component exceeded a limit of its service. The log has the details; the client does not get them.
    #[error("{service} went over {limit}")]
    OverLimit { service: ServiceName, limit: &'static str },
    /// It failed after an effect elsewhere and has not ended by its deadline. The host repeats it until it ends.
    #[error("the call to {service} has not ended yet, and continues")]
    Begun { service: ServiceName },
    /// The body of a request to a mounted service is too large, and the component did not answer.
    #[error("the body of the request to {service} is larger than {bytes_max} bytes")]
    BodyTooLarge { service: ServiceName, bytes_max: usize },
    /// One client has as many requests at a mounted service as one client may have.
    #[error("one client has all of its call slots of {service} in use")]
    ClientSlots { service: ServiceName },
    /// This node only reads, and the mounted component attempted something else: nothing happened, and the leader runs it.
    #[error("{service} does more than read")]
    OnlyReads { service: ServiceName },
    /// The client's key was used for another request.
    #[error("the idempotency key was used for another request: use a new key")]
    KeyReused,
    #[error("the journal has stopped: restart the host")]
    Stopped(#[from] Stopped),
}

impl CallError {
    /// The error of a call of `service` that cannot begin on its release.
    pub(in crate::call) fn not_begun(service: &ServiceName, why: NotBegun) -> Self {
        match why {
            NotBegun::DataMigrated => Self::unavailable(service, "its contract or its data has just changed"),
            NotBegun::HeldTooLong => Self::Deadline { service: service.clone() },
        }
    }

    /// The error of a call of `service` that gets no slot or no instance.
    pub(in crate::call) fn not_admitted(service: &ServiceName, refused: Refused) -> Self {
        match refused {
            Refused::Full => Self::unavailable(service, "its queue is full"),
            Refused::Waited => Self::unavailable(service, "all of its call slots are in use"),
            Refused::NoInstance => Self::unavailable(service, "no instance is free"),
            Refused::Client => Self::ClientSlots { service: service.clone() },
        }
    }

    pub(in crate::call) fn circuit_is_open(service: &ServiceName) -> Self {
        Self::unavailable(service, "its circuit is open after too many failures")
    }

    pub(in crate::call) fn unavailable(service: &ServiceName, why: &'static str) -> Self {
        Self::Unavailable { service: service.clone(), why, retry_after_s: RETRY_AFTER_S }
    }

    /// How a call to `called` with this error is counted. A failure of another service that it called does not count as
    /// its own trap, but not as a success either.
    pub(crate) fn outcome(&self, called: &ServiceName) -> Outcome {
        match self {
            Self::Deadline { service } if service == called => Outcome::Deadline,
            Self::Failed { service } if service == called => Outcome::Trap,
            Self::OverLimit { service, .. } if service == called => Outcome::Limit,
            Self::Stopped(_) => Outcome::Host,
            Self::BodyTooLarge { .. } | Self::ClientSlots { .. } => Outcome::Refused,
            Self::KeyReused
            | Self::OnlyReads { .. }
            | Self::Begun { .. }
            | Self::Unavailable { .. }
            | Self::Deadline { .. }
            | Self::Failed { .. }
            | Self::OverLimit { .. } => Outcome::Unavailable,
        }
    }
}
