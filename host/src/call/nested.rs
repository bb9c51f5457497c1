//! The calls that a call makes to other services, and the answers that it gets again when it runs again.
//!
//! Invariant: while the runs of one call make the same calls, each of those is made once.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::Val;

use super::answer::{Answer, CallError};
use super::derive::{Seed, nested_seed};
use super::execute::Call;
use super::root::Root;
use super::table::Backend;
use crate::clock;
use crate::contract::{Function, Type};
use crate::limits::{NESTED_BYTES_MAX, NESTED_CALLS_MAX};
use crate::names::{CommitSeq, ServiceName};
use crate::runtime::{Outbound, OutboundError, OutboundFuture, json_bytes};

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
    #[error("over the limit {name} = {max}")]
    Limit { name: &'static str, max: usize },
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

/// The services whose lanes a call and those above it hold.
#[derive(Debug)]
pub(super) struct Held {
    service: ServiceName,
    above: Option<Arc<Held>>,
}

impl Held {
    pub(super) fn new(service: &ServiceName, above: Option<&Arc<Self>>) -> Self {
        Self { service: service.clone(), above: above.cloned() }
    }

    pub(super) fn contains(&self, service: &ServiceName) -> bool {
        self.service == *service || self.above.as_ref().is_some_and(|above| above.contains(service))
    }
}

/// One call as the maker of others. It goes from run to run.
#[derive(Debug)]
pub(super) struct Nested {
    pub(super) root: Arc<Root>,
    pub(super) backend: Backend,
    pub(super) depth: usize,
    pub(super) deadline: Instant,
    pub(super) seed: Seed,
    read_only: bool,
    held: Option<Arc<Held>>,
    /// How many calls the run that is under way has made.
    position: usize,
    /// The calls that an earlier run has made, or this one, in their order; of a call that is never run again, none.
    pub(super) made: Vec<Made>,
    /// Whether a candidate runs the call in shadow.
    watched: bool,
}

/// A call that was made, and what came of it.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) seed: Seed,
    pub(super) function: Arc<Function>,
    pub(super) result: Option<Val>,
    /// Of the result, as JSON.
    bytes: usize,
    /// Whether the answer is kept in a store, for when the run goes on after a crash.
    pub(super) is_kept: bool,
}

/// A component whose contract has no service to call, and that reaches nobody outside.
#[derive(Debug)]
struct Alone;

impl Outbound for Alone {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, _arguments: &'a [Val]) -> OutboundFuture<'a> {
        Box::pin(async { Err(NestedError::NoService { interface: Arc::clone(&import.interface) }.into()) })
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        saw
    }
}

/// What makes the calls of `call`, in its first run. A `watched` call is run in shadow, too.
pub(super) fn outbound(call: &Call, watched: bool) -> Box<dyn Outbound> {
    if !call.backend.release.calls_others {
        return Box::new(Alone);
    }
    Box::new(Nested {
        root: Arc::clone(&call.root),
        backend: call.backend.clone(),
        depth: call.depth,
        deadline: call.deadline,
        seed: call.seed,
        read_only: call.read_only,
        held: call.held.clone(),
        position: 0,
        made: Vec::new(),
        watched,
    })
}

/// The calls that the run which gave `outbound` back has made; nothing when they were too many to remember.
pub(super) fn made(outbound: Box<dyn Outbound>) -> Option<Vec<Made>> {
    let outbound: Box<dyn Any> = outbound;
    let Ok(mut nested) = outbound.downcast::<Nested>() else { return Some(Vec::new()) };
    let all = nested.made.len() >= nested.position;
    nested.made.truncate(nested.position);
    all.then_some(nested.made)
}

/// Makes `outbound`, which an earlier run gave back, that of the next run: one that holds the lanes `held`.
pub(super) fn run_again(outbound: &mut dyn Outbound, held: Option<&Arc<Held>>) {
    let outbound: &mut dyn Any = outbound;
    if let Some(nested) = outbound.downcast_mut::<Nested>() {
        nested.position = 0;
        nested.held = held.cloned();
    }
}

impl Nested {
    /// The answer that an earlier run got for this call at this position. Where the runs part, what the earlier one
    /// made from here on is dropped.
    fn replay(&mut self, position: usize, seed: &Seed) -> Option<Option<Val>> {
        let made = self.made.get(position)?;
        if made.seed == *seed {
            return Some(made.result.clone());
        }
        self.made.truncate(position);
        None
    }

