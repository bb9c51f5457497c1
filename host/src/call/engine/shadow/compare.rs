//! A candidate repeats a call that the live release has ended, and the effects of both are compared.
//!
//! Invariant: a shadow run reads the snapshot of the live run, sees the same time, randomness and answers of nested
//! calls, and has no effect outside. No live call waits for a shadow run. If the candidate has a copy of the data, the
//! copy held the live data in that snapshot.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::Val;

use super::difference::{RunEffects, difference};
use super::replay::Replay;
use crate::call::engine::answer::Answer;
use crate::call::engine::call::Call;
use crate::call::engine::record::NestedCall;
use crate::call::engine::seed::Seed;
use crate::call::routing::Shadow;
use crate::clock;
use crate::contract::Function;
use crate::limits::SHADOW_DIFFERENCES_MAX;
use crate::names::{Identity, RequestId, ServiceName};
use crate::runtime::{Failure, Finished, Frame};
use crate::store::{Effects, PinnedSnapshot, SnapshotError};

/// A live call that the candidate will repeat.
#[derive(Debug)]
pub(in crate::call::engine) struct ShadowCall {
    shadow: Arc<Shadow>,
    permit: OwnedSemaphorePermit,
}

/// The snapshot and the nested calls of a live run.
#[derive(Debug)]
pub(in crate::call::engine) struct Observed {
    pub(in crate::call::engine) snapshot: Option<PinnedSnapshot>,
    pub(in crate::call::engine) effects: Effects,
}

impl Call {
    /// Whether a candidate repeats this call after its end.
    pub(in crate::call::engine) fn shadow(&self) -> Option<ShadowCall> {
        let shadow = self.root.table.shadow(self.backend.service.name())?;
        let permit = shadow.admit(&self.seed)?;
        Some(ShadowCall { shadow: Arc::clone(shadow), permit })
    }
}

impl ShadowCall {
    /// Repeats `call`, which has ended with `answer`, in a task.
    pub(in crate::call::engine) fn compare(
        self,
        call: &Arc<Call>,
        answer: &Answer,
        observed: Observed,
        nested: Option<Vec<NestedCall>>,
    ) {
        let Self { shadow, permit } = self;
        // A comparison needs everything that the live run read.
        let (Some(snapshot), Some(nested)) = (observed.snapshot, nested) else {
            shadow.lock().dropped += 1;
            return;
        };
        let live = RunEffects { answer: answer.clone(), effects: observed.effects };
        let call = repeated(call);
        shadow.tasks.clone().spawn("shadow run", async move {
            repeat(&shadow, &call, &snapshot, nested, &live).await;
            drop(permit);
        });
    }
}

/// The parts of a call that a shadow run needs. They exclude its table, which would delay migrations.
struct Repeated {
    function: Arc<Function>,
    arguments: Arc<[Val]>,
    identity: Option<Identity>,
    calling_service: Option<ServiceName>,
    seed: Seed,
    time_unix_micros: u64,
    request: RequestId,
}

fn repeated(call: &Call) -> Repeated {
    let details = &call.root.details;
    Repeated {
        function: Arc::clone(&call.function),
        arguments: Arc::clone(&call.arguments),
        identity: details.identity.clone(),
        calling_service: call.calling_service.clone(),
        seed: call.seed,
        time_unix_micros: details.time_unix_micros,
        request: details.request.clone(),
    }
}

async fn repeat(
    shadow: &Shadow,
    call: &Repeated,
    snapshot: &PinnedSnapshot,
    nested: Vec<NestedCall>,
    live: &RunEffects,
) {
    let transaction = match snapshot.rehearse_on(shadow.backend.generation) {
        Ok(transaction) => transaction,
        Err(SnapshotError::Released) => {
            shadow.lock().dropped += 1;
            return;
        }
        Err(SnapshotError::Behind) => {
            shadow.lock().behind += 1;
            return;
        }
    };
    let replay = Replay::new(call.seed, nested);
    let frame = Frame {
        transaction,
        identity: call.identity.clone(),
        calling_service: call.calling_service.clone(),
        seed: call.seed,
        time_unix_micros: call.time_unix_micros,
        deadline: clock::now() + Duration::from_millis(shadow.backend.service.limits.deadline_ms),
        outbound: Box::new(replay.clone()),
        request: call.request.clone(),
    };
    let Some(program) = shadow.backend.release.program.contract() else { return };
    let Finished { result, transaction, .. } = program.run(&call.function, Arc::clone(&call.arguments), frame).await;
    if result.as_ref().is_err_and(Failure::is_of_host) {
        // The host had no room, which does not depend on the candidate.
        shadow.lock().dropped += 1;
        return;
    }
    let candidate = result
        .map(|result| RunEffects { answer: Answer::of(&call.function, result), effects: transaction.into_effects() });
    let difference = difference(&call.function, live, candidate, replay.divergence(), shadow.same_format);
    shadow.lock().compared(&call.function.name.wit, difference, SHADOW_DIFFERENCES_MAX);
}
