//! The calls that a call makes to other services, and the answers that it gets again when it runs again.
//!
//! Invariant: while the runs of one call make the same calls, each of those is made once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::component::Val;

use super::answer::{Answer, CallError};
use super::directory::Member;
use super::execute::Call;
use super::root::{Root, Seed, nested_seed};
use crate::clock;
use crate::contract::{Function, Type};
use crate::names::ServiceName;
use crate::runtime::{Outbound, OutboundError, OutboundFuture};

/// The case of an error by which a contract lets a caller go on when a service cannot do its part.
const UNAVAILABLE: &str = "unavailable";

/// What is left to a caller when the deadline of a call that it made has passed, so that it can undo what came before:
/// a tenth of what it had left, half a second at most.
fn spare(left: Duration) -> Duration {
    (left / 10).min(Duration::from_millis(500))
}

/// Why a nested call gave nothing that its caller's component could be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum NestedError {
    #[error("no service exports {interface}")]
    NoService { interface: Arc<str> },
    #[error("a read-only call called {function}, which may write")]
    ReadOnly { function: Arc<str> },
    #[error("over the limit call_depth_max = {depth_max}: calls nest deeper")]
    TooDeep { depth_max: usize },
    #[error(transparent)]
    Call { error: CallError },
}

impl NestedError {
    /// Takes it out of what the runtime carried it in.
    pub(super) fn of(error: OutboundError) -> Option<Self> {
        error.0.downcast().ok().map(|error| *error)
    }
}

impl From<NestedError> for OutboundError {
    fn from(error: NestedError) -> Self {
        Self(Box::new(error))
    }
}

/// One call as the maker of others: it lives through all runs of the call.
#[derive(Debug)]
pub(super) struct Nested {
    root: Arc<Root>,
    member: Member,
    depth: usize,
    deadline: Instant,
    seed: Seed,
    read_only: bool,
    held: Mutex<Option<Arc<Held>>>,
    journey: Mutex<Journey>,
}

/// The calls made so far, and how many of them the run that is under way has made again.
#[derive(Debug, Default)]
struct Journey {
    made: Vec<Made>,
    position: usize,
}

#[derive(Debug)]
struct Made {
    function: Arc<Function>,
    arguments: Vec<Val>,
    result: Option<Val>,
}

/// The services whose lanes a call and those above it hold.
#[derive(Debug)]
pub(super) struct Held {
    service: ServiceName,
    above: Option<Arc<Held>>,
}

impl Held {
    pub(super) fn contains(mut held: Option<&Arc<Self>>, service: &ServiceName) -> bool {
        while let Some(lane) = held {
            if lane.service == *service {
                return true;
            }
            held = lane.above.as_ref();
        }
        false
    }
}

impl Nested {
    pub(super) fn of(call: &Call) -> Self {
        Self {
            root: Arc::clone(&call.root),
            member: call.member.clone(),
            depth: call.depth,
            deadline: call.deadline,
            seed: call.seed,
            read_only: call.read_only,
            held: Mutex::new(call.held.clone()),
            journey: Mutex::default(),
        }
    }

    /// A run begins: its first nested call is the first that was made.
    pub(super) fn rewind(&self) {
        self.journey().position = 0;
    }

    /// From now on the calls made know that this one holds the lane of its service.
    pub(super) fn hold_lane(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let above = held.take();
        *held = Some(Arc::new(Held { service: self.member.service.name().clone(), above }));
    }

    fn journey(&self) -> std::sync::MutexGuard<'_, Journey> {
        self.journey.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer that an earlier run got for this call at this position. Where the runs part, what the earlier one
    /// made from here on is forgotten. Gives the position of a call that is to be made.
    fn replay(&self, function: &Arc<Function>, arguments: &[Val]) -> Result<Option<Val>, usize> {
        let mut journey = self.journey();
        let position = journey.position;
        journey.position += 1;
        match journey.made.get(position) {
            Some(made) if Arc::ptr_eq(&made.function, function) && made.arguments == arguments => {
                return Ok(made.result.clone());
            }
            Some(_) => journey.made.truncate(position),
            None => {}
        }
        Err(position)
    }

    async fn make(
        &self,
        function: &Arc<Function>,
        arguments: Vec<Val>,
        position: usize,
    ) -> Result<Option<Val>, NestedError> {
        let Some(member) = self.root.directory.exporter(&function.interface) else {
            return Err(NestedError::NoService { interface: Arc::clone(&function.interface) });
        };
        if self.read_only && !function.reads_only() {
            return Err(NestedError::ReadOnly { function: Arc::clone(&function.name.wit) });
        }
        let depth = self.depth + 1;
        let depth_max = self.member.service.limits.call_depth_max;
        if depth > depth_max {
            return Err(NestedError::TooDeep { depth_max });
        }
        self.member.service.calls.called_another();
        let left = self.deadline.saturating_duration_since(clock::now());
        let own = Duration::from_millis(member.service.limits.deadline_ms);
        let call = Call {
            root: Arc::clone(&self.root),
            member: member.clone(),
            function: Arc::clone(function),
            arguments,
            calling_service: Some(self.member.service.name().clone()),
            depth,
            deadline: clock::now() + (left - spare(left)).min(own),
            seed: nested_seed(&self.seed, position),
            read_only: self.read_only || function.reads_only(),
            held: self.held.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        match call.execute().await {
            Ok(answer) => Ok(answer.into_result(function)),
            Err(error) => match unavailable(function, &error) {
                Some(answer) => Ok(answer.into_result(function)),
                None => Err(NestedError::Call { error }),
            },
        }
    }
}

impl Outbound for Arc<Nested> {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, arguments: &'a [Val]) -> OutboundFuture<'a> {
        Box::pin(async move {
            let position = match self.replay(import, arguments) {
                Ok(result) => return Ok(result),
                Err(position) => position,
            };
            let result = self.make(import, arguments.to_vec(), position).await?;
            let made = Made { function: Arc::clone(import), arguments: arguments.to_vec(), result: result.clone() };
            self.journey().made.push(made);
            Ok(result)
        })
    }
}

/// The error that the contract of `function` has for a service that cannot do its part, if it has one.
fn unavailable(function: &Function, error: &CallError) -> Option<Answer> {
    if matches!(error, CallError::Stopped(_)) {
        return None;
    }
    let Some(Type::Variant(variant)) = &function.err else { return None };
    let case = variant.cases.iter().find(|case| *case.name == *UNAVAILABLE)?;
    let payload = match &case.ty {
        None => None,
        Some(Type::String) => Some(Box::new(Val::String(error.to_string()))),
        Some(_) => return None,
    };
    Some(Answer::Err(Some(Val::Variant(UNAVAILABLE.into(), payload))))
}