    fn remember(
        &mut self,
        seed: Seed,
        function: &Arc<Function>,
        (result, is_kept): (&Option<Val>, bool),
    ) -> Result<(), NestedError> {
        let before: usize = self.made.iter().map(|made| made.bytes).sum();
        let left = NESTED_BYTES_MAX - before;
        let bytes = result.as_ref().map_or(0, |value| json_bytes(value, left));
        if bytes > left {
            return Err(NestedError::Limit { name: "nested_bytes", max: NESTED_BYTES_MAX });
        }
        self.made.push(Made { seed, function: Arc::clone(function), result: result.clone(), bytes, is_kept });
        Ok(())
    }

    /// The call that `function` of another service is, made by this one.
    fn nested(&self, function: &Arc<Function>, arguments: &[Val], seed: Seed) -> Result<Call, NestedError> {
        let Some((backend, function)) = self.root.table.exporter(function) else {
            return Err(NestedError::NoService { interface: Arc::clone(&function.interface) });
        };
        if self.read_only && !function.reads_only() {
            return Err(NestedError::ReadOnly { function: Arc::clone(&function.name.wit) });
        }
        let depth = self.depth + 1;
        let depth_max = self.backend.service.limits.call_depth_max;
        if depth > depth_max {
            return Err(NestedError::Limit { name: "call_depth_max", max: depth_max });
        }
        let begun = clock::now();
        let left = self.deadline.saturating_duration_since(begun);
        let own = Duration::from_millis(backend.service.limits.deadline_ms);
        Ok(Call {
            root: Arc::clone(&self.root),
            backend: backend.clone(),
            function: Arc::clone(function),
            arguments: arguments.into(),
            calling_service: Some(self.backend.service.name().clone()),
            depth,
            begun,
            deadline: begun + (left - spare(left)).min(own),
            seed,
            read_only: self.read_only || function.reads_only(),
            held: self.held.clone(),
            entries: Vec::new(),
        })
    }

    /// Makes a call, and gives what its caller is told, and whether that is kept.
    async fn make(&self, function: &Arc<Function>, arguments: &[Val], seed: Seed) -> Result<Told, NestedError> {
        let call = self.nested(function, arguments, seed)?;
        self.backend.service.calls.called_another();
        let effects = self.root.effects();
        match call.execute().await {
            Ok(ended) => Ok((ended.answer.into_result(function), ended.has_memo)),
            // What failed in the middle is no refusal: it is gone on with, and so is this call.
            Err(error) if self.root.effects() > effects => Err(NestedError::Call { error }),
            Err(error) => match unavailable(function, &error) {
                Some(answer) => Ok((answer.into_result(function), false)),
                None => Err(NestedError::Call { error }),
            },
        }
    }
}

/// What the maker of a call is told, and whether that is kept.
type Told = (Option<Val>, bool);

impl Outbound for Nested {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, arguments: &'a [Val]) -> OutboundFuture<'a> {
        Box::pin(async move {
            let position = self.position;
            self.position += 1;
            let seed = nested_seed(&self.seed, position, import, arguments);
            if self.read_only {
                let (result, is_kept) = self.make(import, arguments, seed).await?;
                // It is run again in shadow alone: what there is no room to remember is not compared.
                if self.watched && position < NESTED_CALLS_MAX && self.made.len() == position {
                    let _no_room = self.remember(seed, import, (&result, is_kept));
                }
                return Ok(result);
            }
            if let Some(result) = self.replay(position, &seed) {
                return Ok(result);
            }
            if position >= NESTED_CALLS_MAX {
                return Err(NestedError::Limit { name: "nested_calls", max: NESTED_CALLS_MAX }.into());
            }
            let (result, is_kept) = match self.recall(import, &seed)? {
                Some(result) => (result, true),
                None => {
                    if !import.reads_only() {
                        self.make_certain(position).await?;
                    }
                    self.make(import, arguments, seed).await?
                }
            };
            self.remember(seed, import, (&result, is_kept))?;
            Ok(result)
        })
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        self.root.reach(saw);
        self.root.reached()
    }

    fn leave(&mut self, saw: CommitSeq) -> CommitSeq {
        // What is done outside stays when the call fails.
        self.root.had_effect();
        self.reach(saw)
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
