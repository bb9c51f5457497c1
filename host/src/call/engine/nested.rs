//! The calls that a call makes to other services.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Val;

use super::answer::{Answer, CallError};
use super::call::Call;
use super::exclusive::ExclusiveRun;
use super::record::{NestedError, NestedRecord};
use super::root::BeforeEffect;
use super::seed::{Seed, encoded_arguments, nested_seed};
use super::spans::{begin_call, end_call};
use crate::call::routing::turns::HeldTurns;
use crate::clock;
use crate::contract::{Function, Type};
use crate::limits::{ARGUMENTS_BYTES_MAX, NESTED_CALLS_MAX};
use crate::names::CommitSeq;
use crate::observe::traces::ParentSpan;
use crate::runtime::{Outbound, OutboundError, OutboundFuture};

/// The error case by which a contract tells the caller that a service is not available.
const UNAVAILABLE: &str = "unavailable";

/// The time that a caller keeps when the deadline of a nested call passes, to undo earlier effects: a tenth of its
/// remaining time, at most half a second.
fn spare(left: Duration) -> Duration {
    (left / 10).min(Duration::from_millis(500))
}

/// The result for the caller, and whether it is in a commit.
type Outcome = (Option<Val>, bool);

/// Makes the nested calls of one run of `call`.
pub(in crate::call::engine) fn outbound(
    call: &Arc<Call>,
    record: &NestedRecord,
    exclusive: Option<&Arc<ExclusiveRun>>,
    turns: &HeldTurns,
) -> Box<dyn Outbound> {
    if record.is_empty() {
        return Box::new(Alone);
    }
    let (exclusive, turns) = (exclusive.cloned(), turns.clone());
    Box::new(Nested { call: Arc::clone(call), record: record.clone(), exclusive, turns })
}

/// For a component that imports no service and sends no requests to outside hosts.
#[derive(Debug)]
struct Alone;

impl Outbound for Alone {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, _arguments: &'a [Val]) -> OutboundFuture<'a> {
        let interface = Arc::clone(&import.interface);
        Box::pin(async { Err(OutboundError(Box::new(NestedError::NoService { interface }))) })
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        saw
    }
}

#[derive(Debug)]
struct Nested {
    call: Arc<Call>,
    record: NestedRecord,
    exclusive: Option<Arc<ExclusiveRun>>,
    /// Those of the run, until it waits for others.
    turns: HeldTurns,
}

impl Nested {
    async fn result_of(&self, import: &Arc<Function>, arguments: &[Val]) -> Result<Option<Val>, NestedError> {
        let Self { call, record, .. } = self;
        let position = record.next_position();
        let encoded = encoded_arguments(arguments);
        if encoded.len() > ARGUMENTS_BYTES_MAX {
            return Err(NestedError::Limit { name: "arguments_bytes", max: ARGUMENTS_BYTES_MAX });
        }
        let seed = nested_seed(&call.seed, position, import, &encoded);
        if call.read_only {
            let (result, _) = self.make(import, arguments, seed).await?;
            if position < NESTED_CALLS_MAX {
                record.observe(position, seed, import, &result);
            }
            return Ok(result);
        }
        if let Some(result) = record.replay(position, &seed) {
            return Ok(result);
        }
        if position >= NESTED_CALLS_MAX {
            return Err(NestedError::Limit { name: "nested_calls", max: NESTED_CALLS_MAX });
        }
        let (result, is_persisted) = match self.recall(import, &seed)? {
            Some(answer) => (answer.into_result(import), true),
            None => {
                self.turns.give_up();
                if !import.reads_only() {
                    self.persist_before_effect(position).await?;
                }
                self.make(import, arguments, seed).await?
            }
        };
        record.remember(seed, import, (&result, is_persisted))?;
        Ok(result)
    }

