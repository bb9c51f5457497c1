//! Shadow runs: a candidate runs calls that the live release has ended, and what it does is compared and thrown away.
//!
//! Invariant: a shadow run reads the snapshot that the live run read, with its time and randomness, gets the answers that
//! it got of other services, and reaches nothing. No live call waits for one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Val;

use super::answer::Answer;
use super::compare::{Ran, difference};
use super::derive::Seed;
use super::execute::Call;
use super::nested::Made;
use super::replay::Replay;
use super::routing::Share;
use super::table::Backend;
use crate::clock;
use crate::contract::Function;
use crate::limits::SHADOW_DIFFERENCES_MAX;
use crate::names::{Identity, RequestId, ServiceName};
use crate::observe::ShadowReport;
use crate::runtime::{Failure, Finished, Frame};
use crate::store::{Effects, PinnedSnapshot};
use crate::tasks::Tasks;

/// A candidate that runs in shadow.
#[derive(Debug)]
pub struct Shadow {
    backend: Backend,
    share: Share,
    runs: Arc<Semaphore>,
    report: Mutex<ShadowReport>,
    tasks: Tasks,
}

impl Shadow {
    /// `backend` is the candidate. It runs `share` of the calls, at most `runs_max` at once, in `tasks`.
    #[must_use]
    pub fn new(backend: Backend, share: Share, runs_max: usize, tasks: Tasks) -> Arc<Self> {
        let runs = Arc::new(Semaphore::new(runs_max));
        let report = Mutex::new(ShadowReport::default());
        Arc::new(Self { backend, share, runs, report, tasks })
    }

    #[must_use]
    pub fn share(&self) -> Share {
        self.share
    }

    /// What was compared until now.
    #[must_use]
    pub fn report(&self) -> ShadowReport {
        self.lock().clone()
    }

    pub(super) fn service(&self) -> &ServiceName {
        self.backend.service.name()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ShadowReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the call with this seed is to be run again by the candidate; a call for which there is no room is not.
    fn take(self: &Arc<Self>, seed: &Seed) -> Option<Watch> {
        if !self.share.takes(self.service(), &self.backend.release.digest, seed) {
            return None;
        }
        // Live calls that wait need the CPU more.
        let crowded = self.backend.service.figures_waiting() > 0;
        match Arc::clone(&self.runs).try_acquire_owned() {
            Ok(run) if !crowded => Some(Watch { shadow: Arc::clone(self), run }),
            _ => {
                self.lock().dropped += 1;
                None
            }
        }
    }
}

/// A live call that the candidate is going to run as well.
#[derive(Debug)]
pub(super) struct Watch {
    shadow: Arc<Shadow>,
    run: OwnedSemaphorePermit,
}

/// What a live run read and did.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) snapshot: Option<PinnedSnapshot>,
    pub(super) effects: Effects,
}

/// All that it takes to run a call again.
struct Again {
    function: Arc<Function>,
    arguments: Arc<[Val]>,
    identity: Option<Identity>,
    calling_service: Option<ServiceName>,
    seed: Seed,
    time_unix_micros: u64,
    request: RequestId,
    snapshot: PinnedSnapshot,
    made: Vec<Made>,
    live: Ran,
}

impl Call {
    /// Whether a candidate runs this call in shadow when it has ended.
    pub(super) fn watch(&self) -> Option<Watch> {
        self.root.table.shadow(self.backend.service.name())?.take(&self.seed)
    }
}

impl Watch {
    /// Has the candidate run `call`, which has ended with `answer`.
    pub(super) fn compare(self, call: &Call, answer: &Answer, recorded: Recorded, made: Option<Vec<Made>>) {
        let Self { shadow, run } = self;
        // Without all that the live run saw, nothing could be compared.
        let (Some(snapshot), Some(made)) = (recorded.snapshot, made) else {
            shadow.lock().dropped += 1;
            return;
        };
        let again = Again {
            function: Arc::clone(&call.function),
            arguments: Arc::clone(&call.arguments),
            identity: call.root.identity.clone(),
            calling_service: call.calling_service.clone(),
            seed: call.seed,
            time_unix_micros: call.root.time_unix_micros,
            request: call.root.request.clone(),
            snapshot,
            made,
            live: Ran { answer: answer.clone(), effects: recorded.effects },
        };
        shadow.tasks.clone().spawn("shadow run", async move {
            shadow.run(again).await;
            drop(run);
        });
    }
}

impl Shadow {
    async fn run(&self, again: Again) {
        let Some(transaction) = again.snapshot.rehearse() else {
            self.lock().dropped += 1;
            return;
        };
        let deadline = clock::now() + Duration::from_millis(self.backend.service.limits.deadline_ms);
        let frame = Frame {
            transaction,
            identity: again.identity,
            calling_service: again.calling_service,
            seed: again.seed,
            time_unix_micros: again.time_unix_micros,
            deadline,
            outbound: Box::new(Replay::new(again.seed, again.made)),
            request: again.request,
        };
        let Some(program) = self.backend.release.program.contract() else { return };
        let Finished { result, transaction, outbound } = program.run(&again.function, &again.arguments, frame).await;
        if matches!(result, Err(Failure::Slots { .. })) {
            // The host had no room, which says nothing about the candidate.
            self.lock().dropped += 1;
            return;
        }
        let candidate = result
            .map(|result| Ran { answer: Answer::of(&again.function, result), effects: transaction.into_effects() });
        let parted = Replay::of(outbound).and_then(Replay::parted);
        let difference = difference(&again.function, &again.live, candidate, parted);
        self.lock().compared(&again.function.name.wit, difference, SHADOW_DIFFERENCES_MAX);
    }
}