    /// The answer of an earlier run. If the call wrote something, the answer is in its service's store, otherwise in
    /// the caller's store.
    fn recall(&self, import: &Arc<Function>, seed: &Seed) -> Result<Option<Answer>, CallError> {
        let Call { root, backend, .. } = &*self.call;
        if !root.details.may_have_run {
            return Ok(None);
        }
        let callee = root.table.exporter(import).map(|(backend, _)| backend);
        let backends: Vec<_> = std::iter::once(backend).chain(callee).collect();
        let answer = root.persistence.recall(root, &backends, import, seed)?;
        if answer.is_some() {
            // Also if the call only read: its caller had an effect after it.
            root.had_effect();
        }
        Ok(answer)
    }

    async fn persist_before_effect(&self, position: usize) -> Result<(), CallError> {
        let Call { root, backend, seed, deadline, .. } = &*self.call;
        let answers = self.record.not_persisted(position);
        let before = BeforeEffect { root, caller: backend, caller_seed: seed, deadline: *deadline, answers };
        root.persistence.persist_before_effect(before).await?;
        self.record.persisted(position);
        Ok(())
    }

    /// The nested call of `function` of another service.
    fn nested(&self, function: &Arc<Function>, arguments: &[Val], seed: Seed) -> Result<Call, NestedError> {
        let caller = &self.call;
        let Some((backend, function)) = caller.root.table.exporter(function) else {
            return Err(NestedError::NoService { interface: Arc::clone(&function.interface) });
        };
        if caller.read_only && !function.reads_only() {
            return Err(NestedError::ReadOnly { function: Arc::clone(&function.name.wit) });
        }
        let depth = caller.depth + 1;
        let depth_max = caller.backend.service.limits.call_depth_max;
        if depth > depth_max {
            return Err(NestedError::Limit { name: "call_depth_max", max: depth_max });
        }
        let begun = clock::now();
        let left = caller.deadline.saturating_duration_since(begun);
        let own = Duration::from_millis(backend.service.limits.deadline_ms);
        Ok(Call {
            root: Arc::clone(&caller.root),
            backend: backend.clone(),
            function: Arc::clone(function),
            arguments: arguments.into(),
            calling_service: Some(caller.backend.service.name().clone()),
            depth,
            begun,
            deadline: begun + (left - spare(left)).min(own),
            seed,
            read_only: caller.read_only || function.reads_only(),
            exclusive: self.exclusive.clone(),
            span: ParentSpan::none(),
        })
    }

    async fn make(&self, function: &Arc<Function>, arguments: &[Val], seed: Seed) -> Result<Outcome, NestedError> {
        let mut call = self.nested(function, arguments, seed)?;
        let service = Arc::clone(&call.backend.service);
        let span = begin_call(&self.call.span, service.name(), &call.function);
        call.span = span.as_parent();
        self.call.backend.service.calls.called_another();
        let effects = self.call.root.effects();
        let mut result = Arc::new(call).execute().await;
        end_call(span, service.name(), result.as_ref().map(|ended| &ended.answer));
        if self.call.read_only {
            self.record.add_below(result.as_mut().ok().and_then(|ended| ended.provenance.take()));
        }
        match result {
            Ok(ended) => Ok((ended.answer.into_result(function), ended.has_memo)),
            // A call that failed after an effect was not refused: the host repeats its caller, and so the call.
            Err(error) if self.call.root.effects() > effects => Err(error.into()),
            Err(error) => match unavailable(function, &error) {
                Some(answer) => Ok((answer.into_result(function), false)),
                None => Err(error.into()),
            },
        }
    }
}

impl Outbound for Nested {
    fn call<'a>(&'a mut self, import: &'a Arc<Function>, arguments: &'a [Val]) -> OutboundFuture<'a> {
        Box::pin(async move {
            let result = self.result_of(import, arguments).await;
            result.map_err(|error| {
                let text = error.to_string();
                self.record.set_error(error);
                OutboundError(text.into())
            })
        })
    }

    fn reach(&mut self, saw: CommitSeq) -> CommitSeq {
        self.call.root.reach(saw);
        self.call.root.reached()
    }

    fn leave(&mut self, saw: CommitSeq) -> CommitSeq {
        self.turns.give_up();
        // An effect outside of the host stays when the call fails.
        self.call.root.had_effect();
        self.reach(saw)
    }
}

/// The error case in the contract of `function` for an unavailable service, if there is one.
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
